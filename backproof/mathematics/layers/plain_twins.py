"""Twins of plain array code: parameters by our own names, and a function of them and the inputs.

For layers that a framework has not, or not in that form.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from backproof.mathematics.layers.port import Port

if TYPE_CHECKING:
    from backproof.mathematics.layers.layer import Layer, Shape

Apply = Callable[..., Any]
"""Of the parameters by name, in our layout, and of the inputs."""


def named(layer: Layer, *inputs: Shape) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Its parameters by their own names, in our layout."""
    parameters = layer.parameters(*inputs)
    return {name: (name, tuple(range(len(each.shape)))) for name, each in parameters.items()}


def in_torch(layer: Layer, apply: Apply, *inputs: Shape) -> Port:
    """A module that holds the layer's parameters and applies that function."""
    kind = torch_module()
    return Port(
        lambda bare: kind(layer, inputs, apply),
        kind if layer.parameters(*inputs) else None,
        named(layer, *inputs),
        lambda bare: apply,
    )


def in_keras(layer: Layer, apply: Apply, *inputs: Shape) -> Port:
    """A Keras layer likewise; of several inputs it gets a list."""
    kind = keras_layer()

    def make(bare: bool, regularizers: Mapping[str, Any]) -> Any:
        return kind(layer, inputs, apply, regularizers)

    return Port(
        make,
        kind if layer.parameters(*inputs) else None,
        named(layer, *inputs),
        lambda bare: apply,
    )


def in_jax(apply: Apply) -> Port:
    """The function itself."""
    return Port(lambda bare: apply)


@cache
def torch_module() -> Any:
    """The module of `in_torch`."""
    import torch
    from torch import nn

    class Plain(nn.Module):  # type: ignore[misc]  # PyTorch is Any here
        def __init__(self, layer: Layer, inputs: tuple[Shape, ...], apply: Apply) -> None:
            super().__init__()
            self.apply_to = apply
            for name, each in layer.parameters(*inputs).items():
                self.register_parameter(name, nn.Parameter(torch.zeros(each.shape)))

        def forward(self, *given: Any) -> Any:
            return self.apply_to(dict(self.named_parameters()), *given)

    return Plain


@cache
def keras_layer() -> Any:
    """The layer of `in_keras`."""
    import keras

    class Plain(keras.layers.Layer):  # type: ignore[misc]  # Keras has no types here
        def __init__(
            self,
            layer: Layer,
            inputs: tuple[Shape, ...],
            apply: Apply,
            regularizers: Mapping[str, Any],
        ) -> None:
            super().__init__()
            self.of, self.takes, self.apply = layer, inputs, apply
            self.regularizers = regularizers
            self.held_names: tuple[str, ...] = ()

        def build(self, input_shape: Any) -> None:
            """Its parameters."""
            parameters = self.of.parameters(*self.takes)
            for name, each in parameters.items():
                penalty = self.regularizers.get(name)
                weight = self.add_weight(name=name, shape=each.shape, regularizer=penalty)
                setattr(self, name, weight)
            self.held_names = tuple(parameters)

        def call(self, given: Any) -> Any:
            """The function of its inputs."""
            parameters = {name: getattr(self, name) for name in self.held_names}
            taken = given if isinstance(given, list | tuple) else [given]
            return self.apply(parameters, *taken)

        def compute_output_shape(self, input_shape: Any) -> Any:
            """As the layer says."""
            return (None, *self.of.output(*self.takes))

    return Plain
