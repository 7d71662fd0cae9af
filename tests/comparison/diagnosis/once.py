"""Each suspect computed once at a point: the records of many faults have most points in common.

The values are what they would be: all that they depend on is in the key, arrays by their bytes.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from backproof.comparison.diagnosis import evidence
from backproof.mathematics.network.parameters import Batch, Parameters


@contextmanager
def once() -> Iterator[None]:
    """While this lasts, no evaluation of a suspect in floating point is repeated."""
    known: dict[Hashable, dict[str, Any]] = {}
    computed = evidence.computed

    def remembered(
        network: Any,
        optimizer: Any,
        parameters: Parameters,
        batch: Batch,
        at: Any,
        before: Sequence[Any],
    ) -> dict[str, Any]:
        if before:  # the calls before are others for every fault
            return computed(network, optimizer, parameters, batch, at, before)
        arrays = (parameters | vars(batch)).items()
        state = tuple((n, a.dtype.str, a.shape, a.tobytes()) for n, a in arrays if a is not None)
        # Suspects are alike if their faults are; their methods, if they are the very same object.
        key = (network, optimizer, getattr(at, "__self__", at), state)
        if key not in known:
            known[key] = computed(network, optimizer, parameters, batch, at, before)
        return dict(known[key])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evidence, "computed", remembered)
        yield
