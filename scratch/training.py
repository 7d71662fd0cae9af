"""What the hand-written networks share: parameters, full-batch gradient descent, measures.

A network's own file states its mathematics (`_forward`, `_loss`, `_backward`); this file drives it.
Inside, a batch stands with one sample a column, (features, batch): NumPy adds a bias and sums a
gradient fastest along contiguous memory. The public methods take and return (batch, features).
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Container, Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scratch import progress

Array = NDArray[Any]  # float32 or float64, as the parameters are
Layers = tuple[Array, ...]  # one array a layer, each (units, batch)
Scalar = np.floating[Any]
FLOATS = (np.dtype(np.float32), np.dtype(np.float64))


class FullBatchNetwork(ABC):
    """A network trained by gradient descent on the whole batch, in the dtype of its parameters.

    Inputs are (batch, fan_in), targets (batch, fan_out); any other shape raises ValueError. What a
    method returns is the caller's: no later call writes into it.
    """

    SHAPES: ClassVar[dict[str, tuple[int, ...]]]  # kernels (fan_in, fan_out), biases (fan_out,)

    def __init__(
        self,
        parameters: Mapping[str, ArrayLike],
        shapes: Mapping[str, tuple[int, ...]] | None = None,
    ) -> None:
        """Copy the parameters, name → array.

        Raise ValueError unless they have the shapes given, or else SHAPES.
        """
        shapes = self.SHAPES if shapes is None else shapes
        found = {name: np.shape(value) for name, value in parameters.items()}
        if found != shapes:
            raise ValueError(f"parameters have shapes {found}, but should have {dict(shapes)}")
        self.parameters = {name: np.array(parameters[name], order="C") for name in shapes}
        dtypes = {array.dtype for array in self.parameters.values()}
        self.dtype = dtypes.pop()
        if dtypes or self.dtype not in FLOATS:
            raise ValueError("parameters should all be float64 or all float32: cast them first")
        kernels = [shape for shape in shapes.values() if len(shape) == 2]
        self._fan_in, self._fan_out = kernels[0][0], kernels[-1][1]

    @abstractmethod
    def _forward(self, x: Array) -> tuple[Layers, Layers]:
        """Return the pre-activations z and the activations a of all layers."""

    @abstractmethod
    def _loss(self, y: Array, z: Layers, a: Layers) -> Scalar:
        """Return the loss of the forward pass that gave z and a."""

    @abstractmethod
    def _backward(self, x: Array, y: Array, z: Layers, a: Layers) -> dict[str, Array]:
        """Return the gradient of that loss by each parameter, in fresh arrays."""

    def forward(self, inputs: ArrayLike) -> list[Array]:
        """Return each layer's activation, (batch, fan_out); the last holds the probabilities."""
        _, a = self._forward(self._columns(inputs, self._fan_in))
        return _rows(a)

    def loss(self, inputs: ArrayLike, targets: ArrayLike) -> Scalar:
        """Return the loss at the present parameters, a scalar in their dtype."""
        x, y = self._batch(inputs, targets)
        return self._loss(y, *self._forward(x))

    def gradients(self, inputs: ArrayLike, targets: ArrayLike) -> dict[str, Array]:
        """Return the gradient of the loss by each parameter, under its name and in its shape."""
        x, y = self._batch(inputs, targets)
        return self._backward(x, y, *self._forward(x))

    def evaluate(
        self, inputs: ArrayLike, targets: ArrayLike
    ) -> tuple[list[Array], Scalar, dict[str, Array]]:
        """Return activations, loss and gradients of one forward pass."""
        x, y = self._batch(inputs, targets)
        z, a = self._forward(x)
        return _rows(a), self._loss(y, z, a), self._backward(x, y, z, a)

    def step(self, inputs: ArrayLike, targets: ArrayLike, learning_rate: float) -> Scalar:
        """Make one step of gradient descent in place and return the loss before it."""
        x, y = self._batch(inputs, targets)
        z, a = self._forward(x)
        loss = self._loss(y, z, a)
        self._descend(self._backward(x, y, z, a), learning_rate)
        return loss

    def train(
        self,
        inputs: ArrayLike,
        targets: ArrayLike,
        *,
        learning_rate: float,
        steps: int,
        on_step: Callable[[int, Scalar], object] | None = None,
        at: Container[int] | None = None,
    ) -> None:
        """Make `steps` steps; before each one in `at` (None: each one) call on_step(step, loss).

        Only those calls compute a loss: at=range(0, steps, 1000) costs next to nothing. On a
        terminal a bar shows how far it has come.
        """
        x, y = self._batch(inputs, targets)
        for step in progress.counted(steps, type(self).__name__):
            if on_step is not None and (at is None or step in at):
                # A pass of its own: on_step may use the network, and with it its buffers.
                on_step(step, self._loss(y, *self._forward(x)))
            self._descend(self._backward(x, y, *self._forward(x)), learning_rate)

    def predict(self, inputs: ArrayLike) -> NDArray[np.intp]:
        """Return the class of each sample, (batch,)."""
        _, a = self._forward(self._columns(inputs, self._fan_in))
        return _classes(a[-1])

    def accuracy(self, inputs: ArrayLike, targets: ArrayLike) -> float:
        """Return the share of samples, 0 to 1, whose predicted class is that of the target."""
        _, y = self._batch(inputs, targets)
        return float(np.mean(self.predict(inputs) == _classes(y)))

    def parameter_count(self) -> dict[str, int]:
        """Return how many numbers each layer learns, such as {"dense_1": 30, "dense_2": 55}."""
        counts: dict[str, int] = {}
        for name, array in self.parameters.items():
            layer = name.split("/")[0]
            counts[layer] = counts.get(layer, 0) + array.size
        return counts

    def _descend(self, gradients: dict[str, Array], learning_rate: float) -> None:
        rate = self.dtype.type(learning_rate)
        for name, gradient in gradients.items():
            gradient *= rate
            self.parameters[name] -= gradient

    def _batch(self, inputs: ArrayLike, targets: ArrayLike) -> tuple[Array, Array]:
        x, y = self._columns(inputs, self._fan_in), self._columns(targets, self._fan_out)
        if x.shape[1] != y.shape[1]:
            raise ValueError(f"{x.shape[1]} inputs, but {y.shape[1]} targets: give one for each")
        return x, y

    def _columns(self, rows: ArrayLike, features: int) -> Array:
        array = np.asarray(rows, self.dtype)
        if array.ndim != 2 or array.shape[1] != features or not array.size:
            raise ValueError(f"shape {array.shape}, but should be (batch, {features}), batch > 0")
        return np.ascontiguousarray(array.T)


def _rows(activations: Layers) -> list[Array]:
    """Copy activations, (units, batch) each, to (batch, units): the caller may keep them."""
    return [a.T.copy() for a in activations]


def _classes(columns: Array) -> NDArray[np.intp]:
    """Return each column's class: its largest unit, or for a single unit whether it exceeds 1/2."""
    classes: NDArray[np.intp] = columns[0] > 0.5 if len(columns) == 1 else columns.argmax(axis=0)
    return classes.astype(np.intp)
