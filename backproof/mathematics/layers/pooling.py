"""Pooling over any number of axes: what the maximum and the average have in common."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import numpy as np

from backproof.mathematics.errors import UsageError
from backproof.mathematics.functions.largest import Largest, Ties
from backproof.mathematics.layers.convolution import AXES, brief
from backproof.mathematics.layers.layer import Choose, Formulas, Layer, Shape, Symbols, fitting
from backproof.mathematics.layers.pooled import (
    Group,
    given_back,
    groups_of,
    rows_of,
    together,
    upstream,
)
from backproof.mathematics.layers.windows import (
    Lengths,
    Padding,
    Windows,
    as_padding,
    numbers,
    windows_over,
)

if TYPE_CHECKING:
    from backproof.mathematics.arithmetic.operations import Ops
    from backproof.mathematics.layers.here import Here

T = TypeVar("T")

TIES: tuple[Ties, ...] = ("first", "last", "shared", "all")


class Pooling(Layer):
    """What all pooling does: each window of each channel is one row, of which it takes a function.

    A row's function is `reduced`, and what it gives back is `taken_back`.
    """

    @abstractmethod
    def windows(self, shape: Shape) -> Windows:
        """Those over an input of that shape."""

    def with_zeros(self) -> bool:
        """Whether zeros around the input take part."""
        return False

    @abstractmethod
    def reduced(self, ops: Ops[T], rows: T) -> T:
        """(rows,) of (rows, positions)."""

    @abstractmethod
    def taken_back(self, ops: Ops[T], rows: T, cotangent: T) -> T:
        """(rows, positions): the cotangent, which stands in each column, taken back."""

    def groups(self, shape: Shape) -> tuple[Group, ...]:
        """Its windows over an input of that shape, by their lengths."""
        return groups_of(self.windows(shape), zeros=self.with_zeros())

    def shape_of(self, outputs: Shape, channels: int) -> Shape:
        """What comes out, of a sample."""
        return (*outputs, channels)

    def output(self, *inputs: Shape) -> Shape:
        if len(inputs) != 1:
            raise fitting(self.kind, "one input", *inputs)
        return self.shape_of(self.windows(inputs[0]).outputs, inputs[0][-1])

    def forward(self, here: Here[T], *inputs: T) -> T:
        ops, x = here.ops, inputs[0]
        shape: Shape = x.shape  # type: ignore[attr-defined] # every arithmetic has it
        groups = self.groups(shape[1:])
        parts = []
        for number, group in enumerate(groups):
            rows = here.site(f"rows_{number}", rows_of(ops, x, group))
            parts.append(self.reduced(ops, rows))
        windows = self.windows(shape[1:]).positions
        out = together(ops, parts, groups, (shape[0], windows, shape[-1]))
        return ops.reshaped(out, (shape[0], *self.output(shape[1:])))

    def backward(self, here: Here[T], cotangent: T, *inputs: T) -> tuple[T | None, ...]:
        """Each window's cotangent by its function, and the sum over the windows of a position.

        Goodfellow, Bengio and Courville, Deep Learning, section 9.3::

            x̄_p = Σ_q ∂a_q/∂x_p · ḡ_q,   ∂a_q/∂x_p = [x_p is the largest of q], or 1/|q|
        """
        if not here.wants():
            return (None,)
        ops = here.ops
        shape: Shape = inputs[0].shape  # type: ignore[attr-defined]
        groups = self.groups(shape[1:])
        parts = [
            self.taken_back(ops, here.value(f"rows_{number}"), upstream(ops, cotangent, group))
            for number, group in enumerate(groups)
        ]
        return (given_back(ops, parts, groups, shape, here.further_terms_below()),)

    def summands(self, *inputs: Shape) -> tuple[int, ...]:
        return (int((self.windows(inputs[0]).covering() >= 0).sum(axis=1).max()),)

    def products(self, *inputs: Shape) -> int:
        windows = self.windows(inputs[0])
        return windows.positions * windows.places * inputs[0][-1]


@dataclass(frozen=True)
class Sliding(Pooling):
    """Pooling by windows that slide; their ``stride`` is the kernel where none is given."""

    kernel: Lengths
    stride: Lengths | None = None
    padding: Padding = "valid"

    axes: ClassVar[int]
    """How many axes it slides along."""
    if TYPE_CHECKING:  # each has it, as its last field

        @property
        def zeros(self) -> bool: ...

    def __post_init__(self) -> None:
        kind = type(self).__name__
        kernel = numbers(kind, "kernel", self.kernel, self.axes)
        stride = kernel if self.stride is None else self.stride
        object.__setattr__(self, "kernel", kernel)
        object.__setattr__(self, "stride", numbers(kind, "stride", stride, self.axes))
        object.__setattr__(self, "padding", as_padding(kind, self.padding, self.axes))
        if not isinstance(self.zeros, bool):
            raise UsageError(f"{kind}(zeros={self.zeros!r}): give True or False")

    def with_zeros(self) -> bool:
        return self.zeros

    @classmethod
    def options(cls, choose: Choose) -> dict[str, Any]:
        """Its further fields, drawn."""
        return {}

    @classmethod
    def drawn(cls, choose: Choose, *came: Shape) -> Sliding | None:
        if len(came) != 1 or len(came[0]) != cls.axes + 1:
            return None
        kernel = tuple(choose([k for k in (1, 2, 3) if k <= length]) for length in came[0][:-1])
        stride = choose((None, *(tuple(choose((1, 2, 3)) for _ in kernel),)))
        odd = tuple((choose((0, k - 1)), choose((0, k // 2))) for k in kernel)
        padding: tuple[Padding, ...] = ("valid", "same", "same_torch", odd)
        return cls(kernel, stride, choose(padding), **cls.options(choose))

    def windows(self, shape: Shape) -> Windows:
        """Those over an input of that shape; raises `UsageError` where none fits."""
        kernel, stride, padding = self.kernel, self.stride, self.padding
        if len(shape) != self.axes + 1:
            raise fitting(self.kind, f"one input ({AXES[self.axes]}, channels)", shape)
        assert isinstance(kernel, tuple)
        assert isinstance(stride, tuple)
        one = (1,) * self.axes
        return windows_over(self.kind, shape[:-1], kernel, stride, one, padding)  # type: ignore[arg-type]

    def summary(self) -> str:
        """``3×3, stride 2``, and what is special about it."""
        assert isinstance(self.kernel, tuple)
        told = "×".join(map(str, self.kernel))
        told += f", stride {brief(self.stride)}" if self.stride != self.kernel else ""
        return told + (f", padding {brief(self.padding)}" if self.padding != "valid" else "")


class Global(Pooling):
    """Pooling of all positions: of (…, channels), the channels alone are left."""

    def windows(self, shape: Shape) -> Windows:
        """The one that has all positions."""
        lengths = shape[:-1]
        if not lengths:
            raise fitting(self.kind, "one input (…, channels) of at least two axes", shape)
        one = (1,) * len(lengths)
        return Windows(lengths, lengths, one, one, ((0, 0),) * len(lengths), one)

    def shape_of(self, outputs: Shape, channels: int) -> Shape:
        return (channels,)


class OfMaximum(Pooling):
    """By the largest of each window; ``ties``: which of several equal ones gets the cotangent."""

    ties: Ties

    def reduced(self, ops: Ops[T], rows: T) -> T:
        shape: Shape = rows.shape  # type: ignore[attr-defined] # every arithmetic has it
        every = ops.activate(Largest(self.ties), rows)
        return ops.gather(every, np.arange(shape[0]) * shape[1])

    def taken_back(self, ops: Ops[T], rows: T, cotangent: T) -> T:
        f = Largest(self.ties)
        return ops.vjp(f, rows, ops.activate(f, rows), cotangent)

    def latex(self, symbols: Symbols) -> Formulas:
        x, i, arriving = symbols.inputs[0], symbols.number, symbols.arriving
        return Formulas(
            forward=rf"A_{{{i}}}[q] = \max_{{p \text{{ in }} q}} {x}[p]",
            delta="",
            cotangents=(
                rf"\left(\sum_q [p \text{{ is where }} {x} \text{{ is largest in }} q]\, "
                rf"{arriving}[q]\right)_p",
            ),
            gradients={},
        )


class OfAverage(Pooling):
    """By the mean of each window."""

    def reduced(self, ops: Ops[T], rows: T) -> T:
        """Σ/n: each term may be divided before it is added."""
        shape: Shape = rows.shape  # type: ignore[attr-defined]
        return ops.scale(ops.total(rows, axis=1, further_terms=2), 1.0, shape[1])

    def taken_back(self, ops: Ops[T], rows: T, cotangent: T) -> T:
        shape: Shape = rows.shape  # type: ignore[attr-defined]
        return ops.scale(cotangent, 1.0, shape[1])

    def latex(self, symbols: Symbols) -> Formulas:
        x, i, arriving = symbols.inputs[0], symbols.number, symbols.arriving
        return Formulas(
            forward=rf"A_{{{i}}}[q] = \frac{{1}}{{n_q}} \sum_{{p \text{{ in }} q}} {x}[p]",
            delta="",
            cotangents=(
                rf"\left(\sum_{{q \text{{ with }} p}} \frac{{1}}{{n_q}}\, {arriving}[q]\right)_p",
            ),
            gradients={},
        )


@dataclass(frozen=True)
class SlidingMaximum(OfMaximum, Sliding):
    """``zeros``: whether those around the input take part; else they are as good as −∞."""

    ties: Ties = "first"
    zeros: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        checked_ties(type(self).__name__, self.ties)

    @classmethod
    def options(cls, choose: Choose) -> dict[str, Any]:
        return {"ties": choose(("first", *TIES)), "zeros": choose((False, True))}

    def summary(self) -> str:
        ties = f", ties {self.ties}" if self.ties != "first" else ""
        return super().summary() + ties + ", zeros take part" * self.zeros


@dataclass(frozen=True)
class SlidingAverage(OfAverage, Sliding):
    """``zeros``: whether those around the input are counted, as PyTorch does unless told."""

    zeros: bool = False

    @classmethod
    def options(cls, choose: Choose) -> dict[str, Any]:
        return {"zeros": choose((False, True))}

    def summary(self) -> str:
        return super().summary() + ", zeros counted" * self.zeros


def checked_ties(kind: str, ties: object) -> None:
    """Raise `UsageError` unless it says which of equal maxima gets the cotangent."""
    if not isinstance(ties, str) or ties not in TIES:
        raise UsageError(f"{kind}(ties={ties!r}): choose {', '.join(map(repr, TIES))}")
