"""Formulas for a browser: every one that the derivations write, and nothing that is not known."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from backproof.mathematics.derivation.derivation import derived
from backproof.mathematics.functions import ACTIVATIONS
from backproof.mathematics.losses import PARTS
from backproof.reports.page.mathml import mathml
from backproof.reports.page.words import defined, formula
from tests.mathematics.derivation.test_derivation import NETWORKS
from tests.mathematics.derivation.test_derivation import OPTIMIZERS as STEPS
from tests.mathematics.layers.around import cases
from tests.mathematics.layers.around import network as around
from tests.reports.page.planted import NETWORK, OPTIMIZER


def every_formula() -> set[str]:
    """Of networks, of every kind of layer, of every activation, loss and optimizer."""
    networks = [*NETWORKS, *(around(case) for case in cases())]
    texts = [derived(network) for network in networks]
    found = {each for text in texts for each in re.findall(r"\$\$\n(.*?)\n\$\$", text)}
    found |= {each for part in ACTIVATIONS.names() for each in ACTIVATIONS.get(part)().latex()}
    found |= {each for optimizer in STEPS for each in optimizer.latex()}
    for name in PARTS.names():
        found |= {each for each in PARTS.get(name)().latex() if each}
    return found


def test_every_formula_of_a_derivation_is_written():
    formulas = every_formula()
    assert len(formulas) > 100
    for latex in formulas:
        written = mathml(latex)
        assert written.startswith("<math>"), latex
        root = ElementTree.fromstring(written)
        assert "\\" not in "".join(root.itertext()), latex
        for each in root.iter():  # each has as many parts as browsers want
            wanted = {"mfrac": 2, "msub": 2, "msup": 2, "msubsup": 3, "mover": 2, "msqrt": 1}
            assert len(each) == wanted.get(each.tag, len(each)), latex


@pytest.mark.parametrize("latex", [r"\input{x}", r"\frac{1}", "{1", r"\mathrm x", "<b>^", r"a_"])
def test_what_is_not_known_is_shown_as_it_is(latex):
    written = mathml(latex)
    assert written.startswith("<code>")
    assert "<b>" not in written


def test_signs_that_html_takes_for_its_own_are_escaped():
    assert "<mo>&lt;</mo>" in mathml("x < y")


def test_words_keep_their_spaces():
    assert "<mtext>with the rate</mtext>" in mathml(r"\text{with the rate}")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("δ_k = f_k′(z_k)", "δ<sub>k</sub> = f<sub>k</sub>′(z<sub>k</sub>)"),
        ("W_{k+1}ᵀ", "W<sub>k+1</sub>ᵀ"),
        ("delta_above @ W_above.T", "delta_above @ W<sub>above</sub>.T"),
        ("a < b & dense_1", "a &lt; b &amp; dense_1"),
    ],
)
def test_what_stands_below_is_set_below(text, shown):
    assert formula(text) == shown


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("gradient/dense_1/kernel", 2),
        ("delta/dense_1", 1),
        ("delta/dense_1/bias", 1),
        ("activation/dense_2", 1),
        ("loss", 2),
        ("updated/dense_1/kernel", 1),
        ("accuracy", 0),
        ("parameter_count/dense_1", 0),
    ],
)
def test_the_definition_of_what_is_compared_is_shown(name, count):
    assert len(defined(NETWORK, OPTIMIZER, name)) == count
