"""The network of "Build Neural Network from Scratch" (Keep Looking, Don't Settle), example 1.

3 inputs, 4 sigmoid units, 1 sigmoid unit, no biases; it learns the exclusive or of the first two
inputs, the third being a constant 1. With expit(z) = 1 / (1 + exp(-z)) and a sample a column of X:

    Z1 = W1ᵀ X         A1 = expit(Z1)
    Z2 = W2ᵀ A1        A2 = expit(Z2) = ŷ        L = ½ Σ (ŷ - y)²   over the samples

Backwards by the chain rule, where Δ stands for ∂L/∂Z of a layer and ⊙ multiplies elementwise:

    loss             ∂L/∂A2 = A2 - y
    sigmoid          d expit(z)/dz = expit(z) (1 - expit(z)) = expit(z) expit(-z)
    output delta     Δ2     = (A2 - y) ⊙ A2 ⊙ expit(-Z2)
    output kernel    ∂L/∂W2 = A1 Δ2ᵀ                      as ∂Z2[k, s]/∂W2[j, k] = A1[j, s]
    hidden delta     Δ1     = (W2 Δ2) ⊙ A1 ⊙ expit(-Z1)   as ∂Z2[k, s]/∂A1[j, s] = W2[j, k]
    hidden kernel    ∂L/∂W1 = X Δ1ᵀ                       as ∂Z1[j, s]/∂W1[i, j] = X[i, s]

Gradient descent is W ← W - rate · ∂L/∂W for both kernels at once. (The article's text has a plus
sign there; its code descends, as this does.)
"""

from typing import ClassVar

import numpy as np
from numpy.typing import DTypeLike
from scipy.special import expit

from scratch.training import Array, FullBatchNetwork, Layers, Scalar

INPUTS = ((0, 0, 1), (0, 1, 1), (1, 0, 1), (1, 1, 1))
TARGETS = ((0,), (1,), (1,), (0,))
SEED = 10
LEARNING_RATE = 1.0
STEPS = 100_000


def initial_parameters(
    stream: np.random.RandomState, dtype: DTypeLike = np.float64
) -> dict[str, Array]:
    """Draw the kernels as the article does: uniform in [-1, 1), each as (unit, input)."""
    hidden = stream.random_sample(12).reshape(4, 3) * 2 - 1
    output = stream.random_sample(4).reshape(1, 4) * 2 - 1
    return {"dense_1/kernel": hidden.T.astype(dtype), "dense_2/kernel": output.T.astype(dtype)}


class Xor(FullBatchNetwork):
    """3-4-1, sigmoid on both layers, no biases; half the sum of squared errors."""

    SHAPES: ClassVar = {"dense_1/kernel": (3, 4), "dense_2/kernel": (4, 1)}

    def _forward(self, x: Array) -> tuple[Layers, Layers]:
        w1, w2 = self.parameters.values()
        z1 = w1.T @ x  # (4, batch)
        a1 = expit(z1)
        z2 = w2.T @ a1  # (1, batch)
        return (z1, z2), (a1, expit(z2))

    def _loss(self, y: Array, z: Layers, a: Layers) -> Scalar:
        error = _error(y, z[1], a[1])
        return 0.5 * np.vdot(error, error)

    def _backward(self, x: Array, y: Array, z: Layers, a: Layers) -> dict[str, Array]:
        (z1, z2), (a1, a2) = z, a
        w2 = self.parameters["dense_2/kernel"]
        delta2 = _error(y, z2, a2) * a2 * expit(-z2)  # (1, batch)
        delta1 = (w2 @ delta2) * a1 * expit(-z1)  # (4, batch)
        return {"dense_1/kernel": x @ delta1.T, "dense_2/kernel": a1 @ delta2.T}


def _error(y: Array, z: Array, a: Array) -> Array:
    """Return a - y with all its digits, also where a = expit(z) rounds to y."""
    return (1 - y) * a - y * expit(-z)
