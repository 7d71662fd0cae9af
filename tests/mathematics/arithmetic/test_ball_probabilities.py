"""Cross-entropies of probabilities: what forms compute lies within the radius that they declare."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from flint import ctx
from scipy.special import expit

from backproof.mathematics import functions, losses
from backproof.mathematics.arithmetic.balls import probabilities
from backproof.mathematics.arithmetic.balls.ball import Ball
from backproof.mathematics.arithmetic.certified import CertifiedOps, Truth, truth
from backproof.mathematics.arithmetic.rounding.forms import Form
from backproof.mathematics.arithmetic.rounding.model import Rounding

FORMS = {
    "plain": Form("probabilities"),
    "clip": Form("probabilities", clip=1e-7),
    "epsilon": Form("probabilities", epsilon=1e-8),
    "torch": Form.of_torch(),
}
KINDS = {"binary_cross_entropy": "sigmoid", "categorical_cross_entropy": "softmax"}
DTYPES = ("float64", "float32")


def logarithm(p: np.ndarray, form: Form) -> tuple[np.ndarray, np.ndarray]:
    """The guarded logarithm and its derivative, as automatic differentiation has them."""
    kind = p.dtype.type
    inside = np.ones(p.shape, bool)
    if form.clip:
        clip = kind(form.clip)
        inside = (p > clip) & (p < 1 - clip)
        p = np.clip(p, clip, 1 - clip)
    if form.epsilon:
        p = p + kind(form.epsilon)
    log = np.log(p)
    if form.log_floor > -np.inf:
        log = np.maximum(log, kind(form.log_floor))
    return log, np.where(inside, 1 / p, 0).astype(p.dtype)


def binary(z: np.ndarray, y: np.ndarray, form: Form) -> tuple[np.ndarray, np.ndarray]:
    a = expit(z)
    log_a, slope_a = logarithm(a, form)
    log_rest, slope_rest = logarithm(1 - a, form)
    by_a = -y * slope_a + (1 - y) * slope_rest
    if form.slope_floor:  # PyTorch's own derivative
        by_a = (a - y) / np.maximum(a * (1 - a), z.dtype.type(form.slope_floor))
    return -y * log_a - (1 - y) * log_rest, by_a * a * (1 - a)


def categorical(z: np.ndarray, y: np.ndarray, form: Form) -> tuple[np.ndarray, np.ndarray]:
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    log, slope = logarithm(p, form)
    g = -y * slope
    rows = -(y * log).sum(axis=1, keepdims=True)
    return rows, p * (g - (p * g).sum(axis=1, keepdims=True))


COMPUTE: dict[str, Callable[..., tuple[np.ndarray, np.ndarray]]] = {
    "binary_cross_entropy": binary,
    "categorical_cross_entropy": categorical,
}


def targets(kind: str, shape: tuple[int, int], stream: np.random.Generator) -> np.ndarray:
    if kind == "categorical_cross_entropy":
        hard = np.eye(shape[1])[stream.integers(shape[1], size=shape[0])]
        return np.where(stream.random((shape[0], 1)) < 0.7, hard, [0.5, 0.25, 0.25])
    return np.where(stream.random(shape) < 0.7, stream.integers(0, 2, shape), 0.25)


def shares(kind: str, form: Form, dtype: str, scale: float) -> tuple[float, float]:
    """The largest |computed − exact| / radius of rows and derivative, over all that is finite."""
    stream = np.random.default_rng(7)
    z = (stream.normal(size=(200, 3)) * scale).astype(dtype)
    y = targets(kind, z.shape, stream).astype(dtype)
    rounding = Rounding(**{**vars(Rounding.of(dtype)), "form": form})
    # z + off is exact, and what is computed starts as far off again.
    radius = np.abs(z.astype(np.float64)) * 3 * rounding.unit
    off = radius * stream.choice([-1.0, 1.0], z.shape)
    exact_z, computed_z = z.astype(np.float64) + off / 2, (z + off).astype(dtype)
    ball_z = Ball(z.astype(np.float64), radius)
    f, loss = functions.named(KINDS[kind]), losses.named(kind)
    y64 = y.astype(np.float64)
    with np.errstate(all="ignore"):
        balls = loss.ball(ball_z, f.ball(ball_z, rounding), Ball(y64, None), rounding)
        computed = COMPUTE[kind](computed_z, y, form)
    before, ctx.prec = ctx.prec, 300
    ops = CertifiedOps()
    certified = ops.exact(exact_z)
    exact = loss.certified(certified, f.certified(certified), ops.exact(y64))
    truths: list[Truth] = [truth(value) for value in exact]
    ctx.prec = before
    worst = []
    for ball, value, known in zip(balls, computed, truths, strict=True):
        error = known.error(value)
        finite = np.isfinite(error)
        assert finite.mean() > 0.3
        assert ball.radius is not None
        worst.append(float((error[finite] / ball.radius[finite]).max()))
    return worst[0], worst[1]


@pytest.mark.parametrize("scale", [0.5, 4.0, 15.0, 40.0])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", KINDS)
def test_what_a_form_computes_lies_within_its_radius(kind, form, dtype, scale):
    assert max(shares(kind, FORMS[form], dtype, scale)) <= 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_radius_of_an_ordinary_probability_is_narrow(kind):
    """The form costs digits, not the verdict: 12u/(1 − a) and less, for a up to 0.95 here."""
    rounding = Rounding(**{**vars(Rounding.of("float64")), "form": FORMS["clip"]})
    z = Ball(np.random.default_rng(3).normal(size=(50, 3)), None)
    f = functions.named(KINDS[kind])
    rows, slope = losses.named(kind).ball(
        z, f.ball(z, rounding), Ball(np.eye(3)[np.arange(50) % 3], None), rounding
    )
    for ball in (rows, slope):
        assert ball.radius is not None
        assert ball.radius.max() < 20 * 12 * rounding.unit * np.abs(ball.value).max()


def test_the_logarithm_of_what_is_nearly_certain_hardly_moves():
    """log(1 − a) has the slope −a: where a is 1e-6, a z that is off by 1e-9 moves it by 1e-15."""
    rounding = Rounding(**{**vars(Rounding.of("float64")), "form": FORMS["plain"]})
    z = Ball(np.full((1, 2), np.log(1e-6)), np.full((1, 2), 1e-9))
    f = functions.named("sigmoid")
    rows, _ = losses.named("binary_cross_entropy").ball(
        z, f.ball(z, rounding), Ball(np.array([[0.0, 1.0]]), None), rounding
    )
    assert rows.radius is not None
    impossible, certain = rows.radius[0]
    # The move of a, as much again for â, and a rounding each of 1 − â, its logarithm and the row.
    assert 2e-15 <= impossible <= 2 * (2e-15 + 8 * rounding.unit)
    assert certain >= 1e-9


def forget_the_radius(monkeypatch):
    original = probabilities.Range.of.__func__
    monkeypatch.setattr(
        probabilities.Range,
        "of",
        classmethod(lambda cls, p, moved, radius, rounded: original(cls, p, moved, 0 * radius, 0)),
    )


def forget_the_move(monkeypatch):
    original = probabilities.Range.of.__func__
    monkeypatch.setattr(
        probabilities.Range,
        "of",
        classmethod(
            lambda cls, p, moved, radius, rounded: original(
                cls, p, 0 * moved, np.minimum(radius, 1e-300), 0
            )
        ),
    )


def forget_the_bend(monkeypatch):
    monkeypatch.setattr(
        probabilities.Range, "bent", lambda self, form, rounding: np.zeros(self.low.shape, bool)
    )


@pytest.mark.parametrize(
    ("weaken", "kind", "form", "part"),
    [
        (forget_the_radius, "binary_cross_entropy", "plain", 0),
        (forget_the_move, "binary_cross_entropy", "plain", 0),
        (forget_the_move, "categorical_cross_entropy", "plain", 0),
        (forget_the_bend, "binary_cross_entropy", "clip", 1),
        (forget_the_bend, "categorical_cross_entropy", "clip", 1),
    ],
)
def test_a_weakened_rule_is_found_out(weaken, kind, form, part, monkeypatch):
    weaken(monkeypatch)
    found = [shares(kind, FORMS[form], dtype, scale)[part] for dtype in DTYPES for scale in (4, 15)]
    assert max(found) > 1


def test_an_unguarded_logarithm_of_zero_bounds_nothing():
    rounding = Rounding(**{**vars(Rounding.of("float64")), "form": FORMS["plain"]})
    z = Ball(np.array([[60.0]]), None)
    f = functions.named("sigmoid")
    loss = losses.named("binary_cross_entropy")
    rows, _ = loss.ball(z, f.ball(z, rounding), Ball(np.zeros((1, 1)), None), rounding)
    assert rows.radius is not None
    assert not np.isfinite(rows.radius).any()
