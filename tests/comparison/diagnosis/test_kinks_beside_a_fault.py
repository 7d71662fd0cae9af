"""Another subgradient at an exact kink, which is right, does not hide a fault beside it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from backproof import Dense, Loss, Network, activations, verify
from backproof.mathematics.network.parameters import Batch, Parameters

ALPHA = 0.1
LEAKY = activations.named("leaky_relu", alpha=ALPHA)
NETWORK = Network((Dense(3, 4, LEAKY), Dense(4, 3, LEAKY), Dense(3, 2)), Loss("squared_error"))
TOLD = "in every hidden layer: the slope is {}; it should be where(z > 0, 1, 0.1)"
BESIDE = "where units lie exactly at their kink, it takes another slope"


def by_hand(below: float, above: Callable[[Any], Any]) -> Callable[[Parameters, Batch], Parameters]:
    def subject(p: Parameters, batch: Batch) -> Parameters:
        z, a, given = [], [batch.inputs], {}
        for k in (1, 2, 3):
            z.append(a[-1] @ p[f"dense_{k}/kernel"] + p[f"dense_{k}/bias"])
            a.append(z[-1] if k == 3 else np.where(z[-1] > 0, z[-1], ALPHA * z[-1]))
        delta = 2 * (a[-1] - batch.targets) / len(batch.targets)
        for k in (3, 2, 1):
            given[f"gradient/dense_{k}/kernel"] = a[k - 1].T @ delta
            given[f"gradient/dense_{k}/bias"] = delta.sum(axis=0)
            if k > 1:
                slope = np.where(above(z[k - 2]), 1, below)
                delta = delta @ p[f"dense_{k}/kernel"].T * slope
        return given

    return subject


@pytest.mark.parametrize("at_zero", [False, True])
def test_a_fault_is_told_whatever_is_taken_at_zero(at_zero: bool) -> None:
    subject = by_hand(-ALPHA, (lambda z: z >= 0) if at_zero else (lambda z: z > 0))
    cause = verify(NETWORK, subject, references=["torch"]).cause
    used = f"where(z {'>=' if at_zero else '>'} 0, 1, -0.1)"
    assert cause.startswith(TOLD.format(used))
    assert BESIDE not in cause  # it is read with the fault


@pytest.mark.parametrize("above", [lambda z: z >= 0, lambda z: z > 0])
def test_either_is_right_alone(above: Callable[[Any], Any]) -> None:
    report = verify(NETWORK, by_hand(ALPHA, above), references=["torch"])
    assert str(report.status) == "MATCH"
