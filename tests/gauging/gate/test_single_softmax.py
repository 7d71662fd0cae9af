"""A softmax of one unit is 1 whatever comes in, and what follows from that is exactly 0.

Correct code may get 1 ± u there, and pass rounding errors back; code that takes the largest of the
row off, as all references do, gets exactly 1. See `judging.retried_on_same_branches`.
"""

from __future__ import annotations

import numpy as np
import pytest

from backproof.comparison.bounds.bounds import Bounds
from backproof.comparison.bounds.certainty import Certainty
from backproof.comparison.judging.judging import compare_point
from backproof.comparison.judging.rows import Row, Status
from backproof.comparison.record.record import DATA, SUBJECT, Point, Record
from backproof.gauging.fuzzing.drawing import Case
from backproof.gauging.fuzzing.fuzzing import compared
from backproof.mathematics import functions
from backproof.mathematics.arithmetic.balls.ball import Ball
from backproof.mathematics.arithmetic.balls.operations import BallOps
from backproof.mathematics.arithmetic.rounding.model import Rounding
from backproof.mathematics.layers.dense import Dense
from backproof.mathematics.network.loss import Loss
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.parameters import Batch
from backproof.mathematics.network.penalty import Penalty
from backproof.mathematics.optimizers.gradient_descent import GradientDescent
from backproof.mathematics.probes.drawn import drawn_parameters
from tests.comparison.diagnosis.grounds import judged, record_of
from tests.halves import slow_but
from tests.workers import Shared

HIDDEN = Network(
    (Dense(2, 3, "tanh"), Dense(3, 1, "softmax"), Dense(1, 2)), Loss("squared_error"), Penalty(l2=0)
)
LAST = Network(
    (Dense(2, 3, "tanh"), Dense(3, 1, "softmax")), Loss("categorical_cross_entropy"), Penalty()
)
PENALISED = Network(HIDDEN.layers, HIDDEN.loss, Penalty(l2=1e-18))
NETWORKS = {"hidden": HIDDEN, "last": LAST, "with a penalty as small as the errors": PENALISED}
NAME = "gradient/dense_1/kernel"
HERE = Point(DATA, 0)


def case(network: Network) -> Case:
    stream = np.random.default_rng(0)
    targets = np.ones((4, 1)) if network is LAST else stream.normal(size=(4, 2))
    batch = Batch(stream.normal(size=(4, 2)), targets)
    return Case(network, drawn_parameters(network, stream), batch)


def record(network: Network) -> Record:
    """The definition is subject and reference."""
    drawn = case(network)
    return record_of(
        network, GradientDescent(0.1), (drawn.parameters, drawn.batch), steps=1, points=[]
    )


def rows(found: Record) -> dict[str, Row]:
    certainty = Certainty(found, wanted=False)
    return {row.name: row for row in compare_point(found, Bounds(found), certainty, "torch", HERE)}


@pytest.mark.parametrize("name", NETWORKS)
def test_what_is_exactly_as_it_should_be_matches(name: str) -> None:
    assert {row.status for row in rows(record(NETWORKS[name])).values()} == {Status.MATCH}


@pytest.mark.parametrize("name", NETWORKS)
def test_the_bounds_of_all_correct_code_do_not_decide_that(name: str, monkeypatch) -> None:
    monkeypatch.setattr(Rounding, "on_same_branches", lambda rounding: rounding)
    assert rows(record(NETWORKS[name]))[NAME].status is Status.UNDECIDED


@pytest.mark.parametrize(("error", "status"), [(1e-18, Status.UNDECIDED), (1e-12, Status.MISMATCH)])
def test_rounding_errors_are_no_match_and_no_mismatch(error: float, status: Status) -> None:
    found = record(HIDDEN)
    found.evaluations[SUBJECT][HERE][NAME] = np.full((2, 3), error)
    assert rows(found)[NAME].status is status


def test_what_is_zero_at_every_point_shows_nothing() -> None:
    (row,) = (row for row in judged(record(HIDDEN)) if row.name == NAME)
    assert row.status is Status.UNDECIDED
    assert row.cause.startswith("no point exercises it")


@pytest.mark.parametrize("dtype", slow_but(["float64"], ["float64", "float32", "float16"], 1))
@pytest.mark.parametrize("reference", ["jax", "keras", "torch"])
@pytest.mark.parametrize("name", ["hidden", "last"])
def test_references_get_exactly_1(name: str, reference: str, dtype: str, shared: Shared) -> None:
    found = compared(case(NETWORKS[name]), shared(reference, dtype=dtype)).rows
    assert {row.status for row in found} == {Status.MATCH}


@pytest.mark.parametrize(
    ("z", "cotangent"), [(np.inf, 0.0), (np.nan, 0.0), (0.0, np.inf), (0.0, np.nan)]
)
def test_what_is_lost_passes_no_exact_0(z: float, cotangent: float) -> None:
    ops, f = BallOps(Rounding.of("float64").on_same_branches()), functions.named("softmax")
    one = np.ones((1, 1))
    at, given = Ball(one, one * z), Ball(one, one * cotangent)
    with np.errstate(all="ignore"):
        a = ops.activate(f, at)
        pulled = ops.vjp(f, at, a, given)
    assert (a.radius[0, 0] == 0) == (z == 0)
    assert not pulled.radius[0, 0] < 1
