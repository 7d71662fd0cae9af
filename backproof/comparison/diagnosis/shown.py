"""What an implementation's own gradients show of its deltas."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from backproof.comparison.diagnosis.at_hand import penalty_of
from backproof.comparison.diagnosis.evidence import Evidence, Suspect
from backproof.comparison.diagnosis.views import View, view
from backproof.comparison.record.record import Point
from backproof.mathematics.faults import Target
from backproof.mathematics.faults.fault import Place

Values = NDArray[np.float64]


def deltas_shown(
    evidence: Evidence, suspect: Suspect, target: Target, where: str
) -> dict[Point, Values]:
    """A layer's delta (samples, units) at the points that show it."""
    place = next((each for each in target.layers if each.name == where), None)
    if place is None:
        return {}
    found = {}
    for point in evidence.points:
        samples = len(evidence.record.batch(point).inputs)
        if samples != 1 and samples > place.fan_in:
            continue
        delta = delta_shown(view(evidence, suspect, point), place)
        if delta is not None:
            found[point] = delta
    return found


def delta_shown(seen: View, place: Place) -> Values | None:
    """The delta at a point: of one sample it is the bias's gradient; else what solves xᵀδ = ∂L/∂W.

    None where neither shows it.
    """
    bias = seen.shown(f"gradient/{place.bias}") if place.unitwise else None
    if seen.samples == 1 and bias is not None:
        return np.asarray((bias - penalty_of(seen.scope, place.bias))[None, :])
    kernel = seen.shown(f"gradient/{place.kernel}")
    if kernel is None:
        return None
    x = np.asarray(seen.scope.values[place.incoming], np.float64)
    data = kernel - penalty_of(seen.scope, place.kernel)
    delta, _, rank, _ = np.linalg.lstsq(x.T, data, rcond=1e-8)
    off = np.abs(x.T @ delta - data)
    fits = rank == len(x) and (off <= seen.allowed(f"gradient/{place.kernel}")).all()
    return np.asarray(delta) if fits else None
