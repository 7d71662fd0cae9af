"""What people get wrong about recurrent cells, and what hides it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from backproof.mathematics import functions
from backproof.mathematics.arithmetic.contraction import contract
from backproof.mathematics.layers.own import At, Change, LayerFault, LayerProbe, zeros

Changes = Mapping[str, Change]

SUMMED = "∂L/∂W = Σ_t x_tᵀ z̄_t, ∂L/∂U = Σ_t h_{t−1}ᵀ z̄_t, ∂L/∂b = Σ_t z̄_t"
CARRIED = "h̄_{t−1} = ḡ_{t−1} + z̄_t Uᵀ"
CELL = "c_t = f ⊙ c_{t−1} + i ⊙ g, h_t = o ⊙ tanh c_t"
CELL_BACK = "c̄_t = h̄_t ⊙ o ⊙ (1 − tanh² c_t) + f_{t+1} ⊙ c̄_{t+1}"
GATES_BACK = "ī = c̄ ⊙ g ⊙ σ′, f̄ = c̄ ⊙ c_{t−1} ⊙ σ′, ḡ = c̄ ⊙ i ⊙ tanh′, ō = h̄ ⊙ tanh c ⊙ σ′"
UPDATE = "h_t = z ⊙ h_{t−1} + (1 − z) ⊙ n"
UPDATE_BACK = "n̄ = h̄ ⊙ (1 − z) ⊙ (1 − n²), z̄ = h̄ ⊙ (h_{t−1} − n) ⊙ z (1 − z)"
RESET = "n = tanh(x_t W + r ⊙ (h_{t−1} U)), or with (r ⊙ h_{t−1}) U where it resets before"

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


def gates_not_pulled(at: At, gates: str, made: Callable[[Any, Any, Any], Any]) -> Changes:
    """z̄ of some gates of an LSTM, of what arrives at them and of their values."""
    layer = layer_of(at)

    def change(value: Any, s: Any, t: int) -> Any:
        parts = dict(zip(layer.order, blocks(at, s, value, 4), strict=True))
        arrived = blocks(at, s, seen(at, s, "gates_back", t), 4)
        given = blocks(at, s, seen(at, s, "gates", t), 4)
        for gate, back, a in zip("ifgo", arrived, given, strict=True):
            if gate in gates:
                parts[gate] = made(s, back, a)
        return s.ops.concatenated([parts[gate] for gate in layer.order])

    return at_all(at, "z_back", change)


def arriving_otherwise(at: At, gate: str, made: Callable[[At, Any, int], Any]) -> Changes:
    """What arrives at one gate of an LSTM."""

    def change(value: Any, s: Any, t: int) -> Any:
        parts = blocks(at, s, value, 4)
        parts["ifgo".index(gate)] = made(at, s, t)
        return s.ops.concatenated(parts)

    return at_all(at, "gates_back", change)


def by_cell_after(at: At, s: Any, t: int) -> Any:
    """f̄ = c̄_t ⊙ c_t."""
    return s.ops.multiply(seen(at, s, "cell_back", t), seen(at, s, "cell", t))


def by_bare_cell(at: At, s: Any, t: int) -> Any:
    """ō = h̄_t ⊙ c_t."""
    return s.ops.multiply(seen(at, s, "state_back", t), seen(at, s, "cell", t))


def by_candidate(at: At, s: Any, t: int) -> Any:
    """ḡ = c̄_t ⊙ g."""
    g = blocks(at, s, seen(at, s, "gates", t), 4)[2]
    return s.ops.multiply(seen(at, s, "cell_back", t), g)


def through_otherwise(at: At, made: Callable[[At, Any, int, Any], Any]) -> Changes:
    """What comes to the cell through the output."""

    def change(value: Any, s: Any, t: int) -> Any:
        o = blocks(at, s, seen(at, s, "gates", t), 4)[3]
        return made(at, s, t, s.ops.multiply(seen(at, s, "state_back", t), o))

    return at_all(at, "through", change)


def cell_slope(at: At, s: Any, t: int, back: Any) -> Any:
    """h̄ ⊙ o ⊙ (1 − c²)."""
    return s.ops.multiply(back, one_minus_square(s, seen(at, s, "cell", t)))


def cell_shown_bare(at: At) -> Changes:
    """h_t = o ⊙ c_t, and its gradient."""
    return {
        **at_all(at, "shown", lambda value, s, t: seen(at, s, "cell", t)),
        **through_otherwise(at, lambda at, s, t, back: back),
    }


def carried_by(at: At, gate: int) -> Changes:
    """The cell's cotangent goes to the step before by another gate."""
    if len(steps_of(at)) == 1 and not layer_of(at).states:
        return {}

    def change(value: Any, s: Any, t: int) -> Any:
        other = blocks(at, s, seen(at, s, "gates", t), 4)[gate]
        return s.ops.multiply(seen(at, s, "cell_back", t), other)

    return at_all(at, "cell_carried", change)


def cell_not_joined(at: At) -> Changes:
    """The cell gets what comes from the next step alone, `=` for `+=`."""
    steps = steps_of(at)
    if len(steps) == 1:
        return {}

    def of(later: int) -> Change:
        return lambda value, s: seen(at, s, "cell_carried", later)

    return {f"cell_back_{t}/{at.name}": of(later) for t, later in pairwise(steps)}


def candidate_by_sigmoid(at: At) -> Changes:
    """g = σ(z) for tanh(z), with its derivative."""
    layer, f = layer_of(at), functions.named("sigmoid")

    def forward(value: Any, s: Any, t: int) -> Any:
        parts = blocks(at, s, value, 4)
        parts[2] = s.ops.activate(f, blocks(at, s, seen(at, s, "z", t), 4)[2])
        return s.ops.concatenated(parts)

    def back(value: Any, s: Any, t: int) -> Any:
        parts = dict(zip(layer.order, blocks(at, s, value, 4), strict=True))
        z = blocks(at, s, seen(at, s, "z", t), 4)[2]
        g = blocks(at, s, seen(at, s, "gates", t), 4)[2]
        arrived = blocks(at, s, seen(at, s, "gates_back", t), 4)[2]
        parts["g"] = s.ops.vjp(f, z, g, arrived)
        return s.ops.concatenated([parts[gate] for gate in layer.order])

    return {**at_all(at, "gates", forward), **at_all(at, "z_back", back)}


# --- the gated recurrent unit ------------------------------------------------------------------


def update_of(at: At, s: Any, t: int) -> tuple[Any, Any]:
    """z and r of step t."""
    z, r = blocks(at, s, seen(at, s, "gates", t), 2)
    return z, r


def state_kept_nothing(at: At) -> Changes:
    """h̄_t ⊙ z does not go to the step before."""
    if len(steps_of(at)) == 1:
        return {}
    return at_all(at, "kept_back", lambda value, s, t: zeros(value, s))


def state_kept_whole(at: At) -> Changes:
    """h̄_t goes to the step before whole, not by z."""
    if len(steps_of(at)) == 1:
        return {}
    return at_all(at, "kept_back", lambda value, s, t: seen(at, s, "state_back", t))


def gates_back_otherwise(at: At, which: int, made: Callable[[At, Any, int], Any]) -> Changes:
    """What arrives at the update gate (0) or at the reset gate (1)."""

    def change(value: Any, s: Any, t: int) -> Any:
        parts = blocks(at, s, value, 2)
        parts[which] = made(at, s, t)
        return s.ops.concatenated(parts)

    return at_all(at, "gates_back", change)


def minus_new(at: At, s: Any, t: int) -> Any:
    """z̄ without h_{t−1}: −h̄ ⊙ n."""
    product = s.ops.multiply(seen(at, s, "state_back", t), seen(at, s, "new", t))
    return s.ops.scale(product, -1.0, roundings=-1)


def nothing(at: At, s: Any, t: int) -> Any:
    """Zeros, as of a constant."""
    return s.ops.exact(np.zeros(seen(at, s, "new", t).shape))


def gates_slope_left_out(at: At) -> Changes:
    """z̄ and r̄ without σ′."""
    return at_all(at, "zr_back", lambda value, s, t: seen(at, s, "gates_back", t))


def sigma_for_slope(at: At) -> Changes:
    """z̄ and r̄ with σ for σ′."""

    def change(value: Any, s: Any, t: int) -> Any:
        return s.ops.multiply(seen(at, s, "gates_back", t), seen(at, s, "gates", t))

    return at_all(at, "zr_back", change)


def new_by_z(at: At) -> Changes:
    """n̄ by z for 1 − z."""

    def change(value: Any, s: Any, t: int) -> Any:
        z, _ = update_of(at, s, t)
        arrived = s.ops.multiply(seen(at, s, "state_back", t), z)
        new = seen(at, s, "new", t)
        return s.ops.multiply(arrived, one_minus_square(s, new))

    return at_all(at, "n_back", change)


def new_slope_left_out(at: At) -> Changes:
    """n̄ = h̄ ⊙ (1 − z), without tanh′."""

    def change(value: Any, s: Any, t: int) -> Any:
        z, _ = update_of(at, s, t)
        back = seen(at, s, "state_back", t)
        return s.ops.subtract(back, s.ops.multiply(back, z))

    return at_all(at, "n_back", change)


def reset_not_taken_back(at: At) -> Changes:
    """What goes back through the reset product is not multiplied by r."""
    if layer_of(at).reset != "after":
        return {}
    return at_all(at, "inner_back", lambda value, s, t: seen(at, s, "n_back", t))


def update_exchanged(at: At) -> Changes:
    """h_t = (1 − z) ⊙ h_{t−1} + z ⊙ n, as others have it: the update gate turned."""
    layer = layer_of(at)
    z = [layer.order.index("z")]

    def turned(value: Any, s: Any) -> Any:
        sign = np.ones(value.shape)
        sign[..., layer.places(z)] = -1
        return s.ops.multiply(value, s.ops.exact(sign))

    changes: dict[str, Change] = {}
    for name in BLOCKS:
        if name in at.parameters:
            changes[f"{name}/{at.name}"] = turned
            changes[f"data_gradient/{at.name}/{name}"] = turned
    return changes


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
OF_LSTM = (
    *OF_ALL,
    *OF_STATE,
    *OF_GATES,
    fault(
        "cell_not_carried_back",
        "what goes back to the cell of the step before is lost",
        CELL_BACK,
        lambda at: not_carried(at, "cell_carried"),
    ),
    fault(
        "cell_carried_by_input_gate",
        "the cell's gradient goes to the step before by the input gate, not the forget gate",
        CELL_BACK,
        lambda at: carried_by(at, 0),
    ),
    fault(
        "cell_overwritten",
        "the cell gets what comes from the next step alone: `=` for `+=`",
        CELL_BACK,
        cell_not_joined,
    ),
    fault(
        "tanh_of_cell_missing",
        "the output is o ⊙ c, without the tanh of the cell",
        CELL,
        cell_shown_bare,
        convention=True,
    ),
    fault(
        "tanh_of_cell_not_taken_back",
        "the cell gets h̄ ⊙ o, without the derivative of its tanh",
        CELL_BACK,
        lambda at: through_otherwise(at, lambda at, s, t, back: back),
    ),
    fault(
        "slope_of_bare_cell",
        "the derivative of the cell's tanh is taken as 1 − c², not 1 − tanh² c",
        CELL_BACK,
        lambda at: through_otherwise(at, cell_slope),
    ),
    fault(
        "sigma_for_its_slope",
        "the gates are taken back by σ, not by σ′ = σ (1 − σ)",
        GATES_BACK,
        lambda at: gates_not_pulled(at, "ifo", lambda s, back, a: s.ops.multiply(back, a)),
    ),
    fault(
        "gates_slope_left_out",
        "the gates are taken back without σ′",
        GATES_BACK,
        lambda at: gates_not_pulled(at, "ifo", lambda s, back, a: back),
    ),
    fault(
        "candidate_slope_left_out",
        "the candidate is taken back without the derivative of its tanh",
        GATES_BACK,
        lambda at: gates_not_pulled(at, "g", lambda s, back, a: back),
    ),
    fault(
        "candidate_by_slope_of_sigmoid",
        "the candidate is taken back by g (1 − g), as a gate, not by 1 − g²",
        GATES_BACK,
        lambda at: gates_not_pulled(
            at,
            "g",
            lambda s, back, a: s.ops.multiply(back, s.ops.subtract(a, s.ops.multiply(a, a))),
        ),
    ),
    fault(
        "forget_gate_of_cell_after",
        "the forget gate's gradient is made of the cell after the step, not before it",
        GATES_BACK,
        lambda at: arriving_otherwise(at, "f", by_cell_after),
    ),
    fault(
        "output_gate_of_bare_cell",
        "the output gate's gradient is made of the cell, not of its tanh",
        GATES_BACK,
        lambda at: arriving_otherwise(at, "o", by_bare_cell),
    ),
    fault(
        "candidate_of_candidate",
        "the candidate's gradient is made of itself, not of the input gate",
        GATES_BACK,
        lambda at: arriving_otherwise(at, "g", by_candidate),
    ),
    fault(
        "candidate_by_sigmoid",
        "the candidate is a sigmoid, not a tanh",
        CELL,
        candidate_by_sigmoid,
        convention=True,
    ),
    fault(
        "order_ifog",
        "the columns stand in the order input, forget, output, candidate",
        "[i, f, g, o], in the order declared",
        lambda at: other_order(at, "ifog"),
        convention=True,
    ),
    fault(
        "order_igfo",
        "the columns stand in the order input, candidate, forget, output",
        "[i, f, g, o], in the order declared",
        lambda at: other_order(at, "igfo"),
        convention=True,
    ),
    fault(
        "order_fiog",
        "the columns stand in the order forget, input, output, candidate",
        "[i, f, g, o], in the order declared",
        lambda at: other_order(at, "fiog"),
        convention=True,
    ),
)
OF_GRU = (
    *OF_ALL,
    *OF_GATES,
    fault(
        "kept_state_not_taken_back",
        "the step before does not get h̄ ⊙ z, what is kept of its state",
        UPDATE_BACK,
        state_kept_nothing,
    ),
    fault(
        "kept_state_whole",
        "the step before gets h̄ whole, not h̄ ⊙ z",
        UPDATE_BACK,
        state_kept_whole,
    ),
    fault(
        "update_gate_of_new_alone",
        "the update gate's gradient lacks the state before: −h̄ ⊙ n",
        UPDATE_BACK,
        lambda at: gates_back_otherwise(at, 0, minus_new),
    ),
    fault(
        "update_gate_constant",
        "the update gate gets no gradient",
        UPDATE_BACK,
        lambda at: gates_back_otherwise(at, 0, nothing),
    ),
    fault(
        "reset_gate_constant",
        "the reset gate gets no gradient",
        RESET,
        lambda at: gates_back_otherwise(at, 1, nothing),
    ),
    fault(
        "gates_slope_left_out",
        "the gates are taken back without σ′",
        UPDATE_BACK,
        gates_slope_left_out,
    ),
    fault(
        "sigma_for_its_slope",
        "the gates are taken back by σ, not by σ′ = σ (1 − σ)",
        UPDATE_BACK,
        sigma_for_slope,
    ),
    fault(
        "new_by_update_gate",
        "what is new is taken back by z, not by 1 − z",
        UPDATE_BACK,
        new_by_z,
    ),
    fault(
        "new_slope_left_out",
        "what is new is taken back without the derivative of its tanh",
        UPDATE_BACK,
        new_slope_left_out,
    ),
    fault(
        "reset_not_taken_back",
        "what goes back through the reset product is not multiplied by the reset gate",
        RESET,
        reset_not_taken_back,
    ),
    fault(
        "update_gate_turned",
        "the update gate says how much is new, not how much is kept",
        UPDATE,
        update_exchanged,
        convention=True,
    ),
    fault(
        "order_rzn",
        "the columns stand in the order reset, update, new",
        "[z, r, n], in the order declared",
        lambda at: other_order(at, "rzn"),
        convention=True,
    ),
    fault(
        "order_zrn",
        "the columns stand in the order update, reset, new",
        "[z, r, n], in the order declared",
        lambda at: other_order(at, "zrn"),
        convention=True,
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
