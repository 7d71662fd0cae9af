"""What people get wrong about GRUs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from backproof.mathematics.layers.own import At, Change, zeros
from backproof.mathematics.layers.recurring_faults import (
    BLOCKS,
    OF_ALL,
    OF_GATES,
    Changes,
    at_all,
    blocks,
    fault,
    layer_of,
    one_minus_square,
    other_order,
    seen,
    steps_of,
)

UPDATE = "h_t = z ⊙ h_{t−1} + (1 − z) ⊙ n"
UPDATE_BACK = "n̄ = h̄ ⊙ (1 − z) ⊙ (1 − n²), z̄ = h̄ ⊙ (h_{t−1} − n) ⊙ z (1 − z)"
RESET = "n = tanh(x_t W + r ⊙ (h_{t−1} U)), or with (r ⊙ h_{t−1}) U where it resets before"


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
