"""Norms as plain array code in each framework: for conventions that its own layer has not.

Each class is made once, for it is also how the part that holds γ and β is found.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from math import prod
from typing import Any, Literal

from backproof.mathematics.arithmetic.standard import Standard
from backproof.mathematics.layers.layer import Shape
from backproof.mathematics.layers.normalised import Normalised
from backproof.mathematics.layers.port import Port


@dataclass(frozen=True)
class Code:
    """What the code asks of a framework. ``count``: a whole number beside an array, as a number."""

    mean: Callable[[Any, tuple[int, ...]], Any]
    """Over some axes, which stay, of length 1."""
    sqrt: Callable[[Any], Any]
    where: Callable[..., Any]
    reshape: Callable[[Any, Any], Any]
    samples: Callable[[Any], Any]
    count: Callable[[Any, Any], Any]


def in_jax() -> Code:
    """In JAX."""
    import jax.numpy as jnp

    def mean(x: Any, axes: tuple[int, ...]) -> Any:
        return jnp.mean(x, axis=axes, keepdims=True)

    return Code(mean, jnp.sqrt, jnp.where, jnp.reshape, len, lambda n, x: n)


def in_torch() -> Code:
    """In PyTorch."""
    import torch as framework

    def mean(x: Any, axes: tuple[int, ...]) -> Any:
        return x.mean(dim=axes, keepdim=True)

    where, reshape = framework.where, framework.reshape
    return Code(mean, framework.sqrt, where, reshape, len, lambda n, x: n)


def in_keras() -> Code:
    """In Keras, where the number of samples is asked of the tensor: it may be open."""
    from keras import ops

    def mean(x: Any, axes: tuple[int, ...]) -> Any:
        return ops.mean(x, axes, keepdims=True)

    def count(n: Any, x: Any) -> Any:
        return ops.cast(n, x.dtype)

    return Code(mean, ops.sqrt, ops.where, ops.reshape, lambda x: ops.shape(x)[0], count)


def root(v: Any, by: Standard, code: Code) -> Any:
    """s of v; with ε outside, √v has a slope of 0 at 0, for x̂ of equal numbers has a derivative."""
    if by.inside:  # ε is not cast, for Keras would cast it through float32
        return code.sqrt(v + by.epsilon)
    none = v == 0
    return code.where(none, v, code.sqrt(code.where(none, v + 1, v))) + by.epsilon


def in_groups(layer: Normalised, x: Any, code: Code) -> tuple[Any, tuple[int, ...], Any]:
    """x as it is viewed, the axes of its groups, and N."""
    known = (1, *x.shape[1:])
    shape = layer.viewed(known)
    axes = layer.standard(known).groups(shape).axes
    samples = code.samples(x)
    n = prod(shape[axis] for axis in axes) * (samples if 0 in axes else 1)
    return code.reshape(x, (samples, *shape[1:])), axes, n


def applying(layer: Normalised, code: Code) -> Callable[..., Any]:
    """The norm as a function of γ, β and running values by name, and of x."""

    def apply(parameters: Mapping[str, Any], x: Any) -> Any:
        by = layer.standard((1, *x.shape[1:]))
        if not layer.by_batch:
            apart = x - parameters["running_mean"]
            a = apart / root(parameters["running_variance"], by, code)
        else:
            viewed, axes, n = in_groups(layer, x, code)
            apart = viewed - code.mean(viewed, axes) if by.centred else viewed
            v = code.mean(apart * apart, axes)
            if by.unbiased:
                n = code.count(n, v)
                v = v * (n / (n - 1))
            a = code.reshape(apart / root(v, by, code), (code.samples(x), *x.shape[1:]))
        if layer.scale:
            a = a * parameters["scale"]
        return a + parameters["bias"] if layer.bias else a

    return apply


def moving(layer: Normalised, code: Code) -> Callable[..., dict[str, Any]]:
    """The running values after a step, of those before by name, and of x."""

    def moved(state: Mapping[str, Any], x: Any) -> dict[str, Any]:
        before = {name: state[name] for name in layer.buffers(tuple(x.shape[1:]))}
        if not before or not layer.by_batch:
            return before
        viewed, axes, n = in_groups(layer, x, code)
        mean = code.mean(viewed, axes)
        apart = viewed - mean
        v = code.mean(apart * apart, axes)
        if layer.feeds_unbiased:
            n = code.count(n, v)
            v = v * (n / (n - 1))
        keeps = layer.keeps
        return {
            name: keeps * old + (1 - keeps) * code.reshape(new, old.shape)
            for (name, old), new in zip(before.items(), (mean, v), strict=True)
        }

    return moved


@cache
def keras_layer() -> Any:
    """A Keras layer of any norm."""
    import keras

    class PlainNorm(keras.layers.Layer):  # type: ignore[misc]  # Keras has no types here
        def __init__(self, layer: Normalised, regularizers: Mapping[str, Any]) -> None:
            super().__init__()
            self.of, self.regularizers = layer, regularizers

        def build(self, input_shape: Any) -> None:
            """γ, β and running values, where it has them."""
            shape = tuple(input_shape[1:])
            for name, each in self.of.parameters(shape).items():
                weight = self.add_weight(
                    name=name, shape=each.shape, regularizer=self.regularizers.get(name)
                )
                setattr(self, name, weight)
            for name, buffer in self.of.buffers(shape).items():
                setattr(self, name, self.add_weight(name=name, shape=buffer.shape, trainable=False))

        def call(self, x: Any) -> Any:
            """The norm of x; running values are moved."""
            code, shape = in_keras(), tuple(x.shape[1:])
            names = (*self.of.parameters(shape), *self.of.buffers(shape))
            own = {name: getattr(self, name) for name in names}
            given = applying(self.of, code)(own, x)
            for name, value in moving(self.of, code)(own, x).items():
                own[name].assign(value)
            return given

    return PlainNorm


@cache
def torch_module() -> Any:
    """A PyTorch module of any norm."""
    import torch as framework
    from torch import nn

    class PlainNorm(nn.Module):  # type: ignore[misc]
        def __init__(self, layer: Normalised, shape: tuple[int, ...]) -> None:
            super().__init__()
            self.of = layer
            for name, each in layer.parameters(shape).items():
                self.register_parameter(name, nn.Parameter(framework.ones(each.shape)))
            for name, buffer in layer.buffers(shape).items():
                self.register_buffer(name, framework.ones(buffer.shape))

        def forward(self, x: Any) -> Any:
            code = in_torch()
            own = {**dict(self.named_parameters()), **dict(self.named_buffers())}
            given = applying(self.of, code)(own, x)
            with framework.no_grad():
                for name, value in moving(self.of, code)(own, x).items():
                    own[name].copy_(value)
            return given

    return PlainNorm


@cache
def keras_inferring() -> Any:
    """Keras's batch norm that uses its running values while the model is trained."""
    import keras

    class Inferring(keras.layers.BatchNormalization):  # type: ignore[misc]
        def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
            """As Keras does it when nothing is trained."""
            return super().call(inputs, training=False, mask=mask)

    return Inferring


@cache
def feeding_biased(kind: type[Any]) -> type[Any]:
    """A batch norm of PyTorch whose running variance is fed with the biased one."""
    import torch as framework
    from torch import nn

    class FeedingBiased(kind):  # type: ignore[misc]
        def forward(self, x: Any) -> Any:
            if not self.training:
                return super().forward(x)
            with framework.no_grad():
                axes = [axis for axis in range(x.ndim) if axis != 1]
                self.running_mean.lerp_(x.mean(axes), self.momentum)
                self.running_var.lerp_(x.var(axes, unbiased=False), self.momentum)
            return nn.functional.batch_norm(
                x, None, None, self.weight, self.bias, training=True, eps=self.eps
            )

    return FeedingBiased


def jax(layer: Normalised) -> Callable[..., Any]:
    """The norm in JAX."""
    return applying(layer, in_jax())


def torch(layer: Normalised) -> Callable[..., Any]:
    """The norm in PyTorch."""
    return applying(layer, in_torch())


def keras(layer: Normalised) -> Callable[..., Any]:
    """The norm in Keras."""
    return applying(layer, in_keras())


def port_of(
    layer: Normalised,
    make: Callable[..., Any],
    kind: type,
    names: Mapping[str, tuple[str, tuple[int, ...]]],
    apply: Callable[..., Any],
    *inputs: Shape,
    first: bool = False,
) -> Port:
    """The port of a framework's own layer; ``names``: of its parameters, by ours.

    ``first``: whether its channels are the first axis of a sample, if it has several.
    """
    layout: Literal["first", "last"] = "first" if first and len(inputs[0]) > 1 else "last"
    own = {name: names[name] for name in layer.parameters(*inputs)}
    buffers = {name: name for name in layer.buffers(*inputs)}
    return Port(make, kind, own, lambda bare: apply, layout=layout, buffers=buffers)


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
    """A PyTorch module around one whose channels are the first axis of a sample.

    Its arrays are laid out so, too: of a cotangent whose channels vary fastest, PyTorch 2.13's
    instance norm gives a wrong gradient of γ, and its group norm may end the process.
    """
    from torch import nn

    class Turning(nn.Module):  # type: ignore[misc]
        def __init__(self, inner: Any) -> None:
            super().__init__()
            self.inner = inner

        def forward(self, x: Any) -> Any:
            a = self.inner(x.movedim(-1, 1).contiguous())
            if a.requires_grad:
                a.register_hook(lambda gradient: gradient.contiguous())
            return a.movedim(1, -1)

    return Turning
