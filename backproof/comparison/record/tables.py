"""Tables beside a diagnosis: numbers unit by unit, for a person and for a picture."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SlopeTable:
    """A wrong slope, unit by unit: z, a, the slope that was used, the right one.

    ``used`` and ``right``: the expressions. ``rows``: (z, a, used, right), in the order of z.
    """

    where: str
    point: str
    used: str
    right: str
    rows: tuple[tuple[float, float, float, float], ...]
