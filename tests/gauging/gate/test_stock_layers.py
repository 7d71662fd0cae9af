"""Stock layers that do not hold in float64 what they should are named, with their measured size.

TensorFlow keeps the slope of its leaky ReLU, and √2 and 0.044715 of its GELU, in float32; PyTorch's
softplus is z itself from 20 on. The twins that are built from a network do without; here a user's
model has them. In float32 they are right.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from backproof.comparison.judging.rows import Row, Status, exit_status
from backproof.comparison.pairing.pairing import Pairing
from backproof.comparison.run import Judged, Workers, verify
from backproof.mathematics import functions
from backproof.mathematics.functions import Activation
from backproof.mathematics.layers.dense import Dense
from backproof.mathematics.network.loss import Loss
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.parameters import Batch
from backproof.mathematics.optimizers.gradient_descent import GradientDescent
from backproof.mathematics.probes.drawn import drawn_parameters
from tests.gauging.gate.conftest import TODAY
from tests.halves import slow_but
from tests.mathematics.arithmetic.ball_gelu import FUNCTIONS as GELU
from tests.mathematics.arithmetic.plain_code import FORWARD, inner, with_numpy
from tests.workers import Shared

MODELS = {
    "keras": """
import keras

def model(activation):
    return keras.Sequential([
        keras.Input((2,)),
        keras.layers.Dense(3, activation=activation),
        keras.layers.Dense(1),
    ])

def leaky_relu():
    return model(keras.layers.LeakyReLU(negative_slope=0.3))

def gelu():
    return model("gelu")

def gelu_tanh():
    return model(lambda z: keras.activations.gelu(z, approximate=True))
""",
    "torch": """
from torch import nn

def softplus():
    return nn.Sequential(nn.Linear(2, 3), nn.Softplus(), nn.Linear(3, 1))
""",
}


def pairing_of(function: Activation, size: float = 1.0) -> Pairing:
    """Hand-written NumPy; inputs of that size."""
    network = Network((Dense(2, 3, function), Dense(3, 1)), Loss("squared_error", outputs="mean"))
    stream = np.random.default_rng(4)
    parameters = drawn_parameters(network, stream)
    batch = Batch(size * stream.normal(size=(40, 2)), stream.normal(size=(40, 1)))
    return Pairing(
        name="stock",
        network=network,
        subject=lambda parameters, batch: with_numpy(network, parameters, batch),
        data=lambda: batch,
        initial=lambda: parameters,
        optimizer=GradientDescent(0.3),
        steps=1,
        quantities=("activation", "loss", "gradient"),
    )


@pytest.fixture(scope="module", params=slow_but(["float64"], ["float64", "float32"], 1))
def keras_worker(request: pytest.FixtureRequest, shared: Shared) -> Workers:
    return shared("keras", dtype=request.param)


def judged(pairing: Pairing, model: str, workers: Workers, folder: Path) -> list[Row]:
    (reference,) = workers.by_name
    (folder / "stock.py").write_text(MODELS[reference])
    references = {reference: f"{folder / 'stock.py'}:{model}"}
    (found,) = verify([replace(pairing, references=references)], workers, TODAY)
    assert isinstance(found, Judged)
    return found.rows


def first_activation(rows: list[Row]) -> Row:
    (row,) = (r for r in rows if r.point == "data" and r.name == "activation/dense_1")
    return row


def pre_activations(pairing: Pairing) -> np.ndarray:
    assert not isinstance(pairing.initial, str)
    w = pairing.initial()
    return pairing.data().inputs @ w["dense_1/kernel"] + w["dense_1/bias"]


def leaky_off(z: np.ndarray) -> np.ndarray:
    """The slope is off by what float32 leaves of 0.3."""
    return np.minimum(z, 0) * (float(np.float32(0.3)) - 0.3)


def gelu_off(z: np.ndarray) -> np.ndarray:
    """√2 in float32 moves z/√2 by a share of d, and Φ by −d·z·φ."""
    share = float(np.float32(np.sqrt(2))) / np.sqrt(2) - 1
    return -share * z * z * np.exp(-0.5 * z * z) / np.sqrt(2 * np.pi)


def gelu_tanh_off(z: np.ndarray) -> np.ndarray:
    """0.044715 in float32 moves w."""
    off = float(np.float32(0.044715)) - 0.044715
    return 0.5 * z * (1 - np.tanh(inner(z)) ** 2) * np.sqrt(2 / np.pi) * off * z**3


KERAS = {
    "leaky_relu": (functions.named("leaky_relu", alpha=0.3), leaky_off),
    "gelu": (GELU["gelu"], gelu_off),
    "gelu_tanh": (GELU["gelu tanh"], gelu_tanh_off),
}


@pytest.mark.parametrize("model", KERAS)
def test_keras_holds_coefficients_in_float32(
    model: str, keras_worker: Workers, tmp_path: Path
) -> None:
    function, off = KERAS[model]
    pairing = pairing_of(function)
    rows = judged(pairing, model, keras_worker, tmp_path)
    if keras_worker.dtype == "float32":
        assert not [row for row in rows if row.status in (Status.MISMATCH, Status.ERROR)]
        assert first_activation(rows).status is Status.MATCH
        return
    wrong = [row for row in rows if row.status is Status.AT_FAULT]  # by the certified values
    assert exit_status([row.status for row in rows]) == 0
    assert {row.quantity for row in wrong} == {"activation", "loss", "gradient"}
    assert all(row.cause.startswith("reference at fault: the subject is within") for row in wrong)
    # The size that was measured is that of the coefficient, to the first order in it.
    row, expected = first_activation(rows), np.abs(off(pre_activations(pairing))).max()
    assert row.max_abs_diff is not None
    assert row.bound is not None
    assert expected > 1e-10
    assert abs(row.max_abs_diff - expected) <= row.bound + 1e-6 * expected


@pytest.mark.parametrize("model", KERAS)
def test_where_pytorch_sides_with_the_subject_it_passes(
    model: str, shared: Shared, tmp_path: Path
) -> None:
    """Keras is named for the fault that it is known for, and the subject is judged by PyTorch."""
    (tmp_path / "stock.py").write_text(MODELS["keras"])
    references = {"keras": f"{tmp_path / 'stock.py'}:{model}", "torch": None}
    pairing = replace(pairing_of(KERAS[model][0]), references=references)
    (found,) = verify([pairing], shared("keras", "torch"), TODAY)
    assert isinstance(found, Judged)
    assert exit_status([row.status for row in found.rows]) == 0
    assert {row.status for row in found.rows if row.reference == "torch"} == {Status.MATCH}
    faulty = [row for row in found.rows if row.status is Status.AT_FAULT]
    assert {(row.reference, row.quantity) for row in faulty} == {
        ("keras", quantity) for quantity in ("activation", "loss", "gradient")
    }
    assert all("which coefficients held in float32 explain" in row.cause for row in faulty)


def test_the_twin_that_is_built_is_right(keras_worker: Workers) -> None:
    for function, _ in KERAS.values():
        pairing = replace(pairing_of(function), references={"keras": None})
        (found,) = verify([pairing], keras_worker, TODAY)
        assert isinstance(found, Judged)
        assert not [r for r in found.rows if r.status in (Status.MISMATCH, Status.ERROR)]
        assert first_activation(found.rows).status is Status.MATCH


@pytest.mark.parametrize("dtype", slow_but(["float64"], ["float64", "float32"], 1))
def test_pytorch_cuts_its_softplus_off_at_20(dtype: str, shared: Shared, tmp_path: Path) -> None:
    pairing = pairing_of(functions.named("softplus"), size=20.0)
    workers = shared("torch", dtype=dtype)
    rows = judged(pairing, "softplus", workers, tmp_path)
    twin = replace(pairing, references={"torch": None})
    (built,) = verify([twin], workers, TODAY)
    assert isinstance(built, Judged)
    assert not [r for r in built.rows if r.status in (Status.MISMATCH, Status.ERROR)]
    row = first_activation(rows)
    if dtype == "float32":
        assert row.status is Status.MATCH
        return
    assert row.status is Status.MISMATCH
    assert row.cause.startswith("reference at fault: the subject is within")
    z = pre_activations(pairing)
    expected = (FORWARD["softplus"](z) - z)[z > 20].max()
    assert row.max_abs_diff is not None
    assert row.bound is not None
    assert expected > 1e-10
    assert abs(row.max_abs_diff - expected) <= row.bound
