"""The twins of pooling: a framework's own layer, or the windows by index where it has none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from backproof.mathematics.layers.convolution_twins import channels_first
from backproof.mathematics.layers.pooling import Global, OfMaximum, Pooling, Sliding
from backproof.mathematics.layers.port import Port, as_module
from backproof.mathematics.layers.windows import NOWHERE

if TYPE_CHECKING:
    from backproof.mathematics.layers.layer import Shape


class Arrays(Protocol):
    """What `by_index` needs of a framework; rows are (samples, windows, positions, channels)."""

    def rows(self, x: Any, places: Any, filler: float | None) -> Any:
        """The rows of x (samples, positions, channels), and a filler at the place beyond its end.

        Without one, the lowest number that there is.
        """

    def shaped(self, x: Any, shape: tuple[int, ...]) -> Any:
        """The same elements in another shape."""

    def total(self, rows: Any) -> Any:
        """The sum of each."""

    def largest(self, rows: Any) -> Any:
        """The maximum of each, whose gradient equal ones share."""

    def first(self, rows: Any) -> Any:
        """The maximum of each, whose gradient the first of equal ones has."""

    def fixed(self, value: Any) -> Any:
        """The value, of which nothing has a gradient."""

    def number(self, given: Any, like: Any) -> Any:
        """An array in the dtype of another."""


def in_keras(layer: Pooling, shape: Shape) -> Port:
    """Keras's own layer, where it has the padding and the ties."""
    import keras

    class Pooled(keras.layers.Layer):  # type: ignore[misc]  # Keras has no types here
        def call(self, x: Any) -> Any:
            """The pooling, by index."""
            return by_index(layer, shape, TensorFlow())(x)

    def make(bare: bool, regularizers: Mapping[str, Any]) -> Any:
        name = "Max" if isinstance(layer, OfMaximum) else "Average"
        if isinstance(layer, Global):
            own = len(shape) in (2, 3) and getattr(layer, "ties", "shared") == "shared"
            whole = f"Global{name}Pooling{len(shape) - 1}D"
            return getattr(keras.layers, whole)() if own else Pooled()
        assert isinstance(layer, Sliding)
        fits = layer.padding == "valid" or (layer.padding == "same" and not layer.zeros)
        if not fits or getattr(layer, "ties", "first") != "first":
            return Pooled()
        kind = getattr(keras.layers, f"{name}Pooling{layer.axes}D")
        return kind(layer.kernel, strides=layer.stride, padding=layer.padding)

    return Port(make)


def in_torch(layer: Pooling, shape: Shape) -> Port:
    """PyTorch's own layer, where its padding goes so far and is even."""

    def make(bare: bool) -> Any:
        from torch import nn

        found = own_of_torch(layer, shape)
        if found is not None:
            return channels_first()(found, (), nn.Identity())
        return as_module(by_index(layer, shape, Torch()))

    return Port(make)


def own_of_torch(layer: Pooling, shape: Shape) -> Any:
    """PyTorch's module; None where it has none."""
    from torch import nn

    if not isinstance(layer, Sliding) or getattr(layer, "ties", "first") != "first":
        return None
    sides, kernel = layer.windows(shape).padding, layer.windows(shape).kernel
    even = all(a == b and 2 * a <= k for (a, b), k in zip(sides, kernel, strict=True))
    padding = tuple(before for before, _ in sides)
    given = (kernel, layer.windows(shape).stride, padding)
    if isinstance(layer, OfMaximum):
        fits = even and not (layer.with_zeros() and any(padding))
        return {1: nn.MaxPool1d, 2: nn.MaxPool2d}[layer.axes](*given) if fits else None
    kind = {1: nn.AvgPool1d, 2: nn.AvgPool2d}[layer.axes]
    return kind(*given, count_include_pad=layer.with_zeros()) if even else None


def in_jax(layer: Pooling, shape: Shape) -> Port:
    """By index, in plain array code."""
    found = by_index(layer, shape, Jax())
    return Port(lambda bare: lambda parameters, x: found(x))


def by_index(layer: Pooling, shape: Shape, arrays: Arrays) -> Callable[[Any], Any]:
    """The pooling of x (samples, *shape), by the positions of each window."""
    positions, channels = prod(shape[:-1]), shape[-1]
    index = layer.windows(shape).taken()
    places = np.where(index == NOWHERE, positions, index)
    zeros = layer.with_zeros()
    counts = (zeros | (index != NOWHERE)).sum(axis=1)[None, :, None]
    out = layer.output(shape)

    def pooled(x: Any) -> Any:
        flat = arrays.shaped(x, (-1, positions, channels))
        if isinstance(layer, OfMaximum):
            rows = arrays.rows(flat, places, 0.0 if zeros else None)
            found = largest(arrays, rows, layer.ties)
        else:
            rows = arrays.rows(flat, places, 0.0)
            found = arrays.total(rows) / arrays.number(counts, rows)
        return arrays.shaped(found, (-1, *out))

    return pooled


def largest(arrays: Arrays, rows: Any, ties: str) -> Any:
    """The maximum of each row, with the gradient of equal ones as the layer has it."""
    if ties == "shared":
        return arrays.largest(rows)
    if ties == "first":
        return arrays.first(rows)
    if ties == "last":
        return arrays.first(rows[:, :, ::-1] if not isinstance(arrays, Torch) else rows.flip(2))
    # The maximum is held; what moves with it are the elements that are equal to it.
    top = arrays.fixed(arrays.largest(rows))
    equal = arrays.number(rows == top[:, :, None], rows)
    return top + arrays.total(equal * (rows - arrays.fixed(rows)))


class TensorFlow:
    """See `Arrays`."""

    def __init__(self) -> None:
        import tensorflow

        self.tf = tensorflow

    def shaped(self, x: Any, shape: tuple[int, ...]) -> Any:
        return self.tf.reshape(x, shape)

    def rows(self, x: Any, places: Any, filler: float | None) -> Any:
        low = x.dtype.min if filler is None else filler
        beyond = self.tf.fill(self.tf.shape(x[:, :1]), self.tf.cast(low, x.dtype))
        return self.tf.gather(self.tf.concat([x, beyond], axis=1), places, axis=1)

    def total(self, rows: Any) -> Any:
        return self.tf.reduce_sum(rows, axis=2)

    def largest(self, rows: Any) -> Any:
        return self.tf.reduce_max(rows, axis=2)

    def first(self, rows: Any) -> Any:
        which = self.tf.one_hot(self.tf.argmax(rows, axis=2), rows.shape[2], axis=2)
        return self.total(self.tf.where(which > 0, rows, self.tf.zeros_like(rows)))

    def fixed(self, value: Any) -> Any:
        return self.tf.stop_gradient(value)

    def number(self, given: Any, like: Any) -> Any:
        return self.tf.cast(given, like.dtype)


class Torch:
    """See `Arrays`."""

    def __init__(self) -> None:
        import torch

        self.torch = torch

    def shaped(self, x: Any, shape: tuple[int, ...]) -> Any:
        return x.reshape(shape)

    def rows(self, x: Any, places: Any, filler: float | None) -> Any:
        low = self.torch.finfo(x.dtype).min if filler is None else filler
        joined = self.torch.cat([x, self.torch.full_like(x[:, :1], low)], dim=1)
        return joined[:, self.torch.from_numpy(places)]

    def total(self, rows: Any) -> Any:
        return rows.sum(dim=2)

    def largest(self, rows: Any) -> Any:
        return rows.amax(dim=2)

    def first(self, rows: Any) -> Any:
        # The first of equal ones: max(dim) does not promise which.
        place = self.torch.arange(rows.shape[2], 0, -1)[:, None]
        which = (place * (rows == rows.amax(dim=2, keepdim=True))).argmax(dim=2, keepdim=True)
        return rows.gather(2, which).squeeze(2)

    def fixed(self, value: Any) -> Any:
        return value.detach()

    def number(self, given: Any, like: Any) -> Any:
        return self.torch.as_tensor(given).to(like.dtype)


class Jax:
    """See `Arrays`."""

    def __init__(self) -> None:
        import jax

        self.jax, self.jnp = jax, jax.numpy

    def shaped(self, x: Any, shape: tuple[int, ...]) -> Any:
        return x.reshape(shape)

    def rows(self, x: Any, places: Any, filler: float | None) -> Any:
        low = self.jnp.finfo(x.dtype).min if filler is None else filler
        return self.jnp.concatenate([x, self.jnp.full_like(x[:, :1], low)], axis=1)[:, places]

    def total(self, rows: Any) -> Any:
        return rows.sum(axis=2)

    def largest(self, rows: Any) -> Any:
        return rows.max(axis=2)

    def first(self, rows: Any) -> Any:
        which = rows.argmax(axis=2)[:, :, None]
        return self.jnp.take_along_axis(rows, which, axis=2)[:, :, 0]

    def fixed(self, value: Any) -> Any:
        return self.jax.lax.stop_gradient(value)

    def number(self, given: Any, like: Any) -> Any:
        return self.jnp.asarray(given, like.dtype)
