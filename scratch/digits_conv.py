"""A small convolutional network for pictures of digits, 8 × 8, channels first.

Pictures stand as (samples, channels, height, width). A 3 × 3 convolution to 6 channels, a rectifier
and the largest of each 2 × 2 window; a 3 × 3 convolution of stride 2 to 12 channels, batch norm and
a rectifier; dropout; a dense layer to 10 classes. Both convolutions have a border of one zero
around. With * for the convolution, as people call it (the kernel is not turned), ⊙ for the product
by elements, n samples and N = 4 n positions:

    Z1 = X * K1 + b1            A1 = max(Z1, 0)                     (n, 6, 8, 8)
    Q  = largest of each 2 × 2 window of A1                         (n, 6, 4, 4)
    Z2 = Q * K2, stride 2                                           (n, 12, 2, 2)
    μ = mean of Z2, v = mean of (Z2 - μ)², of each channel over the N positions
    X̂  = (Z2 - μ) / √(v + ε)    A2 = max(γ ⊙ X̂ + β, 0)              (n, 12, 2, 2)
    D  = A2 as rows of 48, ⊙ M / (1 - p), of a mask M of 0 and 1    (n, 48)
    Z3 = D W + b3               Ŷ = softmax(Z3)                     (n, 10)
    L  = -1/n Σ y log ŷ

A convolution is one product of matrices (im2col): every position of every picture is a row, which
holds the window around it. With C(X) for these rows, Z = C(X) Kᵀ, where K has a row for each
filter. Backwards, where Δ stands for ∂L/∂Z:

    output delta    Δ3 = (Ŷ - Y) / n                as d/dz (-Σ y log softmax(z)) = ŷ - y
    dense layer     ∂L/∂W = Dᵀ Δ3,  ∂L/∂b3 = Σ Δ3 over samples
    dropout         ∂L/∂A2 = Δ3 Wᵀ ⊙ M / (1 - p)    what was dropped has no share in the loss
    rectifier       G = ∂L/∂A2 ⊙ [A2 > 0]
    batch norm      ∂L/∂β = Σ G,  ∂L/∂γ = Σ G ⊙ X̂, over samples and positions
                    Δ2 = γ / √(v + ε) ⊙ (G - (∂L/∂β + X̂ ⊙ ∂L/∂γ) / N)
    convolution     ∂L/∂K2 = Δ2ᵀ C(Q)
                    ∂L/∂Q = Cᵀ(Δ2 K2)               each row is added back to where its window lay
    largest         ∂L/∂A1 = ∂L/∂Q where A1 is the first of the largest in its window, else 0
    convolution     Δ1 = ∂L/∂A1 ⊙ [A1 > 0],  ∂L/∂K1 = Δ1ᵀ C(X),  ∂L/∂b1 = Σ Δ1

The two sums in Δ2 are what goes back through μ and v: with s = √(v + ε) and Ĝ = γ ⊙ G, ∂L/∂v = -Σ
Ĝ ⊙ (Z2 - μ) / (2 s³) and ∂L/∂μ = -Σ Ĝ / s; as ∂v/∂Z2 = 2 (Z2 - μ) / N and ∂μ/∂Z2 = 1 / N, they add
-X̂ ⊙ Σ (Ĝ ⊙ X̂) / (N s) and -Σ Ĝ / (N s) to Ĝ / s. The second convolution has no bias, for μ would
take it away again.

A step of training moves the running mean and variance, r ← k r + (1 - k) · (μ or v), by which
pictures are read afterwards. Momentum makes the step: V ← β V + ∂L/∂W, W ← W - rate · V.
"""

from collections.abc import Callable, Container, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from scratch import progress

Array = NDArray[Any]  # float32 or float64, as the parameters are

SEED = 0
# Numbers of few binary digits: Keras keeps them in float32, and they are the same there.
LEARNING_RATE = 0.015625
MOMENTUM = 0.875
DROPPED = 0.25  # p, the chance of an input to be dropped
KEPT = 0.875  # k, the share of a running value that stays
EPSILON = 2.0**-10
BATCH = 32
STEPS = 1_000
FILTERS, CLASSES = (6, 12), 10
FEATURES = 48  # 12 channels of 2 × 2
SHAPES: dict[str, tuple[int, ...]] = {
    "conv2d_1/kernel": (FILTERS[0], 1, 3, 3),
    "conv2d_1/bias": (FILTERS[0],),
    "conv2d_2/kernel": (FILTERS[1], FILTERS[0], 3, 3),
    "batch_norm_1/scale": (FILTERS[1],),
    "batch_norm_1/bias": (FILTERS[1],),
    "dense_1/kernel": (FEATURES, CLASSES),
    "dense_1/bias": (CLASSES,),
}
RUNNING = {"batch_norm_1/running_mean": 0.0, "batch_norm_1/running_variance": 1.0}


class Pass(NamedTuple):
    """What a forward pass leaves: rows are C(X) of each convolution, the rest as above."""

    rows1: Array
    a1: Array
    largest: Array
    q: Array
    rows2: Array
    z2: Array
    mean: Array
    variance: Array
    normal: Array
    a2: Array
    kept: Array
    d: Array
    logits: Array
    probabilities: Array


def initial_parameters(
    stream: np.random.Generator, dtype: DTypeLike = np.float64
) -> dict[str, Array]:
    """Draw each kernel with variance 2 / fan-in, first layer first; γ is one, biases are zero."""
    drawn: dict[str, Array] = {}
    for name, shape in SHAPES.items():
        fan_in = shape[0] if len(shape) == 2 else int(np.prod(shape[1:]))
        if name.endswith("kernel"):
            drawn[name] = stream.normal(0, np.sqrt(2 / fan_in), shape)
        else:
            drawn[name] = np.ones(shape) if name.endswith("scale") else np.zeros(shape)
    return {name: array.astype(dtype) for name, array in drawn.items()}


def mask(stream: np.random.Generator, samples: int) -> Array:
    """Draw which of the features are kept, 1, or dropped, 0; (samples, 48)."""
    return (stream.random((samples, FEATURES)) >= DROPPED).astype(np.float64)


def im2col(x: Array, size: int, stride: int = 1, pad: int = 0) -> Array:
    """C(X): the window at each position as a row, (n · out · out, channels · size · size)."""
    n, channels, height, width = x.shape
    out_h = (height + 2 * pad - size) // stride + 1
    out_w = (width + 2 * pad - size) // stride + 1
    bordered = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    windows = np.empty((n, channels, size, size, out_h, out_w), x.dtype)
    for i in range(size):
        for j in range(size):
            windows[:, :, i, j] = bordered[
                :, :, i : i + stride * out_h : stride, j : j + stride * out_w : stride
            ]
    return windows.transpose(0, 4, 5, 1, 2, 3).reshape(n * out_h * out_w, -1)


def col2im(
    rows: Array, shape: tuple[int, int, int, int], size: int, stride: int = 1, pad: int = 0
) -> Array:
    """Cᵀ: add each row to where its window lay in pictures of that shape, without the border."""
    n, channels, height, width = shape
    out_h = (height + 2 * pad - size) // stride + 1
    out_w = (width + 2 * pad - size) // stride + 1
    windows = rows.reshape(n, out_h, out_w, channels, size, size).transpose(0, 3, 4, 5, 1, 2)
    bordered = np.zeros((n, channels, height + 2 * pad, width + 2 * pad), rows.dtype)
    for i in range(size):
        for j in range(size):
            bordered[:, :, i : i + stride * out_h : stride, j : j + stride * out_w : stride] += (
                windows[:, :, i, j]
            )
    return bordered[:, :, pad : pad + height, pad : pad + width]


def as_rows(pictures: Array) -> Array:
    """Each position as a row of its channels."""
    return pictures.transpose(0, 2, 3, 1).reshape(-1, pictures.shape[1])


def as_pictures(rows: Array, n: int, height: int, width: int) -> Array:
    """The reverse of `as_rows`."""
    return rows.reshape(n, height, width, -1).transpose(0, 3, 1, 2)


class ConvDigits:
    """The network above, trained by momentum, in the dtype of its parameters.

    Pictures are (samples, 1, 8, 8), targets one-hot, (samples, 10), masks (samples, 48).
    """

    def __init__(
        self,
        parameters: Mapping[str, ArrayLike],
        velocity: Mapping[str, ArrayLike] | None = None,
        running: Mapping[str, ArrayLike] | None = None,
    ) -> None:
        """Copy the parameters, the velocity of each (zero without any), and the running values.

        Raise ValueError unless the parameters have the shapes of `SHAPES`.
        """
        found = {name: np.shape(value) for name, value in parameters.items()}
        if found != SHAPES:
            raise ValueError(f"parameters have shapes {found}, but should have {SHAPES}")
        self.parameters = {name: np.array(parameters[name], order="C") for name in SHAPES}
        self.dtype = self.parameters["dense_1/kernel"].dtype
        given = velocity or {name: np.zeros_like(a) for name, a in self.parameters.items()}
        self.velocity = {name: np.array(given[name]) for name in SHAPES}
        started = running or {n: np.full(FILTERS[1], start) for n, start in RUNNING.items()}
        self.running = {name: np.array(started[name], self.dtype) for name in RUNNING}

    def forward(self, x: Array, mask: Array | None = None) -> Pass:
        """All that is computed on the way to the probabilities.

        With a mask as in training; without one by the running values, and nothing is dropped.
        """
        k1, b1, k2, gamma, beta, w, b3 = self.parameters.values()
        n = len(x)
        rows1 = im2col(x, 3, stride=1, pad=1)
        a1 = np.maximum(as_pictures(rows1 @ k1.reshape(len(k1), -1).T + b1, n, 8, 8), 0)
        windows = a1.reshape(n, -1, 4, 2, 4, 2).transpose(0, 1, 2, 4, 3, 5).reshape(n, -1, 4, 4, 4)
        largest = windows.argmax(axis=-1)[..., None]
        q = np.take_along_axis(windows, largest, axis=-1)[..., 0]
        rows2 = im2col(q, 3, stride=2, pad=1)
        z2 = as_pictures(rows2 @ k2.reshape(len(k2), -1).T, n, 2, 2)
        if mask is None:
            mean, variance = (a[:, None, None] for a in self.running.values())
            kept = np.ones((n, FEATURES), self.dtype)
        else:
            mean = z2.mean(axis=(0, 2, 3))[:, None, None]
            variance = ((z2 - mean) ** 2).mean(axis=(0, 2, 3))[:, None, None]
            kept = (mask / (1 - DROPPED)).astype(self.dtype)
        normal = (z2 - mean) / np.sqrt(variance + self.dtype.type(EPSILON))
        a2 = np.maximum(gamma[:, None, None] * normal + beta[:, None, None], 0)
        d = a2.reshape(n, -1) * kept
        logits = d @ w + b3
        shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
        probabilities = shifted / shifted.sum(axis=1, keepdims=True)
        return Pass(
            *(rows1, a1, largest, q, rows2, z2, mean, variance, normal, a2),
            *(kept, d, logits, probabilities),
        )

    def loss(self, y: Array, seen: Pass) -> np.floating[Any]:
        """The cross-entropy of the logits, mean over the samples."""
        top = seen.logits.max(axis=1)
        total = np.log(np.exp(seen.logits - top[:, None]).sum(axis=1)) + top
        entropy: np.floating[Any] = (
            total * y.sum(axis=1) - (y * seen.logits).sum(axis=1)
        ).sum() / len(y)
        return entropy

    def gradients(self, y: Array, seen: Pass) -> dict[str, Array]:
        """The gradient of that loss by each parameter, in its shape, in training."""
        k1, _, k2, gamma, _, w, _ = self.parameters.values()
        n = len(y)
        delta3 = (seen.probabilities - y) / n
        by_a2 = (delta3 @ w.T * seen.kept).reshape(seen.a2.shape)
        g = by_a2 * (seen.a2 > 0)
        by_gamma = (g * seen.normal).sum(axis=(0, 2, 3))
        by_beta = g.sum(axis=(0, 2, 3))
        positions = g.size // len(gamma)
        means = (by_beta[:, None, None] + seen.normal * by_gamma[:, None, None]) / positions
        deviation = np.sqrt(seen.variance + self.dtype.type(EPSILON))
        delta2 = as_rows(gamma[:, None, None] / deviation * (g - means))
        by_q = col2im(delta2 @ k2.reshape(len(k2), -1), seen.q.shape, 3, stride=2, pad=1)
        windows = np.zeros((*by_q.shape, 4), self.dtype)
        np.put_along_axis(windows, seen.largest, by_q[..., None], axis=-1)
        by_a1 = windows.reshape(n, -1, 4, 4, 2, 2).transpose(0, 1, 2, 4, 3, 5)
        delta1 = as_rows(by_a1.reshape(seen.a1.shape) * (seen.a1 > 0))
        return {
            "conv2d_1/kernel": (delta1.T @ seen.rows1).reshape(k1.shape),
            "conv2d_1/bias": delta1.sum(axis=0),
            "conv2d_2/kernel": (delta2.T @ seen.rows2).reshape(k2.shape),
            "batch_norm_1/scale": by_gamma,
            "batch_norm_1/bias": by_beta,
            "dense_1/kernel": seen.d.T @ delta3,
            "dense_1/bias": delta3.sum(axis=0),
        }

    def step(
        self, x: Array, y: Array, mask: Array, learning_rate: float = LEARNING_RATE
    ) -> np.floating[Any]:
        """Make one step by momentum in place, and return the loss before it."""
        seen = self.forward(x, mask)
        loss = self.loss(y, seen)
        for name, new in zip(RUNNING, (seen.mean, seen.variance), strict=True):
            kept = self.dtype.type(KEPT)
            self.running[name] = kept * self.running[name] + (1 - kept) * new.ravel()
        for name, gradient in self.gradients(y, seen).items():
            velocity = self.velocity[name]
            velocity *= self.dtype.type(MOMENTUM)
            velocity += gradient
            self.parameters[name] -= self.dtype.type(learning_rate) * velocity
        return loss

    def predict(self, x: Array) -> NDArray[np.intp]:
        """The class of each picture, (samples,)."""
        return self.forward(x).logits.argmax(axis=1)


def train(
    network: ConvDigits,
    x: Array,
    y: Array,
    *,
    stream: np.random.Generator,
    steps: int = STEPS,
    on_step: Callable[[int, np.floating[Any]], object] | None = None,
    at: Container[int] | None = None,
) -> None:
    """Make `steps` steps on batches that are drawn anew; after each one in `at` tell its loss."""
    for step in progress.counted(steps, "digits_conv"):
        taken = stream.choice(len(x), BATCH, replace=False)
        loss = network.step(x[taken], y[taken], mask(stream, BATCH))
        if on_step is not None and (at is None or step in at):
            on_step(step, loss)
