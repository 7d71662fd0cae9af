"""Keras's activations for the twins, and the functions that are calibrated."""

from __future__ import annotations

import math
from functools import cache, partial
from typing import Any

import keras
import tensorflow as tf

from backproof.implementations.protocol import Tensors
from backproof.mathematics import losses
from backproof.mathematics.functions import Activation, named


def activation(described: Activation) -> Any:
    """Keras's own activation, or one in its operations where its own rounds what float64 holds.

    TensorFlow keeps the slope of its leaky ReLU, and √2 and 0.044715 of its GELU, in float32.
    """
    name, double = described.name, keras.config.floatx() == "float64"
    if name in ROUNDED and double:
        return ROUNDED[name](described)
    return ACTIVATIONS[name](described) if name in ACTIVATIONS else name


# Those with fields; Keras knows the others by the same name.
ACTIVATIONS: dict[str, Any] = {
    "leaky_relu": lambda f: lambda z: keras.activations.leaky_relu(z, f.alpha),
    "elu": lambda f: lambda z: keras.activations.elu(z, f.alpha),
    "gelu": lambda f: lambda z: keras.activations.gelu(z, approximate=f.approximate),
}
ROUNDED: dict[str, Any] = {
    "leaky_relu": lambda f: lambda z: keras.ops.where(z > 0, z, f.alpha * z),
    "gelu": lambda f: gelu_tanh if f.approximate else gelu,
}


def gelu(z: Any) -> Any:
    """As `tf.nn.gelu` has it, with √2 in the dtype of z."""
    return 0.5 * z * (1.0 + keras.ops.erf(z / math.sqrt(2)))


def gelu_tanh(z: Any) -> Any:
    """Likewise, with 0.044715 in the dtype of z."""
    cube = keras.ops.power(z, 3)
    return 0.5 * z * (1.0 + keras.ops.tanh(math.sqrt(2 / math.pi) * (z + 0.044715 * cube)))


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
# `dense` is keras.layers.Dense.
SUMS: dict[str, Any] = {
    "product": keras.ops.multiply,
    "dense": lambda x, kernel, bias: keras.ops.add(keras.ops.matmul(x, kernel), bias),
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
