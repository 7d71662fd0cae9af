"""Right code in a usual form matches without a declaration; wrong code beside it does not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from backproof import Dense, GradientDescent, Loss, Momentum, Network, Penalty, activations, verify
from backproof.comparison.judging.rows import Status
from backproof.mathematics.functions import Activation

pytestmark = pytest.mark.usefixtures("shared_by_the_face")
ALPHA = 0.1
LEAKY = activations.named("leaky_relu", alpha=ALPHA)


def half_tanh(z: Any) -> Any:
    return 0.5 * (1 + np.tanh(z / 2))


def clipped(z: Any) -> Any:
    with np.errstate(over="ignore"):  # in float32
        return 1 / (1 + np.exp(-np.clip(z, -500, 500)))


def from_one(z: Any) -> Any:
    with np.errstate(over="ignore"):
        return 1 - 1 / (1 + np.exp(z))


def by_sigmoid(z: Any) -> Any:
    with np.errstate(over="ignore"):
        return 2 / (1 + np.exp(-2 * z)) - 1


def with_magnitude(z: Any) -> Any:
    return 0.5 * (1 + ALPHA) * z + 0.5 * (1 - ALPHA) * abs(z)


Slope = Callable[[Any, Any], Any]
SIGMOID: Slope = lambda z, a: a * (1 - a)  # noqa: E731
# The activation, its form and its slope.
RIGHT: dict[str, tuple[str | Activation, Callable[[Any], Any], Slope]] = {
    "sigmoid by tanh": ("sigmoid", half_tanh, SIGMOID),
    "sigmoid from 1": ("sigmoid", from_one, SIGMOID),
    "sigmoid clipped": ("sigmoid", clipped, SIGMOID),
    "tanh by sigmoid": ("tanh", by_sigmoid, lambda z, a: 1 - a * a),
    "leaky by magnitude": (LEAKY, with_magnitude, lambda z, a: np.where(z > 0, 1, ALPHA)),
    "relu passed at 0": ("relu", lambda z: z * (z >= 0), lambda z, a: z >= 0),
    "relu halved at 0": ("relu", lambda z: np.maximum(z, 0), lambda z, a: 0.5 * (np.sign(z) + 1)),
    "elu, 1 and alpha alike": ("elu", lambda z: np.where(z > 0, z, np.expm1(np.minimum(z, 0))),
                               lambda z, a: np.where(z > 0, 1, a + 1)),
}  # fmt: skip
WRONG: dict[str, tuple[str | Activation, Callable[[Any], Any], Slope]] = {
    "sigmoid clipped at 20": (
        "sigmoid", lambda z: 1 / (1 + np.exp(-np.clip(z, -20, 20))), SIGMOID
    ),
    "relu twice at 0": ("relu", lambda z: np.maximum(z, 0), lambda z, a: (z > 0) + 2.0 * (z == 0)),
    "relu passed just below 0": ("relu", lambda z: np.maximum(z, 0), lambda z, a: z > -0.001),
    "leaky slope of its square": (LEAKY, with_magnitude, lambda z, a: np.where(z > 0, 1, ALPHA**2)),
}  # fmt: skip


def verified(
    made: tuple[str | Activation, Callable[[Any], Any], Slope], dtype: str = "float64"
) -> Any:
    """Two layers by hand, with that function in the first."""
    activation, act, slope = made

    def subject(p: Any, b: Any) -> dict[str, Any]:
        z1 = b.inputs @ p["dense_1/kernel"] + p["dense_1/bias"]
        a1 = np.asarray(act(z1), z1.dtype)
        error = a1 @ p["dense_2/kernel"] + p["dense_2/bias"] - b.targets
        d2 = 2 * error / len(error)
        d1 = np.asarray(d2 @ p["dense_2/kernel"].T * slope(z1, a1), z1.dtype)
        return {
            "loss": (error * error).sum() / len(error),
            "activation/dense_1": a1,
            "gradient/dense_1/kernel": b.inputs.T @ d1,
            "gradient/dense_1/bias": d1.sum(axis=0),
            "gradient/dense_2/kernel": a1.T @ d2,
        }

    network = Network((Dense(4, 6, activation), Dense(6, 2)), Loss("squared_error"))
    return verify(network, subject, references=["torch"], dtype=dtype)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("form", RIGHT)
def test_a_usual_form_matches(form: str, dtype: str) -> None:
    report = verified(RIGHT[form], dtype)
    assert report.status == "MATCH", (report.cause, report)


@pytest.mark.parametrize("form", WRONG)
def test_what_is_wrong_is_not_granted(form: str) -> None:
    report = verified(WRONG[form])
    assert report.status == "MISMATCH"
    assert not any("usual form" in row.detail for row in report.comparisons)


NAME = "dense_1/kernel"
PIECES = Network((Dense(20, 30, bias=False),), Loss("squared_error"), Penalty(l2=0.01))
RATE = 1e-4


def pieces(w: Any, p: Any, b: Any, size: int) -> Iterator[Any]:
    """The step in pieces of so many samples, and the decay at last."""
    error = 2 * (b.inputs @ p[NAME] - b.targets) / len(b.inputs)
    for start in range(0, len(error), size):
        part = slice(start, start + size)
        yield RATE * (b.inputs[part].T @ error[part])
    yield RATE * 2 * w.dtype.type(0.01) * p[NAME]


def in_pieces(size: int, forget: int = 0) -> Callable[..., Any]:
    def subject(p: Any, b: Any) -> dict[str, Any]:
        w = p[NAME].copy()
        for piece in [*pieces(w, p, b, size)][forget:]:
            w -= piece.astype(w.dtype)
        return {f"updated/{NAME}": w}

    return subject


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("size", [1, 8])
def test_a_step_in_pieces_matches(size: int, dtype: str) -> None:
    report = verify(
        PIECES, in_pieces(size), optimizer=GradientDescent(RATE), references=["torch"], dtype=dtype
    )
    assert report.status == "MATCH", report.cause
    assert any("usual form" in row.detail for row in report.comparisons) or size > 1


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_step_that_lacks_a_piece_does_not(dtype: str) -> None:
    report = verify(
        PIECES, in_pieces(1, 1), optimizer=GradientDescent(RATE), references=["torch"], dtype=dtype
    )
    assert report.status == "MISMATCH"


def test_a_right_optimizer_with_keras_alone_is_not_at_fault() -> None:
    """Keras keeps its momentum in float32: the certified value sides with the subject."""
    network = Network((Dense(3, 2, bias=False),), Loss("squared_error", batch="sum"))

    def momentum(state: Any, b: Any, mu: float = 0.9) -> dict[str, Any]:
        g = 2 * b.inputs.T @ (b.inputs @ state[NAME] - b.targets)
        v = mu * state[f"velocity/{NAME}"] + g
        return {f"updated/{NAME}": state[NAME] - 0.1 * v, f"updated/velocity/{NAME}": v}

    report = verify(network, momentum, optimizer=Momentum(0.1), references=["keras"])
    assert (report.status, report.exit_status) == (Status.AT_FAULT, 0)
    assert "the certified value" in report.cause
    wrong = verify(
        network,
        lambda state, b: momentum(state, b, 0.9 + 1e-8),
        optimizer=Momentum(0.1),
        references=["keras"],
    )
    assert wrong.status == "MISMATCH"
