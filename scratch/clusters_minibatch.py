"""The TensorFlow network of "Building a Neural Network from Scratch in Python and in TensorFlow".

It is the network of `scratch.clusters`, derived there, without the penalty: λ = 0. It starts from
other weights, and descends on 100 samples at a time. Step t takes the rows

    o, o + 1, …, o + 99   with   o = (100 t) mod (N - 100)

of the N training rows, in the order in which they are stored. Each step is gradient descent for the
mean loss over its 100 rows; as 100 and N - 100 = 13,400 share their factor 100, the rows of the
last batch, from 13,400 on, are never seen, and every 134 steps the same batches come again.

A truncated normal variable is a standard normal one, drawn again as long as it lies beyond ±2.
"""

from collections.abc import Callable, Container

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from scratch import progress
from scratch.clusters import Clusters
from scratch.training import Array, Scalar

LEARNING_RATE = 0.01
STEPS = 10_001
BATCH = 100


def initial_parameters(
    stream: np.random.Generator, dtype: DTypeLike = np.float64
) -> dict[str, Array]:
    """Draw truncated normal kernels, first layer first; biases are zero."""
    drawn = {
        name: truncated_normal(stream, shape) if name.endswith("kernel") else np.zeros(shape)
        for name, shape in Clusters.SHAPES.items()
    }
    return {name: array.astype(dtype) for name, array in drawn.items()}


def truncated_normal(stream: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Draw from the standard normal distribution, what lies beyond ±2 again until it does not."""
    drawn = stream.standard_normal(shape)
    while np.any(beyond := np.abs(drawn) > 2):
        drawn[beyond] = stream.standard_normal(np.count_nonzero(beyond))
    return drawn


def rows(step: int, samples: int) -> slice:
    """Return which of so many samples (more than BATCH of them) a step is made on."""
    if samples <= BATCH:
        raise ValueError(f"{samples} samples, but batches of {BATCH}: give more than {BATCH}")
    offset = step * BATCH % (samples - BATCH)
    return slice(offset, offset + BATCH)


def train(
    network: Clusters,
    inputs: ArrayLike,
    targets: ArrayLike,
    *,
    learning_rate: float = LEARNING_RATE,
    steps: int = STEPS,
    on_step: Callable[[int, Scalar], object] | None = None,
    at: Container[int] | None = None,
) -> None:
    """Make `steps` steps; before each one in `at` (None: each one) call on_step(step, loss).

    The loss is that of the step's own batch. On a terminal a bar shows how far it has come.
    """
    x, y = np.asarray(inputs), np.asarray(targets)
    for step in progress.counted(steps, "clusters_minibatch"):
        batch = rows(step, len(x))
        if on_step is not None and (at is None or step in at):
            on_step(step, network.loss(x[batch], y[batch]))
        network.step(x[batch], y[batch], learning_rate)
