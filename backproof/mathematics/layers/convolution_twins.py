"""The twins of convolutions: each framework is imported inside, in its worker alone."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol

from backproof.mathematics import functions
from backproof.mathematics.errors import UsageError
from backproof.mathematics.layers.port import Port, as_module

if TYPE_CHECKING:
    from backproof.mathematics.layers.convolution import Convolution
    from backproof.mathematics.layers.layer import Shape


class Biased(Protocol):
    """A layer that may have a bias."""

    @property
    def bias(self) -> bool: ...


def in_keras(layer: Convolution, shape: Shape) -> Port:
    """Keras's own layer; one that pads or turns besides, where it has no argument for that."""
    import keras

    kind = {1: keras.layers.Conv1D, 2: keras.layers.Conv2D}[layer.axes]
    windows = layer.windows(shape)
    if max(windows.stride) > 1 and max(windows.dilation) > 1:
        raise UsageError(
            f"no Keras twin for {layer.kind}(stride={layer.stride}, dilation={layer.dilation}): "
            "TensorFlow has one of them alone above 1; compare with another reference"
        )
    named = layer.padding in ("valid", "same")
    made = kind if named and not layer.turned else padded(kind)

    def make(bare: bool, regularizers: Mapping[str, Any]) -> Any:
        found = made(
            layer.filters,
            windows.kernel,
            strides=windows.stride,
            padding=layer.padding if named else "valid",
            dilation_rate=windows.dilation,
            groups=layer.groups,
            activation=None if bare else functions.twin(layer.activation, "keras"),
            use_bias=layer.bias,
            kernel_regularizer=regularizers.get("kernel"),
            bias_regularizer=regularizers.get("bias"),
        )
        found.around = ((0, 0),) * layer.axes if named else windows.padding
        found.turned = layer.turned
        return found

    order = tuple(range(layer.axes + 2))
    weights = named_in(layer, ("kernel", order), ("bias", (0,)))
    return Port(make, kind, weights, around=windows.padding)


@cache
def padded(kind: type[Any]) -> type[Any]:
    """A Keras layer that puts ``around`` zeros around its input, and may turn its kernel."""
    import keras

    class Padded(kind):  # type: ignore[misc]  # Keras has no types here
        def call(self, inputs: Any) -> Any:
            """What Keras's layer does, of the input with zeros around."""
            kernel = self.kernel
            if self.turned:
                kernel = keras.ops.flip(kernel, tuple(range(self.rank)))
            z = keras.ops.conv(
                keras.ops.pad(inputs, ((0, 0), *self.around, (0, 0))),
                kernel,
                strides=list(self.strides),
                padding=self.padding,
                dilation_rate=self.dilation_rate,
            )
            z = z + self.bias if self.use_bias else z
            return z if self.activation is None else self.activation(z)

        def compute_output_shape(self, input_shape: Any) -> Any:
            """That of Keras, of the input with zeros around."""
            samples, *lengths, channels = input_shape
            longer = (n + sum(side) for n, side in zip(lengths, self.around, strict=True))
            return super().compute_output_shape((samples, *longer, channels))

    return Padded


def in_torch(layer: Convolution, shape: Shape) -> Port:
    """nn.Conv1d or nn.Conv2d, with the channels brought first and back."""
    from torch import nn

    kind = {1: nn.Conv1d, 2: nn.Conv2d}[layer.axes]
    windows = layer.windows(shape)
    even = all(before == after for before, after in windows.padding)

    def make(bare: bool) -> Any:
        convolution = (turning(kind) if layer.turned else kind)(
            layer.channels,
            layer.filters,
            windows.kernel,
            stride=windows.stride,
            padding=tuple(before for before, _ in windows.padding) if even else 0,
            dilation=windows.dilation,
            groups=layer.groups,
            bias=layer.bias,
        )
        around = () if even else tuple(n for side in reversed(windows.padding) for n in side)
        f = nn.Identity() if bare else as_module(functions.twin(layer.activation, "torch"))
        return channels_first()(convolution, around, f)

    places = range(2, layer.axes + 2)
    weights = named_in(layer, ("weight", (*places, 1, 0)), ("bias", (0,)))
    return Port(make, kind, weights, layout="first", around=windows.padding)


@cache
def channels_first() -> type[Any]:
    """A module for one that takes channels first: of inputs whose channels are last."""
    from torch import nn

    class ChannelsFirst(nn.Module):  # type: ignore[misc]  # PyTorch is Any here
        def __init__(self, inside: Any, around: tuple[int, ...], after: Any) -> None:
            super().__init__()
            self.inside, self.around, self.after = inside, around, after

        def forward(self, x: Any) -> Any:
            x = x.movedim(-1, 1)
            if self.around:
                x = nn.functional.pad(x, self.around)
            return self.after(self.inside(x).movedim(1, -1))

    return ChannelsFirst


@cache
def turning(kind: type[Any]) -> type[Any]:
    """A convolution of PyTorch that turns its kernel by half a circle."""

    class Turning(kind):  # type: ignore[misc]
        def forward(self, x: Any) -> Any:
            turned = self.weight.flip(tuple(range(2, self.weight.ndim)))
            return self._conv_forward(x, turned, self.bias)

    return Turning


def in_jax(layer: Convolution, shape: Shape) -> Port:
    """lax.conv_general_dilated, channels last."""
    import jax

    windows = layer.windows(shape)
    letters = "HW"[-layer.axes :]
    layout = (f"N{letters}C", f"{letters}IO", f"N{letters}C")

    def make(bare: bool) -> Any:
        f = None if bare else functions.twin(layer.activation, "jax")

        def apply(parameters: Mapping[str, Any], x: Any) -> Any:
            kernel = parameters["kernel"]
            if layer.turned:
                kernel = jax.numpy.flip(kernel, tuple(range(layer.axes)))
            z = jax.lax.conv_general_dilated(
                x,
                kernel,
                windows.stride,
                windows.padding,
                rhs_dilation=windows.dilation,
                dimension_numbers=layout,
                feature_group_count=layer.groups,
            )
            z = z + parameters["bias"] if layer.bias else z
            return z if f is None else f(z)

        return apply

    return Port(make)


def named_in(layer: Biased, kernel: Any, bias: Any) -> dict[str, Any]:
    """Where a framework has its parameters."""
    return {"kernel": kernel, "bias": bias} if layer.bias else {"kernel": kernel}
