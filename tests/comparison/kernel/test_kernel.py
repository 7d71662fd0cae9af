"""The kernel against a loop over elements, and against planted faults."""

import dataclasses
import math
import statistics
import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from backproof.comparison.kernel import power as strength
from backproof.comparison.kernel import scan, walk
from backproof.comparison.kernel.kernel import Difference, difference

BLOCK, SAMPLE = 5, 40  # small, so that small arrays cross the borders between blocks


def quotient(x: float, y: float) -> float:
    """x / y with 0/0 = 0, x/0 = inf, x/inf = 0, and inf where it overflows."""
    if math.isinf(y) or x == 0.0:
        return 0.0
    try:
        return x / y
    except (ZeroDivisionError, OverflowError):
        return math.inf


def reference(actual: Any, expected: Any, radius: Any = None) -> Difference:
    """What `difference` says in its documentation, one element after the other."""
    radius = np.broadcast_to(0.0 if radius is None else radius, np.shape(actual))
    a_all, e_all, r_all = (
        [float(x) for x in np.asarray(values).ravel()] for values in (actual, expected, radius)
    )
    r_all = [math.inf if math.isnan(r) else r for r in r_all]
    diffs, relatives, shares, exceeding = [], [], [], 0
    for a, e, r in zip(a_all, e_all, r_all, strict=True):
        fine = math.isfinite(a) and math.isfinite(e)
        diff = abs(a - e) if fine else math.inf
        diffs.append(diff)
        relatives.append(quotient(diff, abs(e)) if fine else math.inf)
        shares.append(quotient(diff, r) if fine else math.inf)
        exceeding += diff > r or not fine
    ranks = [(s, d if math.isinf(s) else 0.0) for s, d in zip(shares, diffs, strict=True)]
    worst = ranks.index(max(ranks))

    known = [(r, abs(e)) for e, r in zip(e_all, r_all, strict=True) if math.isfinite(e)]
    largest = max((e for _, e in known), default=0.0)
    step = max(len(e_all) // strength.SAMPLE, 1)
    while math.gcd(step, len(e_all)) > 1:
        step += 1
    halves = [
        quotient(r, abs(e)) if r < math.inf else math.inf
        for e, r in list(zip(e_all, r_all, strict=True))[::step]
        if math.isfinite(e) and e != 0.0
    ]
    notable = [
        2 * quotient(r, e) if r < math.inf else math.inf for r, e in known if e > 1e-3 * largest
    ]
    widest = max(r_all)
    weak = math.inf if widest else 0.0
    power = 0.0 if widest == 0.0 else math.inf
    if 0.0 < widest < math.inf:
        power = 2 * quotient(widest, largest)
    median = weak
    if halves:  # the mean of the two in the middle, with no overflow on the way
        median = statistics.median_low(halves) + statistics.median_high(halves)
    return Difference(
        size=len(a_all),
        max_abs_diff=max(diffs),
        max_rel_diff=max(relatives),
        worst=worst,
        actual=a_all[worst],
        expected=e_all[worst],
        bound=r_all[worst],
        bound_used=max(shares),
        exceeding=exceeding,
        largest=largest,
        zeros=sum(e == 0.0 for e in e_all),
        power=power,
        power_median=median,
        power_worst=max(notable, default=weak),
        nonfinite_actual=sum(not math.isfinite(a) for a in a_all),
        nonfinite_expected=sum(not math.isfinite(e) for e in e_all),
    )


def assert_same(found: Difference, wanted: Difference) -> None:
    """Field by field and bit by bit; only a quoted value may be NaN."""
    for field in dataclasses.fields(Difference):
        mine, its = getattr(found, field.name), getattr(wanted, field.name)
        assert type(mine) is type(its), field.name
        quoted = field.name in {"actual", "expected"}
        same = mine == its or (quoted and math.isnan(mine) and math.isnan(its))
        assert same, f"{field.name}={mine}, but should be {its}"


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "BLOCK", BLOCK)
    monkeypatch.setattr(strength, "SAMPLE", SAMPLE)


AWKWARD = [0.0, -0.0, 1.0, -1.0, 1.5, 5e-324, -5e-324, 1e-310, 2.2250738585072014e-308, 1e-3, 1e3]
HUGE = [1e308, -1e308, 1.7976931348623157e308]
NONFINITE = [math.nan, math.inf, -math.inf]


@st.composite
def comparisons(draw: st.DrawFn) -> tuple[Any, Any, Any]:
    """Three arrays, each with a dtype and a layout of its own, or all in Fortran order."""
    shape = draw(hnp.array_shapes(min_dims=0, max_dims=3, min_side=1, max_side=7))
    values = draw(
        st.sampled_from(
            [
                st.sampled_from(AWKWARD),
                st.sampled_from(AWKWARD + HUGE + NONFINITE),
                st.sampled_from([0.0, 1.0, 2.0]),  # many ties
                st.floats(-2, 2),
                st.floats(allow_nan=False),
                st.floats(1e-5, 1e5),
            ]
        )
    )
    radii = draw(
        st.sampled_from(
            [
                st.sampled_from([0.0, -0.0, 5e-324, 1e-310, 0.5, 1.0, 2.0]),
                st.sampled_from([0.0, 1e-3, 1.0, 1.7976931348623157e308, math.inf, math.nan]),
                st.floats(1e-6, 1e-2),
                st.floats(0.0, 2.0),
            ]
        )
    )
    layout = draw(st.sampled_from(["C", "F", "mixed"]))

    def array(elements: st.SearchStrategy[float]) -> Any:
        filled = draw(hnp.arrays(np.float64, shape, elements=elements, fill=st.nothing()))
        with np.errstate(all="ignore"):
            dtype = draw(
                st.sampled_from([np.float64] * 4 + [np.float32, np.float16, np.dtype(">f8")])
            )
            filled = filled.astype(dtype)
        match draw(st.sampled_from("CFRS")) if layout == "mixed" else layout:
            case "F":
                return filled.copy(order="F")
            case "R":  # against the memory
                return np.flip(filled).copy(order="C")[(np.s_[::-1],) * filled.ndim]
            case "S":  # every second in memory
                wide = np.zeros((*shape, 2), filled.dtype)
                wide[..., 0] = filled
                return wide[..., 0]
        return filled

    actual, expected = array(values), array(values)
    if draw(st.booleans()):  # mostly alike
        places = draw(hnp.arrays(np.bool_, shape, elements=st.integers(0, 9).map(lambda x: x > 8)))
        expected = expected.astype(np.float64)
        actual = np.where(places, actual, expected)
        if layout == "F":
            actual, expected = actual.copy(order="F"), expected.copy(order="F")
    match draw(st.sampled_from(["array", "array", "scalar", "none"])):
        case "array":
            return actual, expected, array(radii)
        case "scalar":
            return actual, expected, draw(radii)
    return actual, expected, None


@pytest.mark.usefixtures("small")
@settings(max_examples=1000, deadline=None)
@given(comparisons())
@pytest.mark.slow(3)
def test_any_arrays(arrays: tuple[Any, Any, Any]) -> None:
    assert_same(difference(*arrays), reference(*arrays))


def normal(rng: np.random.Generator, size: int) -> Any:
    return rng.standard_normal(size)


def outlier(rng: np.random.Generator, size: int) -> Any:
    values = rng.standard_normal(size)
    values[rng.integers(size)] = 1e4
    return values


def decades(rng: np.random.Generator, size: int) -> Any:
    return 10.0 ** rng.uniform(-6, 0, size)


def rising(rng: np.random.Generator, size: int) -> Any:
    return np.sort(rng.standard_exponential(size))


def sparse(rng: np.random.Generator, size: int) -> Any:
    return np.where(rng.random(size) < 0.99, 0.0, rng.standard_normal(size))


def holed(rng: np.random.Generator, size: int) -> Any:
    return np.where(rng.random(size) < 0.05, rng.choice(NONFINITE, size), rng.standard_normal(size))


def equal(expected: Any, rng: np.random.Generator) -> Any:
    return np.full(expected.shape, 1e-9)


def scalar(expected: Any, rng: np.random.Generator) -> Any:
    return 1e-9


def proportional(expected: Any, rng: np.random.Generator) -> Any:
    return 1e-9 * np.abs(np.where(np.isfinite(expected), expected, 1.0))


def varied(expected: Any, rng: np.random.Generator) -> Any:
    return 1e-9 * rng.integers(0, 4, expected.shape)


def unknown(expected: Any, rng: np.random.Generator) -> Any:
    return np.where(rng.random(expected.shape) < 1e-3, math.nan, 1e-9)


@pytest.mark.parametrize("room", [scan.CANDIDATES, 20])
@pytest.mark.parametrize("radius_of", [equal, scalar, proportional, varied, unknown])
@pytest.mark.parametrize("expected_of", [normal, outlier, decades, rising, sparse, holed])
@pytest.mark.parametrize("order", ["C", "F"])
def test_more_elements_than_the_sample(
    expected_of: Any, radius_of: Any, room: int, order: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walk, "BLOCK", 64)
    monkeypatch.setattr(strength, "SAMPLE", 100)
    monkeypatch.setattr(scan, "CANDIDATES", room)
    for seed in range(4):
        rng = np.random.default_rng(seed)
        expected = expected_of(rng, 3000).reshape(20, 15, 10)
        actual = expected + 1e-9 * rng.standard_normal(expected.shape)
        actual, expected, radius = (
            np.asarray(values).copy(order)
            for values in (actual, expected, radius_of(expected, rng))
        )
        assert_same(difference(actual, expected, radius), reference(actual, expected, radius))


@pytest.mark.parametrize(
    "dtype", ["?", "i1", "u2", "i4", "i8", "u8", "f2", "f4", "f8", ">f4", ">i2"]
)
@pytest.mark.parametrize("radius", [None, 1, np.float32(0.25), True])
def test_dtypes(dtype: str, radius: Any) -> None:
    rng = np.random.default_rng(0)
    actual, expected = rng.integers(0, 100, (2, 300)).astype(dtype)
    assert_same(difference(actual, expected, radius), reference(actual, expected, radius))
    assert_same(
        difference(actual, expected.astype(float), radius), reference(actual, expected, radius)
    )


def test_no_radius_is_radius_zero() -> None:
    rng = np.random.default_rng(0)
    expected = rng.standard_normal(50_000)
    actual = expected + 1e-9 * rng.integers(-1, 2, expected.shape)
    exact = difference(actual, expected)
    assert exact.exceeding == np.count_nonzero(actual != expected)
    assert exact == difference(actual, expected, 0.0)
    assert exact == difference(actual, expected, np.zeros(expected.shape))
    assert exact == difference(actual, expected, np.full(expected.shape, -0.0))


def test_median_above_the_sample_sees_every_column() -> None:
    # A step of 16, the size by the size of the sample, would see every 16th column alone.
    expected = np.tile(10.0 ** np.arange(64), (2**14, 1))
    found = difference(expected, expected, 1.0)
    assert 1e-32 < found.power_median < 1e-30  # between columns 31 and 32


class TestPlantedFaults:
    """Each must be caught wherever it is; the same arrays without it must pass."""

    SIZE = 3 * walk.BLOCK + 17
    PLACES = (0, walk.BLOCK - 1, walk.BLOCK, SIZE // 2, SIZE - 1)

    @pytest.fixture
    def arrays(self) -> tuple[Any, Any, Any]:
        rng = np.random.default_rng(0)
        expected = rng.standard_normal(self.SIZE)
        radius = rng.uniform(1e-12, 1e-10, self.SIZE)
        return expected + rng.uniform(-0.5, 0.5, self.SIZE) * radius, expected, radius

    def test_clean(self, arrays: tuple[Any, Any, Any]) -> None:
        found = difference(*arrays)
        assert found.exceeding == 0
        assert 0.4 < found.bound_used <= 0.6

    @pytest.mark.parametrize("place", PLACES)
    def test_just_within_and_just_beyond(self, arrays: tuple[Any, Any, Any], place: int) -> None:
        actual, expected, radius = arrays
        actual[place], expected[place], radius[place] = 1.0, 0.0, 1.0
        found = difference(*arrays)
        assert (found.exceeding, found.bound_used, found.worst) == (0, 1.0, place)

        actual[place] = np.nextafter(1.0, 2.0)
        found = difference(*arrays)
        assert (found.exceeding, found.worst) == (1, place)
        assert found.bound_used > 1.0
        assert (found.actual, found.expected, found.bound) == (actual[place], 0.0, 1.0)

        actual[place], radius[place] = 1.0, np.nextafter(1.0, 0.0)
        found = difference(*arrays)
        assert (found.exceeding, found.worst) == (1, place)
        assert found.bound_used > 1.0

    @pytest.mark.parametrize("place", PLACES)
    @pytest.mark.parametrize("value", NONFINITE)
    @pytest.mark.parametrize("side", ["actual", "expected", "both"])
    @pytest.mark.parametrize("allowed", ["radius", "infinite radius", "NaN radius", "no radius"])
    def test_not_finite(
        self, arrays: tuple[Any, Any, Any], place: int, value: float, side: str, allowed: str
    ) -> None:
        actual, expected, radius = arrays
        if side != "expected":
            actual[place] = value
        if side != "actual":
            expected[place] = value
        if allowed != "radius":
            radius[place] = math.inf if allowed == "infinite radius" else math.nan
        if allowed == "no radius":
            actual = np.where(np.arange(self.SIZE) == place, actual, expected)
        found = difference(actual, expected, None if allowed == "no radius" else radius)
        assert (found.exceeding, found.bound_used, found.worst) == (1, math.inf, place)
        assert (found.max_abs_diff, found.max_rel_diff) == (math.inf, math.inf)
        assert found.nonfinite_actual == (side != "expected")
        assert found.nonfinite_expected == (side != "actual")
        assert math.isfinite(found.largest)

    @pytest.mark.parametrize("place", PLACES)
    @pytest.mark.parametrize("value", [math.inf, math.nan])
    def test_radius_not_finite(
        self, arrays: tuple[Any, Any, Any], place: int, value: float
    ) -> None:
        actual, expected, radius = arrays
        actual[place], expected[place], radius[place] = 1e6, 1.0, value
        found = difference(*arrays)
        assert found.exceeding == 0
        assert (found.power, found.power_worst) == (math.inf, math.inf)
        assert math.isfinite(found.power_median)

    def test_all_unknown(self) -> None:
        found = difference(np.full(3, math.nan), np.full(3, math.nan), math.nan)
        assert (found.exceeding, found.bound_used, found.bound) == (3, math.inf, math.inf)
        assert (found.power, found.power_median, found.power_worst) == (math.inf,) * 3

    def test_zeros_have_no_power(self) -> None:
        found = difference(np.zeros(3), np.zeros(3), 1e-12)
        assert (found.power, found.power_median, found.power_worst) == (math.inf,) * 3
        found = difference(np.zeros(3), np.zeros(3), 0.0)
        assert (found.power, found.power_median, found.power_worst) == (0.0,) * 3


class TestRefusals:
    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ((3, 1), (3,)),
            ((3,), (1, 3)),
            ((3, 1), (1, 3)),
            ((), (1,)),
            ((2, 3), (3, 2)),
            ((0,), ()),
        ],
    )
    def test_shapes(self, one: tuple[int, ...], other: tuple[int, ...]) -> None:
        with pytest.raises(ValueError, match="never broadcast") as caught:
            difference(np.ones(one), np.ones(other))
        assert str(one) in str(caught.value)
        assert str(other) in str(caught.value)

    @pytest.mark.parametrize("shape", [(1,), (3,), (1, 3), (2, 1), (3, 2)])
    def test_shape_of_the_radius(self, shape: tuple[int, ...]) -> None:
        with pytest.raises(ValueError, match="one radius for each element") as caught:
            difference(np.ones((2, 3)), np.ones((2, 3)), np.ones(shape))
        assert str(shape) in str(caught.value)
        assert "(2, 3)" in str(caught.value)

    @pytest.mark.parametrize("shape", [(0,), (3, 0), (0, 2, 1)])
    def test_nothing_compared(self, shape: tuple[int, ...]) -> None:
        with pytest.raises(ValueError, match="nothing compared"):
            difference(np.ones(shape), np.ones(shape), np.ones(shape))

    @pytest.mark.parametrize("values", [[None], ["1"], [1j], [np.longdouble(1)], [{}], [2**70]])
    def test_dtypes(self, values: list[Any]) -> None:
        bad, good = np.array(values), np.ones(1)
        for arguments in ((bad, good), (good, bad), (good, good, bad)):
            with pytest.raises(TypeError, match="float64 cannot hold"):
                difference(*arguments)

    def test_integers_that_would_become_equal(self) -> None:
        fine = np.array([2**53, -(2**53)])
        assert difference(fine, fine).exceeding == 0
        for beyond in (
            np.array([2**53 + 1, 0]),
            np.array([0, -(2**53) - 1]),
            np.array([0, 2**64 - 1], np.uint64),
        ):
            with pytest.raises(ValueError, match=r"beyond 2\*\*53"):
                difference(fine, beyond)

    @pytest.mark.parametrize("value", [-5e-324, -1.0, -math.inf])
    @pytest.mark.parametrize("order", ["C", "F"])
    def test_negative_radius(self, value: float, order: Any) -> None:
        ones = np.ones((200, 300), order=order)
        radius = ones.copy(order)
        radius[0, 0] = math.nan
        radius[150, 7] = value
        with pytest.raises(ValueError, match=f"radius is {value} at flat index 45007:"):
            difference(ones, ones, radius)
        with pytest.raises(ValueError, match=f"radius is {value} at flat index 0:"):
            difference(ones, ones, value)


@pytest.mark.parametrize(
    "layout", ["C", "F", "mixed", "float32", "scalar", "not finite", "all candidates"]
)
def test_memory(layout: str) -> None:
    shape = (4000, 2500)  # 80 MB each: one temporary of that size would show
    expected = np.random.default_rng(0).standard_normal(shape)
    actual, radius = expected.copy(), np.full(shape, 1e-9)
    match layout:
        case "F":
            actual, expected, radius = (x.copy(order="F") for x in (actual, expected, radius))
        case "mixed":
            actual, radius = actual.copy(order="F"), radius[::-1]
        case "float32":
            actual = actual.astype(np.float32)
        case "scalar":
            radius = np.array(1e-9)
        case "not finite":
            actual[:] = math.nan
        case "all candidates":  # for `power_worst`, because each is close to the threshold
            expected[:] = 1.5e-3
            expected[0, 0] = 1.0
    tracemalloc.start()
    try:
        difference(actual, expected, radius)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 64e6


def test_nothing_is_written() -> None:
    arrays = [np.full(30_000, value) for value in (math.nan, math.inf, -0.0)]
    copies = [array.copy() for array in arrays]
    for array in arrays:
        array.setflags(write=False)
    difference(*arrays)
    for array, copy in zip(arrays, copies, strict=True):
        assert array.tobytes() == copy.tobytes()
