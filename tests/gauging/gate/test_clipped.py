"""Clipped gradients and changing rates: right ones match every reference, wrong ones do not."""

from __future__ import annotations

from collections.abc import Callable
from math import cos, pi
from typing import Any

import numpy as np
import pytest

from backproof import Clipped, Dense, GradientDescent, Loss, Momentum, Network, Scheduled, verify
from backproof.mathematics import optimizers
from backproof.mathematics.errors import UsageError

pytestmark = pytest.mark.usefixtures("shared_by_the_face")
NETWORK = Network((Dense(3, 4, "tanh"), Dense(4, 2)), Loss("squared_error"))
NAMES = list(NETWORK.shapes())
REFERENCES = ["torch", "jax", "keras"]


def gradients(p: Any, b: Any) -> dict[str, Any]:
    w1, b1, w2, b2 = (p[name] for name in NAMES)
    a = np.tanh(b.inputs @ w1 + b1)
    delta = 2 * (a @ w2 + b2 - b.targets) / len(a)
    below = delta @ w2.T * (1 - a * a)
    return dict(
        zip(NAMES, (b.inputs.T @ below, below.sum(0), a.T @ delta, delta.sum(0)), strict=True)
    )


def clipped(o: Clipped, g: dict[str, Any]) -> dict[str, Any]:
    kind = g[NAMES[0]].dtype.type
    if o.value:
        return {n: np.clip(v, kind(-o.value), kind(o.value)) for n, v in g.items()}
    norms = {n: np.sqrt((v * v).sum()) for n, v in g.items()}
    if o.global_norm:
        norms = dict.fromkeys(norms, np.sqrt(sum((v * v).sum() for v in g.values())))
    limit = kind(o.norm or o.global_norm)
    return {n: v * min(kind(1), limit / (norms[n] + kind(o.epsilon))) for n, v in g.items()}


def by_clipped(o: Clipped, clip: Callable[..., Any] = clipped) -> Callable[..., Any]:
    def subject(p: Any, b: Any) -> dict[str, Any]:
        kind, g = b.inputs.dtype.type, gradients(p, b)
        out = {f"gradient/{n}": v for n, v in g.items()}
        for n, step in clip(o, g).items():
            if o.SLOTS:
                step = kind(0.75) * p[f"velocity/{n}"] + step
                out[f"updated/velocity/{n}"] = step
            out[f"updated/{n}"] = p[n] - kind(0.125) * step
        return out

    return subject


CLIPPED = (
    Clipped(GradientDescent(0.125), value=0.25),
    Clipped(GradientDescent(0.125), norm=0.5),
    Clipped(Momentum(0.125, 0.75), global_norm=0.5),
    Clipped(GradientDescent(0.125), global_norm=0.5, epsilon=1e-6),
)


@pytest.mark.slow(5)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("optimizer", CLIPPED, ids=str)
def test_a_clipped_step_matches(optimizer: Clipped, dtype: str) -> None:
    references = [name for name in REFERENCES if name != "keras" or not optimizer.epsilon]
    report = verify(
        NETWORK, by_clipped(optimizer), optimizer=optimizer, references=references, dtype=dtype
    )
    passed = ("MATCH",) if optimizer.optimizer.name != "momentum" else ("MATCH", "AT-FAULT")
    assert report.status in passed, report.cause


@pytest.mark.parametrize("optimizer", CLIPPED, ids=str)
def test_one_that_is_not_clipped_is_told(optimizer: Clipped) -> None:
    subject = by_clipped(optimizer, lambda o, g: g)
    report = verify(NETWORK, subject, optimizer=optimizer, references=["torch"])
    assert report.status == "MISMATCH"
    assert "the gradients are not clipped" in report.cause


def test_the_norm_of_each_is_not_that_of_all() -> None:
    optimizer, each = CLIPPED[2], Clipped(Momentum(0.125, 0.75), norm=0.5)
    subject = by_clipped(optimizer, lambda o, g: clipped(each, g))
    assert verify(NETWORK, subject, optimizer=optimizer, references=["torch"]).status == "MISMATCH"


LINEAR, NAME = Network((Dense(3, 2, bias=False),), Loss("squared_error")), "dense_1/kernel"
SHARES: dict[str, Callable[[float], float]] = {
    "exponential": lambda x: 0.5**x,
    "staircase": lambda x: 0.5 ** (x // 1),
    "inverse_time": lambda x: 1 / (1 + 0.5 * x),
    "cosine": lambda x: (1 + cos(pi * min(x, 1))) / 2,
}


def by_schedule(kind: str, late: int = 0) -> Callable[..., Any]:
    def subject(p: Any, b: Any) -> dict[str, Any]:
        of = b.inputs.dtype.type
        rate = of(0.125 * SHARES[kind]((float(p["step_count"]) + late) / 4))
        g = 2 * b.inputs.T @ (b.inputs @ p[NAME] - b.targets) / of(len(b.inputs))
        return {f"updated/{NAME}": p[NAME] - rate * g}

    return subject


@pytest.mark.slow(20)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("kind", SHARES)
def test_a_step_with_a_rate_of_its_own_matches(kind: Any, dtype: str) -> None:
    optimizer = Scheduled(GradientDescent(0.125), kind, 0.5, steps=4)
    report = verify(
        LINEAR, by_schedule(kind), optimizer=optimizer, references=REFERENCES, dtype=dtype
    )
    assert report.status == "MATCH", report.cause


@pytest.mark.slow(0.5)
@pytest.mark.parametrize("kind", SHARES)
def test_a_step_with_the_rate_of_the_one_before_is_a_mismatch(kind: Any) -> None:
    optimizer = Scheduled(GradientDescent(0.125), kind, 0.5, steps=4)
    late = verify(LINEAR, by_schedule(kind, 1), optimizer=optimizer, references=["torch"])
    assert late.status == "MISMATCH"


def test_a_velocity_in_units_that_change_with_the_rate_is_refused() -> None:
    def subject(p: Any, b: Any) -> dict[str, Any]:
        return {f"updated/{NAME}": p[NAME], f"updated/velocity/{NAME}": p[f"velocity/{NAME}"]}

    for reference, velocity in (("keras", "gradient"), ("torch", "step")):
        optimizer = Scheduled(Momentum(0.1, velocity=velocity), "exponential")  # type: ignore[arg-type]
        report = verify(LINEAR, subject, optimizer=optimizer, references=[reference])
        assert report.status == "ERROR"
        assert "keeps the velocity in other units" in report.cause


@pytest.mark.parametrize(
    "optimizer", [*CLIPPED, Scheduled(CLIPPED[0], "staircase", 0.5, 2)], ids=str
)
def test_it_survives_json(optimizer: Any) -> None:
    assert optimizers.from_json(optimizers.to_json(optimizer)) == optimizer


@pytest.mark.parametrize("limits", [{}, {"value": 1.0, "norm": 1.0}, {"norm": -1.0}])
def test_one_limit_is_wanted(limits: dict[str, float]) -> None:
    with pytest.raises(UsageError, match="give one of value, norm and global_norm"):
        Clipped(GradientDescent(0.1), **limits)
