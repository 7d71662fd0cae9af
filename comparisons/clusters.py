"""clusters: ReLU, softmax, cross-entropy with L2; three clouds, 13,500 points to train.

Data and weights as in "Building a Neural Network from Scratch in Python and in TensorFlow": one
random stream draws the clouds and then pairs of kernels, of which the article trains the third.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing, Parameters, Penalty
from comparisons._evaluation import evaluation
from scratch.clusters import L2, LEARNING_RATE, SEED, Clusters, initial_parameters

MEANS = ((0, 0), (1, 4), (2, 8))
# The third matrix is no covariance (not positive semi-definite); it is the article's.
COVARIANCES = (((2, 0.75), (0.75, 2)), ((1, 0.75), (0.75, 1)), ((0, 0.75), (0.75, 0)))


def subject(parameters: Parameters, batch: Batch) -> dict[str, Any]:
    """What the hand-written network computes."""
    return evaluation(Clusters(parameters), batch, LEARNING_RATE)


@cache
def article(
    covariances: tuple[tuple[tuple[float, ...], ...], ...] = COVARIANCES,
) -> tuple[Batch, Batch, Parameters]:
    """Training batch, test batch and initial parameters."""
    from sklearn.model_selection import train_test_split

    stream = np.random.RandomState(SEED)
    clouds = [
        stream.multivariate_normal(mean, covariance, 5000, check_valid="ignore")
        for mean, covariance in zip(MEANS, covariances, strict=True)
    ]
    inputs = np.vstack(clouds).astype(np.float32)
    one_hot = np.repeat(np.eye(3, dtype=np.float32), 5000, axis=0)
    parameters = [initial_parameters(stream) for _ in range(3)][-1]
    train, test, y_train, y_test = train_test_split(
        inputs, one_hot, test_size=0.1, random_state=SEED
    )
    return Batch(train, y_train), Batch(test, y_test), parameters


PAIRING = Pairing(
    name="clusters",
    network=Network(
        layers=(Dense(2, 5, "relu"), Dense(5, 3, "softmax")),
        loss=Loss("categorical_cross_entropy"),
        penalty=Penalty(l2=L2 / 2),
    ),
    subject=subject,
    data=lambda: article()[0],
    initial=lambda: article()[2],
    optimizer=GradientDescent(LEARNING_RATE),
    references={
        "keras": "reference/keras_models.py:clusters",
        "torch": "reference/torch_models.py:clusters",
    },
)
