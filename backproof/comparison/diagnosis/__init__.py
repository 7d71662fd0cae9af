"""Diagnosis: which fault, pair of faults or convention an implementation's numbers are those of.

A fault has a signature: the numbers of the definition with that fault. A suspect is named if it
explains *every* tensor within the bound, and again at points that were not used to find it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from backproof.comparison.diagnosis import slopes, structure
from backproof.comparison.diagnosis.evidence import Evidence
from backproof.comparison.diagnosis.search import Cause, search
from backproof.comparison.diagnosis.wording import told
from backproof.comparison.record.record import SUBJECT

__all__ = ["Cause", "Diagnosis", "Evidence", "diagnose"]


@dataclass(frozen=True)
class Diagnosis:
    """Why an implementation is off: the causes that fit, the likeliest first, and a sentence."""

    causes: tuple[Cause, ...]
    sentence: str


def diagnose(evidence: Evidence, measure: Callable[[], object] = lambda: None) -> Diagnosis | None:
    """Explain what one implementation computed; None if it is within its bound everywhere.

    ``measure`` has the subject's slopes measured into the record, where it can still be called;
    it is called only if no fault explains the numbers.
    """
    if not evidence.off:
        return None
    causes = search(evidence)
    if causes:
        return Diagnosis(tuple(causes), told(causes, evidence))
    sentences = ["no fault of the catalogue explains it", structure.described(evidence)]
    if evidence.who == SUBJECT:
        if not evidence.record.slopes:
            measure()
        sentences += own_loss(evidence)
    return Diagnosis((), "; ".join(sentences))


def own_loss(evidence: Evidence) -> list[str]:
    """Whether the gradient is wrong, or the right one of another loss."""
    record = evidence.record
    wrong, right = slopes.verdict(record, evidence.bounds)
    if wrong:
        every = len(wrong) == len(record.network.shapes())
        names = "no gradient" if every else ", ".join(f"gradient/{name}" for name in wrong)
        verb = "is" if every else "is not" if len(wrong) == 1 else "are not"
        return [f"wrong gradient: by differences of the subject's own loss, {names} {verb} its own"]
    if right:
        return ["right gradient of another loss: differences of the subject's own loss agree"]
    return []
