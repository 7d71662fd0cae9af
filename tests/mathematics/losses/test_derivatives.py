"""Each loss's derivative is that of its value: certified central differences.

As in `test_definition_differences`: |D(h) − L′| ≤ |D(2h) − D(h)|, or both are below h⁴.
"""

from __future__ import annotations

import numpy as np
import pytest
from flint import arb

from backproof.mathematics import functions, losses
from backproof.mathematics.arithmetic.balls.ball import Ball
from backproof.mathematics.arithmetic.certified import Certified
from backproof.mathematics.arithmetic.rounding.model import Rounding
from backproof.mathematics.losses import LossFunction

H, NEGLIGIBLE = arb(2) ** -120, arb(2) ** -400
FOUND = [losses.named(name) for name in losses.names()]
OF_OUTPUTS = [
    made for f in FOUND if f.ACTIVATION is not None and (made := f.of_outputs()) is not None
]
EVERY = [*FOUND, *OF_OUTPUTS]
ROWS, COLUMNS = 4, 3


def by_name(loss: LossFunction) -> str:
    return loss.name


def points(loss: LossFunction) -> tuple[np.ndarray, np.ndarray]:
    """Arguments, which are probabilities where the loss is of such, and targets; hard and soft."""
    stream = np.random.default_rng(11)
    x = stream.normal(size=(ROWS, COLUMNS))
    if loss in OF_OUTPUTS:
        x = stream.uniform(0.1, 0.9, x.shape)
    if loss.LABELS is None:
        return x, stream.normal(size=x.shape)
    no, yes = loss.LABELS
    y = np.where(np.eye(COLUMNS)[stream.integers(COLUMNS, size=ROWS)], yes, no)
    if no == 0:
        y[0] = 0 if loss.IGNORES else [0.5, 0.25, 0.25]
    return x, y


def total(loss: LossFunction, x: list[arb], y: Certified) -> arb:
    """The sum of the loss over all rows."""
    return sum(at(loss, x, y)[0].entries, arb(0))


def at(loss: LossFunction, x: list[arb], y: Certified) -> tuple[Certified, Certified]:
    z = Certified(x, (ROWS, COLUMNS))
    a = functions.named(loss.ACTIVATION).certified(z) if loss.ACTIVATION else z
    return loss.certified(z, a, y)


@pytest.mark.parametrize("loss", EVERY, ids=by_name)
def test_the_derivative_is_that_of_the_value(loss: LossFunction) -> None:
    x, y = points(loss)
    held = Certified([arb(v) for v in y.ravel().tolist()], y.shape)
    start = [arb(v) for v in x.ravel().tolist()]
    slopes = at(loss, start, held)[1].entries
    for index, slope in enumerate(slopes):

        def difference(h: arb, index: int = index) -> arb:
            ends = [
                total(loss, [v + (i == index) * side for i, v in enumerate(start)], held)
                for side in (h, -h)
            ]
            return (ends[0] - ends[1]) / (2 * h)

        near, far = difference(H), difference(2 * H)
        assert abs(near - slope) <= abs(far - near) + NEGLIGIBLE
        assert abs(far - near) < 2**-200
        # Sharp enough to tell a derivative that is off by 2⁻¹⁸⁰ of it.
        if not slope.is_zero():
            off = abs(near - slope * (1 + arb(2) ** -180))
            assert off > abs(far - near) + NEGLIGIBLE
    assert max(map(abs, slopes)) > 0.1


@pytest.mark.parametrize("loss", EVERY, ids=by_name)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_value_keeps_its_dtype_and_lies_in_the_ball(loss: LossFunction, dtype: type) -> None:
    x, y = (v.astype(dtype) for v in points(loss))
    f = functions.named(loss.ACTIVATION or "linear")
    rows, slope = loss.value(x, f.value(x), y)
    assert rows.dtype == slope.dtype == dtype
    assert rows.shape == (ROWS, 1 if loss.BY_ROW else COLUMNS)
    assert slope.shape == x.shape
    rounding = Rounding.of(np.dtype(dtype).name)
    z, t = Ball(x.astype(float), None), Ball(y.astype(float), None)
    for value, ball in zip((rows, slope), loss.ball(z, f.ball(z, rounding), t, rounding)):
        radius = 0 if ball.radius is None else ball.radius
        assert (np.abs(value - ball.value) <= 2 * radius).all()


@pytest.mark.parametrize("loss", EVERY, ids=by_name)
def test_its_other_form_is_as_right(loss: LossFunction) -> None:
    x, y = points(loss)
    f, rounding = functions.named(loss.ACTIVATION or "linear"), Rounding.of("float64")
    z = Ball(x, None)
    balls = loss.ball(z, f.ball(z, rounding), Ball(y, None), rounding)
    for value, ball in zip(loss.other_value(x, f.value(x), y), balls, strict=True):
        radius = 0 if ball.radius is None else ball.radius
        assert (np.abs(value - ball.value) <= 2 * radius).all()


@pytest.mark.parametrize("loss", OF_OUTPUTS, ids=by_name)
def test_a_loss_of_outputs_is_the_fused_one_where_that_applies(loss: LossFunction) -> None:
    """Taken of a sigmoid's or a softmax's outputs, and back through it."""
    fused = next(f for f in FOUND if f.ACTIVATION is not None and f.of_outputs() == loss)
    f = functions.named(str(fused.ACTIVATION))
    x, y = points(fused)
    a = f.value(x)
    rows, slope = loss.value(np.full_like(x, np.nan), a, y)
    whole, by_logits = fused.value(x, a, y)
    assert np.allclose(rows, whole, rtol=1e-12, atol=0)
    assert np.allclose(f.vjp(x, a, slope), by_logits, rtol=1e-11, atol=1e-15)
    for name in ("BY_ROW", "DECISION", "LABELS"):
        assert getattr(loss, name) == getattr(fused, name)
    assert loss.check_targets(y) is None
    assert loss.check_targets(y * 7) == fused.check_targets(y * 7) is not None
    assert loss.terms(y) == fused.terms(y)
    assert loss.ACTIVATION is None
    assert loss.of_outputs() is loss
