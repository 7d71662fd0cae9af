"""Spreads computed once a session: all subjects of a pairing are judged at the same points.

The values are what they would be: all that they depend on is in the key, arrays by their bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from backproof.comparison.bounds import bounds
from backproof.comparison.bounds.statistical import Spreads, element_chance
from backproof.comparison.record.record import Point, Record
from backproof.mathematics.arithmetic.rounding.model import Rounding

Known = dict[Hashable, Spreads]


@contextmanager
def kept_in(known: Known) -> Iterator[None]:
    """While this lasts, no definition is evaluated twice under the same random rounding errors."""
    spreads_at = bounds.spreads_at

    def remembered(
        record: Record, rounding: Rounding, point: Point, *, recovers: bool, **more: Any
    ) -> Spreads:
        if more:  # another definition, or one on other sides of its kinks
            return spreads_at(record, rounding, point, recovers=recovers, **more)
        given = (record.pairing, record.network, record.optimizer, rounding, point, recovers)
        wanted = (*record.names(point), element_chance(record))
        key = (*given, *wanted, *digests(record.parameters[point] | record.batch(point).arrays()))
        if key not in known:
            known[key] = read_only(spreads_at(record, rounding, point, recovers=recovers))
        return known[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bounds, "spreads_at", remembered)
        yield


def digests(arrays: dict[str, Any]) -> Iterator[Hashable]:
    for name, array in arrays.items():
        yield name, array.dtype.str, array.shape, hashlib.sha256(array.tobytes()).digest()


def read_only(found: Spreads) -> Spreads:
    """Whoever changed one of them, would change it for others too."""
    for balls in (found.tensors, found.one_way, found.sites):
        for ball in balls.values():
            for array in (ball.value, ball.radius):
                if isinstance(array, np.ndarray):
                    array.flags.writeable = False
    return found
