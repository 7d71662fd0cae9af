"""Diagnosis: which fault, pair of faults or convention an implementation's numbers are those of.

A fault has a signature: the numbers of the definition with that fault. A suspect is named if it
explains *every* tensor within the bound, and again at points that were not used to find it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import inf

from backproof.comparison.diagnosis import slopes, structure
from backproof.comparison.diagnosis.evidence import Evidence
from backproof.comparison.diagnosis.flaws import DECLARED_MILD, settings, wild
from backproof.comparison.diagnosis.inaccurate import declared_accuracy
from backproof.comparison.diagnosis.partial import in_part
from backproof.comparison.diagnosis.search import Cause, Search
from backproof.comparison.diagnosis.shapes import misshapen
from backproof.comparison.diagnosis.tabled import tables
from backproof.comparison.diagnosis.tracing import MOST_WORK, Trace, Tracer
from backproof.comparison.diagnosis.wording import corrected, corrections, told
from backproof.comparison.record.exhibit import Correction
from backproof.comparison.record.record import SUBJECT
from backproof.comparison.record.tables import SlopeTable

__all__ = ["Cause", "Diagnosis", "Evidence", "diagnose"]


@dataclass(frozen=True)
class Diagnosis:
    """Why an implementation is off: the causes that fit, the likeliest first, and a sentence.

    ``flawed``: whether the sentence tells what is not finite, which is an ERROR's cause as well.
    ``tables``: of each slope that was read, unit by unit. ``corrections``: the sentence's mistakes,
    part by part; several that no point tells apart.
    """

    causes: tuple[Cause, ...]
    sentence: str
    flawed: bool = False
    tables: tuple[SlopeTable, ...] = ()
    corrections: tuple[tuple[Correction, ...], ...] = ()


def diagnose(evidence: Evidence, measure: Callable[[], object] = lambda: None) -> Diagnosis | None:
    """Explain what one implementation computed; None if it is within its bound everywhere.

    ``measure`` has the subject's slopes measured into the record, where it can still be called;
    it is called only if no fault explains the numbers.
    """
    if not evidence.off:
        return None
    found = of_numbers(evidence, measure)
    others = list(misshapen(evidence))
    return replace(found, sentence="; ".join([found.sentence, *others])) if others else found


def of_numbers(evidence: Evidence, measure: Callable[[], object]) -> Diagnosis:
    """What the numbers say, where something is off."""
    search = Search(evidence)
    if causes := search.singles():
        sentence = told(causes, evidence)
        if all(cause.suspect.numerical for cause in causes) and wild(evidence):
            sentence += f"; {DECLARED_MILD}"
        return Diagnosis(tuple(causes), sentence, corrections=corrected(causes, evidence))
    best: tuple[Trace, Evidence, str] | None = None
    for turn, setting in enumerate(settings(evidence), 1):
        held, flaw = setting.evidence, setting.told
        if not held.off:
            names = "every point with finite numbers" if wild(evidence) else "all other points"
            return Diagnosis((), f"right at {names}; {flaw}", flawed=True)
        causes, trace = explained(
            held, search if held is evidence else Search(held), MOST_WORK // turn
        )
        parts = corrected(causes, held)
        if causes and not flaw:
            shown = tables(causes[0].suspect.plants, held)
            return Diagnosis(tuple(causes), told(causes, held), tables=shown, corrections=parts)
        if causes:
            if both := search.pairs():  # the flaw may be in the catalogue too
                sentence = f"{told(causes, held)}; beside that, {flaw}"
                return Diagnosis(tuple(both), sentence, True, corrections=parts)
            shown, sentence = tables(causes[0].suspect.plants, held), told(causes, held)
            return Diagnosis((), f"{sentence}; beside that, {flaw}", True, shown, parts)
        if best is None or len(trace.silent) < len(best[0].silent):
            # Where nothing is explained, only what overflows is sure to be a flaw.
            best = trace, held, flaw if best is None else best[2]
        if not trace.disproved and "loss" not in trace.unread:
            break  # no flaw at some points hides what explains the others
    assert best is not None
    if (inaccurate := declared_accuracy(evidence)) is not None:
        return Diagnosis((), inaccurate)
    return partly(evidence, *best, measure)


def explained(evidence: Evidence, search: Search, most: int) -> tuple[list[Cause], Trace]:
    """What explains everything, if anything does; and how far the numbers were followed.

    ``most``: the multiplications that may be spent.
    Pairs of the catalogue are tried where all points are looked at: for what no relation shows.
    """
    causes = search.singles()
    if causes:
        return causes, Trace(())
    if evidence.who != SUBJECT:  # a framework's own code is not read, only compared
        return search.pairs(), Trace(())
    trace = Tracer(evidence, most=most).trace()
    if trace.whole and trace.mistakes:
        return [Cause(trace.suspect, inf, ())], trace
    return search.pairs() if len(evidence.points) == len(evidence.given) else [], trace


def partly(
    evidence: Evidence, trace: Trace, held: Evidence, flaw: str, measure: Callable[[], object]
) -> Diagnosis:
    """What can be said where nothing explains everything."""
    found = in_part(trace, held)
    sentences = [] if trace.mistakes else ["no fault of the catalogue explains it"]
    if not trace.mistakes:
        sentences.append(structure.described(held))
    sentences += found
    if flaw:
        sentences.append(f"beside that, {flaw}")
    if evidence.who == SUBJECT:
        if not evidence.record.slopes:
            measure()
        sentences += own_loss(evidence)
    shown, network = tables(trace.mistakes, held), evidence.record.network
    parts = (corrections(trace.mistakes, network),) if trace.mistakes else ()
    return Diagnosis((), "; ".join(sentences), bool(flaw), shown, parts)


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
