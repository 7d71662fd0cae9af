"""Calibration: a right function is charged little, a wrong one found; the table is charged."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from flint import arb

from backproof.comparison.bounds.models import traits_of
from backproof.implementations.calibration.ulps import LOCAL, arguments, measure, round_to
from backproof.mathematics.arithmetic.rounding.model import CHARGED, FLOOR, Rounding
from tests.halves import slow_but
from tests.workers import Shared


@pytest.mark.parametrize("dtype", slow_but(["float64"], ["float64", "float32"], 1))
def test_numpy_errs_by_few_ulps(dtype: str) -> None:
    functions = LOCAL["numpy"]
    with np.errstate(all="ignore"):
        found = measure("numpy", "eager", dtype, lambda f, x: functions[f](x), list(functions), {})
    assert {m.function for m in found} == set(functions)
    assert all(m.charged <= FLOOR for m in found)
    assert any(m.ulps > 0.4 for m in found), "no function is exact"


def test_a_function_that_is_off_by_ten_ulps_is_found() -> None:
    def off(function, x):
        return np.exp(x) * (1 + 20 * Rounding.of("float64").unit)

    with np.errstate(all="ignore"):
        (found,) = measure("numpy", "eager", "float64", off, ["exp"], {})
    assert 9 < found.ulps < 12


def test_a_function_that_is_not_a_number_is_found() -> None:
    known: dict[str, tuple[np.ndarray, list[arb]]] = {}
    (found,) = measure("numpy", "eager", "float64", lambda f, x: x * np.nan, ["tanh"], known)
    assert found.ulps == np.inf


def test_the_half_precisions_are_exhaustive() -> None:
    points = arguments("exp", "float16", np.random.default_rng(0))
    assert len(points) == 2**16 - 2 * 2**10 - 1  # all but infinities, NaNs and one of the zeros
    assert np.array_equal(points, round_to(points, "float16"))


def test_the_table_is_what_is_charged() -> None:
    for implementation in ("subject", "keras", "torch", "jax"):
        for dtype in ("float64", "float32", "bfloat16", "float16"):
            rounding = Rounding.declared(traits_of(implementation), dtype, calibrated=True)
            for function in CHARGED:
                assert np.isfinite(rounding.charge(function))
    # In float64 nothing that a rule charges errs more than the floor: one model for all.
    for implementation in ("subject", "keras", "torch", "jax"):
        declared = Rounding.declared(traits_of(implementation), "float64")
        assert replace(declared, kinks=(), slopes=()) == Rounding.of("float64")


@pytest.mark.slow(2)
def test_a_worker_applies_its_functions(shared: Shared) -> None:
    worker = shared("torch", dtype="float16").by_name["torch"]
    x = np.array([0.5, -1.0], np.float32)
    reply = worker.wait(
        worker.request({"do": "apply", "function": "exp", "mode": "eager"}, {"x": x})
    )[1]
    assert np.array_equal(reply["y"], round_to(np.exp(x.astype(np.float64)), "float16"))
