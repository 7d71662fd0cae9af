"""Keras's functions: activations of the twins, and what `backproof calibrate` measures."""

from __future__ import annotations

import math
from typing import Any

import keras
import tensorflow as tf

from backproof.activations import Activation, named


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


def apply(function: str, mode: str, x: Any, dtype: str) -> Any:
    """An elementary function, for `backproof calibrate`."""
    held = tf.constant(x)
    compute = FUNCTIONS[function]
    if mode != "eager":
        compute = tf.function(compute, jit_compile=mode == "xla")
    return tf.cast(compute(tf.cast(held, dtype)), held.dtype).numpy()
