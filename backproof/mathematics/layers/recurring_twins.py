"""Recurrent cells in each framework, which is imported inside, in its worker alone.

A framework's own layer where it has the conventions; else its operations, step by step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from backproof.mathematics import functions
from backproof.mathematics.layers import plain_twins
from backproof.mathematics.layers.port import Port

if TYPE_CHECKING:
    from backproof.mathematics.functions import Activation
    from backproof.mathematics.layers.layer import Shape
    from backproof.mathematics.layers.recurring import Recurrent


@dataclass(frozen=True)
class Arrays:
    """What the steps need of a framework beside operators and slices."""

    framework: str
    stack: Callable[[list[Any]], Any]
    zeros: Callable[[Any, int], Any]
    """So many units of zeros, for as many samples as x has."""

    def function(self, f: Activation) -> Any:
        """An activation as the framework has it."""
        found = functions.twin(f, self.framework)
        if self.framework == "keras":
            import keras

            return keras.activations.get(found)
        return found


def stepped(
    make: Callable[[], Arrays], layer: Any, p: Mapping[str, Any], x: Any, *given: Any
) -> Any:
    """The cell at every step, as people write the loop."""
    array = make()
    states = given or tuple(array.zeros(x, layer.units) for _ in range(layer.held))
    found: dict[int, Any] = {}
    steps = layer.times(x.shape[1])
    for t in steps:
        states = layer.cell(array, p, x[:, t], states)
        found[t] = states[0]
    return array.stack([found[t] for t in sorted(found)]) if layer.sequences else states[0]


def summed(p: Mapping[str, Any], x: Any, h: Any) -> Any:
    """x W + h U and the biases."""
    z = x @ p["kernel"] + h @ p["recurrent_kernel"]
    for name in ("bias", "recurrent_bias"):
        if name in p:
            z = z + p[name]
    return z


def biases(layer: Recurrent, p: Mapping[str, Any]) -> tuple[Any, Any]:
    """The input's and the recurrent one; 0 where there is none."""
    if layer.biases == "stacked":
        return p["bias"][0], p["bias"][1]
    return p.get("bias", 0.0), p.get("recurrent_bias", 0.0)


def columns(bias: Any, place: slice) -> Any:
    """Those of one gate, if it is any bias."""
    return bias if isinstance(bias, float) else bias[place]


def of_torch() -> Arrays:
    """PyTorch's."""
    import torch

    return Arrays(
        "torch",
        lambda steps: torch.stack(steps, dim=1),
        lambda x, units: x.new_zeros(x.shape[0], units),
    )


def of_keras() -> Arrays:
    """Keras's."""
    from keras import ops

    return Arrays(
        "keras",
        lambda steps: ops.stack(steps, axis=1),
        lambda x, units: ops.zeros((ops.shape(x)[0], units), x.dtype),
    )


def of_jax() -> Arrays:
    """JAX's."""
    import jax.numpy as jnp

    return Arrays(
        "jax",
        lambda steps: jnp.stack(steps, axis=1),
        lambda x, units: jnp.zeros((x.shape[0], units), x.dtype),
    )


def plain_torch(layer: Any, *inputs: Shape) -> Port:
    """A module of operations."""
    return plain_twins.in_torch(layer, partial(stepped, of_torch, layer), *inputs)


def plain_keras(layer: Any, *inputs: Shape) -> Port:
    """A Keras layer of operations."""
    return plain_twins.in_keras(layer, partial(stepped, of_keras, layer), *inputs)


def plain_jax(layer: Any) -> Port:
    """The loop as a function."""
    return plain_twins.in_jax(partial(stepped, of_jax, layer))


def own_torch(layer: Any, kind: Any, inputs: tuple[Shape, ...], **options: Any) -> Port:
    """nn.RNN, nn.LSTM or nn.GRU, batch first."""

    def make(bare: bool) -> Any:
        inner = kind(
            inputs[0][1], layer.units, bias=bool(layer.biases), batch_first=True, **options
        )
        return of_sequences()(inner, layer)

    names = {
        "kernel": ("weight_ih_l0", (1, 0)),
        "recurrent_kernel": ("weight_hh_l0", (1, 0)),
        "bias": ("bias_ih_l0", (0,)),
        "recurrent_bias": ("bias_hh_l0", (0,)),
    }
    own = {name: names[name] for name in layer.parameters(*inputs)}
    return Port(make, kind, own)


@cache
def of_sequences() -> Any:
    """A module for PyTorch's recurrent ones: of what they give, what the layer gives."""
    from torch import nn

    class OfSequences(nn.Module):  # type: ignore[misc]  # PyTorch is Any here
        def __init__(self, inner: Any, layer: Any) -> None:
            super().__init__()
            self.inner, self.layer = inner, layer

        def forward(self, x: Any, *states: Any) -> Any:
            x = x.flip(1) if self.layer.reverse else x
            first = tuple(state[None] for state in states)
            given: tuple[Any, ...] = ()
            if first:
                given = (first,) if self.layer.held > 1 else first
            found = self.inner(x, *given)[0]
            if not self.layer.sequences:
                return found[:, -1]
            return found.flip(1) if self.layer.reverse else found

    return OfSequences


def own_keras(layer: Any, kind: Any, **options: Any) -> Port:
    """keras.layers.SimpleRNN, LSTM or GRU."""

    def make(bare: bool, regularizers: Mapping[str, Any]) -> Any:
        given = {n: make() if callable(make) else make for n, make in options.items()}
        turned = layer.reverse and layer.sequences
        return (turned_back(kind) if turned else kind)(
            layer.units,
            return_sequences=layer.sequences,
            go_backwards=layer.reverse,
            use_bias=bool(layer.biases),
            kernel_regularizer=regularizers.get("kernel"),
            recurrent_regularizer=regularizers.get("recurrent_kernel"),
            bias_regularizer=regularizers.get("bias"),
            **given,
        )

    whole = (0, 1) if layer.biases == "stacked" else (0,)
    names: Mapping[str, tuple[str, tuple[int, ...]]] = {
        "kernel": ("cell.kernel", (0, 1)),
        "recurrent_kernel": ("cell.recurrent_kernel", (0, 1)),
        "bias": ("cell.bias", whole),
    }
    return Port(make, kind, {n: names[n] for n in names if n != "bias" or layer.biases})


@cache
def turned_back(kind: Any) -> Any:
    """Keras's layer, which gives what it met last first, with each state at its own place."""
    import keras

    class TurnedBack(kind):  # type: ignore[misc]  # Keras has no types here
        def call(self, sequences: Any, initial_state: Any = None, **named: Any) -> Any:
            """In the order of the steps."""
            return keras.ops.flip(super().call(sequences, initial_state, **named), axis=1)

    return TurnedBack
