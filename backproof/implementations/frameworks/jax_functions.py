"""JAX's activations for the twins, and the functions that are calibrated."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from backproof.implementations.protocol import Tensors
from backproof.mathematics import functions, losses
from backproof.mathematics.functions import Activation

MODES = ("jit",)
# The arrays that a function of `apply` may take, in this order.
ARGUMENTS = ("x", "kernel", "bias", "targets")
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "exp": jnp.exp,
    "log": jnp.log,
    "sqrt": jnp.sqrt,
    "log1p": jnp.log1p,
    "sigmoid": jax.nn.sigmoid,
    "tanh": jnp.tanh,
    "expm1": jnp.expm1,
    "erf": jax.lax.erf,
    "erfc": jax.lax.erfc,
    "log1pexp": jax.nn.softplus,
    "gelu": lambda z: jax.nn.gelu(z, approximate=False),
    "gelu_tanh": lambda z: jax.nn.gelu(z, approximate=True),
    "softplus": jax.nn.softplus,
    "softmax": lambda z: jax.nn.softmax(z, axis=1),
}


SUMS: dict[str, Callable[..., Any]] = {
    "product": jnp.multiply,
    "affine": lambda x, kernel, bias: x @ kernel + bias,
    "sum": jnp.sum,
    "column_sum": partial(jnp.sum, axis=0),
    "row_sum": partial(jnp.sum, axis=1),
    "mean": jnp.mean,
}


def activation(described: Activation) -> Callable[[Any], Any]:
    """An activation as its file has it for JAX."""
    compute: Callable[[Any], Any] = functions.twin(described, "jax")
    return compute


def apply(function: str | Activation, mode: str, given: Tensors, dtype: str) -> Tensors:
    """A function and its gradients, for `backproof calibrate`."""
    held = {name: jnp.asarray(array).astype(dtype) for name, array in given.items()}
    names = tuple(name for name in ARGUMENTS if name in held)
    found = called(function, names)(held, held.get("cotangent"))
    return {name: np.asarray(value.astype(given["x"].dtype)) for name, value in found.items()}


@cache
def called(function: str | Activation, names: tuple[str, ...]) -> Callable[..., dict[str, Any]]:
    """The function, and kept, for JAX compiles it for each shape."""
    compute: Callable[..., Any]
    if not isinstance(function, str):
        compute = activation(function)
    elif function in FUNCTIONS | SUMS:
        compute = (FUNCTIONS | SUMS)[function]
    else:
        compute = losses.twin(losses.named(function), "jax")

    def results(held: dict[str, Any], cotangent: Any) -> dict[str, Any]:
        arguments = {name: held[name] for name in names}
        if cotangent is None:
            return {"y": compute(*arguments.values())}
        y, back = jax.vjp(lambda given: compute(*(given[name] for name in names)), arguments)
        (slopes,) = back(cotangent.reshape(y.shape))
        return {"y": y, **{f"gradient/{n}": slopes[n] for n in names if n != "targets"}}

    compiled: Callable[..., dict[str, Any]] = jax.jit(results)
    return compiled
