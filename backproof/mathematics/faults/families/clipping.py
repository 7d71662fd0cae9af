"""Clipping of gradients before a step."""

from __future__ import annotations

from collections.abc import Iterator

from backproof.mathematics.faults.families.moments import everywhere, stepped
from backproof.mathematics.faults.fault import Family, Kind, Plant, Target

family = Family(__name__)


@family.fault(Kind.MATHEMATICAL, "g cut off at the limit that Clipped(…) says, before the step")
def missing(of: Target) -> Iterator[Plant]:
    """The gradients are not clipped."""
    if of.optimizer.name == "clipped":
        yield Plant("", everywhere(of, lambda scope, name: stepped(scope, name, of.optimizer)))
