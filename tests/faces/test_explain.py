"""`backproof explain`: from a file, from a pairing, and what it says to bad ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from backproof import Adam, Dense, Loss, Network, Penalty, UsageError
from backproof.mathematics import functions
from backproof.mathematics.derivation.derivation import derived
from backproof.mathematics.network import network_file
from tests.faces.test_bad_input import backproof, write_pairing

FILE = """
decision = "argmax"

[[layers]]
fan_in = 3
fan_out = 4
activation = {name = "leaky_relu", alpha = 0.2}
bias = "scalar"

[[layers]]
fan_in = 4
fan_out = 2
activation = "sigmoid"
bias = false

[loss]
kind = "binary_cross_entropy"
outputs = "mean"

[penalty]
l2 = 0.01

[optimizer]
name = "adam"
beta_1 = 0.8
"""
NETWORK = Network(
    (
        Dense(3, 4, functions.named("leaky_relu", alpha=0.2), bias="scalar"),
        Dense(4, 2, "sigmoid", bias=False),
    ),
    Loss("binary_cross_entropy", outputs="mean"),
    Penalty(l2=0.01),
    "argmax",
)


def test_a_network_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(FILE)
    assert network_file.load(path) == (NETWORK, Adam(beta_1=0.8))
    done = backproof("explain", "mine.toml", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == derived(NETWORK, "mine", Adam(beta_1=0.8))


def test_a_pairing_by_name_or_file(tmp_path: Path) -> None:
    (tmp_path / "comparisons").mkdir()
    write_pairing(tmp_path / "comparisons", "good")
    said = backproof("explain", "good", cwd=tmp_path).stdout
    assert said.startswith("# good\n")
    assert "## One step\n\nGradientDescent, for each parameter W:" in said
    assert backproof("explain", "comparisons/good.py", cwd=tmp_path).stdout == said


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("god", "no pairing 'god'; did you mean 'good'?"),
        ("elsewhere.toml", "elsewhere.toml: it cannot be read (No such file or directory)"),
        ("elsewhere.py", "elsewhere.py"),
    ],
)
def test_what_is_not_there(argument: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "comparisons").mkdir()
    write_pairing(tmp_path / "comparisons", "good")
    done = backproof("explain", argument, cwd=tmp_path)
    assert done.returncode == 2
    assert message in done.stderr


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[penalty]", "[penalties]", "the file has no 'penalties'; it has layers, nodes, inputs"),
        ('kind = "binary_cross_entropy"', "", "loss needs kind"),
        ("fan_in = 4\n", "", "[[layers]], number 2: layer 'dense' needs fan_in"),
        (
            "fan_out = 4\n",
            "fan_out = true\n",
            "number 1: layer 'dense': fan_out = …: fan_out is a bool, True; give a whole number",
        ),
        ("l2 = 0.01", 'l2 = "0.01"', "penalty: l2 = …: l2 is a str, '0.01'; give a number"),
        ('"mean"', '"sums"', "choose 'mean' or 'sum'"),
        ("alpha = 0.2", "slope = 0.2", "activation 'leaky_relu' has no field 'slope'"),
        (
            '{name = "leaky_relu", alpha = 0.2}',
            "{alpha = 0.2}",
            "number 1: activation needs a name",
        ),
        ("beta_1", "beta", "optimizer 'adam' has no field 'beta'; it has learning_rate, beta_1"),
        ('"adam"\nbeta_1 = 0.8', '"momentum"', "optimizer 'momentum' needs its learning_rate"),
        (
            "fan_in = 4",
            "fan_in = 5",
            "node 'dense_2': dense takes one input (…, 5), its fan_in, but gets (4,)",
        ),
        ("[[layers]]", "[[layers]", "it is no TOML"),
        (
            "[loss]",
            "[[loss]]",
            "the file: loss = …: loss is a list, [{'kind': 'binary_cross_entropy'",
        ),
    ],
)
def test_a_wrong_file_is_refused(old: str, new: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(FILE.replace(old, new))
    with pytest.raises(UsageError) as refused:
        network_file.load(path)
    assert message in str(refused.value)


def test_a_message_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(FILE.replace("[penalty]", "[penalties]"))
    done = backproof("explain", "mine.toml", cwd=tmp_path)
    assert done.returncode == 2
    assert "mine.toml: the file has no 'penalties'" in done.stderr
