"""The network of "Build Neural Network from Scratch" (Keep Looking, Don't Settle), example 2.

260 grey values of a character, twice 200 sigmoid units, 36 sigmoid units, one for each of 0-9 and
a-z, each on its own. With expit(z) = 1 / (1 + exp(-z)), m samples, a sample a column of X, one-hot
targets Y, b added to every column, and λ = 0.1 over the n = 240 characters of the training set:

    Z1 = W1 X  + b1        A1 = expit(Z1)
    Z2 = W2 A1 + b2        A2 = expit(Z2)
    Z3 = W3 A2 + b3        A3 = expit(Z3) = P
    L  = -1/m Σ (Y ⊙ log P + (1 - Y) ⊙ log(1 - P)) + λ/2n (Σ W1² + Σ W2² + Σ W3²)

All parameters stand in one vector θ, as SciPy's minimisers want it: layer by layer the matrix
[b | W], (fan_out, 1 + fan_in), row by row. Under its name, a kernel is (fan_in, fan_out): Wᵀ.

Backwards by the chain rule, where Δ stands for ∂L/∂Z of a layer and ⊙ multiplies elementwise:

    loss             ∂L/∂P = (P - Y) / (P (1 - P)) / m     elementwise
    sigmoid          d expit(z)/dz = expit(z) (1 - expit(z))
    output delta     Δ3 = (P - Y) / m                      as the sigmoid's P (1 - P) cancels
    hidden deltas    Δ2 = (W3ᵀ Δ3) ⊙ A2 ⊙ (1 - A2)         as ∂Z3[k, s]/∂A2[j, s] = W3[k, j]
                     Δ1 = (W2ᵀ Δ2) ⊙ A1 ⊙ (1 - A1)
    kernels          ∂L/∂W3 = Δ3 A2ᵀ + λ/n W3              as ∂Z3[k, s]/∂W3[k, j] = A2[j, s]
                     ∂L/∂W2 = Δ2 A1ᵀ + λ/n W2
                     ∂L/∂W1 = Δ1 Xᵀ  + λ/n W1
    biases           ∂L/∂b = Σ Δ over samples              as ∂Z[k, s]/∂b[k] = 1, in each layer

SciPy's nonlinear conjugate gradients minimise L. (The article's code divides λ by Σ W² instead of
multiplying it, and leaves the penalty out of the gradient: its loss and gradient disagree.)

The loss is taken of the probabilities, as the article's is, not of Z3. log P has all the digits of
P, and log1p(-P) is as good a log(1 - P) as P allows; where P has been rounded to 0 or 1, the
logarithm is -100 instead of -∞.
"""

from collections.abc import Callable, Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, DTypeLike
from scipy.special import expit

from scratch import progress
from scratch.training import Array, FullBatchNetwork, Layers, Scalar

SEED = 10
CHARACTERS = 240
PENALTY = 0.1
LOG_FLOOR = -100.0
ITERATIONS = 100
SHAPES = {
    "dense_1/kernel": (260, 200),
    "dense_1/bias": (200,),
    "dense_2/kernel": (200, 200),
    "dense_2/bias": (200,),
    "dense_3/kernel": (200, 36),
    "dense_3/bias": (36,),
}
Shapes = Mapping[str, tuple[int, ...]]


def initial_parameters(
    stream: np.random.RandomState, dtype: DTypeLike = np.float64
) -> dict[str, Array]:
    """Draw all of θ, biases too, uniform in (-0.1, 0.1)."""
    return unflatten(stream.uniform(-0.1, 0.1, length(SHAPES)).astype(dtype))


def length(shapes: Shapes) -> int:
    """Return how many numbers θ holds: 99,636 for the article's network."""
    return sum(int(np.prod(shape)) for shape in shapes.values())


def matrices(theta: Array, shapes: Shapes = SHAPES) -> list[Array]:
    """Return each layer's [b | W], (fan_out, 1 + fan_in), as a view of θ."""
    views, start = [], 0
    for fan_in, fan_out in (shape for shape in shapes.values() if len(shape) == 2):
        end = start + fan_out * (1 + fan_in)
        views.append(theta[start:end].reshape(fan_out, 1 + fan_in))
        start = end
    return views


def unflatten(theta: Array, shapes: Shapes = SHAPES) -> dict[str, Array]:
    """Return the parameters by name, kernels (fan_in, fan_out), as views of θ."""
    parameters: dict[str, Array] = {}
    for index, matrix in enumerate(matrices(theta, shapes), start=1):
        parameters[f"dense_{index}/kernel"] = matrix[:, 1:].T
        parameters[f"dense_{index}/bias"] = matrix[:, 0]
    return parameters


def flatten(parameters: Mapping[str, Array], shapes: Shapes = SHAPES) -> Array:
    """Return a new θ that holds the parameters, in their dtype."""
    theta = np.empty(length(shapes), parameters["dense_1/kernel"].dtype)
    for name, view in unflatten(theta, shapes).items():
        view[...] = parameters[name]
    return theta


class Captcha(FullBatchNetwork):
    """260-200-200-36, sigmoid on all layers; binary cross-entropy of each output, plus L2 penalty.

    The loss is summed over the outputs and is a mean over the samples. `theta` holds the
    parameters, and `parameters` are views of it. A pass writes into buffers, which the next pass
    overwrites.
    """

    SHAPES: ClassVar = SHAPES
    _samples = 0

    def __init__(self, parameters: Mapping[str, ArrayLike]) -> None:
        """Copy the parameters, as FullBatchNetwork does, into θ."""
        super().__init__(parameters)
        self.theta = flatten(self.parameters, self.SHAPES)
        self.parameters = unflatten(self.theta, self.SHAPES)
        self._matrices = matrices(self.theta, self.SHAPES)

    def minimize(
        self,
        inputs: ArrayLike,
        targets: ArrayLike,
        *,
        iterations: int = ITERATIONS,
        on_iteration: Callable[[int, float], object] | None = None,
    ) -> None:
        """Minimise the loss by conjugate gradients, from θ as it is, in place.

        After each iteration, the first being 1, call on_iteration(iteration, loss); `theta` then
        holds what the iteration has led to. SciPy keeps its own θ in float64. On a terminal a bar
        shows how far it has come.
        """
        from scipy import optimize  # whoever trains nothing need not wait for it

        x, y = self._batch(inputs, targets)
        made = 0
        bar = iter(progress.counted(iterations, "captcha"))
        next(bar, None)

        def loss_and_gradient(theta: Array) -> tuple[float, Array]:
            self.theta[:] = theta
            z, a = self._forward(x)
            gradient = self._flat_gradient(x, y, a)
            return float(self._loss(y, z, a)), gradient.astype(np.float64, copy=False)

        def after_iteration(intermediate_result: optimize.OptimizeResult) -> None:
            nonlocal made
            made += 1
            next(bar, None)
            if on_iteration is not None:
                self.theta[:] = intermediate_result.x
                on_iteration(made, float(intermediate_result.fun))

        found = optimize.minimize(
            loss_and_gradient,
            self.theta.astype(np.float64),
            method="CG",
            jac=True,
            callback=after_iteration,
            options={"maxiter": iterations},
        )
        self.theta[:] = found.x

    def _reserve(self, samples: int) -> None:
        if samples != self._samples:
            self._samples = samples
            self._a, self._delta, self._slope = (
                [np.empty((len(matrix), samples), self.dtype) for matrix in self._matrices]
                for _ in range(3)
            )

    def _forward(self, x: Array) -> tuple[Layers, Layers]:
        self._reserve(x.shape[1])
        below = x
        for matrix, a in zip(self._matrices, self._a):
            np.matmul(matrix[:, 1:], below, out=a)  # (units, batch)
            a += matrix[:, :1]
            below = expit(a, out=a)
        return (), tuple(self._a)  # neither loss nor gradient takes Z

    def _loss(self, y: Array, z: Layers, a: Layers) -> Scalar:
        p = a[-1]
        with np.errstate(divide="ignore"):  # log 0 is -∞, which the floor lifts
            log_p = np.maximum(np.log(p), LOG_FLOOR)
            log_rest = np.maximum(np.log1p(-p), LOG_FLOOR)
        log_likelihood = np.vdot(y, log_p) + np.vdot(1 - y, log_rest)
        squares = sum(np.einsum("ij,ij", m[:, 1:], m[:, 1:]) for m in self._matrices)
        loss: Scalar = PENALTY / (2 * CHARACTERS) * squares - log_likelihood / y.shape[1]
        return loss

    def _backward(self, x: Array, y: Array, z: Layers, a: Layers) -> dict[str, Array]:
        return unflatten(self._flat_gradient(x, y, a), self.SHAPES)

    def _flat_gradient(self, x: Array, y: Array, a: Layers) -> Array:
        """Return ∂L/∂θ in a fresh vector."""
        delta3 = np.subtract(a[2], y, out=self._delta[2])  # (36, batch)
        delta3 /= y.shape[1]
        delta2 = self._delta_below(2, delta3, a[1])  # (200, batch)
        delta1 = self._delta_below(1, delta2, a[0])  # (200, batch)
        gradient = np.empty_like(self.theta)
        by_layer = matrices(gradient, self.SHAPES)
        for by, matrix, delta, below in zip(
            by_layer, self._matrices, (delta1, delta2, delta3), (x, a[0], a[1])
        ):
            np.matmul(delta, below.T, out=by[:, 1:])
            by[:, 1:] += PENALTY / CHARACTERS * matrix[:, 1:]
            delta.sum(axis=1, out=by[:, 0])
        return gradient

    def _delta_below(self, layer: int, delta: Array, a: Array) -> Array:
        """Return (Wᵀ Δ) ⊙ A ⊙ (1 - A) for a layer's W and Δ and the activation A under it."""
        kernel = self._matrices[layer][:, 1:]
        lower = np.matmul(kernel.T, delta, out=self._delta[layer - 1])
        slope = np.subtract(1, a, out=self._slope[layer - 1])
        slope *= a
        lower *= slope
        return lower
