"""The forms of the leaky, exponential and smooth rectifiers, as in `ball_forms`.

`FUNCTIONS` has each with the fields that it is tested with, by the names of all tables.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from flint import arb, ctx

from backproof.mathematics import functions
from backproof.mathematics.functions import Activation
from tests.mathematics.arithmetic.adversary import ONE, ZERO, Adversary, Row, elementwise

Element = Callable[[Adversary, arb], arb]
Slope = Callable[[Adversary, arb, arb], arb]  # of z and a
Parts = tuple[arb, ...]  # a coefficient, or those whose product it is

LEAKY = {"leaky_relu": 0.3, "leaky_relu steep": 1.7, "leaky_relu flipped": -0.5}


def sharply(make: Callable[[], arb]) -> arb:
    """A constant that is no number of any dtype, far more exactly than any test computes."""
    before, ctx.prec = ctx.prec, 2000
    made = make()
    ctx.prec = before
    return made


ALPHA = sharply(lambda: arb("1.6732632423543772848170429916717"))
SCALE = sharply(lambda: arb("1.0507009873554804934193349852946"))
# The slopes of an exponential linear unit at the right of 0 and at the left.
ELU: dict[str, tuple[Parts, Parts]] = {
    "elu": ((), (ONE,)),
    "elu bent": ((), (arb(0.3),)),
    "elu steep": ((), (arb(1.7),)),
    "selu": ((SCALE,), (SCALE, ALPHA)),
}
FUNCTIONS: dict[str, Activation] = {
    **{name: functions.named("leaky_relu", alpha=alpha) for name, alpha in LEAKY.items()},
    "elu": functions.named("elu"),
    "elu bent": functions.named("elu", alpha=0.3),
    "elu steep": functions.named("elu", alpha=1.7),
    "selu": functions.named("selu"),
    "softplus": functions.named("softplus"),
}

# --- exact results -----------------------------------------------------------------------------


def logistic(z: arb) -> arb:
    return 1 / (1 + (-z).exp())


def softplus(z: arb) -> arb:
    return z.max(ZERO) + (-abs(z)).exp().log1p()


def whole(parts: Parts) -> arb:
    product = ONE
    for part in parts:
        product *= part
    return product


def products(slope: Callable[[arb], arb]) -> Callable[[Row, Row], Row]:
    return lambda z, g: [x * slope(t) for t, x in zip(z, g, strict=True)]


def each(function: Callable[[arb], arb]) -> Callable[[Row], Row]:
    return lambda z: list(map(function, z))


def leaky(alpha: float, z: arb) -> arb:
    return z if z > 0 else arb(alpha) * z


def elu(right: arb, left: arb, z: arb) -> arb:
    return right * z if z > 0 else left * z.expm1()


def elu_slope(right: arb, left: arb, z: arb) -> arb:
    return right if z > 0 else left * z.exp()


EXACT: dict[str, Callable[[Row], Row]] = {
    **{name: each(partial(leaky, alpha)) for name, alpha in LEAKY.items()},
    **{name: each(partial(elu, *map(whole, parts))) for name, parts in ELU.items()},
    "softplus": each(softplus),
}
EXACT_PULL: dict[str, Callable[[Row, Row], Row]] = {
    **{
        name: products(lambda z, alpha=alpha: ONE if z > 0 else arb(alpha))
        for name, alpha in LEAKY.items()
    },
    **{name: products(partial(elu_slope, *map(whole, parts))) for name, parts in ELU.items()},
    "softplus": products(logistic),
}

# --- values ------------------------------------------------------------------------------------


def times(m: Adversary, parts: Parts, x: arb) -> arb:
    """A coefficient times x: its parts are held, and multiplied by each other or by x in turn."""
    held = [m.coefficient(part, 1) for part in parts if part != 1]
    return m.product(*held, x) if held else x


def leaky_form(alpha: float, m: Adversary, z: arb) -> arb:
    return z if z > 0 else times(m, (arb(alpha),), z)


def elu_form(below: Element, right: Parts, left: Parts, m: Adversary, z: arb) -> arb:
    return times(m, right, z) if z > 0 else times(m, left, below(m, z))


def elu_expanded(right: Parts, left: Parts, m: Adversary, z: arb) -> arb:
    """left·exp(z) − left."""
    if z > 0:
        return times(m, right, z)
    held = times(m, left, ONE)
    return m.subtract(m.multiply(held, m.exp(z)), held) if z != 0 else ZERO


def exp_less_one(m: Adversary, z: arb) -> arb:
    return m.subtract(m.exp(z), ONE)


def softplus_shifted(m: Adversary, z: arb) -> arb:
    """max(z, 0) + log1p(e^−|z|), as NumPy's and JAX's logaddexp has it."""
    return m.add(z.max(ZERO), m.log1p(m.exp(-abs(z))))


def softplus_naive(m: Adversary, z: arb) -> arb:
    """log(1 + e^z)."""
    return m.log(m.add(ONE, m.exp(z)))


FORMS: dict[str, dict[str, Callable[[Adversary, Row], Row]]] = {
    **{
        name: {"two slopes": elementwise(partial(leaky_form, alpha))}
        for name, alpha in LEAKY.items()
    },
    **{
        name: {
            "of expm1": elementwise(partial(elu_form, Adversary.expm1, *parts)),
            "of exp": elementwise(partial(elu_form, exp_less_one, *parts)),
            "expanded": elementwise(partial(elu_expanded, *parts)),
        }
        for name, parts in ELU.items()
    },
    "softplus": {
        "whole": elementwise(lambda m, z: m.call("log1pexp", softplus(z))),
        "shifted": elementwise(softplus_shifted),
        "log1p of exp": elementwise(lambda m, z: m.log1p(m.exp(z))),
        "naive": elementwise(softplus_naive),
    },
}

# --- derivatives -------------------------------------------------------------------------------


def leaky_pull(alpha: float, m: Adversary, z: arb, a: arb, g: arb) -> arb:
    return g if z > 0 else times(m, (arb(alpha),), g)


def leaky_pull_of_a(alpha: float, m: Adversary, z: arb, a: arb, g: arb) -> arb:
    """By the sign of a, which is that of z for a positive slope."""
    return leaky_pull(alpha, m, a if alpha > 0 else z, a, g)


def elu_pull_of_z(right: Parts, left: Parts, m: Adversary, z: arb, a: arb, g: arb) -> arb:
    """g·left·exp(z), as PyTorch and JAX have it."""
    if z > 0:
        return times(m, right, g)
    return times(m, left, m.multiply(g, m.exp(z)))


def elu_pull_of_a(right: Parts, left: Parts, m: Adversary, z: arb, a: arb, g: arb) -> arb:
    """g·(a + left), a being between −left and 0, but for roundings."""
    if z > 0:
        return times(m, right, g)
    a = a.max(-whole(left) * (1 + 8 * m.unit)).min(ZERO)
    return m.multiply(g, m.add(a, times(m, left, ONE)))


def elu_pull_by_sign(right: Parts, left: Parts, m: Adversary, z: arb, a: arb, g: arb) -> arb:
    """g·(a + left) where a < 0, as TensorFlow has it; at z = 0 what is declared."""
    below = z == 0 or (z < 0 and exp_less_one(m, z) < 0)
    return elu_pull_of_a(right, left, m, -ONE if below else ONE, a, g)


def logistic_forms(m: Adversary, z: arb) -> arb:
    """σ as a function of its own, as 1/(1 + e^−z), or as e^z/(1 + e^z)."""
    form = m.random.randrange(3)
    if form == 0:
        return m.call("sigmoid", logistic(z))
    if form == 1:
        return m.divide(ONE, m.add(ONE, m.exp(-z)))
    e = m.exp(z)
    return m.rounded(e / m.add(ONE, e))  # the reciprocal of 1 + e may underflow


def softplus_pull_of_difference(m: Adversary, z: arb, a: arb, g: arb) -> arb:
    """g·exp(z − a), as JAX has it, with its own a."""
    return m.multiply(g, m.exp(m.subtract(z, softplus_shifted(m, z))))


PULLS: dict[str, dict[str, Callable[[Adversary, Row, Row, Row], Row]]] = {
    **{
        name: {
            "where z > 0": elementwise(partial(leaky_pull, alpha)),
            "where a > 0": elementwise(partial(leaky_pull_of_a, alpha)),
        }
        for name, alpha in LEAKY.items()
    },
    **{
        name: {
            "of z": elementwise(partial(elu_pull_of_z, *parts)),
            "of a": elementwise(partial(elu_pull_of_a, *parts)),
            "by the sign of a": elementwise(partial(elu_pull_by_sign, *parts)),
        }
        for name, parts in ELU.items()
    },
    "softplus": {
        "sigmoid": elementwise(lambda m, z, a, g: m.multiply(g, logistic_forms(m, z))),
        "of z - a": elementwise(softplus_pull_of_difference),
    },
}
