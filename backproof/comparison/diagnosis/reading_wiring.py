"""Readings of what is joined backwards: the shares of several nodes, and of several uses.

What arrives at a node that several take is the sum of what they give back; the gradient of a
parameter that several use is the sum of theirs. People forget one, count one twice, or take what
arrives somewhere else. Each is tried.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from backproof.comparison.diagnosis.delta_sources import Source
from backproof.comparison.diagnosis.reading import Reading, reading
from backproof.comparison.diagnosis.wiring import shares
from backproof.mathematics.definition.sites import Scope
from backproof.mathematics.faults import Target
from backproof.mathematics.faults.changes import times
from backproof.mathematics.faults.fault import Change, Place
from backproof.mathematics.network.network import Network

T = Any
COST = 1.02


def read_shares(target: Target, place: Place) -> Iterator[Reading]:
    """What arrives at a place, or at the next nodes above it that hold nothing of their own."""
    network = target.network
    for name in joined_above(network, place.name):
        parts = shares(network, name)
        right = " + ".join(part.text for part in parts)
        for counts in weightings(len(parts)):
            text = weighted_text(counts, [part.text for part in parts])
            told = f"what arrives is {text}"
            changes: dict[str, Change] = {f"back/{name}": weighted(counts, parts)}
            yield reading(f"arriving {text}", name, told, right, changes, COST)
        for other in network.nodes[network.node_names.index(name) + 1 :]:
            same = network.output_shapes[other.name] == network.output_shapes[name]
            if same and other is not network.last:
                text = f"what arrives at {other.name}"
                changes = {f"back/{name}": taken(f"back/{other.name}")}
                told = f"what arrives is {text}, in its place"
                yield reading(f"arriving {text}", name, told, right, changes, COST)


def joined_above(network: Network, name: str) -> Iterator[str]:
    """A node and those that follow on it without parameters, as far as several take it."""
    names = [name]
    for each in names:
        takers = network.consumers[each]
        if len(takers) > 1:
            yield each
        owners = {parameter.partition("/")[0] for parameter in network.parameters}
        names += [node.name for node in takers if node.name not in {*owners, *names}]


def weightings(count: int) -> Iterator[tuple[float, ...]]:
    """How often each share may be counted."""
    ones = [1.0] * count
    for index in range(count):
        alone = tuple(float(i == index) for i in range(count))
        yield alone
        for other in (0.0, 2.0, 0.5, -1.0):
            found = (*ones[:index], other, *ones[index + 1 :])
            if found != alone and not (count == 2 and other == 0):
                yield found
    yield tuple([1 / count] * count)


def weighted_text(counts: Sequence[float], texts: Sequence[str]) -> str:
    """``2 * (what add_2 gives back) + (what dense_4 gives back)``."""
    terms = [
        text if count == 1 else f"-{text}" if count == -1 else f"{count:g} * {text}"
        for count, text in zip(counts, texts, strict=True)
        if count
    ]
    told = " + ".join(terms).replace("+ -", "- ")
    return f"{told} alone" if len(terms) == 1 else told


def weighted(counts: Sequence[float], parts: Sequence[Source]) -> Change:
    """The sum of the shares, each as often as it is counted."""

    def change(value: T, scope: Scope[T]) -> T:
        ops = scope.ops
        made = [
            part.make(scope) if count == 1 else ops.scale(part.make(scope), count)
            for count, part in zip(counts, parts, strict=True)
            if count
        ]
        return made[0] if len(made) == 1 else ops.sum_of_charged([ops.charged(m, 1) for m in made])

    return change


def taken(site: str) -> Change:
    """The value of another site."""
    return lambda value, scope: scope.values[site]


def read_shared(target: Target, parameter: str) -> Iterator[Reading]:
    """The gradient of a parameter that several nodes use."""
    network = target.network
    uses = [
        (node.name, own)
        for node in network.nodes
        for own, use in network.uses[node.name].items()
        if use.parameter == parameter
    ]
    texts = [f"(the share of {node})" for node, _ in uses]
    for counts in weightings(len(uses)) if len(uses) > 1 else ():
        changes: dict[str, Change] = {
            f"data_gradient/{node}/{own}": times(count)
            for (node, own), count in zip(uses, counts, strict=True)
            if count != 1
        }
        text = weighted_text(counts, texts)
        node, _, own = parameter.partition("/")
        told = f"the gradient of the {own} is {text}"
        yield reading(f"shared {own} {text}", node, told, " + ".join(texts), changes, COST)
