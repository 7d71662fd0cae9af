"""Random networks, and a plain backpropagation of our own that an `Adversary` computes.

Scalar code over rows of Arb numbers, written from the textbook and not from `definition`: each
output, loss and gradient takes whatever form, order of summation and place for its coefficients
the machine happens to like.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from math import frexp, ldexp
from random import Random
from typing import TypeVar

import numpy as np
from flint import arb, ctx

from backproof.mathematics import losses
from backproof.mathematics.arithmetic.balls.ball import Ball
from backproof.mathematics.arithmetic.balls.operations import BallOps
from backproof.mathematics.arithmetic.certified import CertifiedOps
from backproof.mathematics.arithmetic.certified_values import Certified
from backproof.mathematics.arithmetic.operations import Ops
from backproof.mathematics.arithmetic.rounding.model import Rounding
from backproof.mathematics.definition.evaluate import evaluate
from backproof.mathematics.definition.step import recovered, step
from backproof.mathematics.functions import Activation
from backproof.mathematics.layers.dense import Dense
from backproof.mathematics.network.loss import Loss
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.parameters import Array, Batch, Parameters
from backproof.mathematics.network.penalty import Penalty
from backproof.mathematics.optimizers.gradient_descent import GradientDescent
from tests.mathematics.arithmetic.adversary import ONE, Adversary, Row
from tests.mathematics.arithmetic.ball_cases import Rows, flat
from tests.mathematics.arithmetic.ball_forms import FORMS, FUNCTIONS, NAMES, PULLS, SLOPES
from tests.mathematics.arithmetic.ball_sums import (
    applied,
    coefficient,
    part,
    pulls,
    terms_of,
    turned,
    whole_gradient,
    whole_loss,
)

T = TypeVar("T")

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
    loss = Loss(kind, batch, outputs, scale=random.choice((1.0, 0.5, 0.7, 3.0, 50.0)))
    return Network(tuple(layers), loss, random.choice(PENALTIES))


def random_point(network: Network, random: Random, dtype: str) -> tuple[Parameters, Batch]:
    """Parameters and a batch: ordinary or saturated, with zeros among them and zero rows."""
    held = "float32" if dtype == "bfloat16" else dtype
    root = Rounding.of(dtype).tiny ** 0.5  # products of such numbers underflow
    size, samples = random.choice((0.3, 1.0, 1.0, 8.0, 60.0, root)), random.randint(1, 5)

    def draw(*shape: int) -> Array:
        drawn = [
            eight_bits(random.gauss(0, size)) * (random.random() < 0.9)
            for _ in range(int(np.prod(shape)))
        ]
        return np.reshape(drawn, shape).astype(held)

    spread = np.dtype(held).type(random.choice((1.0, 1.0, 1.0, root)))
    inputs, targets = (spread * draw(samples, n) for n in (network.fan_in, network.fan_out))
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
    """The definition in balls, with one training step and the gradients recovered from it."""
    return whole(ops, network, parameters, batch)


def certified(network: Network, parameters: Parameters, batch: Batch) -> dict[str, Certified]:
    """The same in certified arithmetic, far more exactly than any radius."""
    return whole(CertifiedOps(), network, parameters, batch)


def whole(ops: Ops[T], network: Network, parameters: Parameters, batch: Batch) -> dict[str, T]:
    found = evaluate(ops, network, parameters, batch)
    found |= step(ops, network, parameters, found, OPTIMIZER)
    kept = recovered(ops, network, parameters, found, OPTIMIZER.learning_rate)
    return found | {f"recovered {name}": value for name, value in kept.items()}


def rows_of(x: Array) -> Rows:
    return [[arb(v) for v in row] for row in np.atleast_2d(x).tolist()]


def backpropagation(
    m: Adversary, network: Network, parameters: Parameters, batch: Batch
) -> dict[str, Row]:
    """All that `evaluate`, `step` and `recovered` name, as the machine ``m`` gets it."""
    weights = {name: rows_of(value) for name, value in parameters.items()}
    targets, found = rows_of(batch.targets), {}
    below, zs, outputs = [rows_of(batch.inputs)], [], []
    for name, layer in network.named_layers():
        biases = weights[f"{name}/bias"][0] if layer.bias else []
        zs.append(affine(m, below[-1], turned(weights[f"{name}/kernel"]), biases))
        form = m.random.choice(list(FORMS[NAMES[layer.activation]].values()))
        outputs.append([form(m, row) for row in zs[-1]])
        below.append(outputs[-1])
        found[f"activation/{name}"] = flat(outputs[-1])

    kind, ends = network.loss.kind, list(zip(zs[-1], outputs[-1], targets, strict=True))
    parts = coefficient(m, network.loss, len(targets), network.fan_out)
    punished = {
        name: w for name, w in weights.items() if network.penalty.biases or name.endswith("kernel")
    }
    form = terms_of(m, kind)
    terms, tensors = [form(m, *rows) for rows in ends], list(map(flat, punished.values()))
    found["loss"] = [whole_loss(m, terms, parts, tensors, network.penalty)]
    # The parts of the coefficient go to the slopes, to the gradients, or some here and some there.
    early = [part for part in parts if m.random.random() < 0.5]
    late = [part for part in parts if part not in early]
    slope = m.random.choice(list(SLOPES[kind].values()))
    delta = [[applied(early, x) for x in slope(m, *rows)] for rows in ends]
    if losses.named(kind).ACTIVATION is None:
        delta = pulled(m, network.layers[-1].activation, zs[-1], outputs[-1], delta)
    rate, made = part(m, arb(OPTIMIZER.learning_rate)), {}
    for index in reversed(range(len(network.layers))):
        name = f"dense_{index + 1}"
        for key, left in ((f"{name}/kernel", turned(below[index])), (f"{name}/bias", [None])):
            penalty = network.penalty if key in punished else Penalty()
            elements = [
                (a, d, w)
                for a, row in zip(left, weights.get(key, []), strict=False)
                for d, w in zip(turned(delta), row, strict=True)
            ]
            found[f"gradient/{key}"] = [
                whole_gradient(m, a, d, late, pulls(penalty, w)) for a, d, w in elements
            ]
            # The step may know the gradient of the loss alone, and take the penalties off W.
            made[key] = [
                stepped(m, w, rate.apply(whole_gradient(m, a, d, late, ())), penalty)
                for a, d, w in elements
            ]
        if index:
            back = [[m.dot(d, row) for row in weights[f"{name}/kernel"]] for d in delta]
            under = network.layers[index - 1].activation
            delta = pulled(m, under, zs[index - 1], outputs[index - 1], back)

    for name, weight in weights.items():
        changes = map(rate.apply, found[f"gradient/{name}"])
        after = list(map(m.subtract, flat(weight), changes))
        if m.random.random() < 0.5:
            after = made[name]
        found[f"updated/{name}"] = after
        undone = map(m.subtract, flat(weight), after)
        held = m.coefficient(arb(OPTIMIZER.learning_rate), 1)
        found[f"recovered gradient/{name}"] = [m.divide(x, held) for x in undone]
    return found


def stepped(m: Adversary, w: arb, change: arb, penalty: Penalty) -> arb:
    """w − change, and less what the penalties take off it; that of l2 may be a decay of w first."""
    rate, kept, taken = arb(OPTIMIZER.learning_rate), w, [-change]
    if penalty.l2:
        decay = m.coefficient(2 * rate * penalty.l2, 3)
        if m.random.random() < 0.5:
            kept = m.multiply(m.subtract(ONE, decay), w)
        else:
            taken.append(-m.multiply(decay, w))
    if penalty.l1:
        taken.append(-m.multiply(m.coefficient(rate * penalty.l1, 2), w.sgn()))
    return m.total([kept, *taken])


def affine(m: Adversary, rows: Rows, columns: Rows, biases: Row) -> Rows:
    """Rows times columns; a bias is added to a product, or is one more term of its sum."""
    if not biases:
        return [[m.dot(row, column) for column in columns] for row in rows]
    pairs = list(zip(columns, biases, strict=True))
    if m.random.random() < 0.5:
        return [[m.dot(row, column, [b]) for column, b in pairs] for row in rows]
    return [[m.add(m.dot(row, column), b) for column, b in pairs] for row in rows]


def pulled(m: Adversary, activation: Activation, z: Rows, a: Rows, g: Rows) -> Rows:
    form = m.random.choice(list(PULLS[NAMES[activation]].values()))
    return [form(m, *rows) for rows in zip(z, a, g, strict=True)]
