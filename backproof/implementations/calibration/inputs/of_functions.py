"""Activations, losses and their derivatives, of all numbers, and of some in small arrays."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from backproof.implementations.calibration.inputs.trial import Tensors, Trial, Values, known
from backproof.mathematics import functions, losses
from backproof.mathematics.arithmetic.balls.ball import Ball
from backproof.mathematics.arithmetic.balls.operations import BallOps
from backproof.mathematics.arithmetic.certified import CertifiedOps, Truth, certify
from backproof.mathematics.arithmetic.certified_values import Certified
from backproof.mathematics.arithmetic.rounding.model import Rounding, round_to
from backproof.mathematics.functions import MOST_ARGUMENT, PULLED, Activation
from backproof.mathematics.functions.softmax import MOST_UNITS
from backproof.mathematics.losses import ROWS, SLOPE

# Activations of which 0 or a straight line is left beyond `MOST_ARGUMENT`.
OTHERS = ("softplus", "selu", "elu", "leaky_relu", "gelu")
# What is tried by itself below, and what rounds nothing.
BESIDES = ("sigmoid", "tanh", "softmax", "relu", "linear")
# Units of a softmax, and how many rows of them.
UNITS = {1: 100, 2: 4000, 3: 4000, 5: 4000, 16: 500, MOST_UNITS: 200}
# Rows of small arrays, for which a framework may run other code.
SMALL = (1, 3, 6)


def every(dtype: str) -> Values:
    """All finite numbers of a half precision."""
    bits = np.arange(2**16, dtype=np.uint32)
    wide = bits.astype(np.uint16).view(np.float16).astype(np.float32)
    x = wide if dtype == "float16" else (bits << 16).view(np.float32)
    return np.unique(x[np.isfinite(x)])


def arrays(x: Values, stream: np.random.Generator, draws: int) -> Iterator[Values]:
    """All rows at once, and some of them in small arrays, so many of each size."""
    yield x
    for size in SMALL * draws:
        yield stream.choice(x, size)


def function_trials(dtype: str, stream: np.random.Generator, draws: int) -> Iterator[Trial]:
    """Activations and their derivatives: of all numbers, the softmax of random rows."""
    numbers = every(dtype)[:, None]
    for name in ("sigmoid", "tanh"):
        for z in arrays(numbers, stream, draws):
            yield from of_result(functions.named(name), z, dtype, stream, draws)
    for units, rows in UNITS.items():
        for z in arrays(logits(rows, units, dtype, stream), stream, draws):
            yield from of_result(functions.named("softmax"), z, dtype, stream, draws)
    moderate = numbers[np.abs(numbers) <= MOST_ARGUMENT][:, None]
    known = {*OTHERS, *BESIDES, *functions.ACTIVATIONS.entered()}
    further = [name for name in functions.names() if name not in known]
    for f in functions.examples(*OTHERS, *further):
        for z in arrays(moderate, stream, draws):
            yield from of_argument(f, z, dtype, stream, draws)


def logits(rows: int, units: int, dtype: str, stream: np.random.Generator) -> Values:
    """Rows of mostly moderate logits."""
    scales = 2.0 ** stream.uniform(-4, 6, (rows, 1))
    return round_to(stream.normal(size=(rows, units)) * scales, dtype)


def cotangents(z: Values, dtype: str, stream: np.random.Generator, draws: int) -> Iterator[Values]:
    """Random ones of many sizes, and more of them for all rows than for a small array."""
    for _ in range(1 + draws // 3 if len(z) > max(SMALL) else 1):
        sizes = 2.0 ** -stream.integers(0, 13, (len(z), 1))
        yield round_to(stream.normal(size=z.shape) * sizes, dtype)


def value_of(f: Activation, z: Values, dtype: str) -> Trial:
    """Its value."""

    def value(ops: BallOps, _: Tensors) -> Ball:
        return ops.activate(f, ops.exact(z))

    truth = certify(lambda ops: {"y": ops.activate(f, ops.exact(z))}, Rounding.of(dtype).unit)["y"]
    return Trial(f.name, f, {"x": z}, "y", known(truth), value)


def of_result(
    f: Activation, z: Values, dtype: str, stream: np.random.Generator, draws: int
) -> Iterator[Trial]:
    """Its value, and random cotangents taken back through it, at the value that was computed.

    That has its own charge, so that only what the derivative itself rounds is seen. A 0 may be what
    underflowed, and compiled code may take the derivative of what was not lost.
    """
    yield value_of(f, z, dtype)
    for g in cotangents(z, dtype, stream, draws):
        yield of_value_pulled(f, z, g, dtype)


def of_value_pulled(f: Activation, z: Values, g: Values, dtype: str) -> Trial:
    """A cotangent taken back, at the value that was computed."""

    def pulled(ops: BallOps, reply: Tensors) -> Ball:
        a = reply["y"].astype(np.float64)
        lost = Rounding.of(dtype).losing("gradual").eta * (a == 0)
        return ops.vjp(f, ops.exact(z), Ball(a, lost), ops.exact(g))

    def slope(reply: Tensors) -> Truth:
        """In float64, which errs by less than 2⁻⁴⁵ of its terms."""
        a, cotangent = reply["y"].astype(np.float64), g.astype(np.float64)
        exact = f.vjp(z.astype(np.float64), a, cotangent)
        size = np.abs(a) * np.abs(a * cotangent).sum(axis=1, keepdims=True)
        return Truth(exact, np.zeros_like(exact), 2.0**-45 * (np.abs(exact) + size))

    return Trial(f.name + PULLED, f, {"x": z, "cotangent": g}, "gradient/x", slope, pulled)


def of_argument(
    f: Activation, z: Values, dtype: str, stream: np.random.Generator, draws: int
) -> Iterator[Trial]:
    """Its value, and random cotangents taken back through it: for each argument what is right."""
    yield value_of(f, z, dtype)
    for g in cotangents(z, dtype, stream, draws):
        yield of_argument_pulled(f, z, g, dtype)


def of_argument_pulled(f: Activation, z: Values, g: Values, dtype: str) -> Trial:
    """A cotangent taken back, at the argument."""

    def pulled(ops: BallOps, _: Tensors) -> Ball:
        held = ops.exact(z)
        return ops.vjp(f, held, ops.activate(f, held), ops.exact(g))

    def exact(ops: CertifiedOps) -> dict[str, Certified]:
        held = ops.exact(z)
        return {"slope": ops.vjp(f, held, ops.activate(f, held), ops.exact(g))}

    truth = certify(exact, Rounding.of(dtype).unit)["slope"]
    given = {"x": z, "cotangent": g}
    return Trial(f.name + PULLED, f, given, "gradient/x", known(truth), pulled)


def heads(dtype: str, stream: np.random.Generator, draws: int) -> Iterator[Trial]:
    """Losses with their derivatives: of all logits for either class, of random rows and errors."""
    for z in arrays(every(dtype)[:, None], stream, draws):
        for label in (0, 1):
            yield from of_loss("binary_cross_entropy", z, np.full_like(z, label), dtype)
    for units, rows in UNITS.items():
        for z in arrays(logits(rows, units, dtype, stream), stream, draws):
            classes = np.eye(units, dtype=z.dtype)[stream.integers(units, size=len(z))]
            yield from of_loss("categorical_cross_entropy", z, classes, dtype)
    for a in arrays(round_to(stream.normal(size=(4000, 1)), dtype), stream, draws):
        y = round_to(stream.normal(size=a.shape), dtype)
        yield from of_loss("squared_error", a, y, dtype)


def of_loss(kind: str, z: Values, y: Values, dtype: str) -> Iterator[Trial]:
    """The loss of each row, and its derivative."""
    head = losses.named(kind)
    f = functions.named(head.ACTIVATION or "linear")

    def rows(ops: BallOps, _: Tensors) -> Ball:
        held = ops.exact(z)
        return ops.loss_and_slope(head, held, ops.activate(f, held), ops.exact(y))[0]

    def slope(ops: BallOps, _: Tensors) -> Ball:
        held = ops.exact(z)
        return ops.loss_and_slope(head, held, ops.activate(f, held), ops.exact(y))[1]

    def exact(ops: CertifiedOps) -> dict[str, Certified]:
        held = ops.exact(z)
        both = ops.loss_and_slope(head, held, ops.activate(f, held), ops.exact(y))
        return dict(zip(("y", "gradient/x"), both, strict=True))

    truth = certify(exact, Rounding.of(dtype).unit)
    given = {"x": z, "targets": y}
    yield Trial(kind + ROWS, kind, given, "y", known(truth["y"]), rows)
    given = {**given, "cotangent": np.ones((len(z), 1), z.dtype)}
    yield Trial(kind + SLOPE, kind, given, "gradient/x", known(truth["gradient/x"]), slope)
