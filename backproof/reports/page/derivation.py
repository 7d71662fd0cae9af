"""The derivation of a network as a notebook shows it: folded, its formulas as MathML."""

from __future__ import annotations

import re

from markupsafe import Markup, escape

from backproof.mathematics.derivation.derivation import derived
from backproof.mathematics.network.network import Network
from backproof.reports.page.mathml import mathml

# What stands in a paragraph beside its words: a formula, or what is bold.
INLINE = re.compile(r"\$(?P<formula>[^$]+)\$|\*\*(?P<bold>[^*]+)\*\*")


def fragment(network: Network) -> Markup:
    """Forward pass, loss, and the gradients by hand, of the text that `backproof explain` prints.

    Its name and its table are left out: the notebook has its own.
    """
    sections = derived(network).strip().split("\n\n")[2:]
    shown = Markup("\n").join(section(each) for each in sections)
    return Markup(
        "<details><summary>Derivation of its gradients</summary>\n{}\n</details>\n"
    ).format(shown)


def section(text: str) -> Markup:
    """A heading, a formula on a line of its own, or a paragraph."""
    if text.startswith("## "):
        return Markup("<h4>{}</h4>").format(text.removeprefix("## "))
    if text.startswith("$$"):
        formula = mathml(text.strip("$\n"), block=True)
        return Markup("<div style='overflow-x:auto'>{}</div>").format(formula)
    return Markup("<p>{}</p>").format(paragraph(text))


def paragraph(text: str) -> Markup:
    """Words, with the formulas among them."""
    parts, end = [], 0
    for found in INLINE.finditer(text):
        parts.append(escape(text[end : found.start()]))
        if found["formula"]:
            parts.append(mathml(found["formula"]))
        else:
            parts.append(Markup("<b>{}</b>").format(found["bold"]))
        end = found.end()
    return Markup("").join([*parts, escape(text[end:])])
