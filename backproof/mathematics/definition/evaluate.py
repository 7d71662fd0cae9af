"""The definition: what a network's activations, loss and gradients are, stated once.

It is plain array code over the few operations of `Ops`, and is evaluated in floating point, in
balls, and in certified arithmetic. It knows no kind of layer: each states its own forward and
backward pass. ``intervene`` is called at every named site with the value there and may replace it:
that is where faults and conventions hook in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Generic, TypeVar

import numpy as np

from backproof.mathematics import functions
from backproof.mathematics.arithmetic.operations import Ops
from backproof.mathematics.definition.penalties import penalties
from backproof.mathematics.definition.sites import Intervention, Scope, unchanged
from backproof.mathematics.definition.sums import data_terms, sums_of
from backproof.mathematics.errors import UsageError
from backproof.mathematics.layers.here import Here
from backproof.mathematics.network.around import COTANGENT, back_to
from backproof.mathematics.network.masks import enough_samples
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.node import INPUTS, Node
from backproof.mathematics.network.parameters import Array, Batch
from backproof.mathematics.network.quantities import INPUT_GRADIENT

T = TypeVar("T")


def evaluate(
    ops: Ops[T],
    network: Network,
    parameters: Mapping[str, Array],
    batch: Batch,
    intervene: Intervention = unchanged,
    before: Sequence[Mapping[str, T]] = (),
    moved: Mapping[str, T] | None = None,
) -> dict[str, T]:
    """Activations, loss and gradients at ``parameters`` on ``batch``, by name.

    ``activation/dense_1`` (samples, *shape), ``loss`` (scalar), ``gradient/dense_1/kernel`` (the
    parameter's shape), and ``input_gradient``, of the inputs' shape, where the network wants it.
    With a node's inputs x, its output a, and the cotangent ā = ∂L/∂a::

        a = forward(x),   ā = Σ_consumers x̄,   (x̄, ∂L/∂W) = backward(ā)

    ``moved``: parameters that were computed, to be taken in the place of those.
    """
    evaluation = Evaluation(ops, network, parameters, batch, intervene, before, moved)
    evaluation.forward()
    loss, cotangent = evaluation.loss()
    evaluation.backward(cotangent)
    found = evaluation.results(loss)
    evaluation.heres.clear()  # they refer to the evaluation, whose values would not be freed
    return found


class Evaluation(Generic[T]):
    """One evaluation on its way: the values at all sites so far."""

    def __init__(
        self,
        ops: Ops[T],
        network: Network,
        parameters: Mapping[str, Array],
        batch: Batch,
        intervene: Intervention,
        before: Sequence[Mapping[str, T]],
        moved: Mapping[str, T] | None = None,
    ) -> None:
        self.ops = ops
        self.network = network
        self.parameters = parameters
        self.batch = batch
        self.values: dict[str, T] = {}
        self.outputs: dict[str, T] = {}
        """What each node gives, by its name."""
        self.gradients: dict[str, list[T]] = {}
        """The gradients of each parameter, one from each node that uses it."""
        self.by_inputs: T | None = None
        """The cotangent of the inputs, where the network wants it."""
        self.buffers: dict[str, T] = {}
        """What a step makes of the buffers."""
        self.heres: dict[str, Here[T]] = {}
        self._moved = moved or {}
        self._intervene = intervene
        self._scope = Scope(ops, network, parameters, batch, self.values, before)

    def site(self, name: str, value: T) -> T:
        """The value at a site, which may be another one from here on."""
        self.values[name] = self._intervene(name, value, self._scope)
        return self.values[name]

    def parameter(self, name: str) -> T:
        """A parameter as it is given."""
        if name in self._moved:
            return self._moved[name]
        return self.ops.exact(self.parameters[name])

    def forward(self) -> None:
        """All nodes, in the order of computation."""
        self.outputs[INPUTS] = self.site(INPUTS, self.ops.exact(self.batch.inputs))
        enough_samples(self.network, len(self.batch.inputs))
        for node in self.network.nodes:
            here = self.heres[node.name] = self.here(node)
            given = node.layer.forward(here, *self.inputs_of(node))
            self.outputs[node.name] = self.site(f"activation/{node.name}", given)

    def inputs_of(self, node: Node) -> list[T]:
        """What a node takes."""
        return [self.outputs[name] for name in node.inputs]

    def here(self, node: Node) -> Here[T]:
        """Where a node stands."""
        network, uses = self.network, self.network.uses[node.name]
        sums = sums_of(network, len(self.batch.inputs))

        def load(name: str) -> T:
            use = uses[name]
            value = self.parameter(use.parameter)
            return self.ops.transpose(value) if use.transposed else value

        def take_gradient(name: str, value: T) -> None:
            use = uses[name]
            value = self.ops.transpose(value) if use.transposed else value
            self.gradients.setdefault(use.parameter, []).append(value)

        def load_buffer(name: str) -> T:
            full = f"{node.name}/{name}"
            buffer = network.buffers[full]
            rest = np.full(buffer.shape, buffer.start, self.batch.targets.dtype)
            return self.ops.exact(self.parameters.get(full, rest))

        def load_mask() -> T:
            if node.name not in self.batch.masks:
                raise UsageError(
                    f"{node.name} takes a mask that comes with the batch, which has none: give "
                    f"Batch(…, masks={{{node.name!r}: mask}})"
                )
            return self.ops.exact(self.batch.masks[node.name])

        return Here(
            ops=self.ops,
            node=node.name,
            site_at=self.site,
            values=self.values,
            load=load,
            further={name: sums.beside(node.name, name) for name in uses},
            below=[sums.beside_below(node.name, index) for index in range(len(node.inputs))],
            wanted=[name != INPUTS or network.input_gradient for name in node.inputs],
            take_gradient=take_gradient,
            load_buffer=load_buffer,
            load_mask=load_mask,
            take_moved=lambda name, value: self.buffers.__setitem__(
                f"updated/{node.name}/{name}", value
            ),
            by_preactivation=node is network.last and network.loss_of == "fused",
        )

    def loss(self) -> tuple[T, T]:
        """The loss of the data, and the cotangent of the last node's output, or pre-activation."""
        network, last = self.network, self.network.last.name
        outputs = self.outputs[last]
        y = self.site("targets", self.ops.exact(self.batch.targets))
        z = self.values[f"z/{last}"] if network.loss_of == "fused" else outputs
        shape: tuple[int, ...] = outputs.shape  # type: ignore[attr-defined] # every arithmetic has it
        z, a, y = (self.in_rows(value) for value in (z, outputs, y))
        loss = network.loss_function
        if network.loss_of == "logits":
            assert loss.ACTIVATION is not None
            a = self.ops.activate(functions.named(loss.ACTIVATION), z)
        rows, slope = self.ops.loss_and_slope(loss, z, a, y)
        rows, slope = (self.weighted(value) for value in (rows, slope))
        rows, slope = self.site("loss/rows", rows), self.site("loss/slope", slope)
        count, sums = network.rows(len(self.batch.inputs)), sums_of(network, len(self.batch.inputs))
        # The coefficient of the loss may be applied to what follows from here on.
        self.ops = self.ops.enlarged(sums.enlargement)
        for here in self.heres.values():
            here.ops = self.ops
        # One sum may hold all the terms of the loss, those of the penalties too. None is negative,
        # so that it does not matter if the coefficient is applied to each of them.
        terms = data_terms(loss, self.batch) + sums.penalties
        own = count * (1 if loss.BY_ROW else network.outputs)
        total = self.ops.total(rows, further_terms=terms - own)
        data = self.site("loss/data", self.reduced(total))
        cotangent = self.reduced(slope)
        if len(shape) > 2:
            cotangent = self.ops.reshaped(cotangent, shape)
        self.values[COTANGENT] = cotangent
        return data, cotangent

    def reduced(self, x: T) -> T:
        """x, times the coefficient of the loss."""
        counted = self.network.counted(self.batch.targets)
        return reduced(self.ops, x, self.network, len(self.batch.inputs), counted)

    def in_rows(self, value: T) -> T:
        """As (rows, outputs)."""
        shape: tuple[int, ...] = value.shape  # type: ignore[attr-defined]
        if len(shape) == 2:
            return value
        return self.ops.reshaped(value, (self.network.rows(shape[0]), shape[-1]))

    def weighted(self, rows: T) -> T:
        """Each sample's share times its weight, where the batch has weights."""
        if self.batch.weights is None:
            return rows
        shape: tuple[int, ...] = rows.shape  # type: ignore[attr-defined]
        positions = shape[0] // len(self.batch.inputs)
        weights = np.repeat(self.batch.weights, positions)[:, None]
        return self.ops.multiply(rows, self.ops.exact(np.broadcast_to(weights, shape).copy()))

    def backward(self, cotangent: T) -> None:
        """All nodes in reverse; the cotangents that arrive at one are joined."""
        arriving: dict[str, list[T]] = {self.network.last.name: [cotangent]}
        for node in reversed(self.network.nodes):
            parts = arriving.pop(node.name)
            cotangent = parts[0] if len(parts) == 1 else self.ops.sum_of_charged(parts)
            if node is not self.network.last:
                cotangent = self.site(f"back/{node.name}", cotangent)
            here = self.heres[node.name]
            given = node.layer.backward(here, cotangent, *self.inputs_of(node))
            for index, (source, part) in enumerate(zip(node.inputs, given, strict=True)):
                if part is None:
                    continue
                if len(self.network.consumers[source]) > 1:
                    part = self.site(back_to(self.network, node, index), part)
                arriving.setdefault(source, []).append(part)
        if self.network.input_gradient:
            self.by_inputs = self.site(f"back/{INPUTS}", self.ops.sum_of_charged(arriving[INPUTS]))

    def results(self, loss: T) -> dict[str, T]:
        """Activations, the loss with its penalties, and the gradients with theirs."""
        network, ops, samples = self.network, self.ops, len(self.batch.inputs)
        sums = sums_of(network, samples)
        terms = data_terms(network.loss_function, self.batch) + sums.penalties
        parts_of_loss = [loss]
        for name in network.parameters:
            parts = self.gradients[name]
            if sums.kinds[name]:
                w, further = self.parameter(name), terms - sums.sizes[name]
                added = sums.summands[name] + sums.kinds[name] - 1
                for kind, value, slope in penalties(
                    ops, network.penalty_on(name), w, further, samples
                ):
                    parts_of_loss.append(self.site(f"penalty/{kind}/{name}", value))
                    slope = self.site(f"penalty_gradient/{kind}/{name}", slope)
                    parts.append(ops.as_summand(slope, added))
            self.values[f"data_gradient/{name}"] = ops.sum_of_charged(parts)
        found = {f"activation/{name}": self.outputs[name] for name in network.node_names}
        found["loss"] = self.site("loss", ops.sum_of_charged(parts_of_loss))
        for name in network.parameters:
            gradient = self.values[f"data_gradient/{name}"]
            found[f"gradient/{name}"] = self.site(f"gradient/{name}", gradient)
        if self.by_inputs is not None:
            found[INPUT_GRADIENT] = self.site(INPUT_GRADIENT, self.by_inputs)
        return found | self.buffers


def reduced(ops: Ops[T], x: T, network: Network, samples: int, counted: int | None = None) -> T:
    """x, times the scale of the loss, by its divisor; 3/3 rounds as well, where each is applied.

    ``counted``: what a mean over the batch counts; all rows where it is not told.
    """
    scale, divisor = (
        network.loss.scale,
        network.loss.divisor(counted or network.rows(samples), network.outputs),
    )
    roundings = sums_of(network, samples).coefficient
    if scale == divisor == 1:
        return ops.by_one(x, roundings)
    return ops.scale(x, scale, divisor, roundings=roundings - 1)
