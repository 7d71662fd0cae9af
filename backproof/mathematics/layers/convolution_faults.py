"""What people get wrong in convolutions, and the inputs that show it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from backproof.mathematics.arithmetic.contraction import contract
from backproof.mathematics.layers import convolution
from backproof.mathematics.layers.own import At, Change, LayerFault, LayerProbe, instead, zeros
from backproof.mathematics.layers.windows import NOWHERE, Windows, seen

if TYPE_CHECKING:
    from backproof.mathematics.layers.convolution import Blocks

Wrong = Callable[[Windows], Windows]

BACK = "x̄_p = Σ_q W_t δ_q over the windows q that have p, at their place t"
KERNEL = "∂L/∂W_t = Σ_samples Σ_q x_p δ_qᵀ"
BIAS = "∂L/∂b = Σ_samples Σ_q δ_q, over all axes but that of the filters"
FORWARD = "z_q = Σ_t x_p W_t + b"


def windows_of(at: At) -> Windows:
    """The node's windows."""
    layer: Any = at.layer
    found: Windows = layer.windows(at.inputs[0])
    return found


def blocks_of(at: At) -> Blocks:
    """The node's groups."""
    layer: Any = at.layer
    found: Blocks = layer.blocks
    return found


def forwards(at: At, windows: Windows) -> dict[str, Change]:
    """The pre-activation by other windows."""

    def change(value: Any, s: Any) -> Any:
        bias = s.values.get(f"bias/{at.name}")
        x, kernel = s.values[at.sources[0]], s.values[f"kernel/{at.name}"]
        return convolution.preactivation(s.ops, windows, blocks_of(at), x, kernel, bias)

    return {f"z/{at.name}": change}


def in_gradient(at: At, windows: Windows) -> dict[str, Change]:
    """The kernel's gradient by other windows."""

    def change(value: Any, s: Any) -> Any:
        x, delta = s.values[at.sources[0]], s.values[f"delta/{at.name}"]
        return convolution.kernel_gradient(s.ops, windows, blocks_of(at), x, delta)

    return {f"data_gradient/{at.name}/kernel": change}


def backwards(
    at: At,
    windows: Windows,
    kernel: Callable[[Any, Any], Any] = lambda ops, kernel: kernel,
    delta: Callable[[Any, Any], Any] = lambda ops, delta: delta,
) -> dict[str, Change]:
    """What goes back, by other windows, another kernel or another δ."""
    if not at.back[0]:
        return {}

    def change(value: Any, s: Any) -> Any:
        given = delta(s.ops, s.values[f"delta/{at.name}"])
        held = kernel(s.ops, s.values[f"kernel/{at.name}"])
        return convolution.taken_back(s.ops, windows, blocks_of(at), given, held)

    return {at.back[0]: change}


def by_windows(*plants: Any, wrong: Wrong) -> Callable[[At], dict[str, Change]]:
    """Changes by windows that are wrong in some way; none where they are the right ones."""

    def changes(at: At) -> dict[str, Change]:
        right = windows_of(at)
        other = wrong(right)
        same = all(np.array_equal(f(right), f(other)) for f in (Windows.taken, Windows.covering))
        if same:
            return {}
        return {site: change for plant in plants for site, change in plant(at, other).items()}

    return changes


def stride_of_height(w: Windows) -> Windows:
    """The height's stride used for the width too."""
    return replace(w, stride=w.stride[:1] * len(w.lengths))


def padding_of_height(w: Windows) -> Windows:
    """The height's zeros used for the width too."""
    return replace(w, padding=w.padding[:1] * len(w.lengths))


def all_after(w: Windows) -> Windows:
    """All zeros of an axis stand after it."""
    return replace(w, padding=tuple((0, before + after) for before, after in w.padding))


def over_samples(at: At) -> dict[str, Change]:
    """The kernel's gradient, divided by the number of samples."""

    def change(value: Any, s: Any) -> Any:
        return s.ops.scale(value, 1.0, s.values[f"delta/{at.name}"].shape[0])

    return {f"data_gradient/{at.name}/kernel": change}


def exchanged(w: Windows) -> Windows:
    """The zeros that belong before an axis stand after it, and the reverse."""
    return replace(w, padding=tuple((after, before) for before, after in w.padding))


def overwritten(at: At, *, by_place: bool) -> dict[str, Change]:
    """Of the windows that have a position, one alone gives back.

    The last window, where code goes from window to window; where it goes from place to place of the
    kernel, that which has the position at the last place.
    """
    if not at.back[0]:
        return {}
    covering = windows_of(at).covering()
    order = np.broadcast_to(np.arange(covering.shape[1]), covering.shape) if by_place else covering
    order = np.where(covering == NOWHERE, NOWHERE, order)
    last = np.where(order == order.max(axis=1, keepdims=True), covering, NOWHERE)
    if np.array_equal(last, covering):
        return {}

    def change(value: Any, s: Any) -> Any:
        windows, blocks = windows_of(at), blocks_of(at)
        delta = s.values[f"delta/{at.name}"]
        found = seen(s.ops, delta, last)
        rows = delta.shape[0] * len(last)
        found = convolution.by_groups(s.ops, found, rows, blocks.groups)
        kernel = s.values[f"kernel/{at.name}"]
        kernel = convolution.shaped(s.ops, kernel, windows, blocks)
        back = contract(s.ops, "rtgk,tcgk->rgc", found, kernel)
        return s.ops.reshaped(back, value.shape)

    return {at.back[0]: change}


def not_transposed(at: At, site: str, *, backwards: bool) -> dict[str, Change]:
    """The elements of all windows in the order of the other layout, channels first or last.

    ``out.reshape(n, f, h, w)`` of what has its filters last, or ``delta.reshape(-1, f)`` of what
    has them first: a reshape where a transpose is missing.
    """
    windows = windows_of(at)
    layer: Any = at.layer
    if windows.positions == 1 or layer.filters == 1:
        return {}

    def change(value: Any, s: Any) -> Any:
        samples, filters = value.shape[0], value.shape[-1]
        places = np.arange(int(np.prod(value.shape))).reshape(samples, -1, filters)
        if backwards:
            order = places.transpose(0, 2, 1).reshape(places.shape)
        else:
            order = places.reshape(samples, filters, -1).transpose(0, 2, 1)
        return s.ops.gather(value, order.reshape(value.shape))

    return {f"{site}/{at.name}": change}


def axes_of_kernel_exchanged(at: At) -> bool:
    """Whether its kernel is square, so that code may exchange height and width."""
    kernel = windows_of(at).kernel
    return len(kernel) == 2 and kernel[0] == kernel[1] > 1


def bias_of_first(at: At) -> dict[str, Change]:
    """The bias's gradient, summed over the samples alone, at the first window."""
    many = windows_of(at).positions
    if "bias" not in at.parameters or many == 1:
        return {}

    def change(value: Any, s: Any) -> Any:
        delta = s.values[f"delta/{at.name}"]
        filters = delta.shape[-1]
        first = np.arange(delta.shape[0])[:, None] * many * filters + np.arange(filters)
        return s.ops.total(s.ops.gather(delta, first), axis=0)

    return {f"data_gradient/{at.name}/bias": change}


def bias_of_last_column(at: At) -> dict[str, Change]:
    """The bias's gradient, not summed over the width: that of the last column."""
    outputs = windows_of(at).outputs
    if "bias" not in at.parameters or len(outputs) != 2 or outputs[1] == 1:
        return {}

    def change(value: Any, s: Any) -> Any:
        delta = s.values[f"delta/{at.name}"]
        places = np.arange(int(np.prod(delta.shape))).reshape(delta.shape)
        column = s.ops.gather(delta, places[:, :, -1])
        return s.ops.total(column, axis=(0, 1))

    return {f"data_gradient/{at.name}/bias": change}


def averaged(at: At, name: str, *, samples: bool = False) -> dict[str, Change]:
    """A parameter's gradient, divided by the number of windows; or of those of all samples."""
    many = windows_of(at).positions
    if name not in at.parameters or (many == 1 and not samples):
        return {}

    def change(value: Any, s: Any) -> Any:
        rows = s.values[f"delta/{at.name}"].shape[0] if samples else 1
        return s.ops.scale(value, 1.0, many * rows)

    return {f"data_gradient/{at.name}/{name}": change}


def slope_forgotten(at: At) -> dict[str, Change]:
    """δ without the activation's derivative."""
    assert at.layer.function is not None
    if not at.arriving or at.layer.function.name == "linear":
        return {}
    return {f"delta/{at.name}": instead(at.arriving)}


def last_window_left_out(at: At) -> dict[str, Change]:
    """The kernel's gradient without the last window along the first axis."""
    windows = windows_of(at)
    if windows.outputs[0] == 1:
        return {}

    def change(value: Any, s: Any) -> Any:
        delta, x = s.values[f"delta/{at.name}"], s.values[at.sources[0]]
        places = np.arange(int(np.prod(delta.shape))).reshape(delta.shape)
        fewer = replace(windows, outputs=(windows.outputs[0] - 1, *windows.outputs[1:]))
        kept = s.ops.gather(delta, places[:, :-1])
        return convolution.kernel_gradient(s.ops, fewer, blocks_of(at), x, kept)

    return {f"data_gradient/{at.name}/kernel": change}


def groups_shifted(at: At) -> dict[str, Change]:
    """Each group of channels gets back what belongs to the next one."""
    blocks = blocks_of(at)
    if blocks.groups == 1 or not at.back[0]:
        return {}

    def change(value: Any, s: Any) -> Any:
        places = np.arange(int(np.prod(value.shape))).reshape(value.shape)
        return s.ops.gather(value, np.roll(places, -blocks.channels, axis=-1))

    return {at.back[0]: change}


def groups_interleaved(at: At) -> dict[str, Change]:
    """Every so manieth channel is of one group, not every block of them; forwards."""
    blocks = blocks_of(at)
    if blocks.groups == 1 or blocks.channels == 1:
        return {}

    def change(value: Any, s: Any) -> Any:
        x = s.values[at.sources[0]]
        places = np.arange(int(np.prod(x.shape))).reshape(x.shape)
        order = np.arange(x.shape[-1]).reshape(blocks.channels, blocks.groups).T.ravel()
        mixed = s.ops.gather(x, places[..., order])
        bias, kernel = s.values.get(f"bias/{at.name}"), s.values[f"kernel/{at.name}"]
        return convolution.preactivation(s.ops, windows_of(at), blocks, mixed, kernel, bias)

    return {f"z/{at.name}": change}


def bias_left_out(at: At) -> dict[str, Change]:
    """The pre-activation without the bias."""
    if "bias" not in at.parameters:
        return {}

    def change(value: Any, s: Any) -> Any:
        x, kernel = s.values[at.sources[0]], s.values[f"kernel/{at.name}"]
        return convolution.preactivation(s.ops, windows_of(at), blocks_of(at), x, kernel, None)

    return {f"z/{at.name}": change}


def kernel_axes_exchanged(at: At) -> dict[str, Change]:
    """What goes back by a kernel whose height and width are exchanged."""
    if not axes_of_kernel_exchanged(at):
        return {}
    return backwards(at, windows_of(at), lambda ops, kernel: ops.transpose(kernel, (1, 0, 2, 3)))


def gradient_axes_exchanged(at: At) -> dict[str, Change]:
    """The kernel's gradient with height and width exchanged."""
    if not axes_of_kernel_exchanged(at):
        return {}
    site = f"data_gradient/{at.name}/kernel"
    return {site: lambda value, s: s.ops.transpose(value, (1, 0, 2, 3))}


def maps_exchanged(at: At) -> dict[str, Change]:
    """δ with height and width exchanged, where it goes back."""
    outputs = windows_of(at).outputs
    if len(outputs) != 2 or outputs[0] != outputs[1] or outputs[0] == 1:
        return {}
    return backwards(
        at, windows_of(at), delta=lambda ops, delta: ops.transpose(delta, (0, 2, 1, 3))
    )


def nothing_back(at: At) -> dict[str, Change]:
    """Nothing goes back."""
    return {at.back[0]: zeros} if at.back[0] else {}


def ones(w: Windows) -> tuple[int, ...]:
    """One along each axis."""
    return (1,) * len(w.lengths)


ALL = (forwards, in_gradient, backwards)


def turned(w: Windows) -> Windows:
    """The windows with their kernel turned by half a circle, the other way from what they had."""
    return replace(w, turned=not w.turned)


FAULTS: tuple[LayerFault, ...] = (
    LayerFault(
        "stride_missing_backwards",
        "δ goes back as if the windows stood side by side, a stride of 1",
        BACK,
        by_windows(backwards, wrong=lambda w: replace(w, stride=ones(w))),
    ),
    LayerFault(
        "stride_missing_in_gradient",
        "the kernel's gradient takes the windows as if their stride was 1",
        KERNEL,
        by_windows(in_gradient, wrong=lambda w: replace(w, stride=ones(w))),
    ),
    LayerFault(
        "padding_missing_backwards",
        "what goes back is not cut by the zeros before the input: it is shifted",
        BACK,
        by_windows(backwards, wrong=lambda w: replace(w, padding=((0, 0),) * len(w.lengths))),
    ),
    LayerFault(
        "padding_missing_in_gradient",
        "the kernel's gradient takes the input without its zeros: shifted",
        KERNEL,
        by_windows(in_gradient, wrong=lambda w: replace(w, padding=((0, 0),) * len(w.lengths))),
    ),
    LayerFault(
        "padding_on_the_other_side",
        "the zeros that belong after the input stand before it, and the reverse",
        FORWARD,
        by_windows(*ALL, wrong=exchanged),
        sort="convention",
    ),
    LayerFault(
        "padding_on_the_other_side_backwards",
        "what goes back is cut by the zeros after the input, not by those before it",
        BACK,
        by_windows(backwards, wrong=exchanged),
    ),
    LayerFault(
        "dilation_missing_backwards",
        "what goes back takes the kernel without its gaps",
        BACK,
        by_windows(backwards, wrong=lambda w: replace(w, dilation=ones(w))),
    ),
    LayerFault(
        "dilation_missing_in_gradient",
        "the kernel's gradient takes the windows without their gaps",
        KERNEL,
        by_windows(in_gradient, wrong=lambda w: replace(w, dilation=ones(w))),
    ),
    LayerFault(
        "kernel_turned",
        "the kernel is turned by half a circle: a convolution where a correlation is meant, or the "
        "reverse",
        FORWARD,
        by_windows(*ALL, wrong=turned),
        sort="convention",
    ),
    LayerFault(
        "padding_after_alone",
        "all zeros around the input stand after it, forwards alone",
        "z_q = Σ_t x_p W_t + b, window q starting at q · stride − padding",
        by_windows(forwards, wrong=all_after),
    ),
    LayerFault(
        "gradient_over_samples",
        "the kernel's gradient is divided by the number of samples once more",
        "∂L/∂W_t = Σ_samples Σ_q x_p δ_qᵀ",
        over_samples,
    ),
    LayerFault(
        "kernel_turned_forwards",
        "the kernel is turned by half a circle forwards alone",
        "z_q = Σ_t x_p W_t + b",
        by_windows(forwards, wrong=turned),
    ),
    LayerFault(
        "kernel_not_turned_backwards",
        "δ is correlated with the kernel as it goes back, without turning it",
        BACK,
        by_windows(backwards, wrong=turned),
    ),
    LayerFault(
        "gradient_turned",
        "the kernel's gradient is turned by half a circle",
        KERNEL,
        by_windows(in_gradient, wrong=turned),
    ),
    LayerFault(
        "overlap_overwritten",
        "where windows overlap, the last one overwrites what the others give back: = for +=",
        BACK,
        lambda at: overwritten(at, by_place=False),
    ),
    LayerFault(
        "overlap_overwritten_by_place",
        "where windows overlap, what the kernel's last place gives back overwrites what the others "
        "do: = for += in a loop over the kernel",
        BACK,
        lambda at: overwritten(at, by_place=True),
    ),
    LayerFault(
        "output_not_transposed",
        "what comes out is reshaped to channels first where it should be transposed",
        FORWARD,
        lambda at: not_transposed(at, "z", backwards=False),
    ),
    LayerFault(
        "delta_not_transposed",
        "δ, its channels first, is reshaped to (rows, filters) where it should be transposed",
        "δ as (samples · windows, filters), the filters of one window side by side",
        lambda at: not_transposed(at, "delta", backwards=True),
    ),
    LayerFault(
        "last_window_left_out",
        "the kernel's gradient leaves out the last window along the first axis",
        KERNEL,
        last_window_left_out,
    ),
    LayerFault(
        "gradient_averaged",
        "the kernel's gradient is divided by the number of windows",
        KERNEL,
        lambda at: averaged(at, "kernel"),
    ),
    LayerFault(
        "bias_gradient_of_one_window",
        "the bias's gradient is summed over the samples alone, not over the windows: that of one",
        BIAS,
        bias_of_first,
    ),
    LayerFault(
        "bias_gradient_averaged",
        "the bias's gradient is divided by the number of windows",
        BIAS,
        lambda at: averaged(at, "bias"),
    ),
    LayerFault(
        "gradient_mean",
        "the kernel's gradient is the mean over samples and windows, not the sum",
        KERNEL,
        lambda at: averaged(at, "kernel", samples=True),
    ),
    LayerFault(
        "bias_gradient_mean",
        "the bias's gradient is the mean over samples and windows, not the sum",
        BIAS,
        lambda at: averaged(at, "bias", samples=True),
    ),
    LayerFault(
        "bias_left_out",
        "the bias is not added",
        FORWARD,
        bias_left_out,
    ),
    LayerFault(
        "slope_forgotten",
        "δ is taken without the activation's derivative",
        "δ = ḡ ⊙ f′(z)",
        slope_forgotten,
    ),
    LayerFault(
        "groups_shifted_backwards",
        "each group of channels gets back what belongs to the next one",
        BACK,
        groups_shifted,
    ),
    LayerFault(
        "groups_interleaved",
        "a group is every so manieth channel, not a block of them",
        FORWARD,
        groups_interleaved,
    ),
    LayerFault("nothing_back", "nothing goes back to the input", BACK, nothing_back),
)

IN_TWO_AXES: tuple[LayerFault, ...] = (
    LayerFault(
        "stride_of_the_height_backwards",
        "what goes back uses the height's stride for the width, too",
        BACK,
        by_windows(backwards, wrong=stride_of_height),
    ),
    LayerFault(
        "padding_of_the_height_backwards",
        "what goes back uses the height's zeros for the width, too",
        BACK,
        by_windows(backwards, wrong=padding_of_height),
    ),
    LayerFault(
        "padding_of_the_height",
        "the height's zeros stand at the width, too",
        FORWARD,
        by_windows(forwards, wrong=padding_of_height),
    ),
    LayerFault(
        "kernel_axes_exchanged_backwards",
        "what goes back uses a kernel whose height and width are exchanged",
        BACK,
        kernel_axes_exchanged,
    ),
    LayerFault(
        "gradient_axes_exchanged",
        "height and width of the kernel's gradient are exchanged",
        KERNEL,
        gradient_axes_exchanged,
    ),
    LayerFault(
        "maps_exchanged_backwards",
        "height and width of δ are exchanged where it goes back",
        BACK,
        maps_exchanged,
    ),
    LayerFault(
        "bias_gradient_of_last_column",
        "the bias's gradient is not summed over the width: that of the last column",
        BIAS,
        bias_of_last_column,
    ),
)


def one_sample_large(node: At, parameters: dict[str, Any], inputs: Any, stream: Any) -> None:
    """The first sample sixteen times the others: what mixes samples or positions is seen."""
    inputs[0] *= 16


def border_alone(node: At, parameters: dict[str, Any], inputs: Any, stream: Any) -> None:
    """Zeros, but at the last position of all axes: padding and the last window decide."""
    corner = (slice(None), *(-1,) * (inputs.ndim - 2)) if inputs.ndim > 2 else (slice(None),)
    kept = inputs[corner].copy()
    inputs[...] = 0
    inputs[corner] = kept


def one_place_of_the_kernel(node: At, parameters: dict[str, Any], inputs: Any, stream: Any) -> None:
    """A kernel of zeros but for its first place: where a window stands is seen exactly."""
    kernel = parameters[node.parameters["kernel"]]
    kernel.reshape(-1, *kernel.shape[-2:])[1:] = 0


HOSTILE: tuple[LayerProbe, ...] = (
    LayerProbe("large_sample", one_sample_large),
    LayerProbe("last_position", border_alone),
    LayerProbe("one_place", one_place_of_the_kernel),
)
