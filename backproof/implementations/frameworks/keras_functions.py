"""Keras's activations for the twins, and the functions that are calibrated."""

from __future__ import annotations

from functools import cache, partial
from typing import Any

import keras
import tensorflow as tf

from backproof.implementations.frameworks import twin_of
from backproof.implementations.protocol import Tensors
from backproof.mathematics import losses
from backproof.mathematics.functions import Activation, named


def activation(described: Activation) -> Any:
    """An activation as its file has it for Keras."""
    return twin_of("activation", described, "keras")()


@cache
def last_activation(name: str | None) -> Any:
    """The activation that a model leaves to its loss: of its outputs."""
    return keras.activations.get(None if name is None else activation(named(name)))


FUNCTIONS: dict[str, Any] = {
    "exp": tf.math.exp,
    "log": tf.math.log,
    "sqrt": tf.math.sqrt,
    "log1p": tf.math.log1p,
    "sigmoid": tf.math.sigmoid,
    "tanh": tf.math.tanh,
    "expm1": tf.math.expm1,
    "erf": tf.math.erf,
    "erfc": tf.math.erfc,
    "log1pexp": keras.activations.softplus,
    # In float64 as the twin has them.
    "gelu": lambda z: activation(named("gelu"))(z),
    "gelu_tanh": lambda z: activation(named("gelu", approximate=True))(z),
    # As the binary cross-entropy has it.
    "softplus": lambda z: tf.nn.sigmoid_cross_entropy_with_logits(tf.zeros_like(z), z),
    "softmax": tf.nn.softmax,
}
# The twins run as a graph.
MODES = ("graph", "eager", "xla")
# The arrays that a function of `apply` may take, in this order.
ARGUMENTS = ("x", "kernel", "bias", "targets")
# `affine` is keras.layers.Dense.
SUMS: dict[str, Any] = {
    "product": keras.ops.multiply,
    "affine": lambda x, kernel, bias: keras.ops.add(keras.ops.matmul(x, kernel), bias),
    "sum": keras.ops.sum,
    "column_sum": partial(keras.ops.sum, axis=0),
    "row_sum": partial(keras.ops.sum, axis=1),
    "mean": keras.ops.mean,
}


def apply(function: str | Activation, mode: str, given: Tensors, dtype: str) -> Tensors:
    """A function and its gradients, for `backproof calibrate`."""
    held = {name: tf.cast(tf.constant(array), dtype) for name, array in given.items()}
    names = tuple(name for name in ARGUMENTS if name in held)
    found = called(function, mode, names)(held)
    return {name: tf.cast(value, given["x"].dtype).numpy() for name, value in found.items()}


@cache
def called(function: str | Activation, mode: str, names: tuple[str, ...]) -> Any:
    """The function in one mode, and kept, for XLA compiles it for each shape."""
    compute: Any
    if not isinstance(function, str):
        compute = keras.activations.get(activation(function))
    elif function in FUNCTIONS | SUMS:
        compute = (FUNCTIONS | SUMS)[function]
    else:
        compute = losses.twin(losses.named(function), "keras")

    def results(held: dict[str, Any]) -> dict[str, Any]:
        arguments = {name: held[name] for name in names}
        with tf.GradientTape() as tape:
            tape.watch(arguments)
            y = compute(*arguments.values())
        found = {"y": y}
        if "cotangent" in held:
            cotangent = tf.reshape(held["cotangent"], tf.shape(y))
            slopes = tape.gradient(y, arguments, cotangent)
            found |= {f"gradient/{n}": slopes[n] for n in names if n != "targets"}
        return found

    return results if mode == "eager" else tf.function(results, jit_compile=mode == "xla")
