"""Activations by name, with the fields that they have."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import fields

import numpy as np
import pytest

from backproof import Dense, Loss, Network
from backproof.mathematics import functions
from backproof.mathematics.errors import UsageError
from tests.mathematics.arithmetic.ball_forms import FUNCTIONS


def test_every_file_is_tested_somewhere() -> None:
    assert {function.name for function in FUNCTIONS.values()} == set(functions.names())


def test_what_is_not_given_has_the_usual_value() -> None:
    """Those of PyTorch and JAX; Keras's leaky ReLU has 0.2 as a function and 0.3 as a layer."""
    usual = {
        (name, field.name): field.default
        for name in functions.names()
        for field in fields(functions.named(name))  # type: ignore[arg-type]
    }
    assert usual == {
        ("elu", "alpha"): 1.0,
        ("gelu", "approximate"): False,
        ("hard_sigmoid", "slope"): 1 / 6,
        ("hard_sigmoid", "offset"): 0.5,
        ("leaky_relu", "alpha"): 0.01,
    }
    assert Dense(2, 3, "leaky_relu") == Dense(2, 3, functions.named("leaky_relu", alpha=0.01))


def test_a_network_with_fields_survives_json() -> None:
    layers = [Dense(2, 2, function) for function in FUNCTIONS.values()]
    network = Network((*layers, Dense(2, 1)), Loss("hinge"))
    described = json.loads(json.dumps(network.to_json()))
    assert Network.from_json(described) == network
    assert {"name": "leaky_relu", "alpha": 0.3} in [x["activation"] for x in described["layers"]]


@pytest.mark.parametrize(
    ("name", "given", "says"),
    [
        ("leaky_relu", {"slope": 0.1}, "'leaky_relu' has no field 'slope'; it has alpha"),
        ("tanh", {"alpha": 0.1}, "'tanh' has no field 'alpha'; it has none"),
        ("elu", {"alpha": np.nan}, "elu(alpha=nan): give a finite number"),
        ("elu", {"alpha": "1"}, "elu(alpha='1'): give a finite number"),
        ("gelu", {"approximate": "tanh"}, "gelu(approximate='tanh'): give True or False"),
        ("gelu", {"approximate": 1.0}, "gelu(approximate=1.0): give True or False"),
        ("swoosh", {}, "no activation 'swoosh'; there are elu, gelu, hard_sigmoid"),
    ],
)
def test_what_is_wrong_with_a_field_is_said(name: str, given: dict, says: str) -> None:
    with pytest.raises(UsageError) as raised:
        functions.named(name, **given)
    assert says in str(raised.value)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_dtype_is_kept(name: str, dtype: str) -> None:
    function = FUNCTIONS[name]
    z = np.array([[-3.0, -0.1], [0.0, 2.0]], dtype)
    a = function.value(z)
    assert a.dtype == dtype
    assert function.vjp(z, a, np.ones_like(z)).dtype == dtype


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", [name for name in FUNCTIONS if name != "softmax"])
def test_nothing_overflows_that_need_not(name: str, dtype: str) -> None:
    """z² and z³ overflow, exp(z) too; a slope is 0·∞ in none."""
    function = FUNCTIONS[name]
    z = np.array([[-1e30, -1e20, -800.0, 800.0, 1e20, 1e30]], dtype)
    with np.errstate(over="ignore"):
        a = function.value(z)
        slope = function.vjp(z, a, np.ones_like(z))
    assert np.isfinite(a).all()
    assert np.isfinite(slope).all()


def test_they_are_reached_through_the_package_alone() -> None:
    code = "import backproof; print(backproof.activations.named('elu', alpha=0.5))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "Elu(alpha=0.5)"


def test_a_network_shows_its_activations_by_name() -> None:
    layers = (Dense(2, 3, "relu"), Dense(3, 1, functions.named("leaky_relu", alpha=0.5)))
    shown = repr(Network(layers, Loss("squared_error")))
    assert "fan_out=3, activation=Relu(), " in shown
    assert "fan_out=1, activation=LeakyRelu(alpha=0.5), " in shown
