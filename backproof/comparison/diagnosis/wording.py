"""The words of a diagnosis: one sentence that a person can act on, with the formula."""

from __future__ import annotations

from collections.abc import Sequence

from backproof.comparison.diagnosis.evidence import Evidence
from backproof.comparison.diagnosis.reading import FAMILY, Reading
from backproof.comparison.diagnosis.search import Cause
from backproof.comparison.record.exhibit import Correction
from backproof.comparison.record.record import DATA
from backproof.mathematics.faults import Kind, Planted
from backproof.mathematics.network.network import Network

# Sites that make another loss of it, rather than another network or another step.
OF_THE_LOSS = ("loss", "penalty", "penalty_gradient", "targets")


def told(causes: list[Cause], evidence: Evidence) -> str:
    """All causes that fit; several mean that no point tells them apart."""
    network = evidence.record.network
    clauses = [
        f"{clause(cause.suspect.plants, network)}{since(cause, evidence)}" for cause in causes
    ]
    if len(clauses) == 1:
        return clauses[0]
    return f"no point tells these apart: {'; or '.join(clauses)}"


def clause(plants: Sequence[Planted], network: Network, *, whole: bool = True) -> str:
    """One mistake or several, each with what should stand there; one in all layers once.

    ``whole``: whether they explain every gradient.
    """
    minor = [plant for plant in plants if isinstance(plant, Reading) and plant.minor]
    if 0 < len(minor) < len(plants):
        rest = [plant for plant in plants if plant not in minor]
        beside = clause(minor, network, whole=False)
        return f"{clause(rest, network, whole=whole)}; beside that, {beside}"
    said = [text for group in alike(plants) for text in together(group, network)]
    of_loss = all(set(p.changes) == {"loss"} and p.fault.family == FAMILY for p in plants)
    if of_loss and whole:
        said = [f"the gradients are right; {text}" for text in said]
    if len(said) == 1:
        return said[0]
    return f"{len(said)} faults: {'; and '.join(said)}"


def alike(plants: Sequence[Planted]) -> list[list[Planted]]:
    """The mistakes, the same one in several places together."""
    grouped: dict[tuple[str, str], list[Planted]] = {}
    for plant in plants:
        grouped.setdefault((plant.fault.family, plant.fault.name), []).append(plant)
    return list(grouped.values())


def corrected(causes: list[Cause], evidence: Evidence) -> tuple[tuple[Correction, ...], ...]:
    """What `told` says, part by part; several that no point tells apart."""
    network = evidence.record.network
    return tuple(corrections(c.suspect.plants, network, since(c, evidence)) for c in causes)


def corrections(
    plants: Sequence[Planted], network: Network, since: str = ""
) -> tuple[Correction, ...]:
    """What `clause` says, part by part: where, what stands there, and what should."""
    return tuple(
        Correction(
            where=where,
            stands=f"{numbered(plant.fault.sentence, network)}{since}",
            should=plant.fault.formula,
            declared=plant.fault.kind is Kind.CONVENTION and plant.fault.family != FAMILY,
            code=plant.fault.family == FAMILY,
            place=plant.where,
        )
        for group in alike(plants)
        for where, plant in placed(group, network)
    )


def together(group: Sequence[Planted], network: Network) -> list[str]:
    """The same mistake in several layers, in one sentence."""
    return [numbered(worded(where, plant), network) for where, plant in placed(group, network)]


def numbered(text: str, network: Network) -> str:
    """With the number of outputs, which may be what stands in the code: a 2, a ½."""
    words = "divided by the number of outputs"
    here = f"({network.outputs}, here: it is 1/{network.outputs} of what it should be)"
    return text.replace(f"{words},", f"{words} {here},")


def placed(group: Sequence[Planted], network: Network) -> list[tuple[str, Planted]]:
    """Where the same mistake was made, several layers in one phrase, and the first one there."""
    known = {*network.node_names, *network.parameters}
    if len(group) < 2 or any(plant.where not in known for plant in group):
        return [(at(plant), plant) for plant in group]
    by_own: dict[str, list[Planted]] = {}
    for plant in group:
        by_own.setdefault(plant.where.partition("/")[2], []).append(plant)
    return [
        (at(plants[0]) if len(plants) == 1 else everywhere(own, plants, network), plants[0])
        for own, plants in by_own.items()
    ]


def everywhere(own: str, plants: Sequence[Planted], network: Network) -> str:
    """How the places of one mistake are called: all layers, all hidden ones, or by their names."""
    nodes = {plant.where.partition("/")[0] for plant in plants}
    holding = set(network.parameter_counts())
    hidden = holding - {network.last.name}
    where = f"in {listed([name for name in network.node_names if name in nodes])}"
    if nodes == holding:
        where = "in every layer"
    elif nodes == hidden and len(hidden) > 1:
        where = "in every hidden layer"
    return f"{where}, of the {own}" if own else where


def listed(names: Sequence[str]) -> str:
    """``a, b and c``."""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def at(plant: Planted) -> str:
    """Where it is."""
    return f"in {plant.where}" if plant.where else ""


def worded(where: str, plant: Planted) -> str:
    """The sentence of a mistake at some places."""
    fault = plant.fault
    if fault.family == FAMILY:
        should = f"; it should be {fault.formula}" if fault.formula else ""
        return f"{where}: {fault.sentence}{should}" if where else f"{fault.sentence}{should}"
    sentence = f"{where}, {fault.sentence}" if where else fault.sentence
    if fault.kind is not Kind.CONVENTION:
        return f"{sentence} (it should be: {fault.formula})"
    kinds = {site.split("/")[0] for site in plant.changes}
    what = "gradient of another loss" if kinds & set(OF_THE_LOSS) else "by another convention"
    return f"right {what}: {sentence} (declared is: {fault.formula})"


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
