"""The model's summary and weights, against Keras's own."""

import json
import os
import re
import subprocess
import sys
from functools import cache
from typing import Any

import numpy as np
import pytest
from scipy.special import expit

from backproof.implementations.client import ENVIRONMENT
from scratch import breast_cancer
from scratch.summary import readable, table
from tests.halves import slow_but
from tests.project import ROOT

INPUTS = np.random.default_rng(0).integers(-3, 4, (5, 30))

# Keras is imported in a process of its own, as everywhere. It is told the weights as they are, and
# answers with its summary and the logits.
IN_KERAS = """
import json, sys
import keras, numpy as np
from reference.keras_models import breast_cancer
answers = {}
for dtype, given in json.load(sys.stdin).items():
    keras.config.set_floatx(dtype)
    keras.utils.clear_session()
    model = breast_cancer()
    model.set_weights([np.array(w) for w in given["weights"]])
    lines = []
    model.summary(print_fn=lines.append)
    logits = model.predict(np.array(given["inputs"]), verbose=0)
    answers[dtype] = {"summary": "".join(lines), "logits": logits.tolist()}
print(json.dumps(answers))
"""
DTYPES = ("float64", "float32")


@pytest.fixture(scope="module", params=slow_but([], DTYPES, 3))
def both(request: pytest.FixtureRequest) -> tuple[breast_cancer.Model, dict[str, Any]]:
    """The model, and what Keras's says with the same weights."""
    models, answers = asked()
    return models[request.param], answers[request.param]


@cache
def asked() -> tuple[dict[str, breast_cancer.Model], dict[str, Any]]:
    """The models, and what Keras's say: in one process for both dtypes, for it takes seconds."""
    models = {dtype: breast_cancer.article(3, dtype=dtype) for dtype in DTYPES}
    given = {}
    for dtype, model in models.items():
        whole = [np.round(10 * w) for w in model.get_weights()]
        model.set_weights([*whole[:-2], whole[-2] / 2**12, whole[-1]])
        weights = [w.tolist() for w in model.get_weights()]
        given[dtype] = {"weights": weights, "inputs": INPUTS.tolist()}
    done = subprocess.run(
        [sys.executable, "-c", IN_KERAS],
        input=json.dumps(given),
        cwd=ROOT,
        env=os.environ | ENVIRONMENT,
        capture_output=True,
        text=True,
        check=True,
    )
    return models, json.loads(done.stdout.splitlines()[-1])


def parsed(summary: str) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """(output shape, parameters) of each layer; (what, how many and their size) of each total."""
    layers = re.findall(r"(\(None, \d+\))\s*│?\s+([\d,]+)", summary)
    totals = re.findall(r"(Total|Trainable|Non-trainable) params: (.*?)\s*$", summary, re.MULTILINE)
    return layers, totals


def test_the_summary_is_that_of_keras_parameter_for_parameter(
    both: tuple[breast_cancer.Model, dict[str, Any]],
) -> None:
    model, keras = both
    told: list[str] = []
    model.summary(print_fn=told.append)
    layers, totals = parsed(told[0])
    assert (layers, totals) == parsed(keras["summary"])
    # And both are what the article prints.
    assert [int(n.replace(",", "")) for _, n in layers] == [3968, 8256, 2080, 33]
    assert totals[0][1].startswith("14,337 (")
    assert model.count_params() == 14_337


def test_keras_takes_the_weights_as_they_are(
    both: tuple[breast_cancer.Model, dict[str, Any]],
) -> None:
    model, keras = both
    # Small integers throughout, and a power of 2: every sum is exact, in any order and dtype.
    logits = np.array(keras["logits"], model.dtype)
    assert len(set(logits.ravel())) == len(INPUTS)
    np.testing.assert_array_equal(model.predict(INPUTS), expit(logits), strict=True)


def test_the_summary_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    breast_cancer.article(0).summary()
    printed = capsys.readouterr().out
    assert printed.startswith("Layer (type) ")
    assert "dense_1 (DenseBlock)" in printed
    assert len(set(map(len, printed.splitlines()[:7]))) == 1


def test_a_summary_without_layers_and_sizes_in_their_units() -> None:
    assert "Total params: 0 (0.00 B)" in table([], 8)
    assert [readable(n) for n in (1023, 1024, 114_696, 3_841_280 * 8)] == [
        "1023.00 B",
        "1.00 KB",
        "112.01 KB",
        "29.31 MB",
    ]
