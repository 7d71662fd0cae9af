"""Where two disagree, the definition says who is wrong; where they agree, whether both are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from backproof.comparison.bounds.bounds import Bounds
from backproof.comparison.judging.rows import Row, Status
from backproof.comparison.pairing.pairing import Pairing
from backproof.comparison.record.record import Point
from backproof.comparison.run import Judged, Workers, verify
from backproof.mathematics.network.loss import Loss
from backproof.mathematics.network.parameters import Batch, Parameters
from backproof.mathematics.optimizers.momentum import Momentum
from tests.gauging.gate.conftest import TODAY
from tests.workers import Shared

STOCK_L2 = '''
import keras

def clusters():
    """As in reference/, but with Keras's own penalty, whose coefficient it rounds to float32."""
    layers = keras.layers
    model = keras.Sequential([
        keras.Input((2,)),
        layers.Dense(5, activation="relu", kernel_regularizer=keras.regularizers.L2(0.005)),
        layers.Dense(3, kernel_regularizer=keras.regularizers.L2(0.005)),
    ])
    model.compile(
        optimizer=keras.optimizers.SGD(0.01),
        loss=keras.losses.CategoricalCrossentropy(from_logits=True),
    )
    return model
'''


def rows_of(pairing: Pairing, workers: Workers) -> list[Row]:
    (judged,) = verify([replace(pairing, steps=2)], workers, TODAY)
    assert isinstance(judged, Judged)
    return judged.rows


def test_keras_rounds_its_l2_coefficient_to_float32(
    pairings: dict[str, Pairing], shared: Shared, tmp_path: Path
) -> None:
    model = tmp_path / "stock.py"
    model.write_text(STOCK_L2)
    pairing = replace(pairings["clusters"], references={"keras": f"{model}:clusters"})
    rows = rows_of(pairing, shared("keras"))
    wrong = [row for row in rows if row.status is Status.AT_FAULT]  # by the certified values
    assert {row.name for row in wrong} == {
        "loss",
        *(f"gradient/dense_{i}/kernel" for i in (1, 2)),
        *(f"updated/dense_{i}/kernel" for i in (1, 2)),
    }
    assert all(row.cause.startswith("reference at fault: the subject is within") for row in wrong)
    assert all("which coefficients held in float32 explain" in row.cause for row in wrong)
    # The size that was measured is that of the coefficient: ∂(c·Σw²)/∂w = 2cw.
    assert not isinstance(pairing.initial, str)
    weights = pairing.initial()
    off = abs(float(np.float32(0.005)) - 0.005)
    for row in wrong:
        if row.quantity == "gradient" and row.point == "data" and row.step == 0:
            assert row.max_abs_diff is not None
            assert row.bound is not None
            assert abs(row.max_abs_diff - 2 * off * np.abs(weights[row.tensor]).max()) <= row.bound
    told = [row for row in wrong if row.point == "data" and row.step == 0 and row.subject_digits]
    assert all(row.reference_digits < row.subject_digits for row in told if row.reference_digits)


@pytest.mark.slow(6)
def test_keras_rounds_its_momentum_to_float32(pairings: dict[str, Pairing], shared: Shared) -> None:
    """0.9 as float32 is off by 2.6e-8 of itself; a momentum that float32 holds is no fault."""
    off = float(np.float32(0.9)) - 0.9
    workers = shared("keras", "torch")
    judged = with_momentum(pairings["circles"], Momentum(0.01, 0.9), workers)
    wrong = [row for row in judged.rows if row.status is not Status.MATCH]
    # PyTorch and the certified value side with the subject, and float32 explains the size.
    assert {row.status for row in wrong} == {Status.AT_FAULT}
    assert {(row.reference, row.quantity) for row in wrong} == {("keras", "updated")}
    assert all(row.cause.startswith("reference at fault: the subject is within") for row in wrong)
    # velocity' = 0.9·velocity + gradient: what the coefficient is off by, the velocity multiplies.
    bounds = Bounds(judged.record)
    probed = [row for row in wrong if row.tensor.startswith("velocity/") and row.point != "data"]
    assert probed
    for row in probed:
        point = Point(row.point, row.step)
        velocity = judged.record.parameters[point][row.tensor]
        keras, subject = (
            judged.record.evaluations[who][point][row.name] for who in ("keras", "subject")
        )
        unexplained = np.abs(keras - subject - off * velocity)
        assert (unexplained <= 2 * bounds.at("keras", point).radii[row.name]).all()
    exact = with_momentum(pairings["circles"], Momentum(0.01, 0.75), workers)
    assert {row.status for row in exact.rows} == {Status.MATCH}


def with_momentum(pairing: Pairing, optimizer: Momentum, workers: Workers) -> Judged:
    """The pairing's gradients, with a step with momentum written by hand, judged."""

    def stepping(parameters: Parameters, batch: Batch) -> dict[str, np.ndarray]:
        weights = {name: a for name, a in parameters.items() if name.startswith("dense")}
        given = pairing.subject(weights, batch)
        results = {f"gradient/{name}": given[f"gradient/{name}"] for name in weights}
        for name, w in weights.items():
            velocity = parameters[f"velocity/{name}"] * optimizer.momentum
            velocity += results[f"gradient/{name}"]
            results[f"updated/velocity/{name}"] = velocity
            results[f"updated/{name}"] = w - optimizer.learning_rate * velocity
        return results

    changed = replace(
        pairing,
        subject=stepping,
        optimizer=optimizer,
        references={"keras": None, "torch": None},
        quantities=("gradient", "updated"),
        steps=2,
    )
    (judged,) = verify([changed], workers, TODAY)
    assert isinstance(judged, Judged)
    return judged


def test_a_network_that_describes_neither_is_a_mismatch(
    pairings: dict[str, Pairing], torch_worker: Workers
) -> None:
    """Subject and twin agree to the last bit; the bounds were derived for something else."""
    circles = pairings["circles"]
    network = replace(circles.network, loss=Loss("binary_cross_entropy", scale=2.0))
    rows = rows_of(replace(circles, network=network), torch_worker)
    wrong = [row for row in rows if row.status is Status.MISMATCH]
    assert {row.quantity for row in wrong} == {"loss", "gradient", "updated"}
    assert all("agree, but not with the pairing's Network" in row.cause for row in wrong)
    assert all(
        "of another loss: the loss and its gradient carry a factor ½" in r.cause for r in wrong
    )


def test_overflow_is_undecided_where_the_bound_was_lost(
    pairings: dict[str, Pairing], torch_worker: Workers
) -> None:
    """Weights of 1e200: the second layer overflows, and nothing can be said from there on."""
    circles = pairings["circles"]
    initial = circles.initial
    assert not isinstance(initial, str)
    huge = {name: array * 1e200 for name, array in initial().items()}
    rows = rows_of(
        replace(circles, initial=lambda: huge, quantities=("activation", "loss", "gradient")),
        torch_worker,
    )
    data = [row for row in rows if row.point == "data"]
    assert data
    assert not any(
        row.status is Status.MATCH for row in data if row.name not in ("activation/dense_1",)
    )


@pytest.mark.parametrize("step", [1])
def test_a_twin_that_is_right_is_not_blamed(
    step: int, pairings: dict[str, Pairing], torch_worker: Workers
) -> None:
    rows = rows_of(pairings["clusters"], torch_worker)
    assert {row.status for row in rows} == {Status.MATCH}
    assert max(row.step for row in rows) == step
