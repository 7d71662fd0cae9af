"""What people get wrong about recurrent cells, and what hides it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from backproof.mathematics.arithmetic.contraction import contract
from backproof.mathematics.layers.own import At, Change, LayerFault, LayerProbe, zeros

Changes = Mapping[str, Change]

SUMMED = "∂L/∂W = Σ_t x_tᵀ z̄_t, ∂L/∂U = Σ_t h_{t−1}ᵀ z̄_t, ∂L/∂b = Σ_t z̄_t"
CARRIED = "h̄_{t−1} = ḡ_{t−1} + z̄_t Uᵀ"

BLOCKS = ("kernel", "recurrent_kernel", "bias", "recurrent_bias")


def layer_of(at: At) -> Any:
    """The node's layer."""
    return at.layer


def steps_of(at: At) -> list[int]:
    """The steps in the order in which they are taken."""
    found: list[int] = layer_of(at).times(at.inputs[0][0])
    return found


def at_all(at: At, site: str, change: Callable[[Any, Any, int], Any], *, but: int = 0) -> Changes:
    """A change at every step, or at all but so many of the first that are taken."""

    def of(t: int) -> Change:
        return lambda value, s: change(value, s, t)

    return {f"{site}_{t}/{at.name}": of(t) for t in steps_of(at)[but:]}


def seen(at: At, s: Any, site: str, t: int) -> Any:
    """The value at a site of step t."""
    return s.values[f"{site}_{t}/{at.name}"]


def blocks(at: At, s: Any, values: Any, many: int) -> list[Any]:
    """The columns of each gate."""
    found: list[Any] = layer_of(at).split(s.ops, values, many)
    return found


def not_carried(at: At, site: str) -> Changes:
    """Nothing goes from a step to the one before it."""
    if len(steps_of(at)) == 1:
        return {}
    return at_all(at, site, lambda value, s, t: zeros(value, s), but=1)


def first_step_alone(at: At, *names: str) -> Changes:
    """The gradients of the first step, which is computed last and overwrites the others."""
    steps = steps_of(at)
    if len(steps) == 1:
        return {}
    t = steps[0]

    def of_kernel(value: Any, s: Any) -> Any:
        x = s.values[at.sources[0]]
        return contract(s.ops, "nd,nk->dk", at_step(s.ops, x, t), seen(at, s, "z_back", t))

    def of_bias(value: Any, s: Any) -> Any:
        return s.ops.total(seen(at, s, "z_back", t), 0)

    made = {"kernel": of_kernel, "bias": of_bias}
    layer = layer_of(at)
    if layer.biases != 1:
        made.pop("bias")
    return {f"data_gradient/{at.name}/{name}": made[name] for name in names if name in made}


def recurrent_of_first_step(at: At) -> Changes:
    """∂L/∂U of the first step, h₀ᵀ z̄."""
    layer = layer_of(at)
    if layer.kind == "gru" or len(steps_of(at)) == 1:
        return {}
    t = steps_of(at)[0]

    def change(value: Any, s: Any) -> Any:
        if not layer.states:
            return zeros(value, s)
        h = s.values[at.sources[1]]
        return contract(s.ops, "nd,nk->dk", h, seen(at, s, "z_back", t))

    return {f"data_gradient/{at.name}/recurrent_kernel": change}


def at_step(ops: Any, x: Any, t: int) -> Any:
    """(samples, features) of step t."""
    places = np.arange(int(np.prod(x.shape))).reshape(x.shape)
    return ops.gather(x, np.ascontiguousarray(places[:, t]))


def averaged(at: At) -> Changes:
    """Gradients divided by the number of steps."""
    steps = len(steps_of(at))
    if steps == 1:
        return {}

    def change(value: Any, s: Any) -> Any:
        return s.ops.scale(value, 1.0, steps)

    return {f"data_gradient/{at.name}/{name}": change for name in BLOCKS if name in at.parameters}


def state_after(at: At) -> Changes:
    """∂L/∂U of the state after each step, not before."""
    layer = layer_of(at)
    if layer.kind == "gru":
        return {}

    def change(value: Any, s: Any) -> Any:
        total = None
        for t in steps_of(at):
            back = seen(at, s, "z_back", t)
            part = contract(s.ops, "nd,nk->dk", seen(at, s, "state", t), back)
            total = part if total is None else s.ops.add(total, part)
        return total

    return {f"data_gradient/{at.name}/recurrent_kernel": change}


def one_bias_for_all(at: At) -> Changes:
    """The first gate's bias gradient in the place of every gate's."""
    layer = layer_of(at)
    many = len(layer.gates)
    if many == 1 or layer.biases not in (1, 2):
        return {}

    def change(value: Any, s: Any) -> Any:
        return s.ops.gather(value, np.tile(np.arange(layer.units), many))

    return {f"data_gradient/{at.name}/bias": change}


def other_order(at: At, order: str) -> Changes:
    """Columns that are read, and whose gradients are written, in another order of the gates."""
    layer = layer_of(at)
    if order == layer.gates:
        return {}
    read = layer.places([order.index(gate) for gate in layer.gates])
    write = layer.places([layer.gates.index(gate) for gate in order])

    def by(places: Any) -> Change:
        def change(value: Any, s: Any) -> Any:
            shape = value.shape
            each = np.arange(int(np.prod(shape))).reshape(shape)
            return s.ops.gather(value, np.ascontiguousarray(each[..., places]))

        return change

    changes: dict[str, Change] = {}
    for name in BLOCKS:
        if name in at.parameters:
            changes[f"{name}/{at.name}"] = by(read)
            changes[f"data_gradient/{at.name}/{name}"] = by(write)
    return changes


def states_ignored(at: At) -> Changes:
    """The given first states are taken for zeros."""
    layer = layer_of(at)
    if not layer.states:
        return {}
    t = steps_of(at)[0]
    before = layer.held
    changes: dict[str, Change] = {}

    def carried(value: Any, s: Any) -> Any:
        return zeros(value, s)

    names = ("carried", "cell_carried")[:before]
    for name in names:
        changes[f"{name}_{t}/{at.name}"] = carried
    return changes


def not_transposed(at: At) -> Changes:
    """h̄_{t−1} = z̄_t U, without the transpose."""
    layer = layer_of(at)
    if layer.kind != "simple_rnn" or layer.units == 1 or len(steps_of(at)) == 1:
        return {}

    def change(value: Any, s: Any, t: int) -> Any:
        return s.ops.matmul(seen(at, s, "z_back", t), s.values[f"recurrent_kernel/{at.name}"])

    return at_all(at, "carried", change)


def slope_of_first(at: At, made: Callable[[Any, Any, Any], Any]) -> Changes:
    """z̄ = h̄ ⊙ something else than f′(z), of the simple cell."""
    layer = layer_of(at)
    if layer.kind != "simple_rnn" or layer.activation.name != "tanh":
        return {}

    def change(value: Any, s: Any, t: int) -> Any:
        return made(s, seen(at, s, "state_back", t), seen(at, s, "state", t))

    return at_all(at, "z_back", change)


def one_minus_square(s: Any, x: Any) -> Any:
    """1 − x²."""
    return s.ops.subtract(s.ops.exact(np.ones(x.shape)), s.ops.multiply(x, x))


def fault(
    name: str,
    sentence: str,
    formula: str,
    changes: Callable[[At], Changes],
    *,
    convention: bool = False,
) -> LayerFault:
    """A fault of a cell; mathematical, unless it is said to be a convention."""
    return LayerFault(
        name, sentence, formula, changes, "convention" if convention else "mathematical"
    )


OF_ALL = (
    fault(
        "state_not_carried_back",
        "what goes back to the state of the step before is lost",
        CARRIED,
        lambda at: not_carried(at, "carried"),
    ),
    fault(
        "first_step_alone",
        "the gradients are those of the first step, which overwrites the others: `=` for `+=`",
        SUMMED,
        lambda at: first_step_alone(at, "kernel", "bias"),
    ),
    fault(
        "kernel_of_first_step",
        "the kernel's gradient is that of the first step, which overwrites the others",
        SUMMED,
        lambda at: first_step_alone(at, "kernel"),
    ),
    fault(
        "bias_of_first_step",
        "the bias's gradient is that of the first step, which overwrites the others",
        SUMMED,
        lambda at: first_step_alone(at, "bias"),
    ),
    fault(
        "averaged_over_steps",
        "the gradients are divided by the number of steps",
        SUMMED,
        averaged,
    ),
    fault(
        "first_states_without_gradient",
        "the given first states get no gradient",
        CARRIED,
        states_ignored,
    ),
)
OF_STATE = (
    fault(
        "state_after_for_before",
        "the recurrent kernel's gradient is made of the state after each step, not before it",
        SUMMED,
        state_after,
    ),
    fault(
        "recurrent_kernel_of_first_step",
        "the recurrent kernel's gradient is that of the first step, which overwrites the others",
        SUMMED,
        recurrent_of_first_step,
    ),
)
OF_GATES = (
    fault(
        "one_bias_for_all_gates",
        "the gradient of the first gate's bias stands in the place of every gate's",
        SUMMED,
        one_bias_for_all,
    ),
)
OF_SIMPLE = (
    *OF_ALL,
    *OF_STATE,
    fault(
        "kernel_not_transposed",
        "what goes back to the step before is z̄ U, without the transpose",
        CARRIED,
        not_transposed,
    ),
    fault(
        "slope_left_out",
        "the derivative of tanh is left out",
        "z̄_t = h̄_t ⊙ (1 − h_t²)",
        lambda at: slope_of_first(at, lambda s, back, h: back),
    ),
    fault(
        "slope_not_squared",
        "the derivative of tanh is 1 − h, not 1 − h²",
        "z̄_t = h̄_t ⊙ (1 − h_t²)",
        lambda at: slope_of_first(
            at,
            lambda s, back, h: s.ops.multiply(
                back, s.ops.subtract(s.ops.exact(np.ones(h.shape)), h)
            ),
        ),
    ),
)


def large_kernels(node: At, parameters: dict[str, Any], inputs: Any, stream: Any) -> None:
    """Pre-activations of ±4 and more: gates that are nearly open or shut.

    Not so far that 1 − z and 1 − n² are both lost to rounding in float32: of their product no code
    then knows anything. Nor by the recurrent kernel, whose powers are lost to it soon.
    """
    parameters[node.parameters["kernel"]] *= 2


def remembering(node: At, parameters: dict[str, Any], inputs: Any, stream: Any) -> None:
    """Biases of 2: gates that let most through, so that the first step is felt at the last."""
    for own, full in node.parameters.items():
        parameters[full] += 2.0 * own.endswith("bias")


HOSTILE = (
    LayerProbe("large_kernels", large_kernels),
    LayerProbe("remembering", remembering),
)
