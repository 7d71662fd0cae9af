"""How fast the comparison kernel is, against what a user would call instead.

`python -m tests.bench.kernel` prints the figures; the bars are demands, see `ratios`.
"""

import statistics
import timeit
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np

from backproof.comparison.kernel.kernel import difference

SIZE = 50_000_000
ROUNDS = 5


def arrays(size: int) -> tuple[Any, Any, Any]:
    """Normal numbers, the same with relative errors of 1e-9, and radii of 1e-5 to 2e-5."""
    rng = np.random.default_rng(0)
    expected = rng.standard_normal(size)
    actual = expected * (1.0 + 1e-9 * rng.standard_normal(size))
    return actual, expected, 1e-5 * (1.0 + rng.random(size))


def interleaved(*calls: Callable[[], object]) -> list[float]:
    """Median seconds of each call; one after the other, so that a slow spell meets them all."""
    rounds = [[timeit.timeit(call, number=1) for call in calls] for _ in range(ROUNDS)]
    return [statistics.median(times) for times in zip(*rounds, strict=True)]


def ratios() -> list[tuple[str, float, str]]:
    """(label, how many times as fast, bar) on SIZE numbers of float64, all of which pass."""
    actual, expected, radius = arrays(SIZE)
    numpy, two, three = interleaved(
        lambda: np.testing.assert_allclose(actual, expected, rtol=1e-5),
        lambda: difference(actual, expected),
        lambda: difference(actual, expected, radius),
    )
    return [
        ("kernel: two arrays, against assert_allclose", numpy / two, ">= 6"),
        ("kernel: with a radius array, against assert_allclose", numpy / three, ">= 3.5"),
    ]


def extra_memory(size: int) -> float:
    """Peak megabytes that one call with a radius array allocates."""
    given = arrays(size)
    tracemalloc.start()
    difference(*given)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


def microseconds(size: int, calls: int = 2000) -> float:
    """Least cost of one call with a radius array: other work on the machine only adds to it."""
    given = arrays(size)
    return min(timeit.repeat(lambda: difference(*given), number=calls, repeat=9)) / calls * 1e6


if __name__ == "__main__":
    for label, ratio, bar in ratios():
        print(f"{label}: {ratio:.1f} (bar {bar})")
    print(f"kernel: extra memory at {SIZE:,} elements: {extra_memory(SIZE):.1f} MB (bar < 64)")
    print(f"kernel: one call on 10 elements: {microseconds(10):.0f} µs (bar <= 40)")
