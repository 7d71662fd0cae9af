"""Large recorded batches: the same verdicts, of fewer replicas of fewer tensors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from backproof import Dense, GradientDescent, Loss, Network, Report, check, verify
from backproof.comparison.bounds import bound, bounds, worst_case
from backproof.comparison.judging import verdicts
from backproof.comparison.judging.rows import Status
from backproof.implementations.host import mapped
from backproof.mathematics.arithmetic.balls import ball
from backproof.mathematics.arithmetic.floating import Float
from backproof.mathematics.definition.evaluate import evaluate
from backproof.mathematics.definition.step import step
from backproof.mathematics.network.parameters import Batch

SAMPLES = 3000


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Everything counts as large; returns what spreads are asked for, as it is asked."""
    for module in (mapped, bound, worst_case):
        monkeypatch.setattr(module, "LARGE", 1)
    monkeypatch.setattr(ball, "MOST_KEPT", 0)
    monkeypatch.setattr(verdicts, "explain", lambda *_: False)  # the verdict alone
    asked: list[Any] = []
    spreads_at = bounds.spreads_at

    def noted(*given: Any, **how: Any) -> Any:
        asked.append(how.get("only"))
        return spreads_at(*given, **how)

    monkeypatch.setattr(bounds, "spreads_at", noted)
    return asked


def layer(factor: float = 1.0) -> Report:
    """A layer's numbers in float32; its bias gradient times a factor."""
    rng = np.random.default_rng(0)
    x, dout, w = (
        rng.normal(size=shape).astype("float32") for shape in ((SAMPLES, 8), (SAMPLES, 8), (8, 8))
    )
    b = rng.normal(size=8).astype("float32")
    y = np.maximum(x @ w + b, 0)
    dz = dout * (y > 0)
    return check.recorded(
        Dense(8, 8, "relu"),
        inputs=x,
        parameters={"kernel": w, "bias": b},
        upstream=dout,
        outputs=y,
        gradients={
            "inputs": dz @ w.T,
            "kernel": x.T @ dz,
            "bias": dz.sum(axis=0) * np.float32(factor),
        },
    )


def test_only_what_the_worst_case_leaves_open_has_replicas(large: list[Any]) -> None:
    """The outputs and the gradient by the inputs are sums of eight terms: those are proven."""
    layer().assert_match()
    assert large == [{"gradient/dense_1/kernel", "gradient/dense_1/bias"}]


def test_a_fault_in_a_large_batch_is_found(large: list[Any]) -> None:
    report = layer(1.01)
    assert {row.name for row in report.rows if row.status is Status.MISMATCH} == {
        "gradient/dense_1/bias"
    }


def network_recorded(factor: float = 1.0) -> Report:
    rng = np.random.default_rng(1)
    network = Network((Dense(8, 16, "relu"), Dense(16, 1)), Loss("squared_error"))
    optimizer = GradientDescent(0.1)
    state = {
        name: rng.normal(0, 0.5, each.shape).astype("float32")
        for name, each in network.parameters.items()
    }
    batch = Batch(
        rng.normal(size=(SAMPLES, 8)).astype("float32"),
        rng.normal(size=(SAMPLES, 1)).astype("float32"),
    )
    found = evaluate(Float(), network, state, batch)
    found |= step(Float(), network, state, found, optimizer, batch=batch)
    kept = {n: v for n, v in found.items() if n.startswith(("activation", "gradient", "updated"))}
    kept["gradient/dense_1/kernel"] = kept["gradient/dense_1/kernel"] * np.float32(factor)
    given = {f"parameters/{name}": value for name, value in state.items()}
    given |= {"inputs": batch.inputs, "targets": batch.targets, **kept}
    return verify(network, recorded=given, optimizer=optimizer)


def test_a_network_is_judged_as_if_it_were_small(large: list[Any]) -> None:
    network_recorded().assert_match()
    report = network_recorded(1.01)
    off = {row.name for row in report.rows if row.status is Status.MISMATCH}
    assert off == {"gradient/dense_1/kernel"}
