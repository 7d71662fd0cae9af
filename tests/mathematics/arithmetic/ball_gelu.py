"""The forms of the Gaussian error linear unit, exact and with tanh, as in `ball_rectifiers`."""

from __future__ import annotations

from collections.abc import Callable

from flint import arb

from backproof.mathematics import functions
from backproof.mathematics.functions import Activation
from tests.mathematics.arithmetic.adversary import ONE, Adversary, Row, elementwise
from tests.mathematics.arithmetic.ball_rectifiers import Element, each, products, sharply, times

FUNCTIONS: dict[str, Activation] = {
    "gelu": functions.named("gelu"),
    "gelu tanh": functions.named("gelu", approximate=True),
}

# --- exact results -----------------------------------------------------------------------------


def normal(z: arb) -> arb:
    """Φ, the distribution."""
    return (-z / arb(2).sqrt()).erfc() / 2


def density(z: arb) -> arb:
    return (-z * z / 2).exp() / (2 * arb.pi()).sqrt()


ROOT = sharply(lambda: (2 / arb.pi()).sqrt())
CUBIC = sharply(lambda: arb("0.044715"))


def inner(z: arb) -> arb:
    return ROOT * (z + CUBIC * z**3)


def inner_slope(z: arb) -> arb:
    return ROOT * (1 + 3 * CUBIC * z**2)


def gelu_tanh_slope(z: arb) -> arb:
    """Half the derivative of z + z·tanh w."""
    w = inner(z)
    return (1 + w.tanh() + z * inner_slope(z) * w.sech() ** 2) / 2


EXACT: dict[str, Callable[[Row], Row]] = {
    "gelu": each(lambda z: z * normal(z)),
    "gelu tanh": each(lambda z: z * (1 + inner(z).tanh()) / 2),
}
EXACT_PULL: dict[str, Callable[[Row, Row], Row]] = {
    "gelu": products(lambda z: normal(z) + z * density(z)),
    "gelu tanh": products(gelu_tanh_slope),
}

# --- values ------------------------------------------------------------------------------------


def rooted(m: Adversary, z: arb) -> arb:
    """z/√2."""
    return m.divide(z, m.coefficient(arb(2).sqrt(), 1))


def weight_of_erf(m: Adversary, z: arb) -> arb:
    """(1 + erf(z/√2))/2, as TensorFlow and PyTorch have it."""
    t = rooted(m, z)
    return m.add(ONE, m.at(ONE, "erf", t.erf())) / 2


def weight_of_erfc(m: Adversary, z: arb) -> arb:
    """erfc(−z/√2)/2, as JAX has it."""
    t = -rooted(m, z)
    return m.at(ONE.max(t.erfc()), "erfc", t.erfc()) / 2


def cube(m: Adversary, z: arb) -> arb:
    """z·z·z, or one pow that errs by two ulps."""
    return m.product(z, z, z) if m.random.random() < 0.5 else m.rounded(z**3, 4 * m.unit)


def inner_form(m: Adversary, z: arb) -> arb:
    return times(m, (ROOT,), m.add(z, times(m, (CUBIC,), cube(m, z))))


def tanh(m: Adversary, w: arb) -> arb:
    """Exactly ±1 from 20 on."""
    return w.sgn() if abs(w) >= 20 else m.call("tanh", w.tanh())


def weight_of_tanh(m: Adversary, z: arb) -> arb:
    return m.add(ONE, tanh(m, inner_form(m, z))) / 2


def weighted(weight: Element) -> Element:
    return lambda m, z: m.multiply(z, weight(m, z))


def charged_at_argument(function: str, exact: Callable[[arb], arb]) -> Element:
    """Whole, by all that it is charged at the size of z."""
    return lambda m, z: m.at(abs(z), function, exact(z))


FORMS: dict[str, dict[str, Callable[[Adversary, Row], Row]]] = {
    "gelu": {
        "whole": elementwise(charged_at_argument("gelu", lambda z: z * normal(z))),
        "of erf": elementwise(weighted(weight_of_erf)),
        "of erfc": elementwise(weighted(weight_of_erfc)),
    },
    "gelu tanh": {
        "whole": elementwise(
            charged_at_argument("gelu_tanh", lambda z: z * (1 + inner(z).tanh()) / 2)
        ),
        "of tanh": elementwise(weighted(weight_of_tanh)),
    },
}

# --- derivatives -------------------------------------------------------------------------------


def normal_forms(m: Adversary, z: arb) -> arb:
    """Φ in any form."""
    weight = m.random.choice(
        (weight_of_erf, weight_of_erfc, lambda m, z: m.at(ONE, "gelu", normal(z)))
    )
    return weight(m, z)


def bell(m: Adversary, z: arb) -> tuple[arb, list[arb]]:
    """φ, and z with it, as factors to be multiplied."""
    if m.random.random() < 0.5:
        square = -m.multiply(z, z) / 2
    else:
        t = rooted(m, z)
        square = -m.multiply(t, t)
    return m.exp(square), [m.coefficient(1 / (2 * arb.pi()).sqrt(), 2), z]


def gelu_pull(m: Adversary, z: arb, a: arb, g: arb) -> arb:
    """g·(Φ + z·φ), as PyTorch has it."""
    e, others = bell(m, z)
    return m.multiply(g, m.add(normal_forms(m, z), m.product(e, *others)))


def gelu_pull_apart(m: Adversary, z: arb, a: arb, g: arb) -> arb:
    """g·Φ + g·z·φ, as automatic differentiation has it."""
    e, others = bell(m, z)
    return m.add(m.multiply(g, normal_forms(m, z)), m.product(g, e, *others))


def tanh_bell(m: Adversary, z: arb) -> list[arb]:
    """The factors of z·w′·(1 − T²)/2."""
    t = tanh(m, inner_form(m, z))
    if m.random.random() < 0.5:
        rest = m.subtract(ONE, m.multiply(t, t))
    else:
        rest = m.multiply(m.subtract(ONE, t), m.add(ONE, t))
    cubic = times(m, (3 * CUBIC,), m.multiply(z, z))
    return [rest, z / 2, m.coefficient(ROOT, 1), m.add(ONE, cubic)]


def tanh_weight_forms(m: Adversary, z: arb) -> arb:
    """(1 + T)/2 in any form."""
    if m.random.random() < 0.5:
        return weight_of_tanh(m, z)
    return m.at(ONE, "gelu_tanh", (1 + inner(z).tanh()) / 2)


def gelu_tanh_pull(m: Adversary, z: arb, a: arb, g: arb) -> arb:
    return m.multiply(g, m.add(tanh_weight_forms(m, z), m.product(*tanh_bell(m, z))))


def gelu_tanh_pull_apart(m: Adversary, z: arb, a: arb, g: arb) -> arb:
    return m.add(m.multiply(g, tanh_weight_forms(m, z)), m.product(g, *tanh_bell(m, z)))


PULLS: dict[str, dict[str, Callable[[Adversary, Row, Row, Row], Row]]] = {
    "gelu": {"together": elementwise(gelu_pull), "apart": elementwise(gelu_pull_apart)},
    "gelu tanh": {
        "together": elementwise(gelu_tanh_pull),
        "apart": elementwise(gelu_tanh_pull_apart),
    },
}
