"""Overflow in code that is right where its numbers are finite: told in a line, with the way on."""

from __future__ import annotations

import numpy as np

from backproof.comparison.bounds.bounds import Bounds
from backproof.comparison.judging.rows import Row, Status
from backproof.comparison.record.record import SUBJECT, Point, Record
from backproof.mathematics.arithmetic.rounding.forms import LOGITS

# More than one fault, of which nothing tells which it is, is no advice.
SEVERAL = "no point tells these apart"
# What the line says itself, with more.
SAID = "right at every point with finite numbers"


def tell_overflow(rows: list[Row], record: Record, bounds: Bounds, plain: dict[int, str]) -> None:
    """Say of errors that are numbers that are not finite where they arise, and what to do.

    ``plain``: by row, its cause before it was explained. Only where all else passes: beside a
    mismatch an overflow is the smaller matter.
    """
    failing = [row for row in rows if not row.status.passes]
    wide = [row for row in failing if is_overflow(row, record)]
    if not wide or len(wide) < len(failing):
        return
    points = list(dict.fromkeys(Point(row.point, row.step) for row in wide))
    names = ", ".join(dict.fromkeys(point.name for point in points))
    largest = max(largest_argument(bounds, point) for point in points)
    for row in wide:
        explained = row.cause.removeprefix(plain[id(row)]).removeprefix("; ")
        skipped = SEVERAL in explained or explained.startswith(SAID)
        told = f"; {explained}" if explained and not skipped else ""
        row.cause = (
            f"{plain[id(row)]}: it is right wherever its numbers are finite, and overflows at "
            f"{names}, where |z| is up to {largest:.3g}{told}; {remedy(record)}"
        )


def is_overflow(row: Row, record: Record) -> bool:
    """Whether it is an error for numbers of the subject that are not finite."""
    given = record.evaluations.get(SUBJECT, {}).get(Point(row.point, row.step), {})
    value = given.get(row.name)
    return (
        row.status is Status.ERROR
        and value is not None
        and value.dtype.kind == "f"
        and not np.isfinite(value).all()
    )


def largest_argument(bounds: Bounds, point: Point) -> float:
    """The largest pre-activation at a point."""
    sites = bounds.sites(SUBJECT, point)
    return max(float(np.abs(z.value).max()) for name, z in sites.items() if name.startswith("z/"))


def remedy(record: Record) -> str:
    """What is to be done: in the code, or in words."""
    network = record.network
    logits = network.loss_function.ACTIVATION is not None
    form = record.forms.get(SUBJECT, LOGITS).of == LOGITS.of
    declared = "adapters.unsaturated(subject) leaves such points out"
    if logits and form:
        declared += ', and forms={"subject": Form("probabilities")} says that the loss is of those'
    return f"take the largest of a row off before exp, or exp of −|z|; or {declared}"
