"""The words of a diagnosis: one sentence that a person can act on, with the formula."""

from __future__ import annotations

from backproof.comparison.diagnosis.evidence import Evidence
from backproof.comparison.diagnosis.search import Cause
from backproof.comparison.record.record import DATA
from backproof.mathematics.faults import Kind, Planted

# Sites that make another loss of it, rather than another network or another step.
OF_THE_LOSS = ("loss", "penalty", "penalty_gradient", "targets")


def told(causes: list[Cause], evidence: Evidence) -> str:
    """All causes that fit; several mean that no point tells them apart."""
    clauses = [f"{clause(cause)}{since(cause, evidence)}" for cause in causes]
    if len(clauses) == 1:
        return clauses[0]
    return f"no point tells these apart: {'; or '.join(clauses)}"


def clause(cause: Cause) -> str:
    """One fault or several, each with what should stand there."""
    plants = cause.suspect.plants
    if len(plants) == 1:
        return alone(plants[0])
    return f"{len(plants)} faults: {'; and '.join(alone(plant) for plant in plants)}"


def alone(plant: Planted) -> str:
    """What is wrong and where, and what should stand there."""
    fault = plant.fault
    if fault.kind is not Kind.CONVENTION:
        return f"{plant.told} (it should be: {fault.formula})"
    kinds = {site.split("/")[0] for site in plant.changes}
    what = "gradient of another loss" if kinds & set(OF_THE_LOSS) else "by another convention"
    return f"right {what}: {plant.told} (declared is: {fault.formula})"


def since(cause: Cause, evidence: Evidence) -> str:
    """From which step on, or where alone, if the fault does not show itself everywhere."""
    if not cause.exceptions:
        return ""
    steps = [point.step for point in evidence.off if point.name == DATA]
    if steps and all(p.step < min(steps) for p in cause.exceptions if p.name == DATA):
        only = {point.name for point in cause.exceptions} - {DATA}
        return f", from step {min(steps)} on" + (", not at the probes" if only else "")
    names = sorted({point.name for point in evidence.off})
    return f", only at {', '.join(names)}"
