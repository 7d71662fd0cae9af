"""Convolutions over any number of axes: what `conv1d` and `conv2d` are made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from math import prod
from typing import TYPE_CHECKING, ClassVar, TypeVar

import numpy as np

from backproof.mathematics import functions
from backproof.mathematics.arithmetic.contraction import contract
from backproof.mathematics.checking import came
from backproof.mathematics.errors import UsageError
from backproof.mathematics.functions import Activation
from backproof.mathematics.latex import activated, delta
from backproof.mathematics.layers.layer import (
    Choose,
    Formulas,
    Layer,
    Parameter,
    Shape,
    Symbols,
    fitting,
    is_length,
)
from backproof.mathematics.layers.windows import (
    Lengths,
    Padding,
    Windows,
    as_padding,
    numbers,
    seen,
    windows_over,
)

if TYPE_CHECKING:
    from backproof.mathematics.arithmetic.operations import Ops
    from backproof.mathematics.layers.here import Here

T = TypeVar("T")

AXES = {1: "length", 2: "height, width"}


@dataclass(frozen=True)
class Convolution(Layer):
    """A convolution of inputs (…, channels), as machine learning has it: a correlation.

    The kernel is (…, channels / groups, filters). ``turned``: as mathematics has it, with the
    kernel turned by half a circle. ``padding``: see `windows.windows_over`; a ``dilation`` of 1 has
    no gaps. ``groups``: the channels and the filters are so many blocks each, the first filters
    seeing the first channels alone; as many as channels is depthwise. Raises `UsageError` for what
    does not fit.
    """

    channels: int
    filters: int
    kernel: Lengths
    stride: Lengths = 1
    padding: Padding = "valid"
    dilation: Lengths = 1
    groups: int = 1
    bias: bool = True
    activation: Activation = field(default_factory=lambda: functions.named("linear"))
    turned: bool = False

    axes: ClassVar[int]
    """How many axes it slides along."""
    shares: ClassVar[bool] = False

    def __init__(
        self,
        channels: int,
        filters: int,
        kernel: Lengths,
        stride: Lengths = 1,
        padding: Padding = "valid",
        dilation: Lengths = 1,
        groups: int = 1,
        bias: bool = True,
        activation: str | Activation = "linear",
        turned: bool = False,
    ) -> None:
        kind = type(self).__name__
        for name, given in (("channels", channels), ("filters", filters), ("groups", groups)):
            if not is_length(given):
                raise UsageError(f"{kind}({name}={given!r}): give a whole number of at least 1")
        if channels % groups or filters % groups:
            fit = [
                n for n in range(1, min(channels, filters) + 1) if not channels % n + filters % n
            ]
            raise UsageError(
                f"{kind}(channels={channels}, filters={filters}, groups={groups}): the groups must "
                f"divide both; {', '.join(map(str, fit))} would"
            )
        for name, flag in (("bias", bias), ("turned", turned)):
            if not isinstance(flag, bool):
                raise UsageError(f"{kind}({name}={came(flag)}): give True or False")
        for name, value in (
            ("channels", int(channels)),
            ("filters", int(filters)),
            ("kernel", numbers(kind, "kernel", kernel, self.axes)),
            ("stride", numbers(kind, "stride", stride, self.axes)),
            ("padding", as_padding(kind, padding, self.axes)),
            ("dilation", numbers(kind, "dilation", dilation, self.axes)),
            ("groups", int(groups)),
            ("bias", bias),
            ("activation", functions.as_activation(activation, kind)),
            ("turned", turned),
        ):
            object.__setattr__(self, name, value)

    @classmethod
    def drawn(cls, choose: Choose, *came: Shape) -> Convolution | None:
        if len(came) != 1 or len(came[0]) != cls.axes + 1:
            return None
        *lengths, channels = came[0]
        kernel = tuple(choose([k for k in (1, 2, 3) if k <= length]) for length in lengths)
        groups = choose([n for n in (1, 2, channels) if channels % n == 0])
        stride = tuple(choose((1, 2, 3)) for _ in lengths)
        dilated = all(2 * (k - 1) < length for k, length in zip(kernel, lengths, strict=True))
        # TensorFlow takes one or the other alone.
        dilation = choose((1, 2)) if dilated and max(stride) == 1 else 1
        reach = [dilation * (k - 1) for k in kernel]
        odd = tuple((choose((0, r)), choose((0, r // 2, r))) for r in reach)
        padding: tuple[Padding, ...] = ("valid", "same", "same_torch", odd)
        return cls(
            channels,
            groups * choose((1, 2, 3)),
            kernel,
            stride,
            choose(padding),
            dilation,
            groups,
            choose((True, False)),
            choose(choose.functions),
            choose((False, True)),
        )

    @property
    def function(self) -> Activation:
        return self.activation

    @property
    def sizes(self) -> Shape:
        """The lengths of the kernel, by axis."""
        assert isinstance(self.kernel, tuple)
        return self.kernel

    @property
    def terms(self) -> int:
        """How many products each output is the sum of."""
        return prod(self.sizes) * self.channels // self.groups

    def windows(self, shape: Shape) -> Windows:
        """Those over an input of that shape; raises `UsageError` where none fits."""
        stride, dilation, padding = self.stride, self.dilation, self.padding
        assert isinstance(stride, tuple)
        assert isinstance(dilation, tuple)
        return windows_over(
            self.kind,
            shape[:-1],
            self.sizes,
            stride,
            dilation,
            padding,  # type: ignore[arg-type] # as `as_padding` gave it
            self.turned,
        )

    def output(self, *inputs: Shape) -> Shape:
        if len(inputs) != 1 or len(inputs[0]) != self.axes + 1 or inputs[0][-1] != self.channels:
            wanted = f"one input ({AXES[self.axes]}, {self.channels}), its channels last"
            raise fitting(self.kind, wanted, *inputs)
        return (*self.windows(inputs[0]).outputs, self.filters)

    def parameters(self, *inputs: Shape) -> dict[str, Parameter]:
        shape = (*self.sizes, self.channels // self.groups, self.filters)
        found = {"kernel": Parameter(shape, "kernel", self.terms)}
        if self.bias:
            found["bias"] = Parameter((self.filters,), "bias")
        return found

    @cached_property
    def blocks(self) -> Blocks:
        """Its channels and filters, by groups."""
        return Blocks(self.groups, self.channels // self.groups, self.filters // self.groups)

    def forward(self, here: Here[T], *inputs: T) -> T:
        bias = here.parameter("bias") if self.bias else None
        windows = self.windows(inputs[0].shape[1:])  # type: ignore[attr-defined]
        z = preactivation(here.ops, windows, self.blocks, inputs[0], here.parameter("kernel"), bias)
        return here.activated(self.activation, z)

    def backward(self, here: Here[T], cotangent: T, *inputs: T) -> tuple[T | None, ...]:
        """Goodfellow, Bengio and Courville, Deep Learning, section 9.5, equations 9.11 and 9.13.

        With p a position of the input, q a window, t a place of the kernel, where q has p at t::

        δ = ḡ ⊙ f′(z),   ∂L/∂W_t = Σ_samples Σ_q x_p δ_qᵀ,   ∂L/∂b = Σ_samples Σ_q δ_q,
        x̄_p = Σ_q W_t δ_q
        """
        ops, x = here.ops, inputs[0]
        windows = self.windows(x.shape[1:])  # type: ignore[attr-defined] # every arithmetic has it
        delta = here.pulled(self.activation, cotangent)
        further = here.further_terms("kernel")
        here.gradient("kernel", kernel_gradient(ops, windows, self.blocks, x, delta, further))
        if self.bias:
            rows = ops.reshaped(delta, (x.shape[0] * windows.positions, self.filters))  # type: ignore[attr-defined]
            total = ops.total(rows, axis=0, further_terms=here.further_terms("bias"))
            here.gradient("bias", total)
        if not here.wants():
            return (None,)
        kernel, below = here.value("kernel"), here.further_terms_below()
        return (taken_back(ops, windows, self.blocks, delta, kernel, below),)

    def summands(self, *inputs: Shape) -> tuple[int, ...]:
        windows = int((self.windows(inputs[0]).covering() >= 0).sum(axis=1).max())
        return (windows * self.blocks.filters,)

    def gradient_summands(self, rows: int, *inputs: Shape) -> dict[str, int]:
        return dict.fromkeys(self.parameters(), rows * self.windows(inputs[0]).positions)

    def sums(self, *inputs: Shape) -> dict[str, int]:
        return {"z": self.terms}

    def products(self, *inputs: Shape) -> int:
        return self.windows(inputs[0]).positions * self.terms * self.filters

    def summary(self) -> str:
        """``8 of 3×3, relu``, and what is special about it."""
        told = f"{self.filters} of {'×'.join(map(str, self.sizes))}, {self.activation.name}"
        plain = type(self)(self.channels, self.filters, self.kernel)
        for name in ("stride", "padding", "dilation", "groups"):
            if getattr(self, name) != getattr(plain, name):
                told += f", {name} {brief(getattr(self, name))}"
        return told + ", turned" * self.turned + ", without bias" * (not self.bias)

    def latex(self, symbols: Symbols) -> Formulas:
        x, i = symbols.inputs[0], symbols.number
        w, b = symbols.parameters["kernel"], symbols.parameters.get("bias", "")
        d = rf"\Delta_{{{i}}}"
        stride, dilation = self.stride, self.dilation
        assert isinstance(stride, tuple)
        assert isinstance(dilation, tuple)
        place = " + ".join(
            (
                "s q" if max(stride) > 1 else "q",
                "d t" if max(dilation) > 1 else "t",
            )
        )
        if self.padding != "valid":
            place += " - p"
        told = [rf"s = {joined(stride)}"] if max(stride) > 1 else []
        told += [rf"d = {joined(dilation)}"] if max(dilation) > 1 else []
        where = rf"\quad ({', '.join(told)})" if told else ""
        kernel = rf"{w}[k - 1 - t]" if self.turned else rf"{w}[t]"
        block = rf"\text{{ in each of {self.groups} groups}}" if self.groups > 1 else ""
        at = rf"{place} = r"
        gradients = {"kernel": rf"\sum_{{n}} \sum_q {x}[n, {place}]^\top {d}[n, q]"}
        if self.bias:
            gradients["bias"] = rf"\sum_{{n}} \sum_q {d}[n, q]"
        return Formulas(
            forward=(
                rf"Z_{{{i}}}[q] = \sum_t {x}[{place}]\, {kernel}{f' + {b}' if b else ''}"
                rf"{block}{where}, \qquad {activated(self.activation, i)}"
            ),
            delta=delta(
                self.activation, i, symbols.arriving, taken_back=not symbols.by_preactivation
            ),
            cotangents=(rf"\left(\sum_{{q, t:\, {at}}} {d}[q]\, {kernel}^\top\right)_r",),
            gradients=gradients,
        )


@dataclass(frozen=True)
class Blocks:
    """How channels and filters are divided: so many groups, of so many of each."""

    groups: int
    channels: int
    filters: int


def preactivation(
    ops: Ops[T],
    windows: Windows,
    blocks: Blocks,
    x: T,
    kernel: T,
    bias: T | None,
    further_terms: int = 0,
) -> T:
    """Σ_t x_p W_t + b, (samples, *windows, filters): one sum, of which the bias is a term."""
    samples: int = x.shape[0]  # type: ignore[attr-defined] # every arithmetic has it
    rows, terms = samples * windows.positions, windows.places * blocks.channels
    patches = by_groups(ops, seen(ops, x, windows.taken()), rows, blocks.groups)
    held = shaped(ops, kernel, windows, blocks)
    z = contract(ops, "rtgc,tcgk->rgk", patches, held, further_terms + (bias is not None))
    filters = blocks.groups * blocks.filters
    z = ops.reshaped(z, (rows, filters))
    if bias is not None:
        z = with_bias(ops, z, bias, terms)
    return ops.reshaped(z, (samples, *windows.outputs, filters))


def with_bias(ops: Ops[T], z: T, bias: T, terms: int) -> T:
    """z + b, (rows, filters): b is one more term of the sums of so many that z has."""
    shape: Shape = z.shape  # type: ignore[attr-defined]
    every = ops.gather(bias, np.broadcast_to(np.arange(shape[-1]), shape))
    return ops.sum_of_charged([z, ops.as_summand(every, terms)])


def kernel_gradient(
    ops: Ops[T], windows: Windows, blocks: Blocks, x: T, delta: T, further_terms: int = 0
) -> T:
    """Σ_samples Σ_q x_p δ_qᵀ, in the kernel's shape."""
    samples: int = x.shape[0]  # type: ignore[attr-defined]
    rows = samples * windows.positions
    patches = by_groups(ops, seen(ops, x, windows.taken()), rows, blocks.groups)
    delta = ops.reshaped(delta, (rows, blocks.groups, blocks.filters))
    found = contract(ops, "rtgc,rgk->tcgk", patches, delta, further_terms)
    filters = blocks.groups * blocks.filters
    return ops.reshaped(found, (*windows.kernel, blocks.channels, filters))


def taken_back(
    ops: Ops[T], windows: Windows, blocks: Blocks, delta: T, kernel: T, further_terms: int = 0
) -> T:
    """Σ_q W_t δ_q over the windows that have a position, (samples, *lengths, channels)."""
    samples: int = delta.shape[0]  # type: ignore[attr-defined]
    rows = samples * prod(windows.lengths)
    found = by_groups(ops, seen(ops, delta, windows.covering()), rows, blocks.groups)
    back = contract(
        ops, "rtgk,tcgk->rgc", found, shaped(ops, kernel, windows, blocks), further_terms
    )
    return ops.reshaped(back, (samples, *windows.lengths, blocks.groups * blocks.channels))


def by_groups(ops: Ops[T], patches: T, rows: int, groups: int) -> T:
    """(rows, places, groups, channels of each) of (samples, positions, places, channels)."""
    shape: Shape = patches.shape  # type: ignore[attr-defined]
    return ops.reshaped(patches, (rows, shape[-2], groups, shape[-1] // groups))


def shaped(ops: Ops[T], kernel: T, windows: Windows, blocks: Blocks) -> T:
    """(places, channels of a group, groups, filters of a group)."""
    return ops.reshaped(kernel, (windows.places, blocks.channels, blocks.groups, blocks.filters))


def brief(value: object) -> str:
    """A field in a few characters."""
    if isinstance(value, tuple):
        same = len(set(value)) == 1
        return brief(value[0]) if same else f"({', '.join(map(brief, value))})"
    return str(value)


def joined(lengths: Shape) -> str:
    """One number, or a tuple, as LaTeX."""
    return str(lengths[0]) if len(set(lengths)) == 1 else f"({', '.join(map(str, lengths))})"
