"""Steps that go by t in another way, and parameters that are kept within bounds after it."""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt
from typing import Any

import numpy as np
import pytest

from backproof import Adam, Dense, GradientDescent, Loss, Network, verify
from backproof.mathematics.network.parameters import Batch, Parameters

NETWORK = Network((Dense(3, 4, "tanh"), Dense(4, 2)), Loss("squared_error"))
Given = Callable[[Parameters, Batch], Parameters]


def gradients(p: Parameters, batch: Batch) -> dict[str, Any]:
    w1, b1, w2, b2 = (p[f"dense_{k}/{n}"] for k in (1, 2) for n in ("kernel", "bias"))
    hidden = np.tanh(batch.inputs @ w1 + b1)
    delta = 2 * (hidden @ w2 + b2 - batch.targets) / len(batch.inputs)
    back = delta @ w2.T * (1 - hidden**2)
    return {
        "dense_1/kernel": batch.inputs.T @ back,
        "dense_1/bias": back.sum(axis=0),
        "dense_2/kernel": hidden.T @ delta,
        "dense_2/bias": delta.sum(axis=0),
    }


def adam(
    rate: Callable[[int], float] = lambda t: 0.001,
    count: Callable[[int], int] = lambda t: t,
    above: Callable[[Any, Any, float], Any] = lambda m, g, left: m / left,
    least: float = 0.0,
) -> Given:
    """By hand; ``count``: what the corrections take for t; ``above``: of m, g and 1 − β₁ᵗ."""

    def subject(state: Parameters, batch: Batch) -> Parameters:
        t, given = int(state["step_count"]) + 1, {}
        for name, g in gradients(state, batch).items():
            m = 0.9 * state[f"first_moment/{name}"] + 0.1 * g
            v = np.maximum(0.999 * state[f"second_moment/{name}"] + 0.001 * g**2, least)
            top, below = above(m, g, 1 - 0.9 ** count(t)), 1 - 0.999 ** count(t)
            step = rate(t) * top / (np.sqrt(v / below) + 1e-8)
            given |= {f"gradient/{name}": g, f"updated/{name}": state[name] - step}
            given[f"updated/first_moment/{name}"] = m
            given[f"updated/second_moment/{name}"] = v
        return given

    return subject


def descent(bounded: Callable[[Any], Any]) -> Given:
    """Gradient descent, with new parameters that are kept within bounds."""

    def subject(state: Parameters, batch: Batch) -> Parameters:
        given = {}
        for name, g in gradients(state, batch).items():
            given[f"gradient/{name}"] = g
            given[f"updated/{name}"] = bounded(state[name] - 0.1 * g)
        return given

    return subject


def units(w: Any) -> Any:
    if w.ndim == 1:
        return w
    return w * np.minimum(1, 0.5 / np.linalg.norm(w, axis=0, keepdims=True))


def length(w: Any) -> Any:
    return w * min(1, 0.75 / np.linalg.norm(w))


MISTAKES: dict[str, tuple[Given, str]] = {
    "root of t": (
        adam(rate=lambda t: 0.001 / sqrt(t)),
        "the step, with t counting them from 1, is made with rate / sqrt(t)",
    ),
    "capped": (
        adam(count=lambda t: min(t, 60)),
        "the step count in the corrections is min(t, 60); it should be t",
    ),
    "begins again": (
        adam(count=lambda t: (t - 1) % 128 + 1),
        "the step count in the corrections is t % 128 or (t - 1) % 128 + 1; it should be t",
    ),
    "ahead": (
        adam(above=lambda m, g, left: 0.9 * m / left + 0.1 * g / left),
        "the step takes off rate * (beta_1 * m_hat + (1 - beta_1) * g / (1 - beta_1**t)) / ",
    ),
    "floor": (adam(least=1e-12), "the new second moment is max(v, 1e-12); it should be v"),
    "clipped": (
        descent(lambda w: np.clip(w, -0.4, 0.4)),
        "after the step, every parameter is clip(W, -0.4, 0.4); it should be W",
    ),
    "units shortened": (
        descent(units),
        "after the step, every parameter is W * min(1, 0.5 / norm(W)), of each unit",
    ),
    "arrays shortened": (
        descent(length),
        "after the step, every parameter is W * min(1, 0.75 / norm(W)), of the array",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_it_is_read(name: str) -> None:
    subject, told = MISTAKES[name]
    plain = name in ("clipped", "units shortened", "arrays shortened")
    optimizer = GradientDescent(0.1) if plain else Adam()
    report = verify(NETWORK, subject, references=["torch"], optimizer=optimizer)
    assert str(report.status) == "MISMATCH"
    assert report.cause.startswith(told)


@pytest.mark.parametrize("optimizer", [GradientDescent(0.1), Adam()], ids=str)
def test_the_same_code_without_its_mistake_matches(optimizer: Any) -> None:
    subject = adam() if isinstance(optimizer, Adam) else descent(lambda w: w)
    report = verify(NETWORK, subject, references=["torch"], optimizer=optimizer)
    assert str(report.status) == "MATCH", report.cause
