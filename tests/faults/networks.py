"""Networks in which, together with the project's pairings, every fault of the catalogue applies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from backproof.network import Dense, Loss, Network, Penalty
from backproof.optimizers.gradient_descent import GradientDescent


@dataclass(frozen=True)
class Leaky:
    """A leaky ReLU in floating point."""

    name: ClassVar[str] = "leaky_relu"
    alpha: float = 0.1

    def value(self, z):
        return np.where(z > 0, z, self.alpha * z)

    def pull(self, z, a, cotangent):
        return np.where(z > 0, cotangent, self.alpha * cotangent)


# Square layers, a softmax under the squared error, both penalties, on biases too.
SQUARE = Network(
    (Dense(4, 4, "tanh"), Dense(4, 4, "sigmoid"), Dense(4, 3, "softmax")),
    Loss("squared_error", outputs="mean"),
    Penalty(l1=0.01, l2=0.02, biases=True),
    decision="argmax",
)
# Several outputs that are no classes, layers without biases among those that have them.
OUTPUTS = Network(
    (Dense(5, 4, "sigmoid", bias=False), Dense(4, 3, "sigmoid")),
    Loss("binary_cross_entropy"),
    Penalty(l2=0.01),
)
LEAKY = Network((Dense(3, 4, Leaky()), Dense(4, 2, "tanh")), Loss("squared_error"))
OPTIMIZER = GradientDescent(0.1)
