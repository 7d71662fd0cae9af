"""Cross-entropies of outputs behind a guard: what a form computes lies within its radius."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from backproof.mathematics.arithmetic.balls.ball import Ball
from backproof.mathematics.arithmetic.balls.outputs import Output
from backproof.mathematics.arithmetic.certified import CertifiedOps, truth
from backproof.mathematics.arithmetic.rounding.forms import Form
from backproof.mathematics.arithmetic.rounding.model import Rounding
from tests.mathematics.arithmetic.test_ball_probabilities import DTYPES, FORMS, logarithm
from tests.mathematics.losses.ball_outputs import BINARY, KINDS, of_outputs

# Clipped outputs may be differentiated as they are, and not as the clip is.
CODE = ("automatic", "by hand")


def computed(
    kind: str, a: np.ndarray, y: np.ndarray, form: Form, code: str
) -> tuple[np.ndarray, np.ndarray]:
    """Loss and derivative by a, with the guards of the form."""
    kept = a
    if code == "by hand" and form.clip:
        kept = np.clip(a, a.dtype.type(form.clip), 1 - a.dtype.type(form.clip))
    log_a, slope_a = logarithm(kept, form)
    if form.epsilon:
        slope_a = 1 / (a + a.dtype.type(form.epsilon))
    if kind != BINARY:
        if code == "by hand":
            slope_a = 1 / kept
        return -(y * log_a).sum(axis=1, keepdims=True), -y * slope_a
    log_rest, slope_rest = logarithm(1 - kept, form)
    if form.epsilon:
        slope_rest = 1 / (1 - a + a.dtype.type(form.epsilon))
    slope = (1 - y) * slope_rest - y * slope_a
    if form.slope_floor or code == "by hand":
        room = np.maximum(kept * (1 - kept), a.dtype.type(form.slope_floor))
        slope = (kept - y) / room
    return -y * log_a - (1 - y) * log_rest, slope


def shares(kind: str, form: Form, dtype: str, code: str) -> list[float]:
    """The largest |computed − exact| / radius of rows and derivative, where those are finite."""
    stream = np.random.default_rng(5)
    rounding = replace(Rounding.of(dtype), form=form)
    near = 10.0 ** -stream.uniform(1, 12 if dtype == "float64" else 6.5, (400, 3))
    a = np.where(stream.random((400, 3)) < 0.5, near, 1 - near).astype(dtype)
    a[:80] = stream.uniform(0, 1, (80, 3))
    if kind != BINARY:
        a[80:120] = stream.uniform(1, 40, (40, 3))
    y = np.eye(3)[stream.integers(3, size=400)]
    if kind == BINARY:
        y = np.where(stream.random(y.shape) < 0.8, y, 0.25)
    value = a.astype(np.float64)
    radius = np.minimum(value, np.abs(1 - value)) * 4 * rounding.unit
    # What an implementation has is as far off as it may be, and then rounded.
    off = radius * stream.choice([-1.0, 0.0, 1.0], a.shape)
    ball, targets = Ball(value, radius + np.abs(off)), Ball(y, None)
    found = of_outputs(kind).ball(ball, ball, targets, rounding)
    kept = (value + off).astype(dtype)
    assert (np.abs(kept - value) <= ball.radius).all()
    ops = CertifiedOps()
    exact = ops.exact(value)
    certified = of_outputs(kind).certified(exact, exact, ops.exact(y))
    worst = []
    results = computed(kind, kept, y.astype(dtype), form, code)
    for bound, result, known in zip(found, results, map(truth, certified), strict=True):
        error = known.error(result)
        finite = np.isfinite(bound.radius) & np.isfinite(error)
        assert finite.mean() > 0.9
        worst.append(float((error[finite] / bound.radius[finite]).max()))
    return worst


@pytest.mark.parametrize("code", CODE)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", KINDS)
def test_what_a_guarded_form_computes_lies_within_its_radius(kind, form, dtype, code):
    assert max(shares(kind, FORMS[form], dtype, code)) <= 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("form", "part"), [("clip", 0), ("clip", 1), ("torch", 1)])
def test_a_guard_that_was_not_declared_is_found_out(kind, form, part):
    """The rule for no guard does not cover one: it is the form that pays for what it bends."""
    if form == "torch" and kind != BINARY:
        form = "clip"  # its floor is one of a(1 − a)
    assert share_undeclared(kind, FORMS[form], part) > 1


def share_undeclared(kind: str, form: Form, part: int) -> float:
    """As `shares`, of a form that was declared to be of probabilities without any guard."""
    a = np.full((1, 2), [1e-13, 0.25])
    y = np.array([[1.0, 0.0]])
    rounding = replace(Rounding.of("float64"), form=Form("probabilities"))
    ball = Ball(a, a * 1e-15)
    bound = of_outputs(kind).ball(ball, ball, Ball(y, None), rounding)[part]
    exact = of_outputs(kind).value(a, a, y)[part]
    result = computed(kind, a, y, form, "automatic")[part]
    return float((np.abs(result - exact) / bound.radius).max())


@pytest.mark.parametrize("kind", KINDS)
def test_a_bend_forgotten_is_found_out(kind, monkeypatch):
    monkeypatch.setattr(
        Output, "bent", lambda self, rounding: np.zeros(self.value.shape, dtype=bool)
    )
    assert max(shares(kind, FORMS["clip"], "float64", "automatic")) > 1


def test_a_form_of_logits_has_no_guard():
    """A clip that belongs to a loss of logits is not this one's."""
    a, y = Ball(np.full((1, 1), 1e-9), None), Ball(np.ones((1, 1)), None)
    plain, other = (
        of_outputs(BINARY).ball(a, a, y, replace(Rounding.of("float64"), form=form))
        for form in (Form(), Form("logits", clip=1e-7))
    )
    for one, two in zip(plain, other, strict=True):
        assert np.array_equal(one.radius, two.radius)
