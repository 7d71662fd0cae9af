"""The network of "Neural Networks 1": any layer sizes, one activation f for all layers, any loss.

With l = 1 … K layers, A0 = X the inputs, a sample a column, and b added to every column:

    Z_l = W_lᵀ A_(l-1) + b_l       A_l = f(Z_l)       L = loss(A_K, Y)

Backwards by the chain rule, where Δ_l stands for ∂L/∂Z_l and ⊙ multiplies elementwise; the last
layer comes first, and so do its gradients in what `backpropagate` returns:

    output delta    Δ_K = ∂L/∂A_K ⊙ f'(Z_K)         as A_K[k, s] depends on Z_K[k, s] alone
    hidden deltas   Δ_l = (W_m Δ_m) ⊙ f'(Z_l)       as ∂Z_m[k, s]/∂A_l[j, s] = W_m[j, k], m = l + 1
    kernels         ∂L/∂W_l = A_(l-1) Δ_lᵀ          as ∂Z_l[k, s]/∂W_l[j, k] = A_(l-1)[j, s]
    biases          ∂L/∂b_l = Σ Δ_l over samples    as ∂Z_l[k, s]/∂b_l[k] = 1

The article's loss is the sum of squared errors over outputs and samples (its text writes the norm
‖·‖₂ for its square):

    L = Σ (A_K - Y)²         ∂L/∂A_K = 2 (A_K - Y)

A loss may be given by the logits Z_K instead, as binary cross-entropy is: its ∂L/∂A_K grows beyond
all numbers where a sigmoid saturates, while Δ_K stays between -1 and 1. See `scratch.circles` for

    L = Σ (log(1 + exp(Z_K)) - Y ⊙ Z_K)     Δ_K = expit(Z_K) - Y

The activations are expit(z) = 1 / (1 + exp(-z)), and tanh z = 2 expit(2z) - 1. Hence

    expit'(z) = expit(z) expit(-z)          tanh' z = 4 expit(2z) expit(-2z)

which both keep all their digits where the activation rounds to its limit. Gradient descent is
W ← W - rate · ∂L/∂W, and so for b, for all of them at once.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, DTypeLike
from scipy.special import expit

from scratch.training import Array, FullBatchNetwork, Layers, Scalar


class Activation(Protocol):
    """An elementwise function."""

    def value(self, z: Array) -> Array:
        """Return f(z)."""

    def derivative(self, z: Array) -> Array:
        """Return f'(z)."""


class Loss(Protocol):
    """A loss of outputs and targets, (fan_out, batch) each.

    The outputs are the last layer's activations, or its logits if the object has an attribute
    `of_logits` that is true.
    """

    def value(self, outputs: Array, targets: Array) -> Scalar:
        """Return the loss, one number for the whole batch."""

    def derivative(self, outputs: Array, targets: Array) -> Array:
        """Return its derivative by each output."""


class Sigmoid:
    """The logistic function, expit."""

    def value(self, z: Array) -> Array:
        """Return expit(z)."""
        a: Array = expit(z)
        return a

    def derivative(self, z: Array) -> Array:
        """Return expit(z) expit(-z)."""
        slope: Array = expit(z) * expit(-z)
        return slope


class Tanh:
    """The hyperbolic tangent."""

    def value(self, z: Array) -> Array:
        """Return tanh z."""
        return np.tanh(z)

    def derivative(self, z: Array) -> Array:
        """Return 4 expit(2z) expit(-2z)."""
        slope: Array = 4 * expit(2 * z) * expit(-2 * z)
        return slope


class SquaredError:
    """The sum of squared errors over outputs and samples, times a factor."""

    def __init__(self, factor: float = 1.0) -> None:
        self.factor = factor

    def value(self, outputs: Array, targets: Array) -> Scalar:
        """Return factor · Σ (ŷ - y)²."""
        error = outputs - targets
        loss: Scalar = self.factor * np.vdot(error, error)
        return loss

    def derivative(self, outputs: Array, targets: Array) -> Array:
        """Return factor · 2 (ŷ - y)."""
        return 2 * self.factor * (outputs - targets)


class BinaryCrossEntropy:
    """The sum of binary cross-entropies over outputs and samples; it goes with `Sigmoid`."""

    of_logits = True

    def value(self, outputs: Array, targets: Array) -> Scalar:
        """Return Σ (log(1 + exp(z)) - y z) in a form that does not overflow."""
        losses = np.maximum(outputs, 0) - targets * outputs
        losses += np.log1p(np.exp(-np.abs(outputs)))
        loss: Scalar = losses.sum()
        return loss

    def derivative(self, outputs: Array, targets: Array) -> Array:
        """Return expit(z) - y with all its digits, also where expit(z) rounds to y."""
        delta: Array = (1 - targets) * expit(outputs) - targets * expit(-outputs)
        return delta


def initial_parameters(
    sizes: Sequence[int], stream: np.random.RandomState, dtype: DTypeLike = np.float64
) -> dict[str, Array]:
    """Draw as the article does: standard normal, first the biases of all layers, then the kernels.

    (The article's text promises weights between 0 and 1.)
    """
    biases = [stream.randn(1, fan_out) for fan_out in sizes[1:]]
    kernels = [stream.randn(fan_in, fan_out) for fan_in, fan_out in pairwise(sizes)]
    parameters: dict[str, Array] = {}
    for layer, (kernel, bias) in enumerate(zip(kernels, biases, strict=True), start=1):
        parameters[f"dense_{layer}/kernel"] = kernel.astype(dtype)
        parameters[f"dense_{layer}/bias"] = bias[0].astype(dtype)
    return parameters


class Layered(FullBatchNetwork):
    """Dense layers of the sizes given, inputs first, with one activation and one loss.

    Raises ValueError for fewer than two sizes, or one below 1.
    """

    def __init__(
        self,
        sizes: Sequence[int],
        parameters: Mapping[str, ArrayLike],
        *,
        activation: Activation | None = None,
        loss: Loss | None = None,
    ) -> None:
        """Copy the parameters; activation and loss are the article's unless given."""
        if len(sizes) < 2 or min(sizes) < 1:
            raise ValueError(f"sizes {list(sizes)}: give at least two, each at least 1")
        super().__init__(parameters, shapes(sizes))
        self.depth = len(sizes) - 1
        self.activation = activation or Sigmoid()
        self.loss_function = loss or SquaredError()

    def backpropagate(self, inputs: ArrayLike, targets: ArrayLike) -> list[tuple[Array, Array]]:
        """Return (kernel gradient, bias gradient) of each layer, from the last to the first."""
        x, y = self._batch(inputs, targets)
        return self._gradients(x, y, *self._forward(x))

    def _forward(self, x: Array) -> tuple[Layers, Layers]:
        a, zs, activations = x, [], []
        for layer in range(1, self.depth + 1):
            z = self.parameters[f"dense_{layer}/kernel"].T @ a  # (fan_out, batch)
            z += self.parameters[f"dense_{layer}/bias"][:, None]
            a = self.activation.value(z)
            zs.append(z)
            activations.append(a)
        return tuple(zs), tuple(activations)

    def _loss(self, y: Array, z: Layers, a: Layers) -> Scalar:
        return self.loss_function.value(z[-1] if self._of_logits else a[-1], y)

    def _gradients(self, x: Array, y: Array, z: Layers, a: Layers) -> list[tuple[Array, Array]]:
        if self._of_logits:
            delta = self.loss_function.derivative(z[-1], y)  # (fan_out, batch)
        else:
            delta = self.loss_function.derivative(a[-1], y) * self.activation.derivative(z[-1])
        gradients = []
        for layer in range(self.depth, 0, -1):
            below = a[layer - 2] if layer > 1 else x
            gradients.append((below @ delta.T, delta.sum(axis=1)))
            if layer > 1:
                back = self.parameters[f"dense_{layer}/kernel"] @ delta
                delta = back * self.activation.derivative(z[layer - 2])  # (units below, batch)
        return gradients

    def _backward(self, x: Array, y: Array, z: Layers, a: Layers) -> dict[str, Array]:
        first_to_last = reversed(self._gradients(x, y, z, a))
        arrays = [gradient for layer in first_to_last for gradient in layer]
        return dict(zip(self.parameters, arrays, strict=True))

    @property
    def _of_logits(self) -> bool:
        return getattr(self.loss_function, "of_logits", False)


def shapes(sizes: Sequence[int]) -> dict[str, tuple[int, ...]]:
    """Return the shape of each parameter, by name."""
    found: dict[str, tuple[int, ...]] = {}
    for layer, (fan_in, fan_out) in enumerate(pairwise(sizes), start=1):
        found[f"dense_{layer}/kernel"] = (fan_in, fan_out)
        found[f"dense_{layer}/bias"] = (fan_out,)
    return found
