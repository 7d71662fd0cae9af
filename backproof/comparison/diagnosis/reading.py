"""Readings: mistakes that were read from the numbers, as entries of a catalogue of their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from backproof.comparison.diagnosis.grammar import Sum
from backproof.mathematics.faults import Fault, Kind, Planted
from backproof.mathematics.faults.fault import Change

FAMILY = "read"


@dataclass(frozen=True, eq=False)
class Reading(Planted):
    """A mistake that was read from the numbers, planted at one layer.

    ``cost``: how much it asks to be believed. ``open``: whether another number in it would do as
    well, so that the same mistake in another layer may have to choose. ``slope``: the slope that
    was used and the right one, where it is one, by what gives them at a scope. ``elsewhere``: the
    same mistake in the other layers, for code that all of them share. ``minor``: whether it is told
    beside others, not among them: it may well be meant.
    """

    cost: float = 1.0
    open: bool = False
    slope: tuple[Sum, Sum | None] | None = None
    elsewhere: tuple[Reading, ...] = ()
    minor: bool = False


def reading(
    name: str, where: str, sentence: str, formula: str, changes: Mapping[str, Change], cost: float
) -> Reading:
    """A mistake as an entry of a catalogue of its own."""
    fault = Fault(FAMILY, name, Kind.MATHEMATICAL, sentence, formula, lambda of: iter(()))
    return Reading(fault, where, changes, cost=cost)
