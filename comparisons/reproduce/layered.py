"""layered: the article prints no numbers; its text has two errors."""

from __future__ import annotations

from typing import Any

import numpy as np

from backproof import Parameters
from backproof.reproduction import (
    Effect,
    Erratum,
    Float,
    Intervention,
    Reproduction,
    Scope,
    descend,
    evaluate,
    unchanged,
)
from comparisons.layered import LAYERED
from scratch.layered import Layered

STEPS = 2000
SEEDS = tuple(range(10))
SIZES = (2, 3, 1)


def norm(name: str, value: Any, scope: Scope) -> Any:
    """The loss as the text has it: the norm of the error, not its square."""
    return np.sqrt(value) if name == "loss" else value


def slope(intervene: Intervention) -> str:
    """How steep the loss is along its own gradient, by central differences, over ‖gradient‖²."""
    network, batch, initial = LAYERED.network, LAYERED.data(), LAYERED.initial()
    values = evaluate(Float(), network, initial, batch, intervene)
    gradient = {name: values[f"gradient/{name}"] for name in network.shapes()}
    squares = sum(float(np.vdot(g, g)) for g in gradient.values())
    h = 1e-4 / np.sqrt(squares)
    ends = [
        float(
            evaluate(
                Float(),
                network,
                {name: initial[name] + way * h * gradient[name] for name in initial},
                batch,
                intervene,
            )["loss"]
        )
        for way in (1, -1)
    ]
    return f"{(ends[0] - ends[1]) / (2 * h) / squares:.3f}"


def effect_of_norm() -> tuple[Effect, ...]:
    """Whether the gradient is that of the loss."""
    return (
        Effect(
            "slope of the loss along the gradient, 1 if it is its own",
            slope(norm),
            slope(unchanged),
        ),
    )


def uniform(seed: int) -> Parameters:
    """Weights as the text promises them."""
    stream = np.random.RandomState(seed)
    return {name: stream.random_sample(a.shape) for name, a in LAYERED.initial().items()}


def normal(seed: int) -> Parameters:
    """Weights as the code draws them."""
    from scratch.layered import initial_parameters

    return initial_parameters(SIZES, np.random.RandomState(seed))


def effect_of_draws() -> tuple[Effect, ...]:
    """Where the weights lie, and what they lead to."""
    batch = LAYERED.data()
    ranges, accuracies = [], []
    for draw in (uniform, normal):
        drawn = np.concatenate([a.ravel() for seed in SEEDS for a in draw(seed).values()])
        ranges.append(f"{drawn.min():.2f} to {drawn.max():.2f}")
        right = []
        for seed in SEEDS:
            end = descend(LAYERED, draw(seed), batch, STEPS)
            model = Layered(SIZES, end)
            right.append(model.accuracy(batch.inputs, batch.targets))
        accuracies.append(f"{np.mean(right):.0%}")
    return (
        Effect(f"weights, over {len(SEEDS)} seeds", *ranges),
        Effect(f"mean accuracy after {STEPS:,} steps, over the seeds", *accuracies),
    )


REPRODUCTION = Reproduction(
    system="layered",
    article='"Neural Networks 1" (2019-08-18)',
    remarks=("The article prints no numbers.",),
    errata=(
        Erratum(
            name="a norm for its square",
            where="text",
            told="The text writes the cost as the norm of the error, and differentiates its "
            "square. The code has the square, and training does not look at the cost.",
            printed="C = ‖ŷ − y‖₂",
            correct="C = ‖ŷ − y‖₂²,   ∂C/∂ŷ = 2 (ŷ − y)",
            pairing=LAYERED,
            fault=norm,
            effect=effect_of_norm,
        ),
        Erratum(
            name="weights between 0 and 1",
            where="text",
            told="The text says that the weights lie between 0 and 1; the code draws standard "
            "normals. The effect sets one beside the other.",
            printed="W ~ U(0, 1)",
            correct="W ~ N(0, 1)",
            effect=effect_of_draws,
            seconds=6,
        ),
    ),
)
