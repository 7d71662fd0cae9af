"""Norms as plain array code in each framework: for conventions that its own layer has not.

Each class is made once, for it is also how the part that holds γ and β is found.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from math import prod
from typing import Any

from backproof.mathematics.layers.layer import Shape
from backproof.mathematics.layers.normalised import Normalised
from backproof.mathematics.layers.port import Port

Mean = Callable[[Any, tuple[int, ...]], Any]
"""The mean over some axes, which stay, of length 1."""


def continued(v: Any, where: Callable[..., Any], sqrt: Callable[[Any], Any]) -> Any:
    """√v, with a slope of 0 at 0: of equal numbers x̂ has a derivative, though √v has none there."""
    none = v == 0
    return where(none, v, sqrt(where(none, v + 1, v)))


def applying(
    layer: Normalised,
    mean: Mean,
    sqrt: Callable[[Any], Any],
    where: Callable[..., Any],
) -> Callable[..., Any]:
    """The norm as a function of γ and β by name, and of x."""

    def apply(parameters: Mapping[str, Any], x: Any) -> Any:
        shape = tuple(x.shape)
        by = layer.standard(shape)
        viewed = x.reshape(layer.viewed(shape))
        groups = by.groups(tuple(viewed.shape))
        apart = viewed - mean(viewed, groups.axes) if by.centred else viewed
        v = mean(apart * apart, groups.axes)
        if by.unbiased:
            v = v * (groups.terms / groups.divisor)
        s = sqrt(v + by.epsilon) if by.inside else continued(v, where, sqrt) + by.epsilon
        a = (apart / s).reshape(shape)
        if layer.scale:
            a = a * parameters["scale"]
        return a + parameters["bias"] if layer.bias else a

    return apply


def jax(layer: Normalised) -> Callable[..., Any]:
    """In JAX."""
    import jax.numpy as jnp

    return applying(
        layer, lambda x, axes: jnp.mean(x, axis=axes, keepdims=True), jnp.sqrt, jnp.where
    )


def torch(layer: Normalised) -> Callable[..., Any]:
    """In PyTorch."""
    import torch as framework

    return applying(
        layer, lambda x, axes: x.mean(dim=axes, keepdim=True), framework.sqrt, framework.where
    )


def keras(layer: Normalised) -> Callable[..., Any]:
    """In Keras, on TensorFlow: shapes are asked of the tensor, whose first length is open."""
    import keras as framework

    ops = framework.ops

    def apply(parameters: Mapping[str, Any], x: Any) -> Any:
        known = tuple(x.shape)
        shape = (ops.shape(x)[0], *known[1:])
        by = layer.standard((2, *known[1:]))
        viewed_shape = layer.viewed((1, *known[1:]))
        viewed = ops.reshape(x, (shape[0], *viewed_shape[1:]))
        axes = by.groups(viewed_shape).axes
        apart = viewed - ops.mean(viewed, axes, keepdims=True) if by.centred else viewed
        v = ops.mean(apart * apart, axes, keepdims=True)
        if by.unbiased:
            fixed = prod(viewed_shape[axis] for axis in axes if axis)
            n = ops.cast(shape[0] * fixed if 0 in axes else fixed, v.dtype)
            v = v * (n / (n - 1))
        epsilon = by.epsilon  # not cast, for Keras would cast it through float32
        inside = by.inside
        s = ops.sqrt(v + epsilon) if inside else continued(v, ops.where, ops.sqrt) + epsilon
        a = ops.reshape(apart / s, shape)
        if layer.scale:
            a = a * parameters["scale"]
        return a + parameters["bias"] if layer.bias else a

    return apply


@cache
def keras_layer() -> Any:
    """A Keras layer of any norm."""
    import keras as framework

    class PlainNorm(framework.layers.Layer):  # type: ignore[misc]  # Keras has no types here
        def __init__(self, layer: Normalised, regularizers: Mapping[str, Any]) -> None:
            super().__init__()
            self.apply, self.of, self.regularizers = keras(layer), layer, regularizers

        def build(self, input_shape: Any) -> None:
            """γ and β, where it has them."""
            for name, each in self.of.parameters(tuple(input_shape[1:])).items():
                initial = "ones" if name == "scale" else "zeros"
                weight = self.add_weight(
                    name=name,
                    shape=each.shape,
                    initializer=initial,
                    regularizer=self.regularizers.get(name),
                )
                setattr(self, name, weight)

        def call(self, x: Any) -> Any:
            """The norm of x."""
            own = {name: getattr(self, name) for name in ("scale", "bias") if hasattr(self, name)}
            return self.apply(own, x)

    return PlainNorm


@cache
def torch_module() -> Any:
    """A PyTorch module of any norm."""
    import torch as framework
    from torch import nn

    class PlainNorm(nn.Module):  # type: ignore[misc]
        def __init__(self, layer: Normalised, shape: tuple[int, ...]) -> None:
            super().__init__()
            self.apply_to = torch(layer)
            for name, each in layer.parameters(shape).items():
                self.register_parameter(name, nn.Parameter(framework.ones(each.shape)))

        def forward(self, x: Any) -> Any:
            return self.apply_to(dict(self.named_parameters()), x)

    return PlainNorm


def port_of(
    layer: Normalised,
    make: Callable[..., Any],
    kind: type,
    names: Mapping[str, tuple[str, tuple[int, ...]]],
    apply: Callable[..., Any],
    *inputs: Shape,
) -> Port:
    """The port of a framework's own layer; ``names``: of its parameters, by ours."""
    own = {name: names[name] for name in layer.parameters(*inputs)}
    return Port(make, kind, own, lambda bare: apply)


def keras_port(layer: Normalised, *inputs: Shape) -> Port:
    """The port of a plain Keras layer."""
    kind, axes = keras_layer(), tuple(range(len(layer.affine(inputs[0]))))

    def make(bare: bool, regularizers: Mapping[str, Any]) -> Any:
        return kind(layer, regularizers)

    names = {name: (name, axes) for name in ("scale", "bias")}
    return port_of(layer, make, kind, names, keras(layer), *inputs)


def torch_port(layer: Normalised, *inputs: Shape) -> Port:
    """The port of a plain PyTorch module."""
    kind, axes = torch_module(), tuple(range(len(layer.affine(inputs[0]))))
    names = {name: (name, axes) for name in ("scale", "bias")}

    def make(bare: bool) -> Any:
        return kind(layer, inputs[0])

    return port_of(layer, make, kind, names, torch(layer), *inputs)


def channels_last(module: Any, shape: Shape) -> Any:
    """A PyTorch module that wants its channels first, for samples that have them last."""
    if len(shape) == 1:
        return module
    return turning()(module)


@cache
def turning() -> Any:
    """A PyTorch module around one whose channels are the first axis of a sample."""
    from torch import nn

    class Turning(nn.Module):  # type: ignore[misc]
        def __init__(self, inner: Any) -> None:
            super().__init__()
            self.inner = inner

        def forward(self, x: Any) -> Any:
            return self.inner(x.movedim(-1, 1)).movedim(1, -1)

    return Turning
