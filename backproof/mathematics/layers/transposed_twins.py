"""The twins of transposed convolutions."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Protocol

from backproof.mathematics import functions
from backproof.mathematics.functions import Activation
from backproof.mathematics.layers.convolution_twins import channels_first, named_in
from backproof.mathematics.layers.port import Port, as_module
from backproof.mathematics.layers.windows import Padding, Windows


class Transposed(Protocol):
    """What a twin looks at."""

    @property
    def channels(self) -> int: ...
    @property
    def filters(self) -> int: ...
    @property
    def padding(self) -> Padding: ...
    @property
    def bias(self) -> bool: ...
    @property
    def activation(self) -> Activation: ...


def beyond(windows: Windows) -> tuple[int, ...]:
    """By axis, how much longer what comes out of a transposed convolution is than its windows."""
    w = windows
    reach = [(n - 1) * s + k for n, s, k in zip(w.outputs, w.stride, w.kernel, strict=True)]
    cut = [sum(side) for side in w.padding]
    return tuple(
        length - (whole - less) for length, whole, less in zip(w.lengths, reach, cut, strict=True)
    )


def transposed_in_keras(layer: Transposed, windows: Windows) -> Port:
    """Keras's own layer; one that cuts off as told, where it has no argument for that."""
    import keras

    kind = keras.layers.Conv2DTranspose
    named = isinstance(layer.padding, str)

    def make(bare: bool, regularizers: Mapping[str, Any]) -> Any:
        found = (kind if named else cropped())(
            layer.filters,
            windows.kernel,
            strides=windows.stride,
            padding=layer.padding if named else "valid",
            activation=None if bare else functions.twin(layer.activation, "keras"),
            use_bias=layer.bias,
            kernel_regularizer=regularizers.get("kernel"),
            bias_regularizer=regularizers.get("bias"),
        )
        found.kept = windows
        return found

    return Port(make, kind, named_in(layer, ("kernel", (0, 1, 2, 3)), ("bias", (0,))))


@cache
def cropped() -> type[Any]:
    """A Keras layer that keeps so much of a transposed convolution as its ``kept`` windows say."""
    import keras

    class Cropped(keras.layers.Conv2DTranspose):  # type: ignore[misc]  # Keras has no types here
        def call(self, inputs: Any) -> Any:
            """What Keras's layer does, cut as told."""
            z = keras.ops.conv_transpose(inputs, self.kernel, strides=list(self.strides))
            (top, _), (left, _) = self.kept.padding
            height, width = self.kept.lengths
            more = max(0, top + height - z.shape[1]), max(0, left + width - z.shape[2])
            z = keras.ops.pad(z, ((0, 0), (0, more[0]), (0, more[1]), (0, 0)))
            z = z[:, top : top + height, left : left + width]
            z = z + self.bias if self.use_bias else z
            return z if self.activation is None else self.activation(z)

        def compute_output_shape(self, input_shape: Any) -> Any:
            """As told."""
            return (input_shape[0], *self.kept.lengths, self.filters)

    return Cropped


def transposed_in_torch(layer: Transposed, windows: Windows) -> Port:
    """nn.ConvTranspose2d; where more is cut off on one side, that is cut off after it."""
    from torch import nn

    even = all(before == after for before, after in windows.padding)
    more = beyond(windows)

    def make(bare: bool) -> Any:
        convolution = nn.ConvTranspose2d(
            layer.channels,
            layer.filters,
            windows.kernel,
            stride=windows.stride,
            padding=tuple(before for before, _ in windows.padding) if even else 0,
            output_padding=more if even else 0,
            bias=layer.bias,
        )
        around = (
            ()
            if even
            else tuple(
                n
                for (before, after), extra in reversed(
                    list(zip(windows.padding, more, strict=True))
                )
                for n in (-before, extra - after)
            )
        )
        f = nn.Identity() if bare else as_module(functions.twin(layer.activation, "torch"))
        inside = padded_after()(convolution, around) if around else convolution
        return channels_first()(inside, (), f)

    weights = named_in(layer, ("weight", (2, 3, 1, 0)), ("bias", (0,)))
    return Port(make, nn.ConvTranspose2d, weights, layout="first")


@cache
def padded_after() -> type[Any]:
    """A transposed convolution of PyTorch, then cut, or made longer by its bias alone."""
    from torch import nn

    class PaddedAfter(nn.Module):  # type: ignore[misc]  # PyTorch is Any here
        def __init__(self, inside: Any, around: tuple[int, ...]) -> None:
            super().__init__()
            self.inside, self.around = inside, around

        def forward(self, x: Any) -> Any:
            c = self.inside
            z = nn.functional.conv_transpose2d(x, c.weight, None, c.stride)
            z = nn.functional.pad(z, self.around)
            return z if c.bias is None else z + c.bias[:, None, None]

    return PaddedAfter


def transposed_in_jax(layer: Transposed, windows: Windows) -> Port:
    """lax.conv_general_dilated of x with gaps, by the turned kernel."""
    import jax

    w = windows
    pads = []
    for n, s, k, length, (before, _) in zip(
        w.outputs, w.stride, w.kernel, w.lengths, w.padding, strict=True
    ):
        low = k - 1 - before
        pads.append((low, length + k - 1 - low - ((n - 1) * s + 1)))

    def make(bare: bool) -> Any:
        f = None if bare else functions.twin(layer.activation, "jax")

        def apply(parameters: Mapping[str, Any], x: Any) -> Any:
            z = jax.lax.conv_general_dilated(
                x,
                jax.numpy.flip(parameters["kernel"], (0, 1)),
                (1, 1),
                pads,
                lhs_dilation=w.stride,
                dimension_numbers=("NHWC", "HWOI", "NHWC"),
            )
            z = z + parameters["bias"] if layer.bias else z
            return z if f is None else f(z)

        return apply

    return Port(make)
