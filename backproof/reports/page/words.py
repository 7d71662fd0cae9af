"""The words of the page: numbers, formulas and probes as a person reads them."""

from __future__ import annotations

import re
from math import inf, isinf, isnan, log10

from markupsafe import Markup, escape

from backproof.mathematics.network.network import Network
from backproof.mathematics.optimizers import Optimizer
from backproof.mathematics.probes.probes import PROBES
from backproof.reports.harmless import one_line
from backproof.reports.page.mathml import mathml

RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
# ``z_k``, ``W_{k+1}``, ``W_above``: a single letter with what stands below it.
LOWERED = re.compile(r"(?<![\w])([^\W\d_]′?)_(?:\{([^{}]*)\}|([^\W_]+))")
# ``the slope is``: the words before the code of a sentence.
WORDS_FIRST = re.compile(r"([a-z ]*:|(?:the )?[a-z ]*\b(?:is|for|by)) (?=\S)")

# What code has and a sentence has not.
CODE = re.compile(r"[*@+/()=]|\w\.\w| - |^-?[\d.]+$")


def number(value: float | None) -> str:
    """Three digits of a number: ``0.0251``, ``4.5·10¹⁴``; a dash where there is none."""
    if value is None or isnan(value):
        return "–"
    if isinf(value):
        return "∞" if value > 0 else "−∞"
    if value == 0 or 1e-3 <= abs(value) < 1e5:
        rounded = float(f"{value:.3g}")
        return (f"{rounded:.0f}" if abs(rounded) >= 100 else f"{rounded:g}").replace("-", "−")
    mantissa, _, exponent = f"{value:.1e}".partition("e")
    raised = str(int(exponent)).translate(RAISED)
    return f"{mantissa.replace('-', '−')}·10{raised}"


def share(value: float | None) -> str:
    """How much of a bound was used: in per cent, and as a multiple where it is exceeded."""
    if value is None:
        return "–"
    if isinf(value):
        return "∞"
    if value > 1:
        return f"{number(value)} ×"
    percent = 100 * value
    return f"{percent:.3g} %" if percent >= 0.1 or not percent else "< 0.1 %"


def digits(power: float | None) -> str:
    """How many leading digits of a tensor's largest element are sure to be right: −log10 power."""
    count = digit_count(power)
    if count is None:
        return "–"
    return "all" if count == inf else f"{count:.1f}"


def digit_count(power: float | None) -> float | None:
    """The same as a number."""
    if power is None:
        return None
    if power == 0:
        return inf
    return max(0.0, -log10(power)) if power < inf else 0.0


def exactly(value: float, dtype: str) -> str:
    """A number with every digit that its dtype has, to be copied into code."""
    return f"{value:.17g}" if dtype == "float64" else f"{value:.9g}"


def beside(value: float, other: float, dtype: str) -> Markup:
    """A number whose digits are told apart: those that the other has too, and the rest."""
    mine, its = exactly(value, dtype), exactly(other, dtype)
    if mine == its:
        return Markup(f"<span class=same>{mine}</span>")
    alike = 0
    if mine.partition("e")[2] == its.partition("e")[2]:  # else no digit has the same place
        while alike < min(len(mine), len(its)) and mine[alike] == its[alike]:
            alike += 1
    return Markup(f"<span class=same>{mine[:alike]}</span><b>{mine[alike:]}</b>")


def formula(text: str) -> Markup:
    """A formula of the catalogue: what stands after ``_`` is set below."""
    parts = LOWERED.sub(
        lambda found: Markup("{}<sub>{}</sub>").format(found[1], found[2] or found[3]),
        str(escape(one_line(text))),
    )
    return Markup(parts)


def parted(sentence: str) -> tuple[str, str]:
    """What stands in code, in its words and its code: ``the slope is``, ``z * (1 - a)``."""
    found = WORDS_FIRST.match(sentence)
    if found is None or not CODE.search(sentence, found.end()):
        return sentence, ""
    return found[1], sentence[found.end() :]


def sentence_of(text: str) -> str:
    """With a capital letter, where it does not begin with a name or a formula."""
    first = text.partition(" ")[0]
    return text[:1].upper() + text[1:] if first.isalpha() and first.islower() else text


def probe(name: str) -> str:
    """What a probe is, in a line; nothing of what is none."""
    make = PROBES.get(name)
    return "" if make is None else (make.__doc__ or "").splitlines()[0]


def defined(network: Network, optimizer: Optimizer, name: str) -> list[Markup]:
    """How the definition computes what has that name, as formulas.

    Beside what is compared, ``delta/dense_1`` is a node's own delta, or a parameter's gradient.
    """
    from backproof.mathematics.derivation.derivation import Derivation

    by_node = Derivation(network)
    quantity, _, tensor = name.partition("/")
    nodes = [each for each in network.nodes if each.name == tensor.partition("/")[0]]
    found: list[str] = []
    if quantity in ("gradient", "delta") and tensor in network.parameters:
        found = [list(by_node.gradients())[list(network.parameters).index(tensor)]]
    if quantity == "delta" and not found:
        found = [by_node.formulas(each).delta for each in nodes]
    elif quantity == "gradient":
        found += [by_node.formulas(each).delta for each in nodes]
    elif quantity == "activation":
        found = [by_node.formulas(each).forward for each in nodes]
    elif quantity == "loss":
        found = [each.strip("$\n") for each in by_node.loss()]
    elif quantity == "updated":
        found = list(optimizer.latex())
    return [mathml(each, block=True) for each in found if each]
