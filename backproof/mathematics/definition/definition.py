"""The definition: what a network's activations, loss, gradients and training step are, stated once.

It is plain array code over the few operations of `Ops`, and is evaluated in floating point, in
balls, and in certified arithmetic. ``at`` is called at every named site with
the value there and may replace it: that is where faults and conventions hook in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from backproof.mathematics.arithmetic.floating import Float
from backproof.mathematics.arithmetic.operations import Ops
from backproof.mathematics.arithmetic.running_means import charged_at
from backproof.mathematics.definition.sums import PENALTY, data_terms, sums_of
from backproof.mathematics.network.network import Network, Penalty
from backproof.mathematics.network.parameters import Array, Batch
from backproof.mathematics.optimizers import STEP_COUNT, Optimizer

T = TypeVar("T")

# The output above which a unit says yes.
THRESHOLDS = {"threshold": 0.5, "sign": 0.0}


@dataclass(frozen=True)
class Scope(Generic[T]):
    """What a change at a site may look at."""

    ops: Ops[T]
    network: Network
    parameters: Mapping[str, Array]
    batch: Batch | None
    values: dict[str, T]
    before: Sequence[Mapping[str, T]] = ()
    """What the definition gave at the calls before this one, oldest first: for changes that
    remember."""


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
    before: Sequence[Mapping[str, T]] = (),
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
    scope = Scope(ops, network, parameters, batch, values, before)

    def site(name: str, value: T) -> T:
        values[name] = at(name, value, scope)
        return values[name]

    layers = list(network.named_layers())
    a = site("inputs", ops.exact(batch.inputs))
    for name, layer in layers:
        kernel = site(f"kernel/{name}", ops.exact(parameters[f"{name}/kernel"]))
        bias = site(f"bias/{name}", ops.exact(parameters[f"{name}/bias"])) if layer.bias else None
        z = site(f"z/{name}", ops.affine(a, kernel, bias))
        a = site(f"activation/{name}", ops.activate(layer.activation, z))

    last, output = layers[-1]
    y = site("targets", ops.exact(batch.targets))
    head = network.loss.function
    rows, slope = ops.loss_and_slope(head, z, a, y)
    rows, slope = site("loss/rows", rows), site("loss/slope", slope)
    samples = len(batch.inputs)
    sums = sums_of(network, samples)
    # The coefficient of the loss may be applied to what follows from here on.
    ops = ops.enlarged(sums.enlargement)
    # One sum may hold all the terms of the loss, those of the penalties too. None is negative, so
    # that it does not matter if the coefficient is applied to each of them.
    terms = data_terms(head, batch) + sums.penalties
    total = ops.total(rows, further_terms=terms - samples * (1 if head.BY_ROW else output.fan_out))
    loss = site("loss/data", reduced(ops, total, network, samples))
    delta = reduced(ops, slope, network, samples)
    if head.ACTIVATION is None:
        delta = ops.vjp(output.activation, z, a, delta)
    delta = site(f"delta/{last}", delta)

    for index in range(len(layers) - 1, -1, -1):
        name, layer = layers[index]
        below = values[f"activation/{layers[index - 1][0]}"] if index else values["inputs"]
        further_terms = sums.kinds[f"{name}/kernel"]
        site(
            f"data_gradient/{name}/kernel",
            ops.matmul(ops.transpose(below), delta, further_terms=further_terms),
        )
        if layer.bias:
            further_terms = sums.kinds[f"{name}/bias"]
            # A scalar bias is that of every unit: its gradient sums over them too.
            axis = None if layer.bias == "scalar" else 0
            summed = ops.total(delta, axis=axis, further_terms=further_terms)
            if axis is None:
                summed = ops.reshaped(summed, (1,))
            site(f"data_gradient/{name}/bias", summed)
        if index:
            under, lower = layers[index - 1]
            back = ops.matmul(delta, ops.transpose(values[f"kernel/{name}"]))
            back = site(f"back/{under}", back)
            delta = site(
                f"delta/{under}", ops.vjp(lower.activation, values[f"z/{under}"], below, back)
            )

    losses_found = [loss]
    for name, kinds in sums.kinds.items():
        parts = [values[f"data_gradient/{name}"]]
        if kinds:
            w, further_terms = ops.exact(parameters[name]), terms - sums.sizes[name]
            for kind, value, pull in penalties(ops, network.penalty, w, further_terms):
                losses_found.append(site(f"penalty/{kind}/{name}", value))
                pull = site(f"penalty_gradient/{kind}/{name}", pull)
                parts.append(ops.as_summand(pull, samples + kinds - 1))
        values[f"data_gradient/{name}"] = ops.sum_of_charged(parts)

    results = {f"activation/{name}": values[f"activation/{name}"] for name, _ in layers}
    results["loss"] = site("loss", ops.sum_of_charged(losses_found))
    for name in sums.kinds:
        results[f"gradient/{name}"] = site(f"gradient/{name}", values[f"data_gradient/{name}"])
    return results


def reduced(ops: Ops[T], x: T, network: Network, samples: int) -> T:
    """x, times the scale of the loss, by its divisor; 3/3 rounds as well, where each is applied."""
    scale, divisor = network.loss.scale, network.loss.divisor(samples, network.fan_out)
    roundings = sums_of(network, samples).coefficient
    if scale == divisor == 1:
        return ops.charged(x, roundings) if roundings else x
    return ops.scale(x, scale, divisor, roundings=roundings - 1)


def penalties(
    ops: Ops[T], penalty: Penalty, w: T, further_terms: int
) -> Iterator[tuple[str, T, T]]:
    """Kind, value and gradient: l2·Σw² and 2·l2·w, l1·Σ|w| and l1·sign w.

    ``further_terms``: how many more terms the loss may sum together with those.
    """

    def times(c: float, x: T) -> T:
        return ops.charged(x, PENALTY) if c == 1 else ops.scale(x, c, roundings=PENALTY - 1)

    if penalty.l2:
        total = ops.total(ops.multiply(w, w), further_terms=further_terms)
        yield "l2", times(penalty.l2, total), times(2 * penalty.l2, w)
    if penalty.l1:
        total = ops.total(ops.magnitude(w), further_terms=further_terms)
        yield "l1", times(penalty.l1, total), times(penalty.l1, ops.sign(w))


def step(
    ops: Ops[T],
    network: Network,
    state: Mapping[str, Array],
    gradients: Mapping[str, T],
    optimizer: Optimizer,
    at: Site = keep,
    before: Sequence[Mapping[str, T]] = (),
    batch: Batch | None = None,
) -> dict[str, T]:
    """The state after one step: ``updated/dense_1/kernel`` = W − change, and the new slots.

    ``state``: parameters, and the optimizer's slots and step count where it has them.
    """
    scope = Scope(ops, network, state, batch, dict(gradients), before)
    count = int(state[STEP_COUNT]) if optimizer.COUNTS else 0
    updated: dict[str, T] = {}
    moved: dict[str, T] = {}
    for name in network.shapes():
        w = ops.exact(state[name])
        slots = {slot: ops.exact(state[f"{slot}/{name}"]) for slot in optimizer.SLOTS}
        change, after = optimizer.change(ops, w, gradients[f"gradient/{name}"], slots, count)
        if not optimizer.SLOTS and sums_of(network, 1).kinds[name]:
            change = with_separate_penalties(
                ops, network.penalty, w, change, abs(optimizer.learning_rate)
            )
        change = at(f"change/{name}", change, scope)
        updated[f"updated/{name}"] = at(f"updated/{name}", ops.subtract(w, change), scope)
        for slot, value in after.items():
            key = f"updated/{slot}/{name}"
            moved[key] = at(key, value, scope)
    return updated | moved


def with_separate_penalties(ops: Ops[T], penalty: Penalty, w: T, change: T, rate: float) -> T:
    """The change, as code may make it that takes each penalty off W by itself.

    W − ηg − 2ηλW in any order, or W(1 − 2ηλ) − ηg: for each penalty one sum more, and of a decay
    1 − 2ηλ and its product with W. None of these is larger than |W|, the change, and twice what the
    penalties take off (twice, for the gradient may all but cancel them in the change). At the size
    of the change rounds what `charged_at` adds to it, as often as there are penalties at least.
    """
    times = bool(penalty.l1) + 2 * bool(penalty.l2)
    # A factor that is not rounded: these are sizes.
    size = ops.scale(w, 1 + 4 * rate * penalty.l2, roundings=-1)
    change = charged_at(ops, change, size, times)
    if penalty.l1:
        size = ops.scale(ops.sign(w), 2 * rate * penalty.l1, roundings=-1)
        change = charged_at(ops, change, size, times)
    return change


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


def measure(
    network: Network,
    parameters: Mapping[str, Array],
    batch: Batch,
    outputs: NDArray[np.floating],
    at: Site = keep,
) -> dict[str, NDArray[Any]]:
    """``accuracy`` of the outputs, ``parameter_count`` and ``parameter_count/dense_1``, …: exact.

    The sites are ``correct``, which samples are classified rightly, and the results themselves.
    """
    values: dict[str, Any] = {"outputs": outputs}
    scope = Scope[Any](Float(), network, parameters, batch, values)
    for name, count in network.parameter_counts().items():
        values[f"parameter_count/{name}"] = at(f"parameter_count/{name}", count, scope)
    counts = [values[f"parameter_count/{name}"] for name, _ in network.named_layers()]
    values["parameter_count"] = at("parameter_count", sum(counts), scope)
    if network.decision is not None:
        right = values["correct"] = at("correct", correct(network, outputs, batch.targets), scope)
        values["accuracy"] = at("accuracy", np.mean(right), scope)
    return {n: np.asarray(v) for n, v in values.items() if n not in ("outputs", "correct")}


def correct(network: Network, outputs: NDArray[np.floating], targets: Array) -> NDArray[np.bool_]:
    """Which samples the outputs (samples, outputs) classify as the targets say."""
    if network.decision == "argmax":
        return np.asarray(outputs.argmax(axis=1) == targets.argmax(axis=1))
    assert network.decision is not None
    between = THRESHOLDS[network.decision]
    return np.asarray(((outputs > between) == (targets > between)).all(axis=1))


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
    assert network.decision is not None
    between = THRESHOLDS[network.decision]
    return np.asarray((np.abs(outputs - between) <= 2 * radius).any(axis=1))
