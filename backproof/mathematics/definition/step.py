"""One step of an optimizer, and the gradients that code shows which hides them in one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from backproof.mathematics.arithmetic.operations import Ops
from backproof.mathematics.definition.evaluate import evaluate
from backproof.mathematics.definition.penalties import with_separate_penalties
from backproof.mathematics.definition.sites import Intervention, Scope, unchanged
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.parameters import Array, Batch
from backproof.mathematics.optimizers import STEP_COUNT, Optimizer

T = TypeVar("T")

AHEAD = "ahead/"
"""Under this name a scope has the gradients that a step takes, where they are taken elsewhere."""

CHANGED = "changed/"
"""Under this name, a new slot that an intervention has changed."""


def step(
    ops: Ops[T],
    network: Network,
    state: Mapping[str, Array],
    gradients: Mapping[str, T],
    optimizer: Optimizer,
    intervene: Intervention = unchanged,
    before: Sequence[Mapping[str, T]] = (),
    batch: Batch | None = None,
) -> dict[str, T]:
    """The state after one step: ``updated/dense_1/kernel`` = W − change, and the new slots.

    ``state``: parameters, and the optimizer's slots and step count where it has them. The new slots
    come first: a change of what is taken off finds them in the scope, under their names. What the
    forward pass made of buffers is among the ``gradients``, and goes on as it is. ``batch`` is
    looked at by an optimizer whose gradients are `AHEAD` alone.
    """
    scope = Scope(ops, network, state, batch, dict(gradients), before)
    count = int(state[STEP_COUNT]) if optimizer.COUNTS else 0
    updated: dict[str, T] = {}
    moved: dict[str, T] = {}
    if optimizer.AHEAD:
        found = gradients_ahead(ops, network, state, optimizer, batch, intervene, before)
        scope.values.update({f"{AHEAD}{name}": value for name, value in found.items()})
        gradients = found
    taken = optimizer.prepared(ops, {n: gradients[f"gradient/{n}"] for n in network.shapes()})
    for name in network.shapes():
        w = ops.exact(state[name])
        slots = {slot: ops.exact(state[f"{slot}/{name}"]) for slot in optimizer.SLOTS}
        change, after = optimizer.change(ops, w, taken[name], slots, count)
        penalty = network.penalty_on(name)
        if not optimizer.SLOTS and penalty.orders():
            rate = abs(optimizer.learning_rate)
            change = with_separate_penalties(ops, penalty, w, change, rate)
        for slot, value in after.items():
            key = f"updated/{slot}/{name}"
            moved[key] = scope.values[key] = found = intervene(key, value, scope)
            if found is not value:
                scope.values[f"{CHANGED}{key}"] = found
        change = intervene(f"change/{name}", change, scope)
        updated[f"updated/{name}"] = intervene(f"updated/{name}", ops.subtract(w, change), scope)
    buffers = {key: scope.values[key] for key in map("updated/{}".format, network.buffers)}
    return updated | moved | buffers


def gradients_ahead(
    ops: Ops[T],
    network: Network,
    state: Mapping[str, Array],
    optimizer: Optimizer,
    batch: Batch | None,
    intervene: Intervention = unchanged,
    before: Sequence[Mapping[str, T]] = (),
) -> dict[str, T]:
    """The gradients where the optimizer takes them: ``gradient/dense_1/kernel``."""
    assert batch is not None, "gradients elsewhere are computed of a batch"
    moved = {}
    for name in network.shapes():
        slots = {slot: ops.exact(state[f"{slot}/{name}"]) for slot in optimizer.SLOTS}
        moved[name] = optimizer.ahead(ops, ops.exact(state[name]), slots)
    found = evaluate(ops, network, state, batch, intervene, before, moved)
    return {name: value for name, value in found.items() if name.startswith("gradient/")}


def recovered(
    ops: Ops[T],
    network: Network,
    parameters: Mapping[str, Array],
    updated: Mapping[str, T],
    learning_rate: float,
) -> dict[str, T]:
    """The gradients as (W − updated W) / learning_rate: what code shows that hides them in a step.

    Exactly the gradients; but the updated parameter was rounded at the size of W, and the quotient
    has that rounding by the learning rate.
    """
    return {
        f"gradient/{name}": ops.scale(
            ops.subtract(ops.exact(parameters[name]), updated[f"updated/{name}"]),
            1 / learning_rate,
            roundings=2,
        )
        for name in network.shapes()
    }
