"""Golden files: right numbers pass in every language there is here, one that is off fails."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from backproof import Batch
from backproof.comparison.golden import golden
from backproof.mathematics.arithmetic.floating import Float
from backproof.mathematics.definition.evaluate import evaluate
from backproof.mathematics.network.network_file import load
from tests.project import ROOT

READERS = ROOT / "docs" / "examples" / "golden"
CHAIN = """
[[layers]]
fan_in = 3
fan_out = 4
activation = "tanh"

[[layers]]
fan_in = 4
fan_out = 2

[loss]
kind = "squared_error"

[optimizer]
name = "gradient_descent"
learning_rate = 0.1
"""
IMAGES = """
inputs = [5, 4, 2]

[[layers]]
kind = "conv2d"
channels = 2
filters = 3
kernel = [3, 2]
activation = "relu"

[[layers]]
kind = "flatten"

[[layers]]
fan_in = 27
fan_out = 2

[loss]
kind = "squared_error"
"""


def fixture(folder: Path, text: str, *more: str) -> subprocess.CompletedProcess[str]:
    (folder / "network.toml").write_text(text)
    command = [sys.executable, "-m", "backproof", "fixture", "network.toml", "--out", "golden"]
    return subprocess.run([*command, *more], cwd=folder, capture_output=True, text=True)


def results(folder: Path, file: Path) -> dict[str, Any]:
    """What another program gives there: the definition, another order of sums being as right."""
    network, optimizer = load(folder / "network.toml")
    held = load_file(file)
    state = {
        name.removeprefix("parameters/"): value
        for name, value in held.items()
        if name.startswith("parameters/")
    }
    found: dict[str, Any] = evaluate(
        Float(), network, state, Batch(held["inputs"], held["targets"])
    )
    if optimizer is not None:
        rate = optimizer.learning_rate  # type: ignore[attr-defined]
        found |= {f"updated/{n}": w - rate * found[f"gradient/{n}"] for n, w in state.items()}
    return {name: np.array(value, order="C") for name, value in found.items()}


def one_off(mine: dict[str, Any], file: Path) -> dict[str, Any]:
    """The same with one number off by twice its allowed difference."""
    held, changed = load_file(file), dict(mine)
    name = next(n for n in mine if n.startswith("gradient/") and held[f"allowed/{n}"].any())
    allowed = held[f"allowed/{name}"]
    at = np.unravel_index(allowed.argmax(), allowed.shape)
    changed[name] = mine[name].astype(np.float64)
    changed[name][at] = held[f"expected/{name}"][at] + 2 * allowed[at]
    return changed


COMPILERS = {"c": "cc", "javascript": "node", "rust": "rustc"}


@pytest.fixture(scope="session")
def reader(tmp_path_factory: pytest.TempPathFactory, language: str) -> list[str]:
    """The command of a language's reader, compiled."""
    found = shutil.which(COMPILERS[language])
    if found is None:
        pytest.skip(f"no {COMPILERS[language]} here")
    if language == "javascript":
        return [found, str(READERS / "golden.mjs")]
    made = tmp_path_factory.mktemp(language) / "compare"
    flags = ["-O1", "-Wall", "-Wextra", "-Werror", str(READERS / "compare.c"), "-lm"]
    if language == "rust":
        flags = ["--edition", "2021", "-D", "warnings", str(READERS / "golden.rs")]
    subprocess.run([found, *flags, "-o", str(made)], check=True)
    return [str(made)]


@pytest.mark.parametrize("text", [CHAIN, IMAGES], ids=["chain", "images"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("language", list(COMPILERS), scope="session")
def test_right_numbers_pass_and_one_that_is_off_fails(
    tmp_path: Path, reader: list[str], text: str, dtype: str
) -> None:
    done = fixture(tmp_path, text, "--dtype", dtype)
    assert done.returncode == 0, done.stderr
    for file in sorted((tmp_path / "golden").glob("*.safetensors")):
        mine = results(tmp_path, file)
        for given, status in ((mine, 0), (one_off(mine, file), 1), ({"other": np.ones(1)}, 3)):
            save_file(given, tmp_path / "mine.safetensors")
            compared = subprocess.run(
                [*reader, str(file), "mine.safetensors"],
                cwd=tmp_path,
                capture_output=True,
                text=True,
            )
            assert compared.returncode == status, compared.stdout + compared.stderr
            assert ("elements are off; at" in compared.stdout) == (status == 1)


@pytest.mark.parametrize("language", list(COMPILERS), scope="session")
def test_what_is_not_a_number_is_off(tmp_path: Path, reader: list[str]) -> None:
    fixture(tmp_path, CHAIN)
    file = tmp_path / "golden" / "general.safetensors"
    mine = results(tmp_path, file)
    mine["loss"] = np.array(np.nan)
    save_file(mine, tmp_path / "mine.safetensors")
    assert subprocess.run([*reader, str(file), str(tmp_path / "mine.safetensors")]).returncode == 1
    save_file({"loss": np.ones(2)}, tmp_path / "mine.safetensors")
    assert subprocess.run([*reader, str(file), str(tmp_path / "mine.safetensors")]).returncode == 1


def test_both_forms_hold_the_same(tmp_path: Path) -> None:
    fixture(tmp_path, CHAIN, "--dtype", "float32")
    for file in (tmp_path / "golden").glob("*.safetensors"):
        told = json.loads(file.with_suffix(".json").read_text())
        arrays = load_file(file)
        assert arrays.keys() == told["tensors"].keys()
        for name, array in arrays.items():
            again = told["tensors"][name]
            assert np.array_equal(np.reshape(again["data"], again["shape"]), array)
        assert told["format"] == "backproof-golden-1"
        assert max(told["power"].values()) < 1e-3
        assert file.stat().st_mode & 0o044


def test_the_json_is_read_by_the_reader_of_javascript(tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node here")
    fixture(tmp_path, CHAIN)
    script = (
        f"import {{ open, check }} from {json.dumps(str(READERS / 'golden.mjs'))};\n"
        "const golden = open('golden/general.json');\n"
        "const [loss] = golden.get('expected/loss');\n"
        "const off = check(golden, 'loss', [loss * 1.001]);\n"
        "process.exit(check(golden, 'loss', [loss]) === '' && off.startsWith('loss: 1') ? 0 : 1);\n"
    )
    (tmp_path / "try.mjs").write_text(script)
    subprocess.run([node, "try.mjs"], cwd=tmp_path, check=True)


def test_of_a_pairing_it_has_the_data_and_the_points_named(tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = [sys.executable, "-m", "backproof", "fixture", "xor", "--out", str(out)]
    command += ["--point", "data", "--point", "one_sample"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert {path.name for path in out.iterdir()} == {
        f"{name}.{kind}" for name in ("data", "one_sample") for kind in ("json", "safetensors")
    }
    done = subprocess.run(
        [*command, "--point", "nowhere"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "no point 'nowhere'; there are data, general" in " ".join(done.stderr.split())


def test_what_shows_nothing_is_said(tmp_path: Path) -> None:
    """Large weights in many layers: in float32 the worst case is lost, and no chance is taken."""
    layers = "\n".join(
        f'[[layers]]\nfan_in = {3 if not i else 64}\nfan_out = 64\nactivation = "tanh"\n'
        for i in range(12)
    )
    text = f'{layers}\n[loss]\nkind = "squared_error"\n'
    done = fixture(tmp_path, text, "--dtype", "float32", "--proven", "--point", "data")
    assert done.returncode == 3
    assert "too weak to show anything" in done.stdout
    assert fixture(tmp_path, text, "--dtype", "float32", "--point", "data").returncode == 0


def test_the_same_bytes_are_written_again(tmp_path: Path) -> None:
    (tmp_path / "network.toml").write_text(CHAIN)
    network, optimizer = load(tmp_path / "network.toml")
    stream = np.random.default_rng(1)
    state = {name: stream.normal(size=shape) for name, shape in network.shapes().items()}
    batch = Batch(stream.normal(size=(4, 3)), stream.normal(size=(4, 2)))
    made = []
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        for each in golden(network, optimizer, {"p": (state, batch)}, "float32"):
            each.write(tmp_path / folder)
        made.append({path.name: path.read_bytes() for path in (tmp_path / folder).iterdir()})
    assert made[0] == made[1]
