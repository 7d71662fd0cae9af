"""Tensors of another shape than is wanted, and what they are."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from backproof.comparison.bounds.bound import distance
from backproof.comparison.diagnosis.evidence import Evidence
from backproof.comparison.record.record import Point


def misshapen(evidence: Evidence) -> Iterator[str]:
    """Of each tensor that has an axis of samples too many: that its sum is missing."""
    points = evidence.points
    names = {n for p in points for n in evidence.given[p] if rows_too_many(evidence, p, n)}
    for name in sorted(names):
        among = [p for p in points if rows_too_many(evidence, p, name)]
        fits = all(
            distance(name, np.asarray(evidence.given[p][name]).sum(axis=0), evidence.right(p)) == 0
            for p in among
        )
        tail = "sum it over the samples" if fits else "it wants the sum over the samples"
        yield f"{name} is given for each sample, as the delta is: {tail}"


def rows_too_many(evidence: Evidence, point: Point, name: str) -> bool:
    """Whether a tensor has the samples as an axis before its own."""
    value, radii = evidence.given[point][name], evidence.right(point).radii
    if name not in radii or value.dtype.kind != "f":
        return False
    samples = len(evidence.record.batch(point).inputs)
    return value.shape == (samples, *radii[name].shape) and name.startswith("gradient/")
