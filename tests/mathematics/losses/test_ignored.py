"""Labels over positions, some of them ignored: reductions, twins, what goes wrong."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from backproof import Dense, Embedding, Loss, Network, UsageError, adapters, verify
from backproof.comparison.bounds.bounds import Bounds
from backproof.comparison.diagnosis import Evidence, diagnose
from backproof.comparison.judging.rows import Status
from backproof.comparison.record.record import SUBJECT
from backproof.mathematics.faults import planted
from backproof.mathematics.network.parameters import Batch, Parameters
from tests.comparison.diagnosis.grounds import judged, record_of
from tests.mathematics.faults.networks import EVERY_PLACE, EVERY_SAMPLE, LABELLED, OPTIMIZER

REDUCTIONS = ("mean", "sum", "samples", "valid")
IGNORED = -100


def network(batch: Any, activation: str = "softmax", scale: float = 1.0) -> Network:
    layers = (Embedding(7, 3), Dense(3, 5, activation))
    return Network(
        layers, Loss("masked_categorical_cross_entropy", batch, scale=scale), inputs=(6,)
    )


def by_hand(reduction: str, scale: float, p: Parameters, batch: Batch) -> dict[str, Any]:
    """As people write it, of integer labels with −100 where one is ignored."""
    table, w, b = (p[name] for name in ("embedding_1/table", "dense_1/kernel", "dense_1/bias"))
    x, labels = batch.inputs.astype(int), np.asarray(batch.targets)
    h = table[x]
    z = h @ w + b
    z = z - z.max(axis=-1, keepdims=True)
    probs = np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True)
    valid = labels != IGNORED
    divisor = {"mean": labels.size, "sum": 1, "samples": len(labels), "valid": valid.sum()}
    safe = np.where(valid, labels, 0)
    logs = z - np.log(np.exp(z).sum(axis=-1, keepdims=True))
    share = z.dtype.type(scale / divisor[reduction])
    picked = np.take_along_axis(logs, safe[..., None], axis=-1)[..., 0]
    dz = probs.copy()
    np.put_along_axis(
        dz, safe[..., None], np.take_along_axis(dz, safe[..., None], axis=-1) - 1, axis=-1
    )
    dz *= share * valid[..., None]
    dtable = np.zeros_like(table)
    np.add.at(dtable, x, dz @ w.T)
    return {
        "loss": -(picked * valid).sum() * share,
        "accuracy": float((probs.argmax(axis=-1) == labels)[valid].mean()),
        "gradient/embedding_1/table": dtable,
        "gradient/dense_1/kernel": np.einsum("nti,ntj->ij", h, dz),
        "gradient/dense_1/bias": dz.sum(axis=(0, 1)),
    }


def subject(reduction: str, scale: float = 1.0) -> Any:
    return adapters.integer_labels(lambda p, batch: by_hand(reduction, scale, p, batch))


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_right_code_matches(reduction: str) -> None:
    report = verify(network(reduction, scale=0.7), subject(reduction, 0.7), references=["torch"])
    assert str(report.status) == "MATCH", report.cause


@pytest.mark.slow(15)
@pytest.mark.parametrize(
    ("reference", "dtype", "reduction"),
    [
        ("keras", "float32", "valid"),
        ("keras", "float64", "samples"),
        ("jax", "float32", "mean"),
        ("jax", "float64", "valid"),
    ],
)
def test_other_twins_match(reference: str, dtype: Any, reduction: str) -> None:
    """In float32 a token occurs more than a thousand times, and terms of one sign add up."""
    of = network(reduction, "linear" if dtype == "float32" else "softmax")
    report = verify(of, subject(reduction), references=[reference], dtype=dtype)
    assert str(report.status) == "MATCH", report.cause


def test_the_mean_over_all_labels_is_told() -> None:
    report = verify(network("valid"), subject("mean"), references=["torch"])
    assert str(report.status) == "MISMATCH"
    assert "divided by the number of all of them" in report.cause


PLANTS = [
    (of, plant)
    for of in (LABELLED, EVERY_PLACE, EVERY_SAMPLE)
    for plant in planted(of, OPTIMIZER)
    if plant.fault.family == "ignored"
]


@pytest.mark.parametrize(("of", "plant"), PLANTS, ids=[plant.name for _, plant in PLANTS])
def test_a_fault_is_caught_and_named(of: Network, plant: Any) -> None:
    record = record_of(of, OPTIMIZER, intervene=plant.intervene)
    assert any(row.status is Status.MISMATCH for row in judged(record))
    diagnosis = diagnose(Evidence(record, Bounds(record), SUBJECT))
    assert diagnosis is not None
    assert [plant.name] in [
        [each.name for each in cause.suspect.plants] for cause in diagnosis.causes
    ]


def test_the_probe_of_one_label_ignores_all_others() -> None:
    record = record_of(LABELLED, OPTIMIZER)
    targets = record.batches["one_label"].targets
    assert targets.sum() == 1
    assert {row.status for row in judged(record)} <= {Status.MATCH}


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ([0.5, 0.5, 0.0], "row 1 of the targets is .* give one_hot, or zeros where the label"),
        ([1.0, 1.0, 0.0], "row 1 of the targets is .* give one_hot, or zeros where the label"),
    ],
)
def test_what_is_no_label_is_told(row: list[float], said: str) -> None:
    loss = Loss("masked_categorical_cross_entropy").function
    assert loss.check_targets(np.eye(3)) is None
    assert loss.check_targets(np.diag([1.0, 0.0, 1.0])) is None
    told = loss.check_targets(np.array([[0.0, 1.0, 0.0], row]))
    assert told is not None
    assert told.startswith(said.split(" .* ")[0])
    assert said.split(" .* ")[1] in told


def test_nothing_but_ignored_labels_is_told() -> None:
    loss = Loss("masked_categorical_cross_entropy").function
    assert loss.check_targets(np.zeros((2, 3))) == (
        "all labels are ignored: give one at least that is not"
    )


def test_a_mean_over_valid_rows_needs_a_loss_that_ignores() -> None:
    with pytest.raises(UsageError, match="it ignores no labels; give 'mean', or masked_"):
        Loss("categorical_cross_entropy", "valid")
    with pytest.raises(UsageError, match="choose 'mean', 'sum', 'samples' or 'valid'"):
        Loss("categorical_cross_entropy", "avg")  # type: ignore[arg-type]


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_it_survives_json(reduction: str) -> None:
    of = network(reduction)
    assert Network.from_json(json.loads(json.dumps(of.to_json()))) == of
