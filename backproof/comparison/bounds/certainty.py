"""Certified values at chosen points: how many digits are right, and who is wrong."""

from __future__ import annotations

from math import inf, log10

import numpy as np

from backproof.comparison.record.record import DATA, Point, Record
from backproof.implementations.host import watched
from backproof.mathematics.arithmetic.certified import CertifiedOps, Truth, Values, certify
from backproof.mathematics.arithmetic.certified_values import Certified
from backproof.mathematics.arithmetic.rounding.model import Rounding
from backproof.mathematics.definition.evaluate import evaluate
from backproof.mathematics.definition.step import step
from backproof.mathematics.probes.probes import screens

# Multiplications of all certified evaluations of a pairing beyond which they are left out: Arb does
# some 20 million a second (measured on `circles` and `clusters`, conversions included), in large
# products 50 million (`captcha`): two to five seconds.
MOST_MULTIPLICATIONS = 100_000_000


class Certainty:
    """A record's certified values at the chosen points, or at none."""

    def __init__(self, record: Record, *, wanted: bool = True) -> None:
        self.record = record
        self.points = chosen(record) if wanted and affordable(record) else set()
        self._known: dict[Point, dict[str, Truth]] = {}

    def at(self, point: Point) -> dict[str, Truth]:
        """Certified values by name; nothing where none are wanted."""
        if point not in self.points:
            return {}
        if point not in self._known:
            self._known[point] = self._compute(point)
        return self._known[point]

    def _compute(self, point: Point) -> dict[str, Truth]:
        record = self.record
        parameters, batch = record.parameters[point], record.batch(point)
        wanted = set(record.names(point))

        def values(ops: CertifiedOps) -> dict[str, Certified]:
            found = evaluate(ops, record.network, parameters, batch)
            found |= step(ops, record.network, parameters, found, record.optimizer, batch=batch)
            return {name: value for name, value in found.items() if name in wanted}

        return certify(values, Rounding.of(record.dtype).unit)

    def prepare(self) -> None:
        """Compute all certified values now: while the workers are busy, say."""
        for point in self.points:
            watched.tell_again()  # a limit is for each point
            self.at(point)


def chosen(record: Record) -> set[Point]:
    """The first, a middle and the last step, the further weights, and the probes of limits."""
    steps = {0, record.steps // 2, record.steps - 1}
    return {
        point
        for point in record.parameters
        if (point.step in steps if point.name == DATA else not screens(point.name))
    }


def multiplications(record: Record) -> int:
    """About how many the certified evaluations take: three products a layer, at every point."""
    if record.work:
        return record.work
    weights = record.network.products
    return 3 * weights * sum(len(record.batch(point).inputs) for point in chosen(record))


def affordable(record: Record) -> bool:
    """Whether certified values are computed, or would take too long."""
    return multiplications(record) <= MOST_MULTIPLICATIONS


def digits(computed: Values, truth: Truth, dtype: str) -> float | None:
    """Correct significant digits of the worst element above a thousandth of the largest.

    At most those that the dtype holds; None where every element is zero.
    """
    size = np.abs(truth.high)
    largest = float(size.max())
    if not largest:
        return None
    notable = size > 1e-3 * largest
    error = float((truth.error(computed)[notable] / size[notable]).max())
    most = -log10(Rounding.of(dtype).unit)
    return most if error == 0 else max(0.0, min(most, -log10(error)))


def outside(computed: Values, truth: Truth, radius: Values) -> float:
    """How many times its radius an implementation lies from the certified value, at worst.

    What the certified value itself leaves open is given to the implementation.
    """
    error = np.maximum(truth.error(computed) - truth.radius, 0)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        share = np.where(error == 0, 0.0, error / radius)
    return float(share.max()) if share.size else inf
