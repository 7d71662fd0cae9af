"""The focal loss as people write it: right forms match, and mistakes are named."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from backproof import Dense, Loss, Network, UsageError, verify
from backproof.mathematics import losses
from backproof.mathematics.network.parameters import Batch, Parameters

NETWORK = Network((Dense(4, 5, "tanh"), Dense(5, 2, "sigmoid")), Loss("focal"))
GAMMA, ALPHA = 2.0, 0.25
Values = Any
Slope = Callable[[Values, Values, Values], Values]


def entropy(z: Values, y: Values) -> Values:
    return np.logaddexp(z.dtype.type(0), z) - y * z


def plain(z: Values, a: Values, y: Values) -> Values:
    """By p, as automatic differentiation of torchvision's form has it."""
    p = y * a + (1 - y) * (1 - a)
    own = (1 - p) ** 2 * (a - y)
    return weight(y) * (own - 2 * (1 - p) * (2 * y - 1) * a * (1 - a) * entropy(z, y))


def weight(y: Values) -> Values:
    return ALPHA * y + (1 - ALPHA) * (1 - y)


def by_hand(slope: Slope) -> Callable[[Parameters, Batch], Parameters]:
    def subject(p: Parameters, batch: Batch) -> Parameters:
        x, y, n = batch.inputs, batch.targets, len(batch.inputs)
        hidden = np.tanh(x @ p["dense_1/kernel"] + p["dense_1/bias"])
        z = hidden @ p["dense_2/kernel"] + p["dense_2/bias"]
        a = 1 / (1 + np.exp(-z))
        missed = 1 - (y * a + (1 - y) * (1 - a))
        delta = slope(z, a, y) / n
        back = delta @ p["dense_2/kernel"].T * (1 - hidden**2)
        return {
            "loss": np.asarray((weight(y) * missed**GAMMA * entropy(z, y)).sum() / n),
            "gradient/dense_2/kernel": hidden.T @ delta,
            "gradient/dense_2/bias": delta.sum(axis=0),
            "gradient/dense_1/kernel": x.T @ back,
            "gradient/dense_1/bias": back.sum(axis=0),
        }

    return subject


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.filterwarnings("ignore:overflow encountered in exp")
def test_right_forms_match(dtype: str) -> None:
    report = verify(NETWORK, by_hand(plain), references=["torch"], dtype=dtype)
    assert str(report.status) == "MATCH", report.cause


MISTAKES: dict[str, tuple[Slope, str]] = {
    "constant": (
        lambda z, a, y: weight(y) * (1 - (y * a + (1 - y) * (1 - a))) ** 2 * (a - y),
        "the factor (1 − p)^γ is taken for a constant in the gradient",
    ),
    "entropy": (lambda z, a, y: a - y, "the gradient is that of the cross-entropy, a − y"),
}


@pytest.mark.parametrize("name", MISTAKES)
@pytest.mark.filterwarnings("ignore:overflow encountered in exp")
def test_mistakes_are_named(name: str) -> None:
    slope, told = MISTAKES[name]
    report = verify(NETWORK, by_hand(slope), references=["torch"])
    assert str(report.status) == "MISMATCH"
    assert report.cause.startswith(told)


@pytest.mark.parametrize("fields", [{"gamma": 0.5}, {"gamma": -1.0}, {"alpha": 1.5}])
def test_fields_that_mean_nothing_are_refused(fields: dict[str, float]) -> None:
    with pytest.raises(UsageError, match=r"gamma is 0, or 1 or more; alpha lies in \[0, 1\]"):
        losses.named("focal", **fields)
