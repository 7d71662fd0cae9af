"""captcha: sigmoid throughout, 36 binary cross-entropies with L2; 240 characters of 60 images.

Network and training as in "Build Neural Network from Scratch", example 2. Its images are lost;
these are drawn anew. Conjugate gradients, by which it is trained, no twin has: it is compared along
a few plain steps, and at the weights that the training has led to half way and at its end.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from backproof import (
    Batch,
    Dense,
    Form,
    GradientDescent,
    Loss,
    Network,
    Pairing,
    Parameters,
    Penalty,
)
from comparisons._evaluation import evaluation
from scratch.captcha import CHARACTERS, LOG_FLOOR, PENALTY, SEED, Captcha, initial_parameters

# Of the plain steps; a power of two is exact in Keras too, which holds it in float32.
LEARNING_RATE = 1 / 32


def subject(parameters: Parameters, batch: Batch) -> dict[str, Any]:
    """What the hand-written network computes."""
    return evaluation(Captcha(parameters), batch, LEARNING_RATE)


def data() -> Batch:
    """The characters, 20 × 13 grey values each, and their classes."""
    from comparisons._captcha_images import samples

    return Batch(*samples())


def points() -> dict[str, Parameters]:
    """The weights after 50 and after 100 iterations: "middle" and "final"."""
    from comparisons import _captcha_weights

    return _captcha_weights.points()


PAIRING = Pairing(
    name="captcha",
    network=Network(
        layers=(
            Dense(260, 200, "sigmoid"),
            Dense(200, 200, "sigmoid"),
            Dense(200, 36, "sigmoid"),
        ),
        loss=Loss("binary_cross_entropy"),
        penalty=Penalty(l2=PENALTY / (2 * CHARACTERS)),
        decision="argmax",
    ),
    subject=subject,
    data=data,
    initial=lambda: initial_parameters(np.random.RandomState(SEED)),
    optimizer=GradientDescent(LEARNING_RATE),
    references={
        "keras": "reference/keras_models.py:captcha",
        "torch": "reference/torch_models.py:captcha",
    },
    steps=3,
    points=points,
    forms={
        "subject": Form("probabilities", log_floor=LOG_FLOOR),
        "keras": Form.of_keras(),
        "torch": Form.of_torch(),
    },
)
