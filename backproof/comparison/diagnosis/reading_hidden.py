"""Readings of a forward pass that is not shown: what all layers do alike, known by trying it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any

from backproof.comparison.diagnosis.reading import Reading, reading
from backproof.mathematics.faults import Target
from backproof.mathematics.faults.changes import computed, pulled, times

# What inputs are divided or multiplied by.
SCALES = {"1 / 255": 1 / 255, "1 / 256": 1 / 256, "255": 255.0, "-1": -1.0, "2": 2.0, "0.5": 0.5}
# What the slope below 0, or its like, is set to.
FIELDS = (0.001, 0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.3, 0.5, 1.0)


def read_hidden(target: Target) -> Iterator[tuple[Reading, ...]]:
    """Inputs of another scale; functions with another number in them, in all layers alike."""
    for text, factor in SCALES.items():
        made = reading(
            f"inputs {text}",
            "",
            f"the inputs are taken {text} times as large",
            "",
            {"inputs": times(factor)},
            1.1,
        )
        yield (made,)
    for name in dict.fromkeys(place.f.name for place in target.layers):
        places = [place for place in target.layers if place.f.name == name]
        for key, value in numbers(places[0].f):
            several = []
            for place in places:
                f: Any = place.f
                if not hasattr(f, key):
                    continue
                other = replace(f, **{key: value})
                changes = {f"activation/{place.name}": computed(other, place.name)}
                if not (target.fused and place.name == target.network.last.name):
                    changes[f"delta/{place.name}"] = pulled(other, place.name)
                told, formula = f"{name} has {key} = {value:g}", f"{getattr(f, key):g}"
                label = f"{name} {key} {value:g}"
                several.append(reading(label, place.name, told, formula, changes, 1.1))
            yield tuple(several)


def numbers(function: Any) -> Iterator[tuple[str, float]]:
    """The numbers that a function has, each with what it may be instead."""
    for field in fields(function) if is_dataclass(function) else ():
        own = getattr(function, field.name)
        if isinstance(own, float):
            yield from ((field.name, value) for value in FIELDS if value != own)
