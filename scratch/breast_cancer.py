"""The network of "Neural networks from scratch rebooted" (Alex Olar), to be used like Keras.

30 inputs, 128, 64 and 32 ReLU units, 1 sigmoid unit; it tells malignant tumours from benign ones:

    model = Model(input_size=30, lr=1e-4)
    model.add(DenseBlock(128, "relu"))
    model.add(DenseBlock(64, "relu"))
    model.add(DenseBlock(32, "relu"))
    model.add(DenseBlock(1, "sigmoid"))
    model.summary()
    history = model.fit(X, y, batch_size=100, epochs=1000, validation_set=(X_val, y_val))
    loss, accuracy = model.evaluate(X_val, y_val)

The mathematics of a block is derived in `scratch.dense_block`; here the blocks are stacked. As in
the article, a step descends on the *sum* of the losses of its batch, while the losses told are
means: the step of a batch of n is n times as long as the same rate gives in Keras.

What goes in and out is as in Keras: inputs (samples, features), targets (samples,) or (samples,
outputs), weights as a list of kernels (fan_in, fan_out) and biases (fan_out,) in turn, so that
`keras_model.set_weights(model.get_weights())` works as it stands.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from scratch import progress, summary
from scratch.dense_block import DenseBlock, cross_entropy, cross_entropy_delta
from scratch.training import FLOATS, Array, Layers

INPUTS = 30
LEARNING_RATE = 1e-4
BATCH = 100
EPOCHS = 1000

Seed = int | np.random.Generator


def article(
    rng: Seed, *, dtype: DTypeLike = np.float64, block: type[DenseBlock] = DenseBlock
) -> "Model":
    """Return the article's network, newly drawn; `block` may be a variant of its blocks."""
    model = Model(INPUTS, LEARNING_RATE, rng=rng, dtype=dtype)
    for units in (128, 64, 32):
        model.add(block(units, "relu"))
    model.add(block(1, "sigmoid"))
    return model


def batches(samples: int, size: int, rng: np.random.Generator) -> Iterator[Array]:
    """Yield the rows of each batch of an epoch, all of them once in a fresh random order.

    The last batch holds what is left.
    """
    order = rng.permutation(samples)
    return (order[first : first + size] for first in range(0, samples, size))


class History:
    """What `fit` has to tell: `history`, name → one number an epoch, and `epoch`, their numbers.

    "loss" and "accuracy" are means over the samples as the epoch met them, each before the step of
    its batch, "last_batch_loss" is that of the last batch alone; "val_loss" and "val_accuracy" are
    of the validation set after the epoch.
    """

    def __init__(self) -> None:
        self.history: dict[str, list[float]] = {}
        self.epoch: list[int] = []

    def append(self, epoch: int, logs: dict[str, float]) -> None:
        """Add an epoch."""
        self.epoch.append(epoch)
        for name, value in logs.items():
            self.history.setdefault(name, []).append(value)


class Model:
    """A stack of dense blocks, trained by stochastic gradient descent on binary cross-entropy.

    `rng`, a seed or a generator, draws the weights as blocks are added, and the batches of `fit`.
    Everything is computed in `dtype`, float64 or float32. Arrays of the wrong shape, and a last
    block without a sigmoid, raise ValueError.
    """

    def __init__(
        self, input_size: int, lr: float, *, rng: Seed = 0, dtype: DTypeLike = np.float64
    ) -> None:
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        if self.dtype not in FLOATS:
            raise ValueError(f"dtype {self.dtype}: choose float64 or float32")
        if input_size < 1:
            raise ValueError(f"input_size {input_size}: give at least 1")
        self.input_size = input_size
        self.lr = lr
        self.layers: list[DenseBlock] = []
        self._rng = np.random.default_rng(rng)

    def add(self, block: DenseBlock) -> None:
        """Put a block on top, and draw its weights."""
        if any(block is other for other in self.layers):
            raise ValueError("this block is in the model already: add a new DenseBlock")
        fan_in = self.layers[-1].units if self.layers else self.input_size
        block.build(fan_in, self._rng, self.dtype)
        self.layers.append(block)

    def count_params(self) -> int:
        """Return how many numbers the model learns."""
        return sum(block.count_params() for block in self.layers)

    def summary(self, print_fn: Callable[[str], object] = print) -> None:
        """Print the table of layers, output shapes and parameter counts, as Keras does."""
        layers = [
            (f"dense_{i} ({type(block).__name__})", block.units, block.count_params())
            for i, block in enumerate(self.layers, start=1)
        ]
        print_fn(summary.table(layers, self.dtype.itemsize))

    def get_weights(self) -> list[Array]:
        """Return copies of kernels, (fan_in, fan_out), and biases, (fan_out,), in turn."""
        return [array for b in self.layers for array in (b.kernel.T.copy(), b.bias[:, 0].copy())]

    def set_weights(self, weights: Sequence[ArrayLike]) -> None:
        """Copy in what `get_weights` returns, of this model or of its like in Keras."""
        arrays = [np.asarray(array, self.dtype) for array in weights]
        found = [array.shape for array in arrays]
        wanted = [array.shape for array in self.get_weights()]
        if found != wanted:
            raise ValueError(f"weights have shapes {found}, but should have {wanted}")
        for block, kernel, bias in zip(self.layers, arrays[::2], arrays[1::2], strict=True):
            block.kernel, block.bias = np.array(kernel.T, order="C"), bias[:, None].copy()

    def predict(self, X: ArrayLike) -> Array:
        """Return the last block's activations, (samples, outputs)."""
        return self.activations(X)[-1]

    def activations(self, X: ArrayLike) -> list[Array]:
        """Return each block's activations, (samples, units)."""
        _, a = self._forward(self._inputs(X).T)
        return [each.T.copy() for each in a]

    def evaluate(self, X: ArrayLike, y: ArrayLike) -> list[float]:
        """Return loss and accuracy, both means over samples and outputs."""
        inputs, targets = self._samples(X, y)
        z, a = self._forward(inputs.T)
        return _measures(targets.T, z[-1], a[-1])

    def gradients(self, X: ArrayLike, y: ArrayLike) -> list[Array]:
        """Return the gradient of the summed loss by each weight, as `get_weights` has them."""
        inputs, targets = self._samples(X, y)
        z, a = self._forward(inputs.T)
        found = self._backward(inputs.T, targets.T, z, a)
        return [array for kernel, bias in found for array in (kernel.T.copy(), bias[:, 0].copy())]

    def train_on_batch(self, X: ArrayLike, y: ArrayLike) -> list[float]:
        """Make one step, and return loss and accuracy before it."""
        return self._step(*self._samples(X, y))

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        batch_size: int = BATCH,
        epochs: int = 1,
        validation_set: tuple[ArrayLike, ArrayLike] | None = None,
        *,
        rng: Seed | None = None,
    ) -> History:
        """Train for so many epochs; a generator or seed draws the batches, else the model's own.

        On a terminal a bar shows how far it has come.
        """
        inputs, targets = self._samples(X, y)
        if batch_size < 1 or epochs < 0:
            raise ValueError(f"batch_size {batch_size}, epochs {epochs}: give at least 1 and 0")
        held_out = None if validation_set is None else self._samples(*validation_set)
        stream = self._rng if rng is None else np.random.default_rng(rng)
        history = History()
        for epoch in progress.counted(epochs, "epoch"):
            loss = accuracy = 0.0
            for rows in batches(len(inputs), batch_size, stream):
                last_batch_loss, share = self._step(inputs[rows], targets[rows])
                loss += len(rows) * last_batch_loss
                accuracy += len(rows) * share
            logs = {
                "loss": loss / len(inputs),
                "accuracy": accuracy / len(inputs),
                "last_batch_loss": last_batch_loss,
            }
            if held_out is not None:
                logs["val_loss"], logs["val_accuracy"] = self.evaluate(*held_out)
            history.append(epoch, logs)
        return history

    def _forward(self, x: Array) -> tuple[Layers, Layers]:
        zs, activations = [], []
        for block in self.layers:
            z, x = block.forward(x)
            zs.append(z)
            activations.append(x)
        return tuple(zs), tuple(activations)

    def _backward(self, x: Array, y: Array, z: Layers, a: Layers) -> list[tuple[Array, Array]]:
        """Return (kernel gradient, bias gradient) of each block, first to last."""
        below = (x, *a[:-1])
        delta = cross_entropy_delta(y, z[-1], a[-1])
        found = []
        for i in reversed(range(len(self.layers))):
            block = self.layers[i]
            found.append((block.kernel_gradient(delta, below[i]), block.bias_gradient(delta)))
            if i:
                delta = self.layers[i - 1].delta(block.back(delta), z[i - 1], a[i - 1])
        return found[::-1]

    def _step(self, inputs: Array, targets: Array) -> list[float]:
        x, y = inputs.T, targets.T
        z, a = self._forward(x)
        measures = _measures(y, z[-1], a[-1])
        rate = self.dtype.type(self.lr)
        for block, (kernel, bias) in zip(self.layers, self._backward(x, y, z, a), strict=True):
            kernel *= rate
            bias *= rate
            block.kernel -= kernel
            block.bias -= bias
        return measures

    def _inputs(self, X: ArrayLike) -> Array:
        if not self.layers:
            raise ValueError("the model has no blocks: add a DenseBlock")
        inputs = np.asarray(X, self.dtype)
        if inputs.ndim != 2 or inputs.shape[1] != self.input_size or not inputs.size:
            raise ValueError(
                f"inputs have shape {inputs.shape}, but should be (samples, {self.input_size}), "
                "samples > 0"
            )
        return inputs

    def _samples(self, X: ArrayLike, y: ArrayLike) -> tuple[Array, Array]:
        inputs, targets = self._inputs(X), np.asarray(y, self.dtype)
        if self.layers[-1].activation != "sigmoid":
            raise ValueError(
                f"the last block is {self.layers[-1].activation}, but binary cross-entropy needs "
                "probabilities: add a block with sigmoid"
            )
        if targets.ndim == 1:
            targets = targets[:, None]
        wanted = (len(inputs), self.layers[-1].units)
        if targets.shape != wanted:
            raise ValueError(f"targets have shape {np.shape(y)}, but should be {wanted}")
        return inputs, targets


def _measures(y: Array, z: Array, a: Array) -> list[float]:
    """Return the mean loss, and the share of outputs on the same side of 1/2 as their targets."""
    return [float(cross_entropy(y, z) / y.size), float(np.mean((a > 0.5) == (y > 0.5)))]
