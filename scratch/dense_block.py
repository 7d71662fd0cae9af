"""A dense block of "Neural networks from scratch rebooted" (Alex Olar): one layer, both ways.

The article keeps a kernel as (fan_out, fan_in), as W below, and a sample as a column of X. With b,
(fan_out, 1), added to every column and f the block's activation:

    Z = W X + b        A = f(Z)

A stack of blocks that ends in a sigmoid is trained by binary cross-entropy. Its loss, summed over
outputs and samples, is derived from the last Z, the logits, in `scratch.circles`:

    L = Σ (log(1 + exp(Z)) - Y ⊙ Z)

Backwards by the chain rule, where Δ stands for ∂L/∂Z of a block, Δ' and W' are those of the block
after it, and ⊙ multiplies elementwise:

    output delta     Δ = expit(Z) - Y             as d/dz (log(1 + exp(z)) - y z) = expit(z) - y
    hidden deltas    Δ = (W'ᵀ Δ') ⊙ f'(Z)         as ∂Z'[k, s]/∂A[j, s] = W'[k, j]
    kernels          ∂L/∂W = Δ Xᵀ                 as ∂Z[k, s]/∂W[k, j] = X[j, s]
    biases           ∂L/∂b = Σ Δ over samples     as ∂Z[k, s]/∂b[k] = 1

    ReLU'(z) = [z > 0]      expit'(z) = expit(z) expit(-z)

Gradient descent is W ← W - rate · ∂L/∂W, and so for b. (The article's code takes the mean of Δ over
units and samples, one number, for the gradient of all biases of a block.)
"""

from typing import Protocol

import numpy as np
from numpy.typing import DTypeLike
from scipy.special import expit

from scratch.training import Array, Scalar


class Activation(Protocol):
    """An elementwise function, and what it passes back."""

    def value(self, z: Array) -> Array:
        """Return a = f(z)."""

    def pull(self, cotangent: Array, z: Array, a: Array) -> Array:
        """Return cotangent · f'(z); it may be written into `cotangent`."""


class ReLU:
    """max(z, 0)."""

    def value(self, z: Array) -> Array:
        """Return max(z, 0)."""
        return np.maximum(z, 0)

    def pull(self, cotangent: Array, z: Array, a: Array) -> Array:
        """Return the cotangent where z > 0, else 0."""
        cotangent *= z > 0
        return cotangent


class Sigmoid:
    """The logistic function, 1 / (1 + exp(-z))."""

    def value(self, z: Array) -> Array:
        """Return expit(z)."""
        a: Array = expit(z)
        return a

    def pull(self, cotangent: Array, z: Array, a: Array) -> Array:
        """Return cotangent · expit(z) · expit(-z)."""
        cotangent *= a
        cotangent *= expit(-z)
        return cotangent


ACTIVATIONS: dict[str, Activation] = {"relu": ReLU(), "sigmoid": Sigmoid()}


class DenseBlock:
    """One layer: so many units, and the name of their activation (relu, sigmoid).

    `kernel` is (units, fan_in), `bias` (units, 1); both exist once a model has added the block.
    """

    kernel: Array
    bias: Array

    def __init__(self, units: int, activation: str) -> None:
        """Raise ValueError for an activation that does not exist, or no units."""
        if activation not in ACTIVATIONS:
            raise ValueError(f"no activation {activation!r}; there are {', '.join(ACTIVATIONS)}")
        if units < 1:
            raise ValueError(f"DenseBlock({units}): give at least one unit")
        self.units = units
        self.activation = activation
        self._f = ACTIVATIONS[activation]

    def build(self, fan_in: int, rng: np.random.Generator, dtype: DTypeLike) -> None:
        """Draw the kernel, normal with variance 2 / (fan_in + units), then the bias, 1 / units."""
        kernel = rng.standard_normal((self.units, fan_in)) * np.sqrt(2 / (fan_in + self.units))
        bias = rng.standard_normal((self.units, 1)) * np.sqrt(1 / self.units)
        self.kernel, self.bias = kernel.astype(dtype), bias.astype(dtype)

    def count_params(self) -> int:
        """Return how many numbers the block learns."""
        return self.kernel.size + self.bias.size

    def forward(self, x: Array) -> tuple[Array, Array]:
        """Return the pre-activation z and the activation a, (units, batch) each."""
        z = self.kernel @ x
        z += self.bias
        return z, self._f.value(z)

    def delta(self, cotangent: Array, z: Array, a: Array) -> Array:
        """Return ∂L/∂z, given the cotangent ∂L/∂a, which is overwritten."""
        return self._f.pull(cotangent, z, a)

    def kernel_gradient(self, delta: Array, x: Array) -> Array:
        """Return ∂L/∂kernel, (units, fan_in)."""
        gradient: Array = delta @ x.T
        return gradient

    def bias_gradient(self, delta: Array) -> Array:
        """Return ∂L/∂bias, (units, 1)."""
        gradient: Array = delta.sum(axis=1, keepdims=True)
        return gradient

    def back(self, delta: Array) -> Array:
        """Return ∂L/∂x, (fan_in, batch): the cotangent of the block before."""
        cotangent: Array = self.kernel.T @ delta
        return cotangent


def cross_entropy(y: Array, z: Array) -> Scalar:
    """Return Σ (log(1 + exp(z)) - y z) over all logits in a form that does not overflow."""
    total: Scalar = (np.maximum(z, 0) - y * z + np.log1p(np.exp(-np.abs(z)))).sum()
    return total


def cross_entropy_delta(y: Array, z: Array, a: Array) -> Array:
    """Return a - y with all its digits, also where a = expit(z) rounds to y."""
    delta: Array = (1 - y) * a - y * expit(-z)
    return delta
