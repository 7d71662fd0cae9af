"""A twin that ends in its sigmoid, and takes its loss of that, is compared as what it declares."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backproof import Batch, Dense, Form, GradientDescent, Loss, Network, Pairing, Parameters
from backproof.comparison.judging.rows import Row, Status
from backproof.comparison.run import Judged, Workers, verify
from backproof.mathematics.errors import UsageError
from tests.gauging.gate.conftest import TODAY
from tests.workers import Shared

MODELS = """
def in_keras():
    import keras
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, activation="sigmoid")])
    model.compile(optimizer=keras.optimizers.SGD(0.5), loss=keras.losses.BinaryCrossentropy())
    return model

def in_torch():
    import torch
    class Logistic(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.output = torch.nn.Linear(2, 1)
        def forward(self, inputs):
            return torch.sigmoid(self.output(inputs))
        def loss(self, outputs, targets):
            return torch.nn.functional.binary_cross_entropy(outputs, targets)
        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), lr=0.5)
    return Logistic()
"""


def subject(parameters: Parameters, batch: Batch) -> dict[str, Any]:
    p = 1 / (1 + np.exp(-batch.inputs @ parameters["dense_1/kernel"] - parameters["dense_1/bias"]))
    y, delta = batch.targets, (p - batch.targets) / len(p)
    gradients = {
        "dense_1/kernel": batch.inputs.T @ delta,
        "dense_1/bias": delta.sum(axis=0),
    }
    return {
        "activation/dense_1": p,
        "loss": -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p)),
        **{f"gradient/{name}": gradient for name, gradient in gradients.items()},
        **{f"updated/{name}": parameters[name] - 0.5 * g for name, g in gradients.items()},
        "accuracy": np.mean((p > 0.5) == (y > 0.5)),
        "parameter_count": 3,
        "parameter_count/dense_1": 3,
    }


PAIRING = Pairing(
    name="logistic",
    network=Network((Dense(2, 1, "sigmoid"),), Loss("binary_cross_entropy")),
    subject=subject,
    data=lambda: Batch(np.random.default_rng(0).normal(size=(20, 2)), np.arange(20.0)[:, None] % 2),
    initial=lambda: {"dense_1/kernel": np.ones((2, 1)), "dense_1/bias": np.zeros(1)},
    optimizer=GradientDescent(0.5),
    steps=2,
)
FORMS = {
    "subject": Form("probabilities"),
    "keras": Form.of_keras(),
    "torch": Form.of_torch(),
}


@pytest.fixture(scope="module")
def workers(shared: Shared) -> Workers:
    return shared("keras", "torch")


def rows_with(forms: dict[str, Form], workers: Workers, folder: Path) -> list[Row]:
    models = folder / "models.py"
    models.write_text(MODELS)
    references = {name: f"{models}:in_{name}" for name in ("keras", "torch")}
    pairing = replace(PAIRING, forms=forms, references=references)
    (judged,) = verify([pairing], workers, TODAY, certified=False)
    assert isinstance(judged, Judged)
    return judged.rows


def test_declared_forms_match(workers: Workers, tmp_path: Path) -> None:
    rows = rows_with(FORMS, workers, tmp_path)
    assert {row.reference for row in rows} == {"keras", "torch"}
    assert [row for row in rows if row.status is not Status.MATCH] == []


@pytest.mark.parametrize("reference", ["keras", "torch"])
def test_probabilities_taken_for_logits_are_a_mismatch(
    reference: str, workers: Workers, tmp_path: Path
) -> None:
    forms = {name: form for name, form in FORMS.items() if name != reference}
    wrong = [row for row in rows_with(forms, workers, tmp_path) if row.status is Status.MISMATCH]
    assert {(row.reference, row.name) for row in wrong} >= {(reference, "activation/dense_1")}
    assert {row.reference for row in wrong} == {reference}


def test_a_jax_twin_takes_logits(shared: Shared) -> None:
    forms = {"subject": FORMS["subject"], "jax": Form("probabilities")}
    pairing = replace(PAIRING, forms=forms, references={"jax": "models.py:forward"})
    (judged,) = verify([pairing], shared("jax"), TODAY)
    assert isinstance(judged, Judged)
    assert {row.status for row in judged.rows} == {Status.ERROR}
    assert all("a JAX twin's loss is of logits" in row.cause for row in judged.rows)


def test_a_twin_built_from_the_network_has_no_probabilities() -> None:
    with pytest.raises(UsageError, match="built from the network, whose loss is of logits"):
        replace(PAIRING, forms=FORMS)
