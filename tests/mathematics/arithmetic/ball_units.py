"""The forms of swish and mish, and of the units that are cut off, as in `ball_rectifiers`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from flint import arb

from backproof.mathematics import functions
from backproof.mathematics.functions import Activation
from tests.mathematics.arithmetic.adversary import ONE, ZERO, Adversary, Row, elementwise
from tests.mathematics.arithmetic.ball_rectifiers import (
    each,
    logistic,
    logistic_forms,
    products,
    softplus_naive,
    softplus_shifted,
)

# Slope, offset and limit of those that are cut off.
LINES = {
    "relu6": (1.0, 0.0, 6),
    "hard_sigmoid": (1 / 6, 0.5, 1),
    "hard_sigmoid flat": (0.2, 0.5, 1),
}
FUNCTIONS: dict[str, Activation] = {
    "swish": functions.named("swish"),
    "mish": functions.named("mish"),
    "relu6": functions.named("relu6"),
    "hard_sigmoid": functions.named("hard_sigmoid"),
    "hard_sigmoid flat": functions.named("hard_sigmoid", slope=0.2),
}

# --- exact results -----------------------------------------------------------------------------


def swish_slope(z: arb) -> arb:
    return logistic(z) * (1 + z * logistic(-z))


def weight(z: arb) -> arb:
    """tanh(softplus(z))."""
    grown = z.exp() * (z.exp() + 2)
    return grown / (grown + 2)


def mish_slope(z: arb) -> arb:
    rest = 2 / (z.exp() * (z.exp() + 2) + 2)
    return weight(z) + z * rest * (1 + weight(z)) * logistic(z)


def line(slope: float, offset: float, top: int, z: arb) -> arb:
    return (arb(slope) * z + arb(offset)).max(ZERO).min(arb(top))


def line_slope(slope: float, offset: float, top: int, z: arb) -> arb:
    t = arb(slope) * z + arb(offset)
    return arb(slope) if t > 0 and t < top else ZERO


EXACT: dict[str, Callable[[Row], Row]] = {
    "swish": each(lambda z: z * logistic(z)),
    "mish": each(lambda z: z * weight(z)),
    **{name: each(partial(line, *made)) for name, made in LINES.items()},
}
EXACT_PULL: dict[str, Callable[[Row, Row], Row]] = {
    "swish": products(swish_slope),
    "mish": products(mish_slope),
    **{name: products(partial(line_slope, *made)) for name, made in LINES.items()},
}

# --- values ------------------------------------------------------------------------------------


def swish_of_exp(m: Adversary, z: arb) -> arb:
    """z/(1 + e^−z)."""
    return m.divide(z, m.add(ONE, m.exp(-z)))


def weight_of_tanh(m: Adversary, z: arb) -> arb:
    """tanh of a softplus in one of its forms."""
    w = softplus_shifted(m, z) if m.random.random() < 0.5 else softplus_naive(m, z)
    return m.call("tanh", w.tanh())


def weight_of_quotient(m: Adversary, z: arb) -> arb:
    """(e² + 2e)/(e² + 2e + 2), where e² is a number."""
    if z > 30:
        return ONE
    e = m.exp(z)
    grown = m.multiply(e, m.add(e, arb(2)))
    return m.rounded(grown / m.add(grown, arb(2)))  # the reciprocal may underflow


def formed(slope: float, offset: float, top: int, m: Adversary, z: arb) -> arb:
    """slope·z + offset, slope·(z + offset/slope), or that divided; cut off."""
    if slope == 1:
        return line(slope, offset, top, z)
    form = m.random.randrange(3)
    by = m.coefficient(arb(slope), 1)
    if form == 0:
        t = m.add(m.multiply(by, z), arb(offset))
    else:
        shifted = m.add(z, m.coefficient(arb(offset) / arb(slope), 1))
        t = m.multiply(by, shifted) if form == 1 else m.rounded(shifted * arb(slope))
    return t.max(ZERO).min(arb(top))


FORMS: dict[str, dict[str, Callable[[Adversary, Row], Row]]] = {
    "swish": {
        "z·σ": elementwise(lambda m, z: m.multiply(z, logistic_forms(m, z))),
        "of exp": elementwise(swish_of_exp),
    },
    "mish": {
        "of tanh": elementwise(lambda m, z: m.multiply(z, weight_of_tanh(m, z))),
        "of a quotient": elementwise(lambda m, z: m.multiply(z, weight_of_quotient(m, z))),
    },
    **{name: {"a line": elementwise(partial(formed, *made))} for name, made in LINES.items()},
}

# --- derivatives -------------------------------------------------------------------------------


def swish_pull(m: Adversary, z: arb, a: arb, g: arb) -> arb:
    """g·σ·(1 + z·(1 − σ))."""
    s = logistic_forms(m, z)
    return m.product(g, s, m.add(ONE, m.multiply(z, m.subtract(ONE, s))))


def swish_pull_of_a(m: Adversary, z: arb, a: arb, g: arb) -> arb:
    """g·(a + σ·(1 − a))."""
    s = logistic_forms(m, z)
    a = m.multiply(z, s)
    return m.multiply(g, m.add(a, m.multiply(s, m.subtract(ONE, a))))


def swish_pull_of_terms(m: Adversary, z: arb, a: arb, g: arb) -> arb:
    """g·σ + g·z·σ·(1 − σ)."""
    s = logistic_forms(m, z)
    return m.add(m.multiply(g, s), m.product(g, z, s, m.subtract(ONE, s)))


def mish_pull(m: Adversary, z: arb, a: arb, g: arb) -> arb:
    """g·(T + z·(1 − T²)·σ)."""
    t = weight_of_tanh(m, z) if m.random.random() < 0.5 else weight_of_quotient(m, z)
    rest = m.subtract(ONE, m.multiply(t, t))
    return m.multiply(g, m.add(t, m.product(z, rest, logistic_forms(m, z))))


def line_pull(slope: float, offset: float, top: int, m: Adversary, z: arb, a: arb, g: arb) -> arb:
    """By the value that it has itself computed."""
    if not (a > 0 and a < top):
        return ZERO
    if slope == 1:
        return g
    return m.multiply(g, m.coefficient(arb(slope), 1))


PULLS: dict[str, dict[str, Callable[[Adversary, Row, Row, Row], Row]]] = {
    "swish": {
        "σ(1 + z(1 − σ))": elementwise(swish_pull),
        "a + σ(1 − a)": elementwise(swish_pull_of_a),
        "two terms": elementwise(swish_pull_of_terms),
    },
    "mish": {"T + z(1 − T²)σ": elementwise(mish_pull)},
    **{name: {"where 0 < a < top": elementwise(partial(line_pull, *made))}
       for name, made in LINES.items()},
}  # fmt: skip
