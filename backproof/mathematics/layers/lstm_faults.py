"""What people get wrong about LSTMs."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

from backproof.mathematics import functions
from backproof.mathematics.layers.own import At, Change
from backproof.mathematics.layers.recurring_faults import (
    OF_ALL,
    OF_GATES,
    OF_STATE,
    Changes,
    at_all,
    blocks,
    fault,
    layer_of,
    not_carried,
    one_minus_square,
    other_order,
    seen,
    steps_of,
)

CELL = "c_t = f ⊙ c_{t−1} + i ⊙ g, h_t = o ⊙ tanh c_t"
CELL_BACK = "c̄_t = h̄_t ⊙ o ⊙ (1 − tanh² c_t) + f_{t+1} ⊙ c̄_{t+1}"
GATES_BACK = "ī = c̄ ⊙ g ⊙ σ′, f̄ = c̄ ⊙ c_{t−1} ⊙ σ′, ḡ = c̄ ⊙ i ⊙ tanh′, ō = h̄ ⊙ tanh c ⊙ σ′"


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


def cell_carried_whole(at: At) -> Changes:
    """c̄_{t−1} = c̄_t."""
    if len(steps_of(at)) == 1 and not layer_of(at).states:
        return {}
    return at_all(at, "cell_carried", lambda value, s, t: seen(at, s, "cell_back", t))


def not_pulled(at: At, gate: str) -> Changes:
    """z̄ of one gate without σ′."""
    return gates_not_pulled(at, gate, lambda s, back, a: back)


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


def exchanged(at: At, first: str, second: str, *, forwards: bool) -> Changes:
    """Two gates exchanged where they are computed, or where their gradients are put together."""
    layer = layer_of(at)

    def change(value: Any, s: Any, t: int) -> Any:
        order = "ifgo" if forwards else layer.order
        parts = dict(zip(order, blocks(at, s, value, 4), strict=True))
        parts[first], parts[second] = parts[second], parts[first]
        return s.ops.concatenated([parts[gate] for gate in order])

    return at_all(at, "gates" if forwards else "z_back", change)


def state_of_bare_cell(at: At) -> Changes:
    """h_t = o ⊙ c_t, and the gradient as if there were its tanh."""

    def change(value: Any, s: Any, t: int) -> Any:
        o = blocks(at, s, seen(at, s, "gates", t), 4)[3]
        return s.ops.multiply(o, seen(at, s, "cell", t))

    return at_all(at, "state", change)


def candidate_by_sigmoid_forwards(at: At) -> Changes:
    """g = σ(z), and the gradient as if it were the tanh."""
    found = candidate_by_sigmoid(at)
    return {site: change for site, change in found.items() if site.startswith("gates_")}


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
        "cell_carried_whole",
        "the cell's gradient goes to the step before whole, not by the forget gate",
        CELL_BACK,
        cell_carried_whole,
    ),
    fault(
        "input_gate_slope_left_out",
        "the input gate is taken back without σ′",
        GATES_BACK,
        lambda at: not_pulled(at, "i"),
    ),
    fault(
        "forget_gate_slope_left_out",
        "the forget gate is taken back without σ′",
        GATES_BACK,
        lambda at: not_pulled(at, "f"),
    ),
    fault(
        "output_gate_slope_left_out",
        "the output gate is taken back without σ′",
        GATES_BACK,
        lambda at: not_pulled(at, "o"),
    ),
    fault(
        "input_and_forget_gate_exchanged",
        "input and forget gate are exchanged in the forward pass, and not on the way back",
        CELL,
        lambda at: exchanged(at, "i", "f", forwards=True),
    ),
    fault(
        "gradients_of_input_and_forget_gate_exchanged",
        "the gradients of input and forget gate stand in each other's columns",
        GATES_BACK,
        lambda at: exchanged(at, "i", "f", forwards=False),
    ),
    fault(
        "gradients_of_candidate_and_output_gate_exchanged",
        "the gradients of candidate and output gate stand in each other's columns",
        GATES_BACK,
        lambda at: exchanged(at, "g", "o", forwards=False),
    ),
    fault(
        "tanh_of_cell_missing_forwards",
        "the output is o ⊙ c, without the tanh of the cell, though that is taken back",
        CELL,
        state_of_bare_cell,
    ),
    fault(
        "candidate_by_sigmoid_forwards",
        "the candidate is a sigmoid, though a tanh is taken back",
        CELL,
        candidate_by_sigmoid_forwards,
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
