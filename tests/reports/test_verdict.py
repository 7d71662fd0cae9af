"""The verdict for machines: every one is as the schema says, and says what the report says."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backproof import Dense, Loss, Network, UsageError, check, verify
from tests.project import ROOT

SCHEMA = json.loads((ROOT / "docs" / "verdict.schema.json").read_text())
LAYER = Dense(3, 2, "tanh")


def valid(value: Any, schema: dict[str, Any]) -> bool:
    """Whether a value is as a schema says, of the keywords that ours has."""
    known = {"type", "enum", "const", "properties", "required", "additionalProperties", "items"}
    known |= {"anyOf", "$ref", "minimum", "description", "title", "$schema", "$defs"}
    assert schema.keys() <= known
    if "$ref" in schema:
        return valid(value, SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]])
    if "anyOf" in schema and not any(valid(value, each) for each in schema["anyOf"]):
        return False
    if "const" in schema and value != schema["const"]:
        return False
    if "enum" in schema and value not in schema["enum"]:
        return False
    kinds = schema.get("type", ["object", "array", "string", "number", "integer", "boolean"])
    types = {
        "object": dict,
        "array": list,
        "string": str,
        "integer": int,
        "boolean": bool,
        "null": type(None),
        "number": (int, float),
    }
    if "type" in schema and not any(
        isinstance(value, types[kind]) and (kind == "boolean" or not isinstance(value, bool))
        for kind in ([kinds] if isinstance(kinds, str) else kinds)
    ):
        return False
    if isinstance(value, list):
        return all(valid(each, schema.get("items", {})) for each in value)
    if isinstance(value, dict):
        own, more = schema.get("properties", {}), schema.get("additionalProperties", True)
        return (
            set(schema.get("required", ())) <= value.keys()
            and (more is not False or value.keys() <= own.keys())
            and all(
                valid(each, own.get(key, more if isinstance(more, dict) else {}))
                for key, each in value.items()
            )
        )
    return not (isinstance(value, int) and value < schema.get("minimum", value))


def forward(x: Any, w: Any, b: Any) -> Any:
    out = np.tanh(x @ w + b)
    return out, (x, w, out)


def backward(dout: Any, cache: Any, power: int = 2) -> Any:
    x, w, out = cache
    dz = dout * (1 - out**power)
    return dz @ w.T, x.T @ dz, dz.sum(axis=0)


def nan(dout: Any, cache: Any) -> Any:
    dx, dw, db = backward(dout, cache)
    return dx, dw * np.nan, db


@pytest.mark.parametrize(
    ("back", "status", "exit_status"),
    [
        (backward, "MATCH", 0),
        (lambda dout, cache: backward(dout, cache, 1), "MISMATCH", 1),
        (lambda dout, cache: (None, None, None), "MATCH", 0),
        (nan, "ERROR", 3),
        (lambda dout, cache: 1 / 0, "ERROR", 3),
    ],
)
def test_every_verdict_is_as_the_schema_says(back: Any, status: str, exit_status: int) -> None:
    report = check(LAYER, forward=forward, backward=back)
    told = report.to_json()
    assert valid(told, SCHEMA)
    assert (told["status"], told["exit_status"]) == (status, exit_status)
    assert told["comparisons"] == len(report.rows)
    assert json.loads(json.dumps(told, allow_nan=False)) == told


def test_a_mismatch_has_its_element_and_its_formula() -> None:
    told = check(LAYER, forward=forward, backward=lambda d, c: backward(d, c, 1)).to_json()
    (pairing,) = told["pairings"]
    assert pairing["corrections"] == [
        [
            {
                "place": "dense_1",
                "where": "in dense_1",
                "is": "the slope is 1 - a",
                "should": "1 - a**2",
            }
        ]
    ]
    failure = next(each for each in pairing["failures"] if each["name"] == "input_gradient")
    element = failure["element"]
    assert abs(element["actual"] - element["expected"]) > element["allowed"]
    assert element["exact"] == pytest.approx(element["expected"], rel=1e-9)
    assert len(element["index"]) == 2


def test_the_schema_refuses_what_is_not_as_it_says() -> None:
    right = check(LAYER, forward=forward, backward=backward).to_json()
    for change in (
        {"status": "GOOD"},
        {"more": 1},
        {"comparisons": -1},
        {"comparisons": True},
        {"pairings": [{**right["pairings"][0], "points": "many"}]},
        {"pairings": [{}]},
    ):
        assert not valid({**right, **change}, SCHEMA)


def command(folder: Path, *given: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "backproof", *given], cwd=folder, capture_output=True, text=True
    )


def test_the_commands_print_it_alone(tmp_path: Path) -> None:
    x, w, b = np.ones((2, 3)), np.ones((3, 2)), np.ones(2)
    given = {"inputs": x, "parameters/kernel": w, "parameters/bias": b}
    (tmp_path / "network.toml").write_text(
        '[[layers]]\nfan_in = 3\nfan_out = 2\n[loss]\nkind = "squared_error"\n'
    )
    for factor, status in ((1.0, 0), (2.0, 1)):
        np.savez(tmp_path / "run.npz", outputs=factor * (x @ w + b), **given)
        asked = ("judge", "run.npz", "--network", "network.toml", "--format", "json")
        done = command(tmp_path, *asked, "--report", "out")
        told = json.loads(done.stdout)
        assert valid(told, SCHEMA)
        assert done.returncode == told["exit_status"] == status
        assert told["pairings"][0]["recorded"]
        assert told["replay"] == "backproof replay out"
        again = json.loads(command(tmp_path, "replay", "out", "--format", "json").stdout)
        assert again["status"] == told["status"]
        assert again["report"] is None


GOOD = """
import numpy as np
from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing


def subject(parameters, batch):
    w, b = parameters["dense_1/kernel"], parameters["dense_1/bias"]
    error = batch.inputs @ w + b - batch.targets
    return {
        "loss": (error**2).sum(),
        "gradient/dense_1/kernel": 2 * batch.inputs.T @ error,
        "gradient/dense_1/bias": 2 * error.sum(axis=0),
    }


PAIRING = Pairing(
    name="good",
    network=Network((Dense(2, 1),), Loss("squared_error", batch="sum")),
    subject=subject,
    data=lambda: Batch(np.arange(8.0).reshape(4, 2) - 3, np.ones((4, 1))),
    initial=lambda: {"dense_1/kernel": np.ones((2, 1)), "dense_1/bias": np.ones(1)},
    optimizer=GradientDescent(0.1),
    references={"definition": None},
    steps=1,
    quantities=("loss", "gradient"),
)
"""


def test_a_pairing_that_cannot_be_loaded_is_told(tmp_path: Path) -> None:
    (tmp_path / "comparisons").mkdir()
    (tmp_path / "comparisons" / "broken.py").write_text("nonsense nonsense\n")
    (tmp_path / "comparisons" / "good.py").write_text(GOOD)
    done = command(tmp_path, "verify", "--format", "json", "--seed", "random")
    told = json.loads(done.stdout)
    assert valid(told, SCHEMA)
    assert isinstance(told["pairings"][0]["seed"], int)
    assert (done.returncode, told["exit_status"], told["status"]) == (2, 2, "ERROR")
    assert "broken.py" in told["not_loaded"][0]


def test_a_seed_draws_other_inputs_and_is_told() -> None:
    seen: list[float] = []

    def noting(x: Any, w: Any, b: Any) -> Any:
        seen.append(float(x.flat[0]))
        return forward(x, w, b)

    reports = []
    firsts = []
    for seed in (None, None, 7, 7, "random", "random"):
        seen.clear()
        report = check(LAYER, forward=noting, backward=backward, seed=seed)  # type: ignore[arg-type]
        report.assert_match()
        reports.append(report)
        firsts.append(tuple(seen))
    assert firsts[0] == firsts[1] != firsts[2] == firsts[3]
    assert len({*firsts[3:]}) == 3
    assert "seed" not in repr(reports[0])
    assert "its inputs were drawn from the seed 7" in repr(reports[2])
    assert "its inputs were drawn from the seed 7" in reports[2].to_markdown()
    fresh = reports[4].to_json()["pairings"][0]["seed"]
    seen.clear()
    check(LAYER, forward=noting, backward=backward, seed=fresh)
    assert tuple(seen) == firsts[4]


def test_what_is_no_seed_is_refused(tmp_path: Path) -> None:
    network = Network((Dense(3, 2),), Loss("squared_error"))
    with pytest.raises(UsageError, match="give a whole number of at least 0, or 'random'"):
        verify(network, lambda p, b: {}, seed=-1)
    (tmp_path / "comparisons").mkdir()
    done = command(tmp_path, "verify", "--seed", "often")
    assert done.returncode == 2
    assert "give a whole number, or random" in done.stderr


def test_code_that_knows_the_probes_is_found_by_a_fresh_seed() -> None:
    """Right at the numbers that it has seen, and wrong at all others."""
    known: set[float] = set()

    def learning(x: Any, w: Any, b: Any) -> Any:
        known.add(float(x.flat[0]))
        return forward(x, w, b)

    check(LAYER, forward=learning, backward=backward)

    def cheating(dout: Any, cache: Any) -> Any:
        return backward(dout, cache, 2 if float(cache[0].flat[0]) in known else 1)

    check(LAYER, forward=forward, backward=cheating).assert_match()
    assert check(LAYER, forward=forward, backward=cheating, seed="random").exit_status == 1
