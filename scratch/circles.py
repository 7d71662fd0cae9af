"""The network of "Implementing Neural Network Algorithm with NumPy".

2 inputs, 10 and 5 ReLU units, 1 sigmoid unit; it tells two concentric circles apart. With
expit(z) = 1 / (1 + exp(-z)), n samples, a sample a column of X, and b added to every column:

    Z1 = W1ᵀ X  + b1       A1 = max(Z1, 0)
    Z2 = W2ᵀ A1 + b2       A2 = max(Z2, 0)
    Z3 = W3ᵀ A2 + b3       A3 = expit(Z3) = ŷ        L = -1/n Σ (y log ŷ + (1 - y) log(1 - ŷ))

The loss is computed from the logits z = Z3. As -log expit(z) = log(1 + exp(-z)) and
1 - expit(z) = expit(-z), a sample's loss is y log(1 + exp(-z)) + (1 - y) log(1 + exp(z)), which is
log(1 + exp(z)) - y z, and for exp not to overflow

    L = 1/n Σ (max(z, 0) - y z + log(1 + exp(-|z|)))

Backwards by the chain rule, where Δ stands for ∂L/∂Z of a layer and ⊙ multiplies elementwise:

    output delta     Δ3 = (A3 - y) / n           as d/dz (log(1 + exp(z)) - y z) = expit(z) - y
    hidden deltas    Δ2 = (W3 Δ3) ⊙ [Z2 > 0]     as ∂Z3[k, s]/∂A2[j, s] = W3[j, k]
                     Δ1 = (W2 Δ2) ⊙ [Z1 > 0]
    kernels          ∂L/∂W3 = A2 Δ3ᵀ             as ∂Z3[k, s]/∂W3[j, k] = A2[j, s]
                     ∂L/∂W2 = A1 Δ2ᵀ
                     ∂L/∂W1 = X Δ1ᵀ
    biases           ∂L/∂b = Σ Δ over samples    as ∂Z[k, s]/∂b[k] = 1, in each layer

Gradient descent is W ← W - rate · ∂L/∂W, and so for b, for all of them at once.
"""

from typing import ClassVar

import numpy as np
from numpy.typing import DTypeLike
from scipy.special import expit

from scratch.training import Array, FullBatchNetwork, Layers, Scalar

SEED = 4
LEARNING_RATE = 0.01
STEPS = 25_000


def initial_parameters(
    stream: np.random.RandomState, dtype: DTypeLike = np.float64
) -> dict[str, Array]:
    """Draw the kernels as the article does, standard normal, first layer first; biases are zero."""
    drawn = {
        name: stream.standard_normal(shape) if name.endswith("kernel") else np.zeros(shape)
        for name, shape in Circles.SHAPES.items()
    }
    return {name: array.astype(dtype) for name, array in drawn.items()}


class Circles(FullBatchNetwork):
    """2-10-5-1, ReLU, ReLU, sigmoid; binary cross-entropy, mean over the samples."""

    SHAPES: ClassVar = {
        "dense_1/kernel": (2, 10),
        "dense_1/bias": (10,),
        "dense_2/kernel": (10, 5),
        "dense_2/bias": (5,),
        "dense_3/kernel": (5, 1),
        "dense_3/bias": (1,),
    }

    def _forward(self, x: Array) -> tuple[Layers, Layers]:
        w1, b1, w2, b2, w3, b3 = self.parameters.values()
        z1 = w1.T @ x  # (10, batch)
        z1 += b1[:, None]
        a1 = np.maximum(z1, 0)
        z2 = w2.T @ a1  # (5, batch)
        z2 += b2[:, None]
        a2 = np.maximum(z2, 0)
        z3 = w3.T @ a2  # (1, batch)
        z3 += b3[:, None]
        return (z1, z2, z3), (a1, a2, expit(z3))

    def _loss(self, y: Array, z: Layers, a: Layers) -> Scalar:
        logits = z[-1]
        losses = np.maximum(logits, 0) - y * logits + np.log1p(np.exp(-np.abs(logits)))
        loss: Scalar = losses.sum() / y.size
        return loss

    def _backward(self, x: Array, y: Array, z: Layers, a: Layers) -> dict[str, Array]:
        (z1, z2, z3), (a1, a2, a3) = z, a
        w2, w3 = self.parameters["dense_2/kernel"], self.parameters["dense_3/kernel"]
        # (1 - y) expit(z) - y expit(-z) is A3 - y with all its digits, also where A3 rounds to y.
        delta3 = ((1 - y) * a3 - y * expit(-z3)) / y.size  # (1, batch)
        delta2 = w3 * delta3  # (5, batch): W3 Δ3 with one output is an outer product
        delta2 *= z2 > 0
        delta1 = w2 @ delta2  # (10, batch)
        delta1 *= z1 > 0
        return {
            "dense_1/kernel": x @ delta1.T,
            "dense_1/bias": delta1.sum(axis=1),
            "dense_2/kernel": a1 @ delta2.T,
            "dense_2/bias": delta2.sum(axis=1),
            "dense_3/kernel": a2 @ delta3.T,
            "dense_3/bias": delta3.sum(axis=1),
        }
