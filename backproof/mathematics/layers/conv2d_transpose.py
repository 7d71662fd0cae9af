"""conv2d_transpose: z = Σ over the windows that cover a position of x · Wᵀ, + b.

A convolution of z's size would give x's; what it gives back to its input is this layer's output.
Source: Dumoulin and Visin, A guide to convolution arithmetic for deep learning, 2016, chapter 4.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from backproof.mathematics import functions
from backproof.mathematics.checking import came as what_came
from backproof.mathematics.errors import UsageError
from backproof.mathematics.functions import Activation
from backproof.mathematics.latex import activated, delta
from backproof.mathematics.layers.convolution import (
    AXES,
    Blocks,
    brief,
    kernel_gradient,
    preactivation,
    taken_back,
    with_bias,
)
from backproof.mathematics.layers.layer import (
    Choose,
    Example,
    Formulas,
    Layer,
    Parameter,
    Shape,
    Symbols,
    fitting,
    is_length,
)
from backproof.mathematics.layers.own import LayerFault
from backproof.mathematics.layers.port import Port
from backproof.mathematics.layers.transposed_faults import FAULTS
from backproof.mathematics.layers.transposed_twins import (
    transposed_in_jax,
    transposed_in_keras,
    transposed_in_torch,
)
from backproof.mathematics.layers.windows import (
    Lengths,
    Padding,
    Windows,
    as_padding,
    numbers,
)

if TYPE_CHECKING:
    from backproof.mathematics.arithmetic.operations import Ops
    from backproof.mathematics.layers.here import Here

T = TypeVar("T")


@dataclass(frozen=True)
class Conv2DTranspose(Layer):
    """A transposed convolution of images (height, width, channels).

    The kernel is (kh, kw, filters, channels). ``padding``: what is cut off around what comes out;
    ``"valid"``: nothing, and at least stride·length comes out; ``"same"``: stride·length, both as
    Keras has them; numbers, as in PyTorch. ``extra``: so many rows and columns more at the end, as
    PyTorch's ``output_padding``, with numbers alone. Raises `UsageError` for what does not fit.
    """

    channels: int
    filters: int
    kernel: Lengths
    stride: Lengths = 1
    padding: Padding = "valid"
    extra: Lengths = 0
    bias: bool = True
    activation: Activation = field(default_factory=lambda: functions.named("linear"))

    kind: ClassVar[str] = "conv2d_transpose"
    faults: ClassVar[tuple[LayerFault, ...]] = FAULTS
    shares: ClassVar[bool] = False

    def __init__(
        self,
        channels: int,
        filters: int,
        kernel: Lengths,
        stride: Lengths = 1,
        padding: Padding = "valid",
        extra: Lengths = 0,
        bias: bool = True,
        activation: str | Activation = "linear",
    ) -> None:
        kind = type(self).__name__
        for name, given in (("channels", channels), ("filters", filters)):
            if not is_length(given):
                raise UsageError(f"{kind}({name}={given!r}): give a whole number of at least 1")
        if not isinstance(bias, bool):
            raise UsageError(f"{kind}(bias={what_came(bias)}): give True or False")
        sides = as_padding(kind, padding, 2)
        if sides == "same_torch":
            raise UsageError(f"{kind}(padding='same_torch'): choose 'valid', 'same' or numbers")
        strides = numbers(kind, "stride", stride, 2)
        more = extra if isinstance(extra, tuple) else (extra,) * 2
        fit = len(more) == 2 and all(type(x) is int for x in more)
        if not fit or any(not 0 <= x < max(s, 2) for x, s in zip(more, strides, strict=True)):
            raise UsageError(f"{kind}(extra={extra!r}): give 0, or less than the stride {strides}")
        if any(more) and isinstance(sides, str):
            raise UsageError(f"{kind}(extra={extra!r}, padding={padding!r}): give numbers of zeros")
        for name, value in (
            ("channels", int(channels)),
            ("filters", int(filters)),
            ("kernel", numbers(kind, "kernel", kernel, 2)),
            ("stride", strides),
            ("padding", sides),
            ("extra", more),
            ("bias", bias),
            ("activation", functions.as_activation(activation, kind)),
        ):
            object.__setattr__(self, name, value)

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            (cls(2, 3, 2, padding="same", activation="tanh"), ((2, 3, 2),)),
            (cls(2, 2, (3, 2), 2, ((1, 0), (1, 1)), (0, 1), activation="sigmoid"), ((2, 2, 2),)),
            (cls(3, 1, 3, (2, 1), bias=False), ((2, 2, 3),)),
        )

    @classmethod
    def drawn(cls, choose: Choose, *came: Shape) -> Conv2DTranspose | None:
        if len(came) != 1 or len(came[0]) != 3:
            return None
        kernel = (choose((1, 2, 3)), choose((1, 2, 3)))
        stride = (choose((1, 2)), choose((1, 2)))
        odd = tuple((choose((0, k // 2)), choose((0, k // 2))) for k in kernel)
        options: tuple[Padding, ...] = ("valid", "same", odd)
        padding = choose(options)
        few = tuple(choose((0, s - 1)) for s in stride) if padding == odd else 0
        layer = cls(
            came[0][-1],
            choose((1, 2, 3)),
            kernel,
            stride,
            padding,
            few,
            choose((True, False)),
            choose(choose.functions),
        )
        try:
            layer.output(*came)
        except UsageError:  # more is cut off than there is
            return cls(came[0][-1], 1, kernel, stride)
        return layer

    @property
    def function(self) -> Activation:
        return self.activation

    @property
    def blocks(self) -> Blocks:
        """Those of the convolution whose way back this is: its filters are our channels."""
        return Blocks(1, self.filters, self.channels)

    def windows(self, shape: Shape) -> Windows:
        """Those of that convolution, over what comes out here."""
        kernel, stride, extra = self.kernel, self.stride, self.extra
        assert isinstance(kernel, tuple)
        assert isinstance(stride, tuple)
        assert isinstance(extra, tuple)
        sides, lengths = [], []
        for axis, length in enumerate(shape[:-1]):
            k, s = kernel[axis], stride[axis]
            whole = (length - 1) * s + k
            if self.padding == "same":
                cut = max(k - s, 0)
                sides.append((cut // 2, cut - cut // 2))
                lengths.append(length * s)
            elif self.padding == "valid":
                sides.append((0, 0))
                lengths.append(length * s + max(k - s, 0))
            else:
                assert isinstance(self.padding, tuple)
                side: Any = self.padding[axis]
                sides.append(side)
                lengths.append(whole - sum(side) + extra[axis])
            if lengths[-1] < 1 or max(sides[-1]) >= k:
                raise fitting(
                    self.kind,
                    f"more along axis {axis}, or less that is cut off: {sum(sides[-1])} of {whole}",
                    shape,
                )
        one = (1,) * len(lengths)
        return Windows(tuple(lengths), kernel, stride, one, tuple(sides), shape[:-1])

    def output(self, *inputs: Shape) -> Shape:
        if len(inputs) != 1 or len(inputs[0]) != 3 or inputs[0][-1] != self.channels:
            wanted = f"one input ({AXES[2]}, {self.channels}), its channels last"
            raise fitting(self.kind, wanted, *inputs)
        return (*self.windows(inputs[0]).lengths, self.filters)

    def covering(self, shape: Shape) -> int:
        """The most windows that cover a position."""
        return int((self.windows(shape).covering() >= 0).sum(axis=1).max())

    def parameters(self, *inputs: Shape) -> dict[str, Parameter]:
        assert isinstance(self.kernel, tuple)
        terms = self.channels * self.covering(inputs[0]) if inputs else self.channels
        shape = (*self.kernel, self.filters, self.channels)
        found = {"kernel": Parameter(shape, "kernel", terms)}
        if self.bias:
            found["bias"] = Parameter((self.filters,), "bias")
        return found

    def forward(self, here: Here[T], *inputs: T) -> T:
        kernel, bias = here.parameter("kernel"), here.parameter("bias") if self.bias else None
        z = self.preactivation(here.ops, inputs[0], kernel, bias)
        return here.activated(self.activation, z)

    def preactivation(
        self, ops: Ops[T], x: T, kernel: T, bias: T | None, windows: Windows | None = None
    ) -> T:
        """What the convolution would give back, and the bias: one sum."""
        shape: Shape = x.shape  # type: ignore[attr-defined] # every arithmetic has it
        windows = windows or self.windows(shape[1:])
        z = taken_back(ops, windows, self.blocks, x, kernel, int(bias is not None))
        if bias is None:
            return z
        flat = ops.reshaped(z, (shape[0] * prod(windows.lengths), self.filters))
        flat = with_bias(ops, flat, bias, windows.places * self.channels)
        return ops.reshaped(flat, (shape[0], *windows.lengths, self.filters))

    def backward(self, here: Here[T], cotangent: T, *inputs: T) -> tuple[T | None, ...]:
        """The convolution of δ, and the kernel's gradient with x and δ in each other's place.

        With q a position of x, p one of z, which the window q has at the place t of the kernel::

            δ = ḡ ⊙ f′(z),   ∂L/∂W_t = Σ_samples Σ_q δ_p x_qᵀ,   ∂L/∂b = Σ_samples Σ_p δ_p,
            x̄_q = Σ_t δ_p W_t
        """
        ops, x = here.ops, inputs[0]
        shape: Shape = x.shape  # type: ignore[attr-defined]
        windows = self.windows(shape[1:])
        delta = here.pulled(self.activation, cotangent)
        further = here.further_terms("kernel")
        here.gradient("kernel", kernel_gradient(ops, windows, self.blocks, delta, x, further))
        if self.bias:
            rows = ops.reshaped(delta, (shape[0] * prod(windows.lengths), self.filters))
            total = ops.total(rows, axis=0, further_terms=here.further_terms("bias"))
            here.gradient("bias", total)
        if not here.wants():
            return (None,)
        kernel, below = here.value("kernel"), here.further_terms_below()
        return (preactivation(ops, windows, self.blocks, delta, kernel, None, below),)

    def summands(self, *inputs: Shape) -> tuple[int, ...]:
        assert isinstance(self.kernel, tuple)
        return (prod(self.kernel) * self.filters,)

    def gradient_summands(self, rows: int, *inputs: Shape) -> dict[str, int]:
        windows = self.windows(inputs[0])
        found = {"kernel": rows * windows.positions}
        if self.bias:
            found["bias"] = rows * prod(windows.lengths)
        return found

    def sums(self, *inputs: Shape) -> dict[str, int]:
        return {"z": self.covering(inputs[0]) * self.channels}

    def products(self, *inputs: Shape) -> int:
        windows = self.windows(inputs[0])
        return prod(windows.lengths) * windows.places * self.channels * self.filters

    def summary(self) -> str:
        """``8 of 3×3, relu``, and what is special about it."""
        assert isinstance(self.kernel, tuple)
        told = f"{self.filters} of {'×'.join(map(str, self.kernel))}, {self.activation.name}"
        told += f", stride {brief(self.stride)}" if self.stride != (1, 1) else ""
        told += f", padding {brief(self.padding)}" if self.padding != "valid" else ""
        told += f", extra {brief(self.extra)}" if self.extra != (0, 0) else ""
        return told + ", without bias" * (not self.bias)

    def latex(self, symbols: Symbols) -> Formulas:
        x, i = symbols.inputs[0], symbols.number
        w, b = symbols.parameters["kernel"], symbols.parameters.get("bias", "")
        d = rf"\Delta_{{{i}}}"
        place = "q + t" if self.stride == (1, 1) else "s q + t"
        place += "" if self.padding == "valid" else " - p"
        gradients = {"kernel": rf"\sum_{{n}} \sum_q {d}[n, {place}]^\top {x}[n, q]"}
        if self.bias:
            gradients["bias"] = rf"\sum_{{n}} \sum_r {d}[n, r]"
        return Formulas(
            forward=(
                rf"Z_{{{i}}}[r] = \sum_{{q, t:\, {place} = r}} {x}[q]\, {w}[t]^\top"
                rf"{f' + {b}' if b else ''}, \qquad {activated(self.activation, i)}"
            ),
            delta=delta(
                self.activation, i, symbols.arriving, taken_back=not symbols.by_preactivation
            ),
            cotangents=(rf"\left(\sum_t {d}[{place}]\, {w}[t]\right)_q",),
            gradients=gradients,
        )

    def keras(self, *inputs: Shape) -> Port:
        return transposed_in_keras(self, self.windows(inputs[0]))

    def torch(self, *inputs: Shape) -> Port:
        return transposed_in_torch(self, self.windows(inputs[0]))

    def jax(self, *inputs: Shape) -> Port:
        return transposed_in_jax(self, self.windows(inputs[0]))


PART = Conv2DTranspose
