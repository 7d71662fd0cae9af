"""Programs that speak JSON alone: the example in JavaScript, and what breaks the protocol."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backproof import Dense, Loss, Network, Report, external, verify
from backproof.comparison.judging.rows import Status
from backproof.implementations.lists import array_of, arrays_of, as_lists
from backproof.mathematics.errors import EvaluationError
from tests.project import ROOT

EXAMPLE = ROOT / "docs" / "examples" / "program_in_javascript"
NETWORK = Network((Dense(3, 4, "tanh"), Dense(4, 1, "sigmoid")), Loss("binary_cross_entropy"))
LINEAR = Network((Dense(2, 1),), Loss("squared_error"))

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="no node here")


@needs_node
def test_the_example_matches() -> None:
    script = [sys.executable, str(EXAMPLE / "check.py")]
    done = subprocess.run(script, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow(2)
@needs_node
def test_a_fault_in_the_example_is_named(tmp_path: Path) -> None:
    text = (EXAMPLE / "network.mjs").read_text()
    assert text.count("(1 - hidden[s][j] ** 2)") == 1
    changed = text.replace("(1 - hidden[s][j] ** 2)", "(1 - hidden[s][j])")
    (tmp_path / "network.mjs").write_text(changed)
    program = external(["node", "network.mjs"], folder=tmp_path)
    report = verify(NETWORK, program, references=["definition"])
    assert report.cause == "in dense_1: the slope is 1 - a; it should be 1 - a**2"


def answering(folder: Path, results: str, **options: Any) -> Report:
    """A program in Python without a package, which answers with that expression."""
    (folder / "program.py").write_text(
        "import json, sys\n"
        'print(\'{"ok": true, "json": true}\', flush=True)\n'
        "for line in sys.stdin:\n"
        "    asked = json.loads(line)\n"
        "    answer = {'ok': True}\n"
        "    if asked['do'] == 'evaluate':\n"
        "        w, b = asked['parameters'].values()\n"
        "        x, y = asked['batch']['inputs'], asked['batch']['targets']\n"
        "        error = [[sum(a * v[0] for a, v in zip(r, w)) + b[0] - t[0]]"
        " for r, t in zip(x, y)]\n"
        f"        answer['results'] = {results}\n"
        "    print(json.dumps(answer), flush=True)\n"
    )
    program = external([sys.executable, "program.py"], folder=folder, time_limit=20)
    return verify(LINEAR, program, references=["definition"], **options)


GRADIENT = "{'gradient/dense_1/bias': [2 * sum(e[0] for e in error) / len(error)]}"


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_lists_carry_every_digit(dtype: Any, tmp_path: Path) -> None:
    """What is computed in float64 of float32 numbers, and rounded, is right in float32."""
    answering(tmp_path, GRADIENT, dtype=dtype).assert_match()
    wrong = GRADIENT.replace("2 *", f"{2 + (1e-4 if dtype == 'float32' else 1e-10)!r} *")
    assert answering(tmp_path, wrong, dtype=dtype).status is Status.MISMATCH


@pytest.mark.parametrize(
    ("results", "told"),
    [
        ("None", 'answered without "results"'),
        ("{'gradient/dense_1/bias': [[1, 2], [3]]}", "as no array"),
        ("{'gradient/dense_1/bias': [True]}", "with np.True_; give numbers"),
        ("{'gradient/dense_1/bias': ['x']}", "as no array"),
        ("{'gradient/dense_1/bias': [None]}", "is nan at"),
        ("{'gradient/dense_1/bias': ['Infinity']}", "is inf at"),
        ("{'gradient/dense_1/bias': [[1, 2]]}", "has shape"),
    ],
)
def test_what_is_no_answer_is_an_error(results: str, told: str, tmp_path: Path) -> None:
    report = answering(tmp_path, results)
    assert report.status is Status.ERROR
    assert report.exit_status == 3
    assert told in (report.cause or "")


def test_lists_and_arrays_are_each_others_inverse() -> None:
    rng = np.random.default_rng(1)
    given = {"a": rng.normal(size=(2, 3)), "b": np.array(0.1), "c": np.array([np.nan, -np.inf])}
    for name, array in arrays_of(as_lists(given), "float64").items():
        assert array.dtype == np.float64
        assert np.array_equal(array, given[name], equal_nan=True)
    assert array_of("parameter_count", 12, "float64").dtype.kind == "i"
    assert array_of("parameter_count", 12.0, "float64").dtype.kind == "i"
    with pytest.raises(EvaluationError, match="results"):
        arrays_of([1.0], "float64")
