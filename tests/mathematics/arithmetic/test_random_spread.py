"""From spread to bound: the quantile, the draws, what is exact, what is not of first order."""

from __future__ import annotations

from dataclasses import replace
from math import sqrt
from typing import Any

import numpy as np
import pytest
from scipy import stats

from backproof.mathematics import functions
from backproof.mathematics.arithmetic.random.draws import Draws
from backproof.mathematics.arithmetic.random.local_errors import LocalErrors
from backproof.mathematics.arithmetic.random.spread import quantile, spreads
from backproof.mathematics.arithmetic.random.squares import Squares
from backproof.mathematics.arithmetic.rounding.model import Rounding
from tests.mathematics.arithmetic.random_networks import dense, point, spreads_of

FLOAT32, FLOAT64 = Rounding.of("float32"), Rounding.of("float64")


@pytest.mark.parametrize("replicas", [1, 12, 32])
@pytest.mark.parametrize("chance", [0.5, 1e-3, 1e-9, 1e-16])
def test_the_quantile_is_students(replicas: int, chance: float) -> None:
    found = quantile(replicas, chance)
    assert 2 * stats.t.sf(found, replicas) == pytest.approx(chance, rel=1e-9)


def test_draws_have_mean_0_and_variance_1_and_are_uniform() -> None:
    numbers = Draws((1,)).each(1000, 1000)
    count = numbers.size
    assert abs(numbers.mean()) <= 5 / sqrt(count)
    assert abs((numbers**2).mean() - 1) <= 5 * sqrt(0.8 / count)  # uniform: E x⁴ = 1.8
    assert np.abs(numbers).max() <= sqrt(3)
    assert abs((np.abs(numbers) < 0.1).mean() - 0.1 / sqrt(3)) <= 5 * sqrt(0.06 / count)


def test_a_seed_draws_the_same_numbers_and_another_seed_others() -> None:
    first, same, other = (Draws(seed).each(3, 3) for seed in ((1, 2), (1, 2), (1, 3)))
    assert (first == same).all()
    assert not (first == other).any()


@pytest.mark.parametrize("roundings", [1, 2, 3, 20])
def test_so_few_replicas_exceed_what_the_quantile_says(roundings: int) -> None:
    """Errors of one rounding, and of several of the same size, whose spread may be small by luck.

    The implementation's are those of rounding to nearest at the least favourable place, u·|x|.
    """
    elements, replicas, chance = 200_000, 8, 1e-3
    draws = Draws((7,))
    spread = sqrt(1 / replicas) * np.sqrt(
        sum(draws.each(elements, roundings).sum(axis=1) ** 2 for _ in range(replicas))
    )
    exceeding = np.abs(uniform(elements, roundings)) > quantile(replicas, chance) * spread
    assert exceeding.mean() <= chance


def uniform(elements: int, roundings: int) -> np.ndarray:
    """The sum of so many roundings of 1, each anywhere between −1 and 1."""
    return np.random.default_rng(3).uniform(-1, 1, (elements, roundings)).sum(axis=1)


def test_signs_alone_would_exceed_it_far_too_often() -> None:
    """Why draws are no signs: two roundings of one size cancel in all of four replicas."""
    elements, replicas, chance = 200_000, 4, 1e-6
    signs = np.random.default_rng(4).choice((-1.0, 1.0), (replicas, elements, 2)).sum(axis=2)
    spread = np.sqrt((signs**2).mean(axis=0))
    assert (np.abs(uniform(elements, 2)) > quantile(replicas, chance) * spread).mean() > 0.01


@pytest.mark.slow(8)
def test_replicas_exceed_it_as_often_as_it_says() -> None:
    """Gaussian errors in all: sums of many roundings, held against further replicas."""
    network = dense((80, 60, 50, 10), "tanh")
    state, batch = point(network, 16, "float32")
    first = spreads_of(network, state, batch, FLOAT32, replicas=16)
    count = exceeding = 0
    for seed in range(20):
        other = spreads_of(network, state, batch, FLOAT32, replicas=1, seed=100 + seed)
        for name in ("gradient/dense_1/kernel", "gradient/dense_2/kernel"):
            # The spread of a single replica is how far it is off.
            gap = other[name].sigma[first[name].sigma > 0]
            spread = first[name].sigma[first[name].sigma > 0]
            exceeding += int((gap > quantile(16, 1e-2) * spread).sum())
            count += gap.size
    # What all elements share is uniform, and has no tails: fewer, but not by far.
    assert 0.1e-2 <= exceeding / count <= 1e-2


def test_few_at_a_time_are_as_good_as_all_at_once() -> None:
    network = dense((20, 15, 5), "tanh")
    state, batch = point(network, 8, "float32")
    together = spreads_of(network, state, batch, FLOAT32, replicas=256)
    alone = spreads_of(network, state, batch, FLOAT32, replicas=256, memory=1)
    for name, each in together.items():
        known = each.sigma > 0
        assert ((alone[name].sigma > 0) == known).all()
        ratio = alone[name].sigma[known] / each.sigma[known]
        assert (np.abs(ratio - 1) <= 6 / sqrt(256)).all()


def test_the_same_seed_gives_the_same_bytes() -> None:
    network = dense((20, 15, 5), "relu")
    state, batch = point(network, 8, "float32")
    once, again = (spreads_of(network, state, batch, FLOAT32) for _ in range(2))
    other = spreads_of(network, state, batch, FLOAT32, seed=1)
    for name, each in once.items():
        assert each.radius.tobytes() == again[name].radius.tobytes()
    assert once["loss"].sigma != other["loss"].sigma


@pytest.mark.parametrize("rounding", [FLOAT32, FLOAT64], ids=["float32", "float64"])
def test_what_nothing_rounds_is_exact_and_the_rest_is_not(rounding: Rounding) -> None:
    """A feature that is 0 in all samples has no gradient; its neighbours have one."""
    network = dense((20, 15, 5), "relu")
    state, batch = point(network, 8, "float32")
    inputs = batch.inputs * (np.arange(20) != 3)
    batch = replace(batch, inputs=inputs.astype("float32"))
    found = spreads_of(network, state, batch, rounding)["gradient/dense_1/kernel"]
    assert (found.value[3] == 0).all()
    assert (found.radius[3] == 0).all()
    assert ((found.radius == 0) == (found.value == 0)).all()


def test_the_smallest_numbers_have_a_spread() -> None:
    squares = Squares((3,))
    squares.add(np.array([[1e-170, 1.0, 0.0], [1e-170, 3.0, 0.0]]))
    squares.add(np.array([[-1e-170, 2.0, 0.0]]))
    expected = [1e-170, sqrt(14 / 3), 0]
    assert squares.root_mean(3) == pytest.approx(expected, rel=1e-12, abs=0)


# --- first order ---------------------------------------------------------------------------------


def quotient(divisor: float) -> Any:
    """1/(0.7 − c), with a difference that rounding errors reach."""

    def evaluation(ops: Any, intervene: Any) -> dict[str, Any]:
        left = ops.multiply(ops.exact(np.array([[7.0, 1.0]])), ops.exact(np.array([[0.1, 1.0]])))
        size = intervene(
            "size", ops.subtract(left, ops.exact(np.array([[0.7 - divisor, 0.5]]))), None
        )
        found = intervene("quotient", ops.divide(ops.exact(np.ones((1, 2))), size), None)
        return {"size": size, "quotient": intervene("sum", ops.scale(found, 3.0), None)}

    return evaluation


@pytest.mark.parametrize(
    ("rounding", "near", "far"), [(FLOAT32, 4e-8, 0.01), (FLOAT64, 1e-13, 1e-6)], ids=str
)
def test_a_quotient_near_0_is_not_of_first_order_and_the_place_is_told(
    rounding: Rounding, near: float, far: float
) -> None:
    found = spreads(quotient(near), rounding, chance=1e-9)
    assert found["size"].unknown == ""
    assert "not of first order at quotient" in found["quotient"].unknown
    # The other element is as good as ever.
    assert found["quotient"].radius[0, 0] == np.inf
    assert 0 < found["quotient"].radius[0, 1] < 1e-4
    clean = spreads(quotient(far), rounding, chance=1e-9)
    assert clean["quotient"].unknown == ""
    assert np.isfinite(clean["quotient"].radius).all()


def test_a_division_by_0_and_an_overflow_are_lost_and_the_place_is_told() -> None:
    def evaluation(ops: Any, intervene: Any) -> dict[str, Any]:
        x = intervene("start", ops.exact(np.array([[1e200, 1.0]])), None)
        square = intervene("square", ops.multiply(x, x), None)
        none = ops.divide(x, ops.exact(np.array([[0.0, 2.0]])))
        return {"square": square, "none": intervene("none", none, None)}

    found = spreads(evaluation, FLOAT64, chance=1e-9)
    assert found["square"].unknown.startswith("lost at square")
    assert np.isinf(found["square"].radius).tolist() == [[True, False]]
    assert np.isinf(found["none"].radius).tolist() == [[True, False]]


def test_a_slope_and_a_cotangent_that_are_both_nothing_but_errors_are_not_of_first_order() -> None:
    """Saturated twice: elu's slope is e⁻¹⁰⁰ here, and a + alpha, that is an error, in code."""
    elu = functions.named("elu", alpha=0.3)
    z, w = np.array([[-100.0]]), np.array([[1.0, -1.0]])

    def evaluation(ops: Any, intervene: Any) -> dict[str, Any]:
        a = ops.activate(elu, ops.exact(z))
        noise = ops.matmul(ops.exact(np.array([[0.7, 0.7]])), ops.exact(w.T))
        return {"delta": ops.vjp(elu, ops.exact(z), a, noise)}

    found = spreads(evaluation, FLOAT32, chance=1e-9)["delta"]
    assert found.radius[0, 0] == np.inf
    assert "not of first order" in found.unknown


def test_the_second_order_widens_the_radius() -> None:
    """x³, for an x that is off by e: 3·e, and 3·e² besides, which is √1.8·s² for an e of s."""
    s, t = 0.002, quantile(32, 1e-9)

    class Coarse(LocalErrors):
        def datum(self, x: np.ndarray) -> np.ndarray:
            return np.full_like(x, s)

    def evaluation(ops: Any, intervene: Any) -> dict[str, Any]:
        x = ops.exact(np.ones((1, 50)))
        return {"cube": ops.multiply(ops.multiply(x, x), x)}

    found = spreads(evaluation, FLOAT32, chance=1e-9, errors=Coarse(FLOAT32))["cube"]
    assert not found.unknown
    widening = found.radius / (t * found.sigma) - 1
    assert (widening > 0).all()
    assert 0.7 <= widening.mean() / (t * sqrt(1.8) * s) <= 1.1


def test_what_a_quantity_is_declared_to_be_off_by_is_allowed() -> None:
    network = dense((20, 15, 5), "tanh")
    state, batch = point(network, 8, "float32")
    plain = spreads_of(network, state, batch, FLOAT32)["loss"]
    declared = replace(FLOAT32, absolute=(("loss", 5e-5),))
    found = spreads_of(network, state, batch, declared)["loss"]
    assert found.radius - plain.radius == pytest.approx(5e-5)
