"""A notebook shows the derivation of a network: every formula, and no LaTeX that is left."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from backproof.mathematics.derivation.derivation import derived
from backproof.mathematics.network.penalty import Penalty
from backproof.reports.page.derivation import fragment, paragraph
from tests.mathematics.derivation.test_derivation import NETWORKS


@pytest.mark.parametrize("network", NETWORKS, ids=str)
def test_every_formula_is_there_and_readable(network):
    html = str(fragment(network))
    assert html.count("<math display") == derived(network).count("$$") // 2
    assert [each for each in ("\\", "$", "**", "##") if each in html] == []
    assert "<code>" not in html, "a formula that is not known as MathML"
    headings = re.findall("<h4>(.*?)</h4>", html)
    assert headings == ["Forward", "Loss", "Backward", "Gradients"]


def test_another_network_has_another_derivation():
    network = NETWORKS[0]
    other = replace(network, penalty=Penalty(l2=0.125))
    assert fragment(network) in network._repr_html_()
    assert fragment(other) != fragment(network)


def test_words_do_nothing_but_stand_there():
    assert str(paragraph("a < b, **1** and $<$")) == (
        "a &lt; b, <b>1</b> and <math><mrow><mo>&lt;</mo></mrow></math>"
    )
