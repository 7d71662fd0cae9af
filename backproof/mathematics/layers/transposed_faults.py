"""What people get wrong in transposed convolutions."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import Any

import numpy as np

from backproof.mathematics.layers.convolution import kernel_gradient, preactivation
from backproof.mathematics.layers.own import At, Change, LayerFault, instead
from backproof.mathematics.layers.windows import NOWHERE, Windows, seen


def way_back(at: At, windows: Windows) -> dict[str, Change]:
    """What goes back, by other windows."""
    layer: Any = at.layer
    if not at.back[0]:
        return {}

    def change(value: Any, s: Any) -> Any:
        delta, kernel = s.values[f"delta/{at.name}"], s.values[f"kernel/{at.name}"]
        return preactivation(s.ops, windows, layer.blocks, delta, kernel, None)

    return {at.back[0]: change}


def in_gradient(at: At, windows: Windows) -> dict[str, Change]:
    """The kernel's gradient by other windows."""
    layer: Any = at.layer

    def change(value: Any, s: Any) -> Any:
        delta, x = s.values[f"delta/{at.name}"], s.values[at.sources[0]]
        return kernel_gradient(s.ops, windows, layer.blocks, delta, x)

    return {f"data_gradient/{at.name}/kernel": change}


def forwards(at: At, windows: Windows) -> dict[str, Change]:
    """The pre-activation by other windows."""
    layer: Any = at.layer

    def change(value: Any, s: Any) -> Any:
        x, kernel = s.values[at.sources[0]], s.values[f"kernel/{at.name}"]
        return layer.preactivation(s.ops, x, kernel, s.values.get(f"bias/{at.name}"), windows)

    return {f"z/{at.name}": change}


def windows_of(at: At) -> Windows:
    """The node's windows."""
    layer: Any = at.layer
    found: Windows = layer.windows(at.inputs[0])
    return found


def with_other(at: At, other: Windows, *plants: Any) -> dict[str, Change]:
    """The changes by other windows; none where they are the right ones."""
    if np.array_equal(other.taken(), windows_of(at).taken()):
        return {}
    return {site: change for plant in plants for site, change in plant(at, other).items()}


def uncut(at: At) -> Windows:
    """The windows as if nothing was cut off."""
    return replace(windows_of(at), padding=((0, 0), (0, 0)))


def side_by_side(at: At) -> Windows:
    """The windows as if their stride was 1."""
    return replace(windows_of(at), stride=(1, 1))


def turned(at: At) -> Windows:
    """The windows with their kernel turned by half a circle."""
    return replace(windows_of(at), turned=True)


def overwritten(at: At) -> dict[str, Change]:
    """Of the windows that cover a position of what comes out, the last one alone."""
    layer: Any = at.layer
    covering = windows_of(at).covering()
    last = np.where(covering == covering.max(axis=1, keepdims=True), covering, NOWHERE)
    if np.array_equal(last, covering):
        return {}

    def change(value: Any, s: Any) -> Any:
        x, kernel = s.values[at.sources[0]], s.values[f"kernel/{at.name}"]
        found = seen(s.ops, x, last)
        rows, places = x.shape[0] * len(last), last.shape[1]
        found = s.ops.reshaped(found, (rows, places * layer.channels))
        order = s.ops.transpose(kernel, (0, 1, 3, 2))
        z = s.ops.matmul(found, s.ops.reshaped(order, (places * layer.channels, layer.filters)))
        if layer.bias:
            z = s.ops.add(z, s.values[f"bias/{at.name}"])
        return s.ops.reshaped(z, value.shape)

    return {f"z/{at.name}": change}


def bias_averaged(at: At) -> dict[str, Change]:
    """The bias's gradient divided by the number of positions."""
    many = prod(windows_of(at).lengths)
    if "bias" not in at.parameters or many == 1:
        return {}
    return {f"data_gradient/{at.name}/bias": lambda value, s: s.ops.scale(value, 1.0, many)}


def slope_forgotten(at: At) -> dict[str, Change]:
    """δ without the activation's derivative."""
    assert at.layer.function is not None
    if not at.arriving or at.layer.function.name == "linear":
        return {}
    return {f"delta/{at.name}": instead(at.arriving)}


BACK = "x̄_q = Σ_t δ_p W_t, p the position that window q has at its place t"
KERNEL = "∂L/∂W_t = Σ_samples Σ_q δ_p x_qᵀ"
FORWARD = "z_p = Σ_q x_q W_tᵀ + b over the windows q that have p, at their place t"

FAULTS: tuple[LayerFault, ...] = (
    LayerFault(
        "stride_missing_backwards",
        "δ is taken as if the windows stood side by side, a stride of 1",
        BACK,
        lambda at: with_other(at, side_by_side(at), way_back),
    ),
    LayerFault(
        "stride_missing_in_gradient",
        "the kernel's gradient takes the windows as if their stride was 1",
        KERNEL,
        lambda at: with_other(at, side_by_side(at), in_gradient),
    ),
    LayerFault(
        "cut_forgotten_backwards",
        "what was cut off before is not counted on the way back: it is shifted",
        BACK,
        lambda at: with_other(at, uncut(at), way_back),
    ),
    LayerFault(
        "cut_forgotten_in_gradient",
        "what was cut off before is not counted in the kernel's gradient: it is shifted",
        KERNEL,
        lambda at: with_other(at, uncut(at), in_gradient),
    ),
    LayerFault(
        "kernel_turned",
        "the kernel is turned by half a circle, in all passes",
        FORWARD,
        lambda at: with_other(at, turned(at), forwards, in_gradient, way_back),
        sort="convention",
    ),
    LayerFault(
        "kernel_turned_backwards",
        "the kernel is turned by half a circle on the way back",
        BACK,
        lambda at: with_other(at, turned(at), way_back),
    ),
    LayerFault(
        "overlap_overwritten",
        "where windows overlap, the last one overwrites what the others give: = for +=",
        FORWARD,
        overwritten,
    ),
    LayerFault(
        "bias_gradient_averaged",
        "the bias's gradient is divided by the number of positions",
        "∂L/∂b = Σ_samples Σ_p δ_p",
        bias_averaged,
    ),
    LayerFault(
        "slope_forgotten",
        "δ is taken without the activation's derivative",
        "δ = ḡ ⊙ f′(z)",
        slope_forgotten,
    ),
)
