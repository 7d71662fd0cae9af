"""Windows: which positions of an input each one covers, and which windows cover a position.

Convolutions and pooling are a gather by one of these indices, and a sum or a maximum. Nothing is
added up by place: what code writes as ``dx[window] += …`` (col2im) is here, for each position of
the input, one sum over the windows that cover it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from backproof.mathematics.errors import UsageError
from backproof.mathematics.layers.layer import Shape, fitting, is_length

if TYPE_CHECKING:
    from backproof.mathematics.arithmetic.operations import Ops

T = TypeVar("T")
Index = NDArray[np.intp]

Lengths = int | tuple[int, ...]
"""One number for all axes, or one for each."""

Padding = str | int | tuple[int, ...] | tuple[tuple[int, int], ...]
"""``"valid"``, ``"same"``, ``"same_torch"``; or zeros: for all sides, by axis, or by side."""

NAMED = ("valid", "same", "same_torch")
NOWHERE = -1
"""In an index: no position, but one of the zeros around."""


@dataclass(frozen=True)
class Windows:
    """Windows over an input of ``lengths``, each with one element for each place of the ``kernel``.

    ``padding``: zeros before and after, by axis. ``outputs``: how many windows there are.
    ``turned``: whether the places of the kernel count from its other end.
    """

    lengths: Shape
    kernel: Shape
    stride: Shape
    dilation: Shape
    padding: tuple[tuple[int, int], ...]
    outputs: Shape
    turned: bool = False

    @property
    def places(self) -> int:
        """How many elements a window has."""
        return prod(self.kernel)

    @property
    def positions(self) -> int:
        """How many windows there are."""
        return prod(self.outputs)

    def taken(self) -> Index:
        """(windows, places): the position of the input that each window has at each place."""
        return taken(self)

    def covering(self) -> Index:
        """(positions of the input, places): the window that has the position at that place."""
        return covering(self)


@lru_cache(maxsize=64)
def taken(windows: Windows) -> Index:
    """See `Windows.taken`."""
    w, by_axis = windows, []
    for axis, length in enumerate(w.lengths):
        start = np.arange(w.outputs[axis]) * w.stride[axis] - w.padding[axis][0]
        at = start[:, None] + np.arange(w.kernel[axis]) * w.dilation[axis]
        by_axis.append(np.where((at >= 0) & (at < length), at, NOWHERE))
    return arranged(by_axis, w.lengths, w.turned)


@lru_cache(maxsize=64)
def covering(windows: Windows) -> Index:
    """See `Windows.covering`."""
    w, by_axis = windows, []
    for axis, length in enumerate(w.lengths):
        offset = np.arange(length)[:, None] + w.padding[axis][0]
        offset = offset - np.arange(w.kernel[axis]) * w.dilation[axis]
        window, rest = np.divmod(offset, w.stride[axis])
        there = (rest == 0) & (window >= 0) & (window < w.outputs[axis])
        by_axis.append(np.where(there, window, NOWHERE))
    return arranged(by_axis, w.outputs, w.turned)


def arranged(by_axis: list[Index], among: Shape, turned: bool) -> Index:
    """(places, places of the kernel) of all axes together, counted row by row in ``among``."""
    found = np.zeros((1, 1), np.intp)
    for at, length in zip(by_axis, among, strict=True):
        both = found[:, None, :, None] * length + at[None, :, None, :]
        nowhere = (found[:, None, :, None] < 0) | (at[None, :, None, :] < 0)
        both = np.where(nowhere, NOWHERE, both)
        found = both.reshape(both.shape[0] * both.shape[1], -1)
    found = found[:, ::-1] if turned else found
    found.flags.writeable = False  # it is kept
    return found


def seen(ops: Ops[T], x: T, index: Index) -> T:
    """(samples, *index, channels) of x (samples, *axes, channels), by position; 0 for NOWHERE."""
    shape: Shape = x.shape  # type: ignore[attr-defined] # every arithmetic has it
    samples, channels = shape[0], shape[-1]
    row = prod(shape[1:])
    flat = ops.reshaped(x, (samples, row))
    nowhere = index < 0
    if nowhere.any():
        # One more column, of exact zeros; half a precision widens no other.
        flat = ops.concatenated([flat, ops.exact(np.zeros((samples, 1), np.float16))])
    within = np.where(nowhere[..., None], row, index[..., None] * channels + np.arange(channels))
    start = np.arange(samples) * (row + bool(nowhere.any()))
    return ops.gather(flat, start.reshape(-1, *(1,) * within.ndim) + within)


def numbers(kind: str, name: str, given: object, axes: int) -> Shape:
    """One whole number for each axis; a `UsageError` for anything else."""
    several: tuple[Any, ...] = given if isinstance(given, tuple) else (given,) * axes
    if len(several) != axes or not all(map(is_length, several)):
        raise UsageError(
            f"{kind}({name}={given!r}): give a whole number of at least 1"
            + (f", or a tuple of {axes} of them, one for each axis" if axes > 1 else "")
        )
    return tuple(int(each) for each in several)


def as_padding(kind: str, given: object, axes: int) -> str | tuple[tuple[int, int], ...]:
    """A name, or zeros before and after by axis; a `UsageError` for anything else."""
    if isinstance(given, str) and given in NAMED:
        return given
    several = given if isinstance(given, tuple) else (given,) * axes
    if len(several) == axes:
        pairs = [each if isinstance(each, tuple) else (each, each) for each in several]
        whole = [type(x) is int and x >= 0 for pair in pairs for x in pair]
        if all(len(pair) == 2 for pair in pairs) and all(whole):
            return tuple((before, after) for before, after in pairs)
    each = "((top, bottom), (left, right))" if axes == 2 else "((before, after),)"
    raise UsageError(
        f"{kind}(padding={given!r}): choose "
        f"{', '.join(map(repr, NAMED))}, or give numbers of zeros: one for all sides, one for each "
        f"axis, or {each}"
    )


def windows_over(
    kind: str,
    lengths: Shape,
    kernel: Shape,
    stride: Shape,
    dilation: Shape,
    padding: str | tuple[tuple[int, int], ...],
    turned: bool = False,
) -> Windows:
    """The windows that fit; a `UsageError` where none does.

    ``"same"``: as many zeros as give ⌈length / stride⌉ windows, as Keras has it.
    ``"same_torch"``: dilation·(kernel − 1) zeros whatever the stride, as PyTorch has it where the
    stride is 1. Of an odd number of zeros the one more stands after, in both.
    """
    sides, outputs = [], []
    for axis, length in enumerate(lengths):
        reach = dilation[axis] * (kernel[axis] - 1)
        if padding == "valid":
            side = (0, 0)
        elif padding in NAMED:
            total = reach
            if padding == "same":
                total = max(
                    -(-length // stride[axis]) * stride[axis] - stride[axis] + reach + 1 - length, 0
                )
            side = (total // 2, total - total // 2)
        else:
            assert not isinstance(padding, str)
            side = padding[axis]
            if max(side) > reach:
                raise UsageError(
                    f"{kind}: {max(side)} zeros on a side of an axis of {length}, but a window "
                    f"reaches over {reach + 1}: some would see zeros alone. Give at most {reach}"
                )
        room = length + sum(side)
        if room < reach + 1:
            raise fitting(
                kind,
                f"at least {reach + 1 - sum(side)} along axis {axis} (a window reaches over "
                f"{reach + 1}, of {sum(side)} zeros around the input)",
                lengths,
            )
        sides.append(side)
        outputs.append((room - reach - 1) // stride[axis] + 1)
    return Windows(lengths, kernel, stride, dilation, tuple(sides), tuple(outputs), turned)
