"""A small residual network for pictures of digits, 8 × 8, channels last.

A 3 × 3 convolution to 8 channels, a residual block of two more, the mean over the picture, and a
dense layer to 10 classes. Pictures stand as (samples, height, width, channels); every convolution
pads with a border of zeros, so that a picture keeps its size. With * for the convolution, as people
call it (the kernel is not turned), n samples and m = 64 positions:

    Z1 = X * K1 + b1            A1 = max(Z1, 0)
    Z2 = A1 * K2 + b2           A2 = max(Z2, 0)
    Z3 = A2 * K3 + b3           R = max(Z3 + A1, 0)        the block adds what came into it
    p  = 1/m Σ over positions of R                          (samples, 8)
    Z4 = p W + b4               Ŷ = softmax(Z4)             L = -1/n Σ y log ŷ + ½ λ Σ K² + ½ λ Σ W²

A convolution is one product of matrices. Every position of every picture is a row, which holds the
3 × 3 window around it: with C(X) for these rows, (n m, 9 channels), Z = C(X) K. Backwards, where Δ
stands for ∂L/∂Z and ⊙ multiplies elementwise:

    output delta     Δ4 = (Ŷ - Y) / n                as d/dz (-Σ y log softmax(z)) = ŷ - y
    dense layer      ∂L/∂W = pᵀ Δ4 + λ W,  ∂L/∂b4 = Σ Δ4 over samples
    mean             ∂L/∂R = Δ4 Wᵀ / m               the same at all m positions
    block            Δ3 = ∂L/∂R ⊙ [Z3 + A1 > 0]      it goes on into Z3, and past the block into A1
    convolutions     ∂L/∂K = C(X)ᵀ Δ + λ K,  ∂L/∂b = Σ Δ over samples and positions
                     ∂L/∂X = Cᵀ(Δ Kᵀ)                each row is added back to where its window lay
                     Δ2 = Cᵀ(Δ3 K3ᵀ) ⊙ [Z2 > 0]
                     Δ1 = (Cᵀ(Δ2 K2ᵀ) + Δ3) ⊙ [Z1 > 0]

Momentum makes a step: V ← β V + ∂L/∂W and W ← W - rate · V, for all parameters at once.
"""

from collections.abc import Callable, Container, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, DTypeLike, NDArray

from scratch import progress

Array = NDArray[Any]  # float32 or float64, as the parameters are

SEED = 0
# Numbers of few binary digits: Keras keeps them in float32, and they are the same there.
LEARNING_RATE = 0.125
MOMENTUM = 0.875
L2 = 2.0**-13
BATCH = 64
STEPS = 1_000
SIDE, CHANNELS, CLASSES = 8, 8, 10
SHAPES: dict[str, tuple[int, ...]] = {
    "conv2d_1/kernel": (3, 3, 1, CHANNELS),
    "conv2d_1/bias": (CHANNELS,),
    "conv2d_2/kernel": (3, 3, CHANNELS, CHANNELS),
    "conv2d_2/bias": (CHANNELS,),
    "conv2d_3/kernel": (3, 3, CHANNELS, CHANNELS),
    "conv2d_3/bias": (CHANNELS,),
    "dense_1/kernel": (CHANNELS, CLASSES),
    "dense_1/bias": (CLASSES,),
}


class Pass(NamedTuple):
    """What a forward pass leaves: rows are C(X) of each convolution, the rest as above."""

    rows: tuple[Array, Array, Array]
    a1: Array
    a2: Array
    z3: Array
    r: Array
    pooled: Array
    logits: Array
    probabilities: Array


def initial_parameters(
    stream: np.random.Generator, dtype: DTypeLike = np.float64
) -> dict[str, Array]:
    """Draw each kernel with variance 2 / fan-in, first layer first; biases are zero."""
    drawn: dict[str, Array] = {}
    for name, shape in SHAPES.items():
        fan_in = int(np.prod(shape[:-1]))
        kernel = name.endswith("kernel")
        drawn[name] = stream.normal(0, np.sqrt(2 / fan_in), shape) if kernel else np.zeros(shape)
    return {name: array.astype(dtype) for name, array in drawn.items()}


def windows(x: Array) -> Array:
    """C(X): the 3 × 3 window around each position as a row, (samples · positions, 9 channels)."""
    bordered = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    seen = sliding_window_view(bordered, (3, 3), axis=(1, 2))  # (n, 8, 8, channels, 3, 3)
    return seen.transpose(0, 1, 2, 4, 5, 3).reshape(-1, 9 * x.shape[-1])


def put_back(rows: Array, samples: int) -> Array:
    """Cᵀ: add each row to where its window lay; what lay on the border is dropped."""
    channels = rows.shape[1] // 9
    parts = rows.reshape(samples, SIDE, SIDE, 3, 3, channels)
    bordered = np.zeros((samples, SIDE + 2, SIDE + 2, channels), rows.dtype)
    for i in range(3):
        for j in range(3):
            bordered[:, i : i + SIDE, j : j + SIDE] += parts[:, :, :, i, j]
    return bordered[:, 1:-1, 1:-1]


class ResidualDigits:
    """The network above, trained by momentum, in the dtype of its parameters.

    Pictures are (samples, 8, 8, 1), targets one-hot, (samples, 10).
    """

    def __init__(
        self,
        parameters: Mapping[str, ArrayLike],
        velocity: Mapping[str, ArrayLike] | None = None,
    ) -> None:
        """Copy the parameters, and the velocity of each; without any, it is zero.

        Raise ValueError unless the parameters have the shapes of `SHAPES`.
        """
        found = {name: np.shape(value) for name, value in parameters.items()}
        if found != SHAPES:
            raise ValueError(f"parameters have shapes {found}, but should have {SHAPES}")
        self.parameters = {name: np.array(parameters[name], order="C") for name in SHAPES}
        given = velocity or {name: np.zeros_like(a) for name, a in self.parameters.items()}
        self.velocity = {name: np.array(given[name]) for name in SHAPES}

    def forward(self, x: Array) -> Pass:
        """All that is computed on the way to the probabilities."""
        k1, b1, k2, b2, k3, b3, w, b4 = self.parameters.values()
        shape = (*x.shape[:-1], CHANNELS)
        rows1 = windows(x)
        a1 = np.maximum(rows1 @ k1.reshape(-1, CHANNELS) + b1, 0).reshape(shape)
        rows2 = windows(a1)
        a2 = np.maximum(rows2 @ k2.reshape(-1, CHANNELS) + b2, 0).reshape(shape)
        rows3 = windows(a2)
        z3 = (rows3 @ k3.reshape(-1, CHANNELS) + b3).reshape(shape)
        r = np.maximum(z3 + a1, 0)
        pooled = r.mean(axis=(1, 2))
        logits = pooled @ w + b4
        shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
        probabilities = shifted / shifted.sum(axis=1, keepdims=True)
        return Pass((rows1, rows2, rows3), a1, a2, z3, r, pooled, logits, probabilities)

    def loss(self, y: Array, seen: Pass) -> np.floating[Any]:
        """The cross-entropy of the logits, with the penalty on the kernels."""
        top = seen.logits.max(axis=1)
        total = np.log(np.exp(seen.logits - top[:, None]).sum(axis=1)) + top
        entropy = (total * y.sum(axis=1) - (y * seen.logits).sum(axis=1)).sum() / len(y)
        squares = sum((a * a).sum() for n, a in self.parameters.items() if n.endswith("kernel"))
        penalized: np.floating[Any] = entropy + self._l2 / 2 * squares
        return penalized

    def gradients(self, y: Array, seen: Pass) -> dict[str, Array]:
        """The gradient of that loss by each parameter, in its shape."""
        _, _, k2, _, k3, _, w, _ = self.parameters.values()
        n = len(y)
        delta4 = (seen.probabilities - y) / n
        per_position = (delta4 @ w.T / (SIDE * SIDE))[:, None, None, :]
        delta3 = per_position * (seen.r > 0)
        flat3 = delta3.reshape(-1, CHANNELS)
        delta2 = put_back(flat3 @ k3.reshape(-1, CHANNELS).T, n) * (seen.a2 > 0)
        flat2 = delta2.reshape(-1, CHANNELS)
        delta1 = (put_back(flat2 @ k2.reshape(-1, CHANNELS).T, n) + delta3) * (seen.a1 > 0)
        found: dict[str, Array] = {}
        deltas = (delta1.reshape(-1, CHANNELS), flat2, flat3)
        for number, (rows, delta) in enumerate(zip(seen.rows, deltas, strict=True), start=1):
            kernel = f"conv2d_{number}/kernel"
            found[kernel] = (rows.T @ delta).reshape(SHAPES[kernel])
            found[f"conv2d_{number}/bias"] = delta.sum(axis=0)
        found["dense_1/kernel"] = seen.pooled.T @ delta4
        found["dense_1/bias"] = delta4.sum(axis=0)
        for name in SHAPES:
            if name.endswith("kernel"):
                found[name] += self._l2 * self.parameters[name]
        return found

    def step(self, x: Array, y: Array, learning_rate: float = LEARNING_RATE) -> np.floating[Any]:
        """Make one step by momentum in place, and return the loss before it."""
        seen = self.forward(x)
        loss = self.loss(y, seen)
        for name, gradient in self.gradients(y, seen).items():
            velocity = self.velocity[name]
            velocity *= velocity.dtype.type(MOMENTUM)
            velocity += gradient
            self.parameters[name] -= velocity.dtype.type(learning_rate) * velocity
        return loss

    def predict(self, x: Array) -> NDArray[np.intp]:
        """The class of each picture, (samples,)."""
        return self.forward(x).logits.argmax(axis=1)

    @property
    def _l2(self) -> Any:
        return self.parameters["dense_1/kernel"].dtype.type(L2)


def train(
    network: ResidualDigits,
    x: Array,
    y: Array,
    *,
    stream: np.random.Generator,
    steps: int = STEPS,
    on_step: Callable[[int, np.floating[Any]], object] | None = None,
    at: Container[int] | None = None,
) -> None:
    """Make `steps` steps on batches that are drawn anew; after each one in `at` tell its loss."""
    for step in progress.counted(steps, "digits_residual"):
        taken = stream.choice(len(x), BATCH, replace=False)
        loss = network.step(x[taken], y[taken])
        if on_step is not None and (at is None or step in at):
            on_step(step, loss)
