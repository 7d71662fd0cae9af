"""What a subject gives is taken as the numbers that it is; what it is not, is said."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from backproof import Dense, GradientDescent, Loss, Network, verify
from backproof.comparison.judging.rows import Status
from backproof.comparison.record.subject_run import as_array

NETWORK = Network((Dense(3, 2),), Loss("squared_error"))
RATE = 0.125


def subject(p: Any, b: Any) -> dict[str, Any]:
    w, bias = p["dense_1/kernel"], p["dense_1/bias"]
    out = b.inputs @ w + bias
    delta = 2 * (out - b.targets) / len(out)
    gradient = {"dense_1/kernel": b.inputs.T @ delta, "dense_1/bias": delta.sum(axis=0)}
    return {
        "activation/dense_1": out,
        "loss": np.sum((out - b.targets) ** 2) / len(out),
        **{f"gradient/{name}": value for name, value in gradient.items()},
        **{f"updated/{name}": p[name] - RATE * value for name, value in gradient.items()},
    }


def status(change: Callable[[str, Any], Any]) -> tuple[Status, str]:
    report = verify(
        NETWORK,
        lambda p, b: {name: change(name, value) for name, value in subject(p, b).items()},
        optimizer=GradientDescent(RATE),
        references=["torch"],
        steps=1,
        certified=False,
    )
    return report.status, report.cause


RIGHT: dict[str, Callable[[str, Any], Any]] = {
    "a loss of (1,)": lambda n, v: np.reshape(v, (1,)) if n == "loss" else v,
    "a loss of (1, 1)": lambda n, v: np.reshape(v, (1, 1)) if n == "loss" else v,
    "biases of (1, units)": lambda n, v: v[None] if n.endswith("bias") else v,
    "kernels of (1, fan_in, fan_out)": lambda n, v: v[None] if n.endswith("kernel") else v,
    "more digits": lambda n, v: np.asarray(v, np.longdouble),
}
WRONG: dict[str, tuple[Callable[[str, Any], Any], str]] = {
    "a bias as a column": (
        lambda n, v: v[:, None] if n.endswith("bias") else v,
        "gradient/dense_1/bias has shape (2, 1), but should be (2,): axes of length 1 are too many",
    ),
    "an output for each": (
        lambda n, v: v[None] if n.startswith("activation") else v,
        "activation/dense_1 has shape (1, 7, 2), but should be (7, 2)",
    ),
    "a loss for each": (
        lambda n, v: np.full((1, 2), v) if n == "loss" else v,
        "loss has shape (1, 2), but should be ()",
    ),
    "beyond float64": (
        lambda n, v: np.longdouble("1e400") + v if n == "loss" else v,
        "loss is inf",
    ),
}


@pytest.mark.parametrize("name", RIGHT)
def test_the_same_numbers_match(name: str) -> None:
    assert status(RIGHT[name]) == (Status.MATCH, "")


@pytest.mark.parametrize("name", WRONG)
def test_other_shapes_are_errors(name: str) -> None:
    change, said = WRONG[name]
    if name == "beyond float64" and np.finfo(np.longdouble).maxexp == np.finfo(float).maxexp:
        pytest.skip("this platform has no wider numbers")
    found, cause = status(change)
    assert found is Status.ERROR
    assert said in cause


def test_a_wrong_number_in_another_shape_is_wrong() -> None:
    wrong = status(lambda n, v: 1.01 * v[None] if n == "gradient/dense_1/bias" else v)
    assert wrong[0] is Status.MISMATCH


def test_tensors_of_pytorch_are_taken_without_a_warning() -> None:
    torch = pytest.importorskip("torch")
    given = torch.ones(3, dtype=torch.float64)
    taken = as_array("loss", given)
    given += 1  # its buffer is used again
    assert taken.tolist() == [1, 1, 1]
