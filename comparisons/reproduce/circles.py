"""circles: loss and accuracy every 1000 steps, up to step 24,000 of 25,000."""

from __future__ import annotations

from collections.abc import Sequence

from backproof import Batch
from backproof.reproduction import Figure, Key, Reproduction, Trained, Training, neighbours
from comparisons.circles import PAIRING
from comparisons.reproduce import _figures
from comparisons.reproduce._training import trained
from scratch.circles import LEARNING_RATE, Circles

STEPS = 25_000
PRINTED = tuple(range(0, STEPS, 1000))


def subject(batch: Batch, report: Sequence[int]) -> Trained:
    """The hand-written training."""
    return trained(Circles(PAIRING.initial()), batch, LEARNING_RATE, STEPS, report)


def read(told: Trained) -> dict[Key, float]:
    """The printed numbers."""
    return {
        Key(quantity, None, step): values[step]
        for quantity, values in (("loss", told.losses), ("accuracy", told.accuracies))
        for step in PRINTED
    }


REPRODUCTION = Reproduction(
    system="circles",
    article='"Implementing Neural Network Algorithm with NumPy"',
    training=Training(
        pairing=PAIRING,
        steps=STEPS,
        report=PRINTED,
        subject=subject,
        read=read,
        neighbours=neighbours(),
        seconds=4,
    ),
    remarks=(
        "The losses are printed with all 16 or 17 digits of float64. The last of them belong to "
        "the order of the sums: each of 25,000 steps rounds its own.",
    ),
    figures=(
        Figure(
            "circles-regions",
            "The regions that the network has learned, and the 1000 points that it has learned "
            "from.",
            _figures.circles_regions,
        ),
    ),
)
