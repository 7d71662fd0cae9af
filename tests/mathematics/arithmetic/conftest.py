"""The precision and the warnings that the tests of the arithmetics run with."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from flint import ctx

# Sums of the smallest subnormal number and of 2⁸⁰ are exact.
BITS = 1400


@pytest.fixture(autouse=True)
def exact_sums() -> Iterator[None]:
    """Arb at a precision that decides every comparison; an overflowing radius is no warning."""
    before, ctx.prec = ctx.prec, BITS
    with np.errstate(all="ignore"):
        yield
    ctx.prec = before
