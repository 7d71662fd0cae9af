"""Fault-free variants: other forms of the same mathematics in floating point.

None of them may be called wrong: sums in other orders and precisions, fused and unfused products,
row- and column-major batches, loops over samples, functions in their other usual forms.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from backproof.mathematics.arithmetic.floating import Float, Values
from backproof.mathematics.arithmetic.operations import Axis
from backproof.mathematics.definition.evaluate import evaluate
from backproof.mathematics.definition.measure import measure
from backproof.mathematics.definition.sites import Intervention, unchanged
from backproof.mathematics.definition.step import step
from backproof.mathematics.functions import Activation
from backproof.mathematics.losses import LossFunction
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.parameters import Batch, Parameters
from backproof.mathematics.network.penalty import Penalty
from backproof.mathematics.optimizers import Optimizer

Form = Callable[[Network, Optimizer, Parameters, Batch], dict[str, Any]]


def terms(a: Values, axis: Axis) -> Values:
    """The terms of a sum over an axis, over several or all, along the first axis."""
    if axis is None:
        return a.reshape(-1)
    axes = axis if isinstance(axis, tuple) else (axis,)
    first = np.moveaxis(a, axes, range(len(axes)))
    return first.reshape(-1, *first.shape[len(axes) :])


class OwnProducts(Float):
    """Pre-activations from the product below, as it is; the bias after it."""

    def affine(self, a: Values, kernel: Values, bias: Values | None) -> Values:
        z = self.matmul(a, kernel)
        return z if bias is None else z + bias


class RowMajor(OwnProducts):
    """Every array row by row, products as a user writes them."""

    def exact(self, x: Values) -> Values:
        return np.ascontiguousarray(x)

    def matmul(self, a: Values, b: Values, further_terms: int = 0) -> Values:
        return np.ascontiguousarray(a) @ np.ascontiguousarray(b)


class ColumnMajor(OwnProducts):
    """Every array column by column."""

    def exact(self, x: Values) -> Values:
        return np.asfortranarray(x)

    def matmul(self, a: Values, b: Values, further_terms: int = 0) -> Values:
        return np.asfortranarray(np.asfortranarray(a) @ np.asfortranarray(b))


class Backwards(OwnProducts):
    """Every sum from its last term to its first."""

    def matmul(self, a: Values, b: Values, further_terms: int = 0) -> Values:
        return np.ascontiguousarray(a[..., ::-1]) @ np.ascontiguousarray(b[..., ::-1, :])

    def sum_of_charged(self, parts: Sequence[Values]) -> Values:
        return super().sum_of_charged(parts[::-1])

    def total(self, a: Values, axis: Axis = None, further_terms: int = 0) -> Values:
        return np.asarray(np.cumsum(terms(a, axis)[::-1], axis=0)[-1])


class OneByOne(OwnProducts):
    """Every sum term by term, from the first to the last, each product rounded by itself."""

    def matmul(self, a: Values, b: Values, further_terms: int = 0) -> Values:
        return self.affine(a, b, None)

    def affine(self, a: Values, kernel: Values, bias: Values | None) -> Values:
        """From the bias on: as a column of ones before the inputs would have it."""
        shape = (*a.shape[:-1], kernel.shape[-1])
        dtype = np.result_type(a, kernel)
        z = np.zeros(shape, dtype) if bias is None else np.broadcast_to(bias, shape).copy()
        for term in range(a.shape[-1]):
            z += a[..., term, None] * kernel[..., term, None, :]
        return z

    def total(self, a: Values, axis: Axis = None, further_terms: int = 0) -> Values:
        return np.asarray(np.cumsum(terms(a, axis), axis=0)[-1])


class Halves(OwnProducts):
    """Every sum in two halves, which are then added."""

    def matmul(self, a: Values, b: Values, further_terms: int = 0) -> Values:
        middle = a.shape[-1] // 2
        first: Values = a[..., :middle] @ b[..., :middle, :]
        return first + a[..., middle:] @ b[..., middle:, :]

    def total(self, a: Values, axis: Axis = None, further_terms: int = 0) -> Values:
        each = terms(a, axis)
        middle = len(each) // 2
        return np.asarray(each[:middle].sum(axis=0) + each[middle:].sum(axis=0))


class Extended(OwnProducts):
    """Every sum in extended precision and rounded once, as a fused accumulator would."""

    def matmul(self, a: Values, b: Values, further_terms: int = 0) -> Values:
        wide: Values = a.astype(np.longdouble) @ b.astype(np.longdouble)
        return wide.astype(np.result_type(a, b))

    def total(self, a: Values, axis: Axis = None, further_terms: int = 0) -> Values:
        return np.asarray(a.astype(np.longdouble).sum(axis=axis)).astype(a.dtype)


class OtherFunctions(Float):
    """Activations, their derivatives and the losses in their other usual forms."""

    def activate(self, f: Activation, z: Values) -> Values:
        return f.other_value(z)

    def vjp(self, f: Activation, z: Values, a: Values, cotangent: Values) -> Values:
        return f.other_vjp(z, a, cotangent)

    def loss_and_slope(
        self, loss: LossFunction, z: Values, a: Values, y: Values
    ) -> tuple[Values, Values]:
        return loss.other_value(z, a, y)


def mean_at_the_end(name: str, value: Any, scope: Any) -> Any:
    """Sums over the batch first, its division last: in the gradients, not in the delta."""
    loss, network = scope.network.loss, scope.network
    last = network.last
    if last.layer.function is None:
        return value
    if name == f"delta/{last.name}":
        slope = scope.values["loss/slope"]
        if network.loss_of == "fused":
            return slope
        z, a = scope.values[f"z/{last.name}"], scope.values[f"activation/{last.name}"]
        return scope.ops.vjp(last.layer.function, z, a, slope)
    if name.startswith("data_gradient/"):
        divisor = loss.divisor(network.counted(scope.batch.targets), network.outputs)
        return scope.ops.scale(value, loss.scale, divisor)
    return value


def by(ops: Float, intervene: Intervention = unchanged) -> Form:
    """The definition in another arithmetic or with other groupings."""

    def form(
        network: Network, optimizer: Optimizer, parameters: Parameters, batch: Batch
    ) -> dict[str, Any]:
        values: dict[str, Any] = dict(evaluate(ops, network, parameters, batch, intervene))
        values |= step(ops, network, parameters, values, optimizer, batch=batch)
        outputs = values[f"activation/{network.last.name}"]
        return values | measure(network, parameters, batch, outputs)

    return form


def sample_by_sample(
    network: Network, optimizer: Optimizer, parameters: Parameters, batch: Batch
) -> dict[str, Any]:
    """Each sample forward and backward by itself, loss and gradients added up in a loop."""
    bare = replace(network, penalty=Penalty(), loss=replace(network.loss, batch="sum"))
    ops = Float()
    activations: dict[str, list[Values]] = {}
    values: dict[str, Any] = {}
    for i, (x, y) in enumerate(zip(batch.inputs, batch.targets, strict=True)):
        masks = {node: mask[i : i + 1] for node, mask in batch.masks.items()}
        one = Batch(x[None], y[None], masks=masks)
        for name, value in evaluate(ops, bare, parameters, one).items():
            if name.startswith("activation/"):
                activations.setdefault(name, []).append(value)
            else:
                values[name] = values[name] + value if name in values else value
    if network.loss.averaged:
        values = {name: value / network.counted(batch.targets) for name, value in values.items()}
    values |= {name: np.concatenate(rows) for name, rows in activations.items()}
    for name in network.parameters:
        w, penalty = parameters[name], network.penalty_on(name)
        n = penalty.divisor(len(batch.inputs))
        l1, l2 = penalty.l1 / n, penalty.l2 / n
        if penalty.orders():
            values["loss"] = np.asarray(values["loss"] + l2 * np.vdot(w, w) + l1 * np.abs(w).sum())
            values[f"gradient/{name}"] = values[f"gradient/{name}"] + 2 * l2 * w + l1 * np.sign(w)
    values |= step(ops, network, parameters, values, optimizer, batch=batch)
    outputs = values[f"activation/{network.last.name}"]
    return values | measure(network, parameters, batch, outputs)


DEFINITION = "as the definition has it"
SAMPLE_BY_SAMPLE = "sample by sample"
FORMS: dict[str, Form] = {
    DEFINITION: by(Float()),
    "row-major batches": by(RowMajor()),
    "column-major batches": by(ColumnMajor()),
    "sums from behind": by(Backwards()),
    "sums term by term": by(OneByOne()),
    "sums in two halves": by(Halves()),
    "sums in extended precision": by(Extended()),
    "the mean at the end": by(Float(), mean_at_the_end),
    "other forms of the functions": by(OtherFunctions()),
    SAMPLE_BY_SAMPLE: sample_by_sample,
}


def forms_of(network: Network) -> dict[str, Form]:
    """Those that a network has: where samples hang together, none is computed by itself."""
    together = any(node.layer.couples for node in network.nodes)
    return {n: form for n, form in FORMS.items() if n != SAMPLE_BY_SAMPLE or not together}
