"""The NumPy network of "Building a Neural Network from Scratch in Python and in TensorFlow".

2 inputs, 5 ReLU units, 3 softmax units; it tells three clouds of points apart. With n samples, a
sample a column of X, one-hot targets Y, b added to every column, and λ = 0.01:

    Z1 = W1ᵀ X  + b1       A1 = max(Z1, 0)
    Z2 = W2ᵀ A1 + b2       P[k, s] = exp(Z2[k, s]) / Σ_j exp(Z2[j, s])
    L  = -1/n Σ Y ⊙ log P + ½ λ (Σ W1² + Σ W2²)

P stays as it is when each column of Z2 is shifted by its largest element, and then no exp
overflows. The largest element is 0 then, and the largest probability one over the column's sum of
exp. Hence log P[k, s] = Z2[k, s] + log max_j P[j, s], and as each column of Y sums to 1

    L  = -1/n (Σ Y ⊙ Z2 + Σ_s log max_j P[j, s]) + ½ λ (Σ W1² + Σ W2²)

Backwards by the chain rule, where Δ stands for ∂L/∂Z of a layer and ⊙ multiplies elementwise:

    softmax          ∂ log P[k, s]/∂Z2[j, s] = [j = k] - P[j, s]
    output delta     Δ2 = (P - Y) / n               as Σ_k Y[k, s] ([j = k] - P[j, s]) = Y - P
    hidden delta     Δ1 = (W2 Δ2) ⊙ [Z1 > 0]        as ∂Z2[k, s]/∂A1[j, s] = W2[j, k]
    kernels          ∂L/∂W2 = A1 Δ2ᵀ + λ W2         as ∂Z2[k, s]/∂W2[j, k] = A1[j, s]
                     ∂L/∂W1 = X Δ1ᵀ + λ W1
    biases           ∂L/∂b = Σ Δ over samples       as ∂Z[k, s]/∂b[k] = 1, in both layers

Gradient descent is W ← W - rate · ∂L/∂W, and so for b, for all of them at once.
"""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from scratch.training import Array, FullBatchNetwork, Layers, Scalar

SEED = 12
LEARNING_RATE = 0.01
STEPS = 5001
L2 = 0.01


def initial_parameters(
    stream: np.random.RandomState, dtype: DTypeLike = np.float64
) -> dict[str, Array]:
    """Draw one pair of standard normal kernels, biases zero; the article trains its third pair."""
    kernel_1 = stream.normal(0, 1, (2, 5))
    kernel_2 = stream.normal(0, 1, (5, 3))
    return {
        "dense_1/kernel": kernel_1.astype(dtype),
        "dense_1/bias": np.zeros(5, dtype),
        "dense_2/kernel": kernel_2.astype(dtype),
        "dense_2/bias": np.zeros(3, dtype),
    }


class Clusters(FullBatchNetwork):
    """2-5-3, ReLU, softmax; categorical cross-entropy, mean over samples, plus L2 penalty.

    The penalty's coefficient λ is `l2`, the article's unless told otherwise; 0 is no penalty.

    A batch of 13,500 is large enough that fresh arrays would cost as much as the arithmetic, so a
    pass writes into buffers, which the next pass overwrites.
    """

    SHAPES: ClassVar = {
        "dense_1/kernel": (2, 5),
        "dense_1/bias": (5,),
        "dense_2/kernel": (5, 3),
        "dense_2/bias": (3,),
    }
    _samples = 0

    def __init__(self, parameters: Mapping[str, ArrayLike], *, l2: float = L2) -> None:
        """Copy the parameters, name → array; raise ValueError unless they have SHAPES."""
        super().__init__(parameters)
        self.l2 = l2

    def _reserve(self, samples: int) -> None:
        if samples != self._samples:
            self._samples = samples
            self._z1, self._a1, self._delta1 = np.empty((3, 5, samples), self.dtype)
            self._z2, self._p, self._miss, self._delta2 = np.empty((4, 3, samples), self.dtype)
            self._others = 1 - np.eye(3, dtype=self.dtype)

    def _forward(self, x: Array) -> tuple[Layers, Layers]:
        self._reserve(x.shape[1])
        w1, b1, w2, b2 = self.parameters.values()
        z1 = np.matmul(w1.T, x, out=self._z1)  # (5, batch)
        z1 += b1[:, None]
        a1 = np.maximum(z1, 0, out=self._a1)
        z2 = np.matmul(w2.T, a1, out=self._z2)  # (3, batch)
        z2 += b2[:, None]
        z2 -= z2.max(axis=0)
        p = np.exp(z2, out=self._p)
        p /= p.sum(axis=0)
        return (z1, z2), (a1, p)

    def _loss(self, y: Array, z: Layers, a: Layers) -> Scalar:
        log_likelihood = np.vdot(y, z[1]) + np.log(a[1].max(axis=0)).sum()
        w1, _, w2, _ = self.parameters.values()
        penalty = 0.5 * self.l2 * (np.vdot(w1, w1) + np.vdot(w2, w2))
        loss: Scalar = penalty - log_likelihood / y.shape[1]
        return loss

    def _backward(self, x: Array, y: Array, z: Layers, a: Layers) -> dict[str, Array]:
        (z1, _), (a1, p) = z, a
        w1, _, w2, _ = self.parameters.values()
        # (1 - Y) P - Y (1 - P) is P - Y with all its digits, also where P rounds to Y, as long as
        # 1 - P is computed as the sum of the other probabilities.
        miss = np.matmul(self._others, p, out=self._miss)
        miss *= y
        delta2 = np.subtract(1, y, out=self._delta2)  # (3, batch)
        delta2 *= p
        delta2 -= miss
        delta2 /= y.shape[1]
        delta1 = np.matmul(w2, delta2, out=self._delta1)  # (5, batch)
        delta1 *= z1 > 0
        return {
            "dense_1/kernel": x @ delta1.T + self.l2 * w1,
            "dense_1/bias": delta1.sum(axis=1),
            "dense_2/kernel": a1 @ delta2.T + self.l2 * w2,
            "dense_2/bias": delta2.sum(axis=1),
        }
