"""Random networks, and a plain backpropagation of our own that an `Adversary` computes.

Scalar code over rows of Arb numbers, written from the textbook and not from `definition`: each
output, loss and gradient takes whatever form, order of summation and place for its coefficients
the machine happens to like.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import reduce
from math import frexp, ldexp
from random import Random

import numpy as np
from flint import arb, ctx

from backproof import losses
from backproof.activations import Activation
from backproof.arithmetic.ball import Ball, BallOps
from backproof.arithmetic.certified import Certified, CertifiedOps
from backproof.definition import evaluate, reduction_roundings, step
from backproof.network import Dense, Loss, Network, Penalty
from backproof.optimizers.gradient_descent import GradientDescent
from backproof.parameters import Array, Batch, Parameters
from tests.arithmetic.adversary import ZERO, Adversary, Row, power_of_two
from tests.arithmetic.ball_cases import Rows, flat
from tests.arithmetic.ball_forms import FORMS, FUNCTIONS, LOSSES, NAMES, PULLS, SLOPES

HIDDEN = tuple(FUNCTIONS.values())
HEADS = (
    *(("squared_error", function) for function in HIDDEN),
    *(("hinge", function) for function in HIDDEN[:3]),
    *(("binary_cross_entropy", FUNCTIONS["sigmoid"]),) * 3,
    *(("categorical_cross_entropy", FUNCTIONS["softmax"]),) * 3,
)
PENALTIES = (
    Penalty(),
    Penalty(l2=0.01),
    Penalty(l1=0.003, biases=True),
    Penalty(l2=0.1, l1=0.02, biases=True),
)
OPTIMIZER = GradientDescent(0.3)


def random_network(random: Random) -> Network:
    """One to three layers of up to four units; any activation, loss, reduction and penalty."""
    kind, last = random.choice(HEADS)
    widths = [random.randint(1, 4) for _ in range(random.randint(2, 4))]
    names = [*(random.choice(HIDDEN) for _ in widths[2:]), last]
    layers = [
        Dense(fan_in, fan_out, name, bias=random.random() < 0.7)
        for fan_in, fan_out, name in zip(widths[:-1], widths[1:], names, strict=True)
    ]
    batch, outputs = random.choice(("mean", "sum")), random.choice(("mean", "sum"))
    loss = Loss(kind, batch, outputs, scale=random.choice((1.0, 0.5, 0.7, 3.0)))
    return Network(tuple(layers), loss, random.choice(PENALTIES))


def random_point(network: Network, random: Random, dtype: str) -> tuple[Parameters, Batch]:
    """Parameters and a batch: ordinary or saturated, with zeros among them and zero rows."""
    held = "float32" if dtype == "bfloat16" else dtype
    size, samples = random.choice((0.3, 1.0, 1.0, 8.0, 60.0)), random.randint(1, 5)

    def draw(*shape: int) -> Array:
        drawn = [
            eight_bits(random.gauss(0, size)) * (random.random() < 0.9)
            for _ in range(int(np.prod(shape)))
        ]
        return np.reshape(drawn, shape).astype(held)

    inputs, targets = draw(samples, network.fan_in), draw(samples, network.fan_out)
    if random.random() < 0.2:
        inputs[0] = 0
    if network.loss.kind == "binary_cross_entropy":
        targets = (targets > 0).astype(held)
    if network.loss.kind == "hinge":
        targets = np.where(targets > 0, 1, -1).astype(held)
    if network.loss.kind == "categorical_cross_entropy":
        targets = np.eye(network.fan_out, dtype=held)[targets.argmax(axis=1)]
    parameters = {name: draw(*shape) for name, shape in network.shapes().items()}
    return parameters, Batch(inputs, targets)


def eight_bits(x: float) -> float:
    """The nearest number with eight significant bits, which every dtype holds."""
    mantissa, exponent = frexp(x)
    return ldexp(round(mantissa * 256), exponent - 8)


@contextmanager
def precision(bits: int) -> Iterator[None]:
    """So many bits in Arb for a while."""
    before, ctx.prec = ctx.prec, bits
    try:
        yield
    finally:
        ctx.prec = before


def balls(ops: BallOps, network: Network, parameters: Parameters, batch: Batch) -> dict[str, Ball]:
    """The definition in balls, one training step included."""
    found = evaluate(ops, network, parameters, batch)
    return found | step(ops, network, parameters, found, OPTIMIZER)


def certified(network: Network, parameters: Parameters, batch: Batch) -> dict[str, Certified]:
    """The definition in certified arithmetic, far more exactly than any radius."""
    found = evaluate(CertifiedOps(), network, parameters, batch)
    return found | step(CertifiedOps(), network, parameters, found, OPTIMIZER)


def rows_of(x: Array) -> Rows:
    return [[arb(v) for v in row] for row in np.atleast_2d(x).tolist()]


def turned(rows: Rows) -> Rows:
    return [list(column) for column in zip(*rows, strict=True)]


def backpropagation(
    m: Adversary, network: Network, parameters: Parameters, batch: Batch
) -> dict[str, Row]:
    """All that `evaluate` and `step` name, as the machine ``m`` gets it."""
    weights = {name: rows_of(value) for name, value in parameters.items()}
    targets, found = rows_of(batch.targets), {}
    below, zs, outputs = [rows_of(batch.inputs)], [], []
    for name, layer in network.named_layers():
        columns = turned(weights[f"{name}/kernel"])
        bias = weights[f"{name}/bias"][0] if layer.bias else [ZERO for _ in columns]
        within = m.random.random() < 0.5  # the bias is one of the terms, or added in the end
        z = [
            [
                m.dot(row, column, [b]) if within else m.add(m.dot(row, column), b)
                for column, b in zip(columns, bias, strict=True)
            ]
            for row in below[-1]
        ]
        form = m.random.choice(list(FORMS[NAMES[layer.activation]].values()))
        zs.append(z)
        outputs.append([form(m, row) for row in z])
        below.append(outputs[-1])
        found[f"activation/{name}"] = flat(outputs[-1])

    factors = reduction(m, network, len(targets))
    found["loss"], slopes = head(m, network.loss.kind, factors, zs[-1], outputs[-1], targets)
    early = m.random.random() < 0.5  # the coefficient goes to the slopes, or to the gradients
    delta = scaled(m, factors, slopes) if early else slopes
    if losses.named(network.loss.kind).ACTIVATION is None:
        delta = pulled(m, network.layers[-1].activation, zs[-1], outputs[-1], delta)
    gradients: dict[str, Rows] = {}
    penalties = {name: penalised(m, network, name, weights[name]) for name in network.shapes()}
    # A gradient may start from its penalty's, if the coefficient of the data is in the slopes.
    within = early and m.random.random() < 0.5
    for index in reversed(range(len(network.layers))):
        name = f"dense_{index + 1}"
        added = {
            key: [[terms if within else [] for terms in row] for row in rows]
            for key, (_, rows) in penalties.items()
        }
        gradients[f"{name}/kernel"] = [
            [m.dot(a, d, terms) for d, terms in zip(turned(delta), row, strict=True)]
            for a, row in zip(turned(below[index]), added[f"{name}/kernel"], strict=True)
        ]
        if network.layers[index].bias:
            gradients[f"{name}/bias"] = [
                [
                    m.total([*terms, *column])
                    for column, terms in zip(turned(delta), added[f"{name}/bias"][0], strict=True)
                ]
            ]
        if index:
            back = [[m.dot(d, row) for row in weights[f"{name}/kernel"]] for d in delta]
            under = network.layers[index - 1].activation
            delta = pulled(m, under, zs[index - 1], outputs[index - 1], back)

    rate = [m.coefficient(arb(OPTIMIZER.learning_rate), 1)]
    for name in network.shapes():
        gradient = gradients[name] if early else scaled(m, factors, gradients[name])
        values, slopes = penalties[name]
        found["loss"] += values
        if not within:
            gradient = [
                [reduce(m.add, terms, g) for g, terms in zip(*rows, strict=True)]
                for rows in zip(gradient, slopes, strict=True)
            ]
        found[f"gradient/{name}"] = flat(gradient)
        change = scaled(m, rate, gradient)
        found[f"updated/{name}"] = list(map(m.subtract, flat(weights[name]), flat(change)))
    found["loss"] = [m.total(found["loss"])]
    return found


def reduction(m: Adversary, network: Network, samples: int) -> Row:
    """What values of the loss are multiplied by: one coefficient, or its parts one by one."""
    whole = arb(network.loss.scale) / network.loss.divisor(samples, network.fan_out)
    most = reduction_roundings(network.loss, samples, network.fan_out)
    if whole == 1 or m.random.random() < 0.5:
        return [m.coefficient(whole, m.random.randint(0, max(most - 1, 0)))]
    steps = [arb(network.loss.scale)]
    if network.loss.batch == "mean":
        steps.append(1 / arb(samples))
    if network.loss.divisor(1, network.fan_out) > 1:
        steps.append(1 / arb(network.fan_out))
    return [c if power_of_two(c) else m.coefficient(c, 1) for c in steps]


def head(m: Adversary, kind: str, factors: Row, z: Rows, a: Rows, y: Rows) -> tuple[Row, Rows]:
    """The loss as one term, scaled before or after the sum, or as many; and its derivative."""
    loss, slope = (m.random.choice(list(table[kind].values())) for table in (LOSSES, SLOPES))
    losses = flat([loss(m, *rows) for rows in zip(z, a, y, strict=True)])
    if m.random.random() < 0.5:
        terms = [reduce(m.multiply, factors, m.total(losses))]
    else:
        terms = flat(scaled(m, factors, [losses]))
    return terms, [slope(m, *rows) for rows in zip(z, a, y, strict=True)]


def scaled(m: Adversary, factors: Row, rows: Rows) -> Rows:
    return [[reduce(m.multiply, factors, x) for x in row] for row in rows]


def pulled(m: Adversary, activation: Activation, z: Rows, a: Rows, g: Rows) -> Rows:
    form = m.random.choice(list(PULLS[NAMES[activation]].values()))
    return [form(m, *rows) for rows in zip(z, a, g, strict=True)]


def penalised(
    m: Adversary, network: Network, name: str, weight: Rows
) -> tuple[Row, list[list[Row]]]:
    """The penalty's terms in the loss, and its terms in the gradient of each element."""
    penalty, values = network.penalty, []
    slopes: list[list[Row]] = [[[] for _ in row] for row in weight]
    if not (penalty.biases or name.endswith("kernel")):
        return [], slopes
    flat_weight = flat(weight)
    apart = m.random.random() < 0.5  # each weight is a term of the loss, or their sum is
    for size, value, slope in (
        (penalty.l2, [m.multiply(w, w) for w in flat_weight], lambda w: 2 * w),
        (penalty.l1, list(map(abs, flat_weight)), arb.sgn),
    ):
        if size:
            c = m.coefficient(arb(size), 1)
            values += [m.multiply(c, v) for v in (value if apart else [m.total(value)])]
            for row, terms in zip(weight, slopes, strict=True):
                for w, each in zip(row, terms, strict=True):
                    each.append(m.multiply(c, slope(w)))
    return values, slopes
