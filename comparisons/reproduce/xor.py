"""xor: the kernels after 100,000 steps, and the predictions that go with them.

The article prints the predictions of the pass that the last update came from: those before step
99,999, not those of the kernels beside them.
"""

from __future__ import annotations

from collections.abc import Sequence

from backproof import Batch
from backproof.reproduction import (
    At,
    Effect,
    Erratum,
    Figure,
    Key,
    Reproduction,
    Trained,
    Training,
    catalogued,
    descend,
    unchanged,
)
from comparisons.reproduce import _figures
from comparisons.reproduce._training import trained
from comparisons.xor import PAIRING
from scratch.xor import LEARNING_RATE, STEPS, Xor

ASCENDS = "sign/ascends"
ASCENDING = 1000


def subject(batch: Batch, report: Sequence[int]) -> Trained:
    """The hand-written training."""
    return trained(Xor(PAIRING.initial()), batch, LEARNING_RATE, STEPS, report)


def read(told: Trained) -> dict[Key, float]:
    """The printed numbers; the article has the hidden kernel as (unit, input)."""
    final = told.parameters[STEPS]
    printed = {
        "output_kernel": final["dense_2/kernel"],
        "hidden_kernel": final["dense_1/kernel"].T,
        "prediction": told.evaluations["last pass"]["activation/dense_2"],
    }
    return {
        Key(quantity, index, STEPS): float(value)
        for quantity, array in printed.items()
        for index, value in enumerate(array.ravel())
    }


def effect() -> tuple[Effect, ...]:
    """Loss and rows right after some steps."""
    batch, initial = PAIRING.data(), PAIRING.initial()
    ends = [
        Xor(descend(PAIRING, initial, batch, ASCENDING, at))
        for at in (catalogued(PAIRING, ASCENDS), unchanged)
    ]
    losses = [f"{end.loss(batch.inputs, batch.targets):.2g}" for end in ends]
    right = [f"{4 * end.accuracy(batch.inputs, batch.targets):.0f} of 4" for end in ends]
    return (
        Effect(f"rows right after {ASCENDING:,} steps", *right),
        Effect(f"loss after {ASCENDING:,} steps", *losses),
    )


REPRODUCTION = Reproduction(
    system="xor",
    article='"Build Neural Network from Scratch" (pydata, Keep Looking, Don\'t Settle), example 1',
    training=Training(
        pairing=PAIRING,
        steps=STEPS,
        report=(STEPS,),
        subject=subject,
        read=read,
        evaluations={"last pass": At(STEPS - 1, ("activation",))},
        seconds=3,
    ),
    remarks=(
        "The kernels are those after all 100,000 steps; the predictions printed with them come "
        "from the forward pass of the last step, before its update.",
    ),
    errata=(
        Erratum(
            name="ascent",
            where="text",
            told="The update is written with a plus: it climbs the cost. The article's code "
            "descends, as the printed numbers do.",
            printed="Θ ← Θ + λ ∂C/∂Θ",
            correct="Θ ← Θ − λ ∂C/∂Θ",
            pairing=PAIRING,
            fault=ASCENDS,
            effect=effect,
            seconds=1,
        ),
    ),
    figures=(
        Figure(
            "xor-surface",
            "What the trained network makes of the whole square: its output over the first two "
            "inputs, the third being 1, with the four rows that it was trained on.",
            _figures.xor_surface,
        ),
    ),
)
