"""The bounds of functions in any usual form hold for these, and those of the definition do not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from backproof import activations
from backproof.mathematics.arithmetic.balls.ball import Ball
from backproof.mathematics.arithmetic.rounding.model import Rounding
from backproof.mathematics.functions import Activation

Z = np.concatenate([np.linspace(-40, 40, 4001), 10.0 ** np.arange(-12, 3), -(10.0 ** np.arange(3))])


def leaky(alpha: float) -> Callable[[Any], Any]:
    def form(z: Any) -> Any:
        half = z.dtype.type(0.5)
        return half * z.dtype.type(1 + alpha) * z + half * z.dtype.type(1 - alpha) * abs(z)

    return form


def of_both_signs(z: Any) -> Any:
    return (np.exp(z) - np.exp(-z)) / (np.exp(z) + np.exp(-z))


FORMS: dict[str, tuple[Activation, Callable[[Any], Any]]] = {
    "half of 1 + tanh": (activations.named("sigmoid"), lambda z: (1 + np.tanh(z / 2)) / 2),
    "1 minus": (activations.named("sigmoid"), lambda z: 1 - 1 / (1 + np.exp(z))),
    "clipped": (activations.named("sigmoid"), lambda z: 1 / (1 + np.exp(-np.clip(z, -30, 30)))),
    "twice a sigmoid": (activations.named("tanh"), lambda z: 2 / (1 + np.exp(-2 * z)) - 1),
    "exponentials": (activations.named("tanh"), of_both_signs),
    "magnitude, 0.1": (activations.named("leaky_relu", alpha=0.1), leaky(0.1)),
    "magnitude, 1.7": (activations.named("leaky_relu", alpha=1.7), leaky(1.7)),
}


def worst(f: Activation, form: Callable[[Any], Any], rounding: Rounding) -> float:
    """The largest share of the radius that the form's error takes up."""
    z = Z.astype(rounding.dtype)
    if form is of_both_signs:
        z = z[abs(z) < 40]
    with np.errstate(all="ignore"):
        given = np.asarray(form(z), np.float64)
    exact = f.ball(Ball(z.astype(np.float64), None), rounding)
    assert exact.radius is not None
    gap = np.abs(given - exact.value)
    with np.errstate(all="ignore"):
        return float(np.where(gap == 0, 0, gap / exact.radius).max())


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("form", FORMS)
def test_a_form_is_within_its_bound(form: str, dtype: str) -> None:
    f, written = FORMS[form]
    rounding = Rounding.of(dtype)
    if form == "clipped" and dtype == "float64":  # 30 is not enough there: that is a fault
        assert worst(f, written, rounding.in_any_form()) > 1
        return
    assert worst(f, written, rounding.in_any_form()) <= 1
    assert worst(f, written, rounding) > 1
