"""A bias as the first or last, row or column of its kernel: each place, and a wrong one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from backproof import Dense, Loss, Network, UsageError, verify
from backproof.comparison.judging.rows import Status
from backproof.implementations import adapters

NETWORK = Network((Dense(2, 3, "tanh"), Dense(3, 3)), Loss("squared_error", batch="sum", scale=0.5))
PLACES = ("first row", "last row", "first column", "last column")


def joined(where: str) -> Any:
    """Code that keeps its biases there."""
    first, row = where.startswith("first"), where.endswith("row")

    def ones(x: np.ndarray) -> np.ndarray:
        column = np.ones((len(x), 1))
        return np.hstack([column, x] if first else [x, column])

    def subject(parameters: Any, batch: Any) -> dict[str, Any]:
        w1, w2 = (parameters[f"dense_{i}/kernel"] for i in (1, 2))
        w1, w2 = (w1, w2) if row else (w1.T, w2.T)
        x1 = ones(batch.inputs)
        a1 = np.tanh(x1 @ w1)
        x2 = ones(a1)
        delta2 = x2 @ w2 - batch.targets
        inner = w2[1:] if first else w2[:-1]
        delta1 = delta2 @ inner.T * (1 - a1 * a1)
        found = x1.T @ delta1, x2.T @ delta2
        return {
            f"gradient/dense_{i}/kernel": g if row else g.T for i, g in enumerate(found, start=1)
        }

    return subject


def adapted(where: str, declared: str) -> Any:
    wrapped = adapters.bias_in_kernel(joined(where), declared)
    return adapters.transposed(wrapped) if declared.endswith("column") else wrapped


@pytest.mark.parametrize("where", PLACES)
def test_each_place(where: str) -> None:
    report = verify(NETWORK, adapted(where, where), references=["torch"])
    assert report.status is Status.MATCH
    assert {r.name for r in report.comparisons} == {f"gradient/{n}" for n in NETWORK.shapes()}


@pytest.mark.parametrize(
    ("where", "declared"), [("first row", "last row"), ("last column", "first column")]
)
def test_the_other_end_is_wrong(where: str, declared: str) -> None:
    assert not verify(NETWORK, adapted(where, declared), references=["torch"]).passed


def test_a_place_that_is_none() -> None:
    with pytest.raises(
        UsageError, match="choose 'first row', 'last row', 'first column' or 'last column'"
    ):
        adapters.bias_in_kernel(joined("first row"), "top")
