"""captcha: the number of parameters, and that all characters are learned in 100 iterations.

The article's images are lost. The network learns those of `comparisons._captcha_images`, from
weights of 39 seeds.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from scipy import optimize

from backproof.reproduction import (
    Effect,
    Erratum,
    Figure,
    Float,
    Intervention,
    Key,
    Reproduction,
    Sampling,
    Scope,
    catalogued,
    evaluate,
    unchanged,
)
from comparisons.captcha import PAIRING
from comparisons.reproduce import _figures
from comparisons.reproduce._training import untrained
from scratch.captcha import ITERATIONS, SEED, Captcha, flatten, initial_parameters, unflatten

PARENTHESES = "penalty_form/divided_by_sum"
NO_PULL = "penalty/gradient_missing"


def sample(seed: int) -> dict[Key, float]:
    """Training accuracy from weights of a seed."""
    batch = PAIRING.data()
    model = Captcha(initial_parameters(np.random.RandomState(seed)))
    model.minimize(batch.inputs, batch.targets)
    accuracy = model.accuracy(batch.inputs, batch.targets)
    return {Key("training_accuracy", None, ITERATIONS): accuracy}


def as_published(name: str, value: Any, scope: Scope) -> Any:
    """Both errors, as the article's code has them."""
    for fault in (PARENTHESES, NO_PULL):
        value = catalogued(PAIRING, fault)(name, value, scope)
    return value


def minimised(intervene: Intervention) -> tuple[str, str]:
    """Accuracy of the definition with a fault, and whether conjugate gradients go on to the end."""
    batch = PAIRING.data()

    def loss_and_gradient(theta: np.ndarray) -> tuple[float, np.ndarray]:
        values = evaluate(Float(), PAIRING.network, unflatten(theta), batch, intervene)
        gradient = {name: values[f"gradient/{name}"] for name in PAIRING.network.shapes()}
        return float(values["loss"]), flatten(gradient)

    found = optimize.minimize(
        loss_and_gradient,
        flatten(initial_parameters(np.random.RandomState(SEED))),
        method="CG",
        jac=True,
        options={"maxiter": ITERATIONS},
    )
    model = Captcha(unflatten(found.x))
    return (
        f"{model.accuracy(batch.inputs, batch.targets):.1%}",
        "yes" if found.nit == ITERATIONS else "no, its line search fails before",
    )


def effect(intervene: Intervention) -> tuple[Effect, ...]:
    """What training comes to, with a fault and without."""
    told = ("training accuracy", f"SciPy makes its {ITERATIONS} iterations")
    pairs = zip(told, minimised(intervene), minimised(unchanged), strict=True)
    return tuple(Effect(what, printed, corrected) for what, printed, corrected in pairs)


COUNTS = untrained(PAIRING)

REPRODUCTION = Reproduction(
    system="captcha",
    article='"Build Neural Network from Scratch" (pydata, Keep Looking, Don\'t Settle), example 2',
    training=replace(
        COUNTS,
        read=lambda told: {
            key: value for key, value in COUNTS.read(told).items() if key.index is None
        },
    ),
    sampling=Sampling(sample),
    remarks=(
        "The article's images are lost: 60 are drawn anew, from a fixed seed, and cut into 240 "
        "characters. The seeds are those of the initial weights.",
    ),
    errata=(
        Erratum(
            name="the penalty's parentheses",
            where="code",
            told="In the cost, λ/2n is divided by the sum of the squares instead of multiplied "
            "with it.",
            printed="λ / (2n · ΣW²)",
            correct="λ / (2n) · ΣW²",
            pairing=PAIRING,
            fault=PARENTHESES,
            effect=lambda: effect(catalogued(PAIRING, PARENTHESES)),
            seconds=8,
        ),
        Erratum(
            name="a gradient without penalty",
            where="code",
            told="The gradient leaves the penalty out altogether, so that cost and gradient "
            "disagree. The effect is that of the code as published, with both errors.",
            printed="∂L/∂W = Δ Aᵀ",
            correct="∂L/∂W = Δ Aᵀ + λ/n · W",
            pairing=PAIRING,
            fault=NO_PULL,
            effect=lambda: effect(as_published),
            seconds=8,
        ),
    ),
    figures=(
        Figure(
            "captcha-cut",
            "One image as drawn; cleaned, with the boxes that it is cut into; and its characters "
            "as the network sees them, 20 × 13 grey values each.",
            _figures.captcha_cut,
        ),
        Figure(
            "captcha-characters",
            "The 48 characters that the trained network is least sure of, with its prediction and "
            "the output of that unit.",
            _figures.captcha_characters,
        ),
    ),
)
