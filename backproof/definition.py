"""The definition: what a network's activations, loss, gradients and training step are, stated once.

It is plain array code over the few operations of `backproof.arithmetic.Ops`, and is evaluated in
floating point, in balls, and in certified arithmetic. ``at`` is called at every named site with
the value there and may replace it: that is where faults and conventions hook in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from backproof import losses
from backproof.arithmetic import Ops
from backproof.network import Network
from backproof.optimizers import STEP_COUNT, Optimizer
from backproof.parameters import Array, Batch

T = TypeVar("T")


@dataclass(frozen=True)
class Scope(Generic[T]):
    """What a change at a site may look at."""

    ops: Ops[T]
    network: Network
    parameters: Mapping[str, Array]
    batch: Batch | None
    values: dict[str, T]


Site = Callable[[str, Any, Scope[Any]], Any]


def keep(name: str, value: Any, scope: Scope[Any]) -> Any:
    """The site function that changes nothing."""
    return value


def evaluate(
    ops: Ops[T],
    network: Network,
    parameters: Mapping[str, Array],
    batch: Batch,
    at: Site = keep,
) -> dict[str, T]:
    """Activations, loss and gradients at ``parameters`` on ``batch``, by name.

    ``activation/dense_1`` (samples, fan_out), ``loss`` (scalar), ``gradient/dense_1/kernel``
    (fan_in, fan_out), ``gradient/dense_1/bias`` (fan_out,). With a the activations, z the
    pre-activations, δ the derivative of the loss by z (Nielsen, Neural Networks and Deep
    Learning, chapter 2, equations BP1 to BP4)::

        z_k = a_{k−1} W_k + b_k,   a_k = f_k(z_k)
        δ_K = ∂L/∂z_K,             δ_k = (δ_{k+1} W_{k+1}ᵀ) ⊙ f_k′(z_k)
        ∂L/∂W_k = a_{k−1}ᵀ δ_k,    ∂L/∂b_k = Σ_samples δ_k
    """
    values: dict[str, T] = {}
    scope = Scope(ops, network, parameters, batch, values)

    def site(name: str, value: T) -> T:
        values[name] = at(name, value, scope)
        return values[name]

    layers = list(network.named_layers())
    a = site("inputs", ops.exact(batch.inputs))
    for name, layer in layers:
        kernel = site(f"kernel/{name}", ops.exact(parameters[f"{name}/kernel"]))
        z = ops.matmul(a, kernel)
        if layer.bias:
            z = ops.add(z, site(f"bias/{name}", ops.exact(parameters[f"{name}/bias"])))
        z = site(f"z/{name}", z)
        a = site(f"activation/{name}", ops.activate(layer.activation, z))

    last, output = layers[-1]
    y = site("targets", ops.exact(batch.targets))
    head = losses.named(network.loss.kind)
    rows, slope = ops.head(head, z, a, y)
    rows, slope = site("loss/rows", rows), site("loss/slope", slope)
    scale, divisor = network.loss.scale, network.loss.divisor(len(batch.inputs), output.fan_out)
    loss = site("loss/data", ops.scale(ops.total(rows), scale, divisor, roundings=4))
    delta = ops.scale(slope, scale, divisor, roundings=4)
    if head.ACTIVATION is None:
        delta = ops.pull(output.activation, z, a, delta)
    delta = site(f"delta/{last}", delta)

    for index in range(len(layers) - 1, -1, -1):
        name, layer = layers[index]
        below = values[f"activation/{layers[index - 1][0]}"] if index else values["inputs"]
        site(f"data_gradient/{name}/kernel", ops.matmul(ops.transpose(below), delta))
        if layer.bias:
            site(f"data_gradient/{name}/bias", ops.total(delta, axis=0))
        if index:
            under, lower = layers[index - 1]
            back = ops.matmul(delta, ops.transpose(values[f"kernel/{name}"]))
            back = site(f"back/{under}", back)
            delta = site(
                f"delta/{under}", ops.pull(lower.activation, values[f"z/{under}"], below, back)
            )

    loss = penalise(ops, network, parameters, loss, site, values)
    results = {f"activation/{name}": values[f"activation/{name}"] for name, _ in layers}
    results["loss"] = site("loss", loss)
    for name in network.shapes():
        results[f"gradient/{name}"] = site(f"gradient/{name}", values[f"data_gradient/{name}"])
    return results


def penalise(
    ops: Ops[T],
    network: Network,
    parameters: Mapping[str, Array],
    loss: T,
    site: Callable[[str, T], T],
    values: dict[str, T],
) -> T:
    """Add the penalty's value to the loss, its gradient (2·l2·W + l1·sign W) to the gradients."""
    penalty = network.penalty
    for name in network.shapes():
        if not (name.endswith("kernel") or penalty.biases):
            continue
        w = ops.exact(parameters[name])
        if penalty.l2:
            term = ops.scale(ops.total(ops.multiply(w, w)), penalty.l2, roundings=2)
            loss = ops.add(loss, site(f"penalty/l2/{name}", term))
            pull = site(f"penalty_gradient/l2/{name}", ops.scale(w, 2 * penalty.l2, roundings=2))
            values[f"data_gradient/{name}"] = ops.add(values[f"data_gradient/{name}"], pull)
        if penalty.l1:
            term = ops.scale(ops.total(ops.magnitude(w)), penalty.l1, roundings=2)
            loss = ops.add(loss, site(f"penalty/l1/{name}", term))
            pull = site(
                f"penalty_gradient/l1/{name}", ops.scale(ops.sign(w), penalty.l1, roundings=2)
            )
            values[f"data_gradient/{name}"] = ops.add(values[f"data_gradient/{name}"], pull)
    return loss


def step(
    ops: Ops[T],
    network: Network,
    state: Mapping[str, Array],
    gradients: Mapping[str, T],
    optimizer: Optimizer,
    at: Site = keep,
) -> dict[str, T]:
    """The state after one step: ``updated/dense_1/kernel`` = W − change, and the new slots.

    ``state``: parameters, and the optimizer's slots and step count where it has them.
    """
    scope = Scope(ops, network, state, None, dict(gradients))
    count = int(state[STEP_COUNT]) if optimizer.COUNTS else 0
    updated: dict[str, T] = {}
    moved: dict[str, T] = {}
    for name in network.shapes():
        w = ops.exact(state[name])
        slots = {slot: ops.exact(state[f"{slot}/{name}"]) for slot in optimizer.SLOTS}
        change, after = optimizer.change(ops, w, gradients[f"gradient/{name}"], slots, count)
        change = at(f"change/{name}", change, scope)
        updated[f"updated/{name}"] = at(f"updated/{name}", ops.subtract(w, change), scope)
        for slot, value in after.items():
            key = f"updated/{slot}/{name}"
            moved[key] = at(key, value, scope)
    return updated | moved


def correct(network: Network, outputs: NDArray[np.floating], targets: Array) -> NDArray[np.bool_]:
    """Which samples the outputs (samples, outputs) classify as the targets say."""
    if network.decision == "argmax":
        return np.asarray(outputs.argmax(axis=1) == targets.argmax(axis=1))
    return np.asarray(((outputs > 0.5) == (targets > 0.5)).all(axis=1))


def undecided(
    network: Network, outputs: NDArray[np.floating], radius: NDArray[np.floating]
) -> NDArray[np.bool_]:
    """Which samples lie so near the threshold that correct implementations may disagree.

    The value computed and any implementation's are each within ``radius`` of the exact one.
    """
    if network.decision == "argmax":
        best = outputs.argmax(axis=1)[:, None]
        gap = np.take_along_axis(outputs, best, axis=1) - outputs
        near = gap <= 2 * (radius + np.take_along_axis(radius, best, axis=1))
        np.put_along_axis(near, best, False, axis=1)
        return np.asarray(near.any(axis=1))
    return np.asarray((np.abs(outputs - 0.5) <= 2 * radius).any(axis=1))
