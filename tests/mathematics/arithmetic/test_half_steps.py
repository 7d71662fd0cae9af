"""Half precision, where steps inside of an operation round; each rule is weakened in turn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from backproof.mathematics import functions, losses
from backproof.mathematics.arithmetic.balls.ball import Ball
from backproof.mathematics.arithmetic.balls.half import STEPS, HalfOps
from backproof.mathematics.arithmetic.certified import CertifiedOps, certify
from backproof.mathematics.arithmetic.certified_values import Certified
from backproof.mathematics.arithmetic.rounding.model import HALF, Rounding, round_to
from backproof.mathematics.functions import ACTIVATIONS
from backproof.mathematics.functions.sigmoid import Sigmoid
from tests.mathematics.arithmetic.half_models import model

Values = np.ndarray


def rounds(dtype: str) -> Callable[[Values], Values]:
    return lambda x: round_to(x, dtype).astype(np.float64)


def sigmoid_pulled(r, a, g):
    return r(g * r(a * r(1 - a)))


def tanh_pulled(r, a, g):
    return r(g * r(1 - r(a * a)))


def softmax_pulled(r, a, g):
    return r(a * r(g - r(r(a * g).sum(axis=1, keepdims=True))))


PULLS = {"sigmoid": sigmoid_pulled, "tanh": tanh_pulled, "softmax": softmax_pulled}


def share_of_pull(name: str, dtype: str) -> float:
    """Of a derivative whose every step rounds, taken of a value that is exact."""
    stream, r, f = np.random.default_rng(0), rounds(dtype), functions.named(name)
    z, g = (r(stream.normal(size=(3000, 3)) * 2) for _ in range(2))
    a = r(f.value(z))
    computed, exact = PULLS[name](r, a, g), f.vjp(z, a, g)
    ops = HalfOps(model(dtype, **{f"{name}__pulled": STEPS}))
    found = ops.vjp(f, ops.exact(z), Ball(a, np.zeros_like(a)), ops.exact(g))
    assert found.radius is not None
    return float((np.abs(computed - exact) / found.radius).max())


@pytest.mark.parametrize("dtype", HALF)
@pytest.mark.parametrize("name", PULLS)
def test_a_derivative_in_steps(name: str, dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert 0.4 < share_of_pull(name, dtype) <= 1
    monkeypatch.setattr(
        ACTIVATIONS.get(name), "vjp_steps", lambda self, rounding, a, g: np.zeros_like(a.value)
    )
    assert share_of_pull(name, dtype) > 1


def test_steps_may_underflow(monkeypatch: pytest.MonkeyPatch) -> None:
    """As g·(1 − a) of PyTorch's sigmoid, which loses half a subnormal number before it meets a."""
    stream, r, f = np.random.default_rng(0), rounds("float16"), functions.named("sigmoid")
    z, g = np.full((20000, 1), 4.875), r(stream.uniform(1, 8, (20000, 1)) * 2.0**-13)
    a = r(f.value(z))
    error = np.abs(r(r(g * r(1 - a)) * a) - f.vjp(z, a, g))

    def used() -> float:
        ops = HalfOps(model("float16").computing("sigmoid pulled", STEPS, "gradual"))
        found = ops.vjp(f, ops.exact(z), Ball(a, np.zeros_like(a)), ops.exact(g))
        return float((error / found.radius).max())

    assert used() <= 1
    rule = Sigmoid.vjp_steps
    monkeypatch.setattr(
        Sigmoid,
        "vjp_steps",
        lambda self, rounding, a, g: rule(self, replace(rounding, tiny=0.0), a, g),
    )
    assert used() > 1


def torch_binary_rows(r, z, y):
    return r((1 - y) * z - r(-np.logaddexp(0, -z)))


def keras_binary_rows(r, z, y):
    return r(np.maximum(z, 0) - z * y + r(np.log1p(r(np.exp(-np.abs(z))))))


def logarithms(r, z):
    shifted = z - z.max(axis=1, keepdims=True)
    return r(shifted - r(np.log(r(np.exp(shifted).sum(axis=1, keepdims=True)))))


def torch_categorical_rows(r, z, y):
    return -(logarithms(r, z) * y).sum(axis=1, keepdims=True)


def torch_categorical_slope(r, z, y):
    return r(np.exp(logarithms(r, z)) - y)


HEADS = {
    ("binary_cross_entropy", 0): (torch_binary_rows, keras_binary_rows),
    ("categorical_cross_entropy", 0): (torch_categorical_rows,),
    ("categorical_cross_entropy", 1): (torch_categorical_slope,),
}


def share_of_head(kind: str, part: int, dtype: str) -> float:
    """Of a loss or its derivative in the forms of the frameworks, each step of which rounds."""
    stream, r, head = np.random.default_rng(0), rounds(dtype), losses.named(kind)
    f = functions.named(head.ACTIVATION)
    units = 1 if kind.startswith("binary") else 3
    z = r(stream.normal(size=(2000, units)) * 2.0 ** stream.uniform(-2, 4, (2000, 1)))
    y = (
        stream.integers(2, size=z.shape).astype(float)
        if units == 1
        else np.eye(units)[stream.integers(units, size=len(z))]
    )

    def exact(ops: CertifiedOps) -> dict[str, Certified]:
        held = ops.exact(z)
        return {"x": ops.loss_and_slope(head, held, ops.activate(f, held), ops.exact(y))[part]}

    truth = certify(exact, Rounding.of(dtype).unit)["x"]
    name = f"{kind}__{('rows', 'slope')[part]}"
    ops = HalfOps(model(dtype, **{name: STEPS}))
    held = ops.exact(z)
    found = ops.loss_and_slope(head, held, ops.activate(f, held), ops.exact(y))[part]
    assert found.radius is not None
    computed = [form(r, z, y) for form in HEADS[kind, part]]
    return max(float((truth.error(each) / found.radius).max()) for each in computed)


@pytest.mark.parametrize("dtype", HALF)
@pytest.mark.parametrize(("kind", "part"), HEADS)
def test_a_loss_in_steps(kind: str, part: int, dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert 0.4 < share_of_head(kind, part, dtype) <= 1
    found, which = type(losses.named(kind)), (losses.ROWS, losses.SLOPE)[part]
    monkeypatch.setattr(
        found,
        "rounded_steps",
        lambda self: {which: lambda rounding, z, a: np.zeros_like(z.value[:, :1])},
    )
    assert share_of_head(kind, part, dtype) > 1
