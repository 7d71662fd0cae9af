"""The table of a wrong slope: z, a, the slope that was used and the right one, unit by unit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from backproof.comparison.diagnosis.evidence import Evidence, Suspect
from backproof.comparison.diagnosis.reading import Reading
from backproof.comparison.diagnosis.search import by_size
from backproof.comparison.diagnosis.views import known_at, view
from backproof.comparison.record.tables import SlopeTable
from backproof.mathematics.faults import Planted, Target
from backproof.mathematics.faults.changes import samples

# So many units of a layer are shown, from the smallest pre-activation to the largest.
MOST_ROWS = 6


def tables(plants: Sequence[Planted], evidence: Evidence) -> tuple[SlopeTable, ...]:
    """A table for each slope that was read; of one in several layers, for the first of them."""
    seen: dict[str, SlopeTable] = {}
    for plant in reversed(plants):
        if isinstance(plant, Reading) and plant.slope is not None:
            seen.update({table.used: table for table in of_slope(plant, plants, evidence)})
    return tuple(seen.values())


def of_slope(plant: Reading, plants: Sequence[Planted], evidence: Evidence) -> Iterator[SlopeTable]:
    """The table at the first point that is off."""
    assert plant.slope is not None
    used, right = plant.slope
    if right is None:
        return
    record = evidence.record
    place = next(
        each for each in Target(record.network, record.optimizer).layers if each.name == plant.where
    )
    point = by_size(evidence)[0]
    scope = view(evidence, Suspect(tuple(plants)), point).scope
    rate = getattr(record.optimizer, "learning_rate", float("nan"))
    known = known_at(record.network, samples(scope), rate)
    z, a = (np.asarray(scope.values[f"{n}/{place.name}"]) for n in ("z", "activation"))
    ones = np.ones(z.shape)
    with np.errstate(all="ignore"):
        columns = [z, a, *(each.applied(scope, place, known, ones) for each in (used, right))]
    flat = [np.ravel(np.asarray(column, np.float64)) for column in columns]
    order = np.argsort(flat[0], kind="stable")
    chosen = order[np.unique(np.linspace(0, len(order) - 1, MOST_ROWS).astype(int))]
    rows = tuple(tuple(float(column[i]) for column in flat) for i in chosen)
    yield SlopeTable(place.name, point.name, used.text, right.text, rows)  # type: ignore[arg-type] # four columns
