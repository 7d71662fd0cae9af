"""What certainty costs: the definition in balls and certified, beside plain NumPy."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial

from backproof.comparison.pairing.pairing import load
from backproof.mathematics.arithmetic.balls.operations import BallOps
from backproof.mathematics.arithmetic.certified import certify
from backproof.mathematics.arithmetic.floating import Float
from backproof.mathematics.arithmetic.rounding.model import Rounding
from backproof.mathematics.definition.evaluate import evaluate
from tests.project import ROOT

MODEL = Rounding.of("float64")
# Pairing, evaluations, and how many plain ones a certified one may take.
CASES = (("circles", 500, 2000), ("clusters", 100, 1400))


def seconds(function: Callable[[], object]) -> float:
    """The wall time of one call."""
    begun = time.perf_counter()
    function()
    return time.perf_counter() - begun


def ratios() -> Iterator[tuple[str, float, str]]:
    """The ratios of the fastest of interleaved evaluations, in balls and certified."""
    for name, times, most in CASES:
        (pairing,) = load(ROOT / "comparisons" / f"{name}.py")
        batch, parameters = pairing.start(ROOT, "float64")
        at_start = {"network": pairing.network, "parameters": parameters, "batch": batch}
        in_numpy = partial(evaluate, Float(), **at_start)
        in_balls = partial(evaluate, BallOps(MODEL), **at_start)
        pairs = [(seconds(in_numpy), seconds(in_balls)) for _ in range(times)]
        plain, balls = (min(column) for column in zip(*pairs, strict=True))
        label = f"{name} in balls, {balls * 1e3:.2f} ms / plain NumPy, {plain * 1e3:.2f} ms"
        yield label, balls / plain, "<= 6"
        certified_once = partial(certify, partial(evaluate, **at_start), MODEL.unit)
        certified = min(seconds(certified_once) for _ in range(3))
        label = f"{name} certified, {certified:.3f} s / plain NumPy, {plain * 1e3:.2f} ms"
        yield label, certified / plain, f"<= {most}"
