"""The report's pictures: loss curves of all implementations, and those that the recipes draw."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from backproof.implementations import frameworks
from backproof.mathematics.errors import told
from backproof.reproduction.recipe import SUBJECT, Outcome, curve

DPI = 110
# How each implementation is drawn: wide and pale below, thin above, so that all can be seen.
STYLES: dict[str, dict[str, Any]] = {
    SUBJECT: {"color": "#56B4E9", "linewidth": 6.0, "alpha": 0.6},
    "keras": {"color": "#D55E00", "linewidth": 2.5, "linestyle": (0, (4, 2))},
    "torch": {"color": "#000000", "linewidth": 1.2, "linestyle": (0, (1, 2))},
    "jax": {"color": "#009E73", "linewidth": 1.0},
}
PLAIN: dict[str, Any] = {"linewidth": 1.0}
NAMES = {SUBJECT: "by hand"} | {name: frameworks.traits(name).title for name in frameworks.names()}


@dataclass(frozen=True)
class Picture:
    """A picture as a file: its name, its bytes, what it shows; or why there is none."""

    system: str
    file: str
    caption: str
    png: bytes = b""
    problem: str = ""


def draw(outcomes: dict[str, Outcome]) -> Iterator[Picture]:
    """All pictures, system by system."""
    for system, outcome in outcomes.items():
        training = outcome.reproduction.training
        if training is not None and training.steps and outcome.trained:
            caption = (
                "The loss along the whole training, by hand and in the twins, over each other; "
                "below, how far the twins are from it, relative to the loss."
            )
            yield picture(system, f"{system}-loss", caption, losses, outcome)
        for each in outcome.reproduction.figures:
            yield picture(system, each.name, each.caption, each.draw, outcome)


def picture(system: str, name: str, caption: str, drawing: Any, outcome: Outcome) -> Picture:
    """A drawing as PNG; the bytes depend on nothing but what is drawn."""
    file = f"{name}.png"
    try:
        buffer = io.BytesIO()
        drawing(outcome).savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
    except Exception as error:  # a recipe's drawing is user code
        return Picture(system, file, caption, problem=told(error))
    return Picture(system, file, caption, png=buffer.getvalue())


def losses(outcome: Outcome) -> Any:
    """The loss curves, and below them the relative distance of each twin."""
    from matplotlib.figure import Figure

    training = outcome.reproduction.training
    assert training is not None
    figure = Figure(figsize=(8, 5.6), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(2, 1))
    # Steps are counted from 1 here: a logarithmic axis has no 0.
    steps = np.array(curve(training.steps))
    found = {
        who: np.array([trained.losses[step] for step in steps])
        for who, trained in outcome.trained.items()
        if all(step in trained.losses for step in steps)
    }
    for who in sorted(found, key=[*STYLES, *(who for who in NAMES if who not in STYLES)].index):
        above.plot(steps + 1, found[who], label=NAMES[who], **STYLES.get(who, PLAIN))
        if who != SUBJECT and SUBJECT in found:
            apart = np.abs(found[who] - found[SUBJECT]) / np.abs(found[SUBJECT])
            # Where they are equal there is nothing to draw on a logarithmic axis.
            kept = apart > 0
            style = STYLES.get(who, PLAIN) | {"linestyle": "none", "marker": "o", "markersize": 3}
            below.plot(steps[kept] + 1, apart[kept], **style)
    above.set(xscale="log", yscale="log", ylabel="loss", title=outcome.system)
    above.legend()
    above.grid(alpha=0.3)
    below.axhline(np.finfo(np.float64).eps, color="grey", linewidth=0.8)
    below.text(1, np.finfo(np.float64).eps, "ε of float64", va="bottom", color="grey", fontsize=8)
    below.set(yscale="log", ylabel="relative distance", xlabel="step, from 1")
    below.grid(alpha=0.3)
    return figure
