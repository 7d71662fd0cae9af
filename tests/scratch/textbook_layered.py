"""The losses of `scratch.layered` as a textbook states them, and what rounding may do to ours.

See `tests.scratch.textbook`.
"""

from functools import partial
from typing import Any

import numpy as np

from scratch.layered import BinaryCrossEntropy, Layered, SquaredError, Tanh, shapes
from tests.scratch.oracle import EXPIT, FUNCTION, Array, Arrays, Bounded, exp, given, log
from tests.scratch.textbook import ROWS, Case, drawn, normal


class LayeredSigmoid(Layered):
    """The article's activation and loss."""

    SIZES = (3, 4, 2)
    SHAPES = shapes(SIZES)

    def __init__(self, parameters: Arrays) -> None:
        super().__init__(self.SIZES, parameters)


class LayeredTanh(Layered):
    """Three layers of tanh, half the squared error."""

    SIZES = (2, 3, 3, 2)
    SHAPES = shapes(SIZES)

    def __init__(self, parameters: Arrays) -> None:
        super().__init__(self.SIZES, parameters, activation=Tanh(), loss=SquaredError(0.5))


class LayeredLogits(Layered):
    """A loss over logits."""

    SIZES = (3, 4, 2)
    SHAPES = shapes(SIZES)

    def __init__(self, parameters: Arrays) -> None:
        super().__init__(self.SIZES, parameters, loss=BinaryCrossEntropy())


class LayeredSingle(Layered):
    """One layer: what is first and what is last are the same."""

    SIZES = (3, 1)
    SHAPES = shapes(SIZES)

    def __init__(self, parameters: Arrays) -> None:
        super().__init__(self.SIZES, parameters)


def layered_loss(
    parameters: Arrays, inputs: Array, targets: Array, *, tanh: bool, factor: Any
) -> Any:
    """The factor times the squared error, or without one the binary cross-entropy."""
    a, layers = inputs, list(parameters.values())
    for kernel, bias in zip(layers[::2], layers[1::2], strict=True):
        z = a @ kernel + bias
        a = 2 / (1 + exp(-2 * z)) - 1 if tanh else 1 / (1 + exp(-z))
    if factor is None:
        return -np.sum(targets * log(a) + (1 - targets) * log(1 - a))
    return factor * np.sum((a - targets) ** 2)


def layered_bounds(
    parameters: Arrays, inputs: Array, *, tanh: bool, factor: float | None
) -> dict[str, Bounded]:
    def slope(z: Bounded) -> Bounded:
        """expit' is 1/4 at 0, |expit''| ≤ 1/(6√3); tanh' z = 4 expit'(2z), so 1 and 4/(3√3).

        Computed as a product of two expit; the factors 2 and 4 are exact.
        """
        if tanh:
            return z.through(4 / (3 * np.sqrt(3)), 1, 2 * EXPIT + 1)
        return z.through(1 / (6 * np.sqrt(3)), 1 / 4, 2 * EXPIT + 1)

    arrays = list(map(given, parameters.values()))
    zs, activations = [], [given(inputs)]
    for kernel, bias in zip(arrays[::2], arrays[1::2], strict=True):
        z = activations[-1] @ kernel + bias
        zs.append(z)
        # tanh has a slope ≤ 1 and is 0 at 0; NumPy's errs by less than 2 ulp, as its exp.
        activations.append(z.through(1, 0, FUNCTION) if tanh else z.expit())
    if factor is None:
        loss = zs[-1].through(1, np.log(2), 2 * FUNCTION + 1).sum()  # as in `circles_bounds`
        delta = zs[-1].expit()  # of (1 - y) a - y (1 - a) one term is 0, the other has factor 1
    else:
        error = activations[-1] + given(np.ones(zs[-1].size.shape))  # targets are 0 or 1
        loss = (error * error).sum()
        loss = Bounded(factor * loss.size, loss.count)
        delta = Bounded(2 * factor * error.size, error.count) * slope(zs[-1])
    bounds = {}
    for layer in reversed(range(len(zs))):
        bounds[f"dense_{layer + 1}/bias"] = delta.sum(0)
        bounds[f"dense_{layer + 1}/kernel"] = activations[layer].T @ delta
        if layer:
            delta = delta @ arrays[2 * layer].T * slope(zs[layer - 1])
    return {"loss": loss, **dict(reversed(bounds.items()))}


def _layered(network: type[Layered], *, tanh: bool, factor: float | None) -> Case:
    sizes, form = network.SIZES, {"tanh": tanh, "factor": factor}
    targets = np.eye(2)[ROWS % 2] if sizes[-1] == 2 else ROWS[:, None] % 2
    # Quarters, exactly: with normal weights tanh saturates, and its gradients drown in the bound.
    parameters = {name: array / 4 for name, array in drawn(network).items()}
    return Case(
        network,
        partial(layered_loss, **form),
        partial(layered_bounds, **form),
        normal(9, sizes[0]),
        targets,
        parameters,
    )


LAYERED = [
    _layered(LayeredSigmoid, tanh=False, factor=1),
    _layered(LayeredTanh, tanh=True, factor=0.5),
    _layered(LayeredLogits, tanh=False, factor=None),
    _layered(LayeredSingle, tanh=False, factor=1),
]
