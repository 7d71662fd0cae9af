"""The forms in which correct code computes activations, losses and their derivatives.

Each is a function of an `Adversary` and of rows of Arb numbers. Beside them stands the exact
result, by its formula. A form that is to be covered by the balls is one entry in a table.
"""

from __future__ import annotations

from collections.abc import Callable

from flint import arb

from backproof.mathematics import functions
from backproof.mathematics.functions import Activation
from backproof.mathematics.losses.inner_product import COEFFICIENT
from tests.mathematics.arithmetic import ball_gelu as gelu
from tests.mathematics.arithmetic import ball_rectifiers as rectifiers
from tests.mathematics.arithmetic import ball_units as units
from tests.mathematics.arithmetic.adversary import ONE, ZERO, Adversary, Row, elementwise
from tests.mathematics.arithmetic.ball_rectifiers import logistic, products, softplus

Forward = Callable[[Adversary, Row], Row]  # of z
Pull = Callable[[Adversary, Row, Row, Row], Row]  # of z, a and the cotangent g
LossRow = Callable[[Adversary, Row, Row, Row], Row]  # of z, a and the targets y


# Activations with the fields that they are tested with, by the names of the tables.
FUNCTIONS: dict[str, Activation] = {
    **{name: functions.named(name) for name in ("linear", "relu", "sigmoid", "softmax", "tanh")},
    **rectifiers.FUNCTIONS,
    **gelu.FUNCTIONS,
    **units.FUNCTIONS,
}
NAMES = {function: name for name, function in FUNCTIONS.items()}

# --- exact results -----------------------------------------------------------------------------


def dot(a: Row, b: Row) -> arb:
    return sum(map(arb.__mul__, a, b), ZERO)


def softmax(z: Row) -> Row:
    powers = [x.exp() for x in z]
    total = sum(powers, ZERO)
    return [power / total for power in powers]


def softmax_cotangent(z: Row, g: Row) -> Row:
    p = softmax(z)
    centre = dot(p, g)
    return [a * (x - centre) for a, x in zip(p, g, strict=True)]


EXACT: dict[str, Callable[[Row], Row]] = {
    "linear": list,
    "relu": lambda z: [x.max(ZERO) for x in z],
    "sigmoid": lambda z: list(map(logistic, z)),
    "softmax": softmax,
    "tanh": lambda z: [x.tanh() for x in z],
    **rectifiers.EXACT,
    **gelu.EXACT,
    **units.EXACT,
}
EXACT_PULL: dict[str, Callable[[Row, Row], Row]] = {
    "linear": lambda z, g: g,
    "relu": products(lambda z: ONE if z > 0 else ZERO),
    "sigmoid": products(lambda z: logistic(z) * logistic(-z)),
    "softmax": softmax_cotangent,
    "tanh": products(lambda z: z.sech() ** 2),
    **rectifiers.EXACT_PULL,
    **gelu.EXACT_PULL,
    **units.EXACT_PULL,
}


def exactly_smoothed(name: str, y: Row) -> Row:
    """Targets with the usual share, 0.1, spread over all classes."""
    classes = 2 if name == "binary_cross_entropy" else len(y)
    return [t * (1 - arb(0.1)) + arb(0.1) / classes for t in y]


def smoothed(name: str, m: Adversary, y: Row) -> Row:
    """The same, in one form or another."""
    classes = 2 if name == "binary_cross_entropy" else len(y)
    share = m.coefficient(arb(0.1), 1)
    added = m.divide(share, arb(classes))
    if m.random.random() < 0.5:
        return [m.add(m.multiply(t, m.subtract(ONE, share)), added) for t in y]
    return [m.add(m.multiply(t, m.coefficient(1 - arb(0.1), 1)), added) for t in y]


def huber(d: arb) -> arb:
    """With delta = 1."""
    return d * d / 2 if abs(d) <= 1 else abs(d) - arb(0.5)


def focal_parts(x: arb, t: arb) -> tuple[arb, arb, arb, arb]:
    """With gamma = 2 and alpha = 0.25: w, 1 − p, the cross-entropy, and its derivative."""
    a, rest = logistic(x), logistic(-x)
    weight = t / 4 + arb(0.75) * (1 - t)
    return weight, t * rest + (1 - t) * a, softplus(x) - t * x, a - t


def focal(x: arb, t: arb) -> arb:
    weight, missed, entropy, _ = focal_parts(x, t)
    return weight * missed**2 * entropy


def focal_slope(x: arb, t: arb) -> arb:
    weight, missed, entropy, error = focal_parts(x, t)
    through = 2 * missed * (1 - 2 * t) * logistic(x) * logistic(-x) * entropy
    return weight * (missed**2 * error + through)


EXACT_LOSS: dict[str, Callable[[Row, Row, Row], Row]] = {
    "binary_cross_entropy": lambda z, a, y: [
        softplus(x) - t * x for x, t in zip(z, y, strict=True)
    ],
    "categorical_cross_entropy": lambda z, a, y: [
        sum((x.exp() for x in z), ZERO).log() - dot(y, z)
    ],
    "focal": lambda z, a, y: list(map(focal, z, y)),
    "hinge": lambda z, a, y: [(1 - p * t).max(ZERO) for p, t in zip(a, y, strict=True)],
    "squared_error": lambda z, a, y: [(p - t) ** 2 for p, t in zip(a, y, strict=True)],
    "inner_product": lambda z, a, y: list(map(arb.__mul__, a, y)),
    "absolute_error": lambda z, a, y: [abs(p - t) for p, t in zip(a, y, strict=True)],
    "huber": lambda z, a, y: [huber(p - t) for p, t in zip(a, y, strict=True)],
}
EXACT_LOSS |= {
    f"smoothed_{name}": lambda z, a, y, name=name: EXACT_LOSS[name](z, a, exactly_smoothed(name, y))
    for name in ("binary_cross_entropy", "categorical_cross_entropy")
}
EXACT_SLOPE: dict[str, Callable[[Row, Row, Row], Row]] = {
    "binary_cross_entropy": lambda z, a, y: list(map(arb.__sub__, map(logistic, z), y)),
    "categorical_cross_entropy": lambda z, a, y: list(map(arb.__sub__, softmax(z), y)),
    "focal": lambda z, a, y: list(map(focal_slope, z, y)),
    "hinge": lambda z, a, y: [-t if p * t < 1 else ZERO for p, t in zip(a, y, strict=True)],
    "squared_error": lambda z, a, y: [2 * (p - t) for p, t in zip(a, y, strict=True)],
    "inner_product": lambda z, a, y: y,
    "absolute_error": lambda z, a, y: [(p - t).sgn() for p, t in zip(a, y, strict=True)],
    "huber": lambda z, a, y: [(p - t).max(-ONE).min(ONE) for p, t in zip(a, y, strict=True)],
}
EXACT_SLOPE |= {
    f"smoothed_{name}": lambda z, a, y, name=name: EXACT_SLOPE[name](
        z, a, exactly_smoothed(name, y)
    )
    for name in ("binary_cross_entropy", "categorical_cross_entropy")
}


# --- activations -------------------------------------------------------------------------------


def sigmoid_of_exp(m: Adversary, z: arb) -> arb:
    """1/(1 + e^−z), and e^z/(1 + e^z) for negative z."""
    e = m.exp(-abs(z))
    return m.divide(ONE if z > 0 else e, m.add(ONE, e))


def log_sum_exp(m: Adversary, z: Row) -> tuple[arb, arb]:
    """The largest, and log Σ exp(z − largest)."""
    top = max(z, key=float)
    return top, m.log(m.total([m.exp(m.subtract(x, top)) for x in z]))


def log_softmax(m: Adversary, z: Row) -> Row:
    """(z − max) − log Σ, or z − (max + log Σ)."""
    top, log_total = log_sum_exp(m, z)
    if m.random.random() < 0.5:
        return [m.subtract(m.subtract(x, top), log_total) for x in z]
    whole = m.add(top, log_total)
    return [m.subtract(x, whole) for x in z]


def softmax_of_quotients(m: Adversary, z: Row) -> Row:
    top = max(z, key=float)
    powers = [m.exp(m.subtract(x, top)) for x in z]
    total = m.total(powers)
    return [m.divide(power, total) for power in powers]


def softmax_of_logs(m: Adversary, z: Row) -> Row:
    return [m.exp(x) for x in log_softmax(m, z)]


FORMS: dict[str, dict[str, Forward]] = {
    "linear": {"z": lambda m, z: z},
    "relu": {"max": lambda m, z: EXACT["relu"](z)},
    "sigmoid": {
        "whole": elementwise(lambda m, z: m.call("sigmoid", logistic(z))),
        "of exp": elementwise(sigmoid_of_exp),
    },
    "softmax": {
        "whole": lambda m, z: [m.call("softmax", p) for p in softmax(z)],
        "of quotients": softmax_of_quotients,
        "of logs": softmax_of_logs,
    },
    "tanh": {"whole": elementwise(lambda m, z: m.call("tanh", z.tanh()))},
    **rectifiers.FORMS,
    **gelu.FORMS,
    **units.FORMS,
}


# --- derivatives of activations ----------------------------------------------------------------


def sigmoid_slope_of_exp(m: Adversary, z: arb, a: arb, g: arb) -> arb:
    """g·e/(1 + e)² with e = e^−|z|."""
    e = m.exp(-abs(z))
    below = m.add(ONE, e)
    return m.multiply(g, m.divide(e, m.multiply(below, below)))


def softmax_centred(m: Adversary, z: Row, a: Row, g: Row) -> Row:
    """a·(g − Σ a·g), as TensorFlow and JAX have it."""
    centre = m.dot(a, g)
    return [m.multiply(p, m.subtract(x, centre)) for p, x in zip(a, g, strict=True)]


def softmax_expanded(m: Adversary, z: Row, a: Row, g: Row) -> Row:
    """a·g − a·Σ a·g, as the Jacobian has it."""
    weighted = list(map(m.multiply, a, g))
    centre = m.total(weighted)
    return [m.subtract(w, m.multiply(p, centre)) for w, p in zip(weighted, a, strict=True)]


PULLS: dict[str, dict[str, Pull]] = {
    "linear": {"g": lambda m, z, a, g: g},
    "relu": {
        "where z > 0": elementwise(lambda m, z, a, g: g if z > 0 else ZERO),
        "where a > 0": elementwise(lambda m, z, a, g: g if a > 0 else ZERO),
    },
    "sigmoid": {
        "a(1 - a)": elementwise(lambda m, z, a, g: m.product(g, a, m.subtract(ONE, a))),
        "a - a²": elementwise(lambda m, z, a, g: m.multiply(g, m.subtract(a, m.multiply(a, a)))),
        "f(z)f(-z)": elementwise(
            lambda m, z, a, g: m.product(
                g, m.call("sigmoid", logistic(z)), m.call("sigmoid", logistic(-z))
            )
        ),
        "of exp": elementwise(sigmoid_slope_of_exp),
    },
    "softmax": {"centred": softmax_centred, "expanded": softmax_expanded},
    "tanh": {
        "1 - a²": elementwise(lambda m, z, a, g: m.multiply(g, m.subtract(ONE, m.multiply(a, a)))),
        "(1 - a)(1 + a)": elementwise(
            lambda m, z, a, g: m.multiply(g, m.multiply(m.subtract(ONE, a), m.add(ONE, a)))
        ),
    },
    **rectifiers.PULLS,
    **gelu.PULLS,
    **units.PULLS,
}


# --- losses ------------------------------------------------------------------------------------


def binary_stable(m: Adversary, z: arb, a: arb, y: arb) -> arb:
    """max(z, 0) − y·z + log1p(e^−|z|), as TensorFlow has it."""
    tail = m.log1p(m.exp(-abs(z)))
    return m.add(m.subtract(z.max(ZERO), m.multiply(y, z)), tail)


def binary_of_log_sigmoid(m: Adversary, z: arb, a: arb, y: arb) -> arb:
    """(1 − y)·z − log σ(z) with log σ(z) = min(z, 0) − log1p(e^−|z|), as PyTorch has it."""
    log_sigmoid = m.subtract(z.min(ZERO), m.log1p(m.exp(-abs(z))))
    return m.subtract(m.multiply(m.subtract(ONE, y), z), log_sigmoid)


def binary_terms(m: Adversary, z: arb, a: arb, y: arb) -> Row:
    """y·softplus(−z) and (1 − y)·softplus(z): −y·log σ(z) and −(1 − y)·log σ(−z)."""
    one, other = m.call("softplus", softplus(-z)), m.call("softplus", softplus(z))
    return [m.multiply(y, one), m.multiply(m.subtract(ONE, y), other)]


def binary_two_sided(m: Adversary, z: arb, a: arb, y: arb) -> arb:
    return m.add(*binary_terms(m, z, a, y))


def binary_slope_stable(m: Adversary, z: arb, a: arb, y: arb) -> arb:
    """[z > 0] − y − sign(z)·e/(1 + e) with e = e^−|z|, as TensorFlow differentiates it."""
    e = m.exp(-abs(z))
    tail = m.divide(e, m.add(ONE, e))
    above = z > 0
    return m.add(m.subtract(ONE if above else ZERO, y), -tail if above else tail)


def categorical_terms(m: Adversary, z: Row, a: Row, y: Row) -> Row:
    """−y·log softmax(z) of each class."""
    return [m.multiply(t, -x) for t, x in zip(y, log_softmax(m, z), strict=True)]


def categorical_of_logs(m: Adversary, z: Row, a: Row, y: Row) -> Row:
    """−Σ y·log softmax(z)."""
    return [-m.dot(y, log_softmax(m, z))]


def categorical_split(m: Adversary, z: Row, a: Row, y: Row) -> Row:
    """(max + log Σ) − Σ y·z."""
    return [m.subtract(m.add(*log_sum_exp(m, z)), m.dot(y, z))]


def categorical_shifted(m: Adversary, z: Row, a: Row, y: Row) -> Row:
    """log Σ − Σ y·(z − max)."""
    top, log_total = log_sum_exp(m, z)
    return [m.subtract(log_total, m.dot(y, [m.subtract(x, top) for x in z]))]


def categorical_slope_weighted(m: Adversary, z: Row, a: Row, y: Row) -> Row:
    """p·Σy − y, as PyTorch differentiates targets that are probabilities."""
    weight = m.total(y)
    return [m.subtract(m.multiply(p, weight), t) for p, t in zip(a, y, strict=True)]


def square(m: Adversary, z: arb, a: arb, y: arb) -> arb:
    difference = m.subtract(a, y)
    return m.multiply(difference, difference)


def huber_rows(m: Adversary, z: arb, a: arb, y: arb) -> arb:
    """½d², or |d| − ½."""
    d = m.subtract(a, y)
    return m.multiply(d, d) / 2 if abs(d) <= 1 else m.subtract(abs(d), arb(0.5))


def huber_of_part(m: Adversary, z: arb, a: arb, y: arb) -> arb:
    """q·(|d| − ½q) of the part q up to 1."""
    size = abs(m.subtract(a, y))
    part = size.min(ONE)
    return m.multiply(part, m.subtract(size, part / 2))


def focal_of(m: Adversary, a: arb, y: arb) -> tuple[arb, arb, arb]:
    """w, p and 1 − p as torchvision has them."""
    p = m.add(m.multiply(a, y), m.multiply(m.subtract(ONE, a), m.subtract(ONE, y)))
    weight = m.add(y / 4, m.multiply(arb(0.75), m.subtract(ONE, y)))
    return weight, p, m.subtract(ONE, p)


def squared(m: Adversary, x: arb) -> arb:
    """A product, or a power of six ulps."""
    return m.multiply(x, x) if m.random.random() < 0.5 else m.rounded(x * x, 12 * m.unit)


def focal_rows(m: Adversary, z: arb, a: arb, y: arb) -> arb:
    weight, _, missed = focal_of(m, a, y)
    form = m.random.choice((binary_stable, binary_of_log_sigmoid, binary_two_sided))
    return m.product(form(m, z, a, y), squared(m, missed), weight)


def focal_by_parts(m: Adversary, z: arb, a: arb, y: arb) -> arb:
    """As automatic differentiation has it."""
    weight, _, missed = focal_of(m, a, y)
    own = m.multiply(squared(m, missed), m.subtract(a, y))
    slope = m.multiply(a, m.subtract(ONE, a))
    moved = m.subtract(m.multiply(slope, y), m.multiply(slope, m.subtract(ONE, y)))
    through = m.product(binary_stable(m, z, a, y), 2 * missed, moved)
    return m.multiply(weight, m.subtract(own, through))


LOSSES: dict[str, dict[str, LossRow]] = {
    "binary_cross_entropy": {
        "softplus(z) - yz": elementwise(
            lambda m, z, a, y: m.subtract(m.call("softplus", softplus(z)), m.multiply(y, z))
        ),
        "stable": elementwise(binary_stable),
        "of log sigmoid": elementwise(binary_of_log_sigmoid),
        "two-sided": elementwise(binary_two_sided),
    },
    "categorical_cross_entropy": {
        "of logs": categorical_of_logs,
        "split": categorical_split,
        "shifted": categorical_shifted,
    },
    "focal": {"by p": elementwise(focal_rows)},
    "hinge": {"max(1 - ya, 0)": elementwise(lambda m, z, a, y: m.subtract(ONE, y * a).max(ZERO))},
    "squared_error": {"(a - y)²": elementwise(square)},
    "inner_product": {
        # Each is charged what the coefficient of the loss may round.
        "ay": elementwise(lambda m, z, a, y: m.coefficient(m.multiply(a, y), COEFFICIENT))
    },
    "absolute_error": {"|a - y|": elementwise(lambda m, z, a, y: abs(m.subtract(a, y)))},
    "huber": {"two formulas": elementwise(huber_rows), "of a part": elementwise(huber_of_part)},
}
SLOPES: dict[str, dict[str, LossRow]] = {
    "binary_cross_entropy": {
        "a - y": elementwise(lambda m, z, a, y: m.subtract(a, y)),
        "stable": elementwise(binary_slope_stable),
        "two-sided": elementwise(
            lambda m, z, a, y: m.subtract(
                m.multiply(m.subtract(ONE, y), a), m.multiply(y, m.subtract(ONE, a))
            )
        ),
    },
    "categorical_cross_entropy": {
        "p - y": elementwise(lambda m, z, a, y: m.subtract(a, y)),
        "pΣy - y": categorical_slope_weighted,
    },
    "focal": {"by parts": elementwise(focal_by_parts)},
    "hinge": {
        "where 1 - ya > 0": elementwise(
            lambda m, z, a, y: -y if m.subtract(ONE, y * a) > 0 else ZERO
        ),
        "where ya < 1": elementwise(lambda m, z, a, y: -y if y * a < 1 else ZERO),
    },
    "squared_error": {"2(a - y)": elementwise(lambda m, z, a, y: 2 * m.subtract(a, y))},
    "inner_product": {"y": lambda m, z, a, y: y},
    "absolute_error": {"sign": elementwise(lambda m, z, a, y: m.subtract(a, y).sgn())},
    "huber": {
        "cut off": elementwise(lambda m, z, a, y: m.subtract(a, y).max(-ONE).min(ONE)),
    },
}
for _name in ("binary_cross_entropy", "categorical_cross_entropy"):
    for _table in (LOSSES, SLOPES):
        _table[f"smoothed_{_name}"] = {
            form: lambda m, z, a, y, name=_name, loss=loss: loss(m, z, a, smoothed(name, m, y))
            for form, loss in _table[_name].items()
        }
