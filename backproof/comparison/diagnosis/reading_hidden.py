"""Readings of a forward pass that is not shown: what layers do alike, known by trying it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, is_dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backproof.comparison.diagnosis.reading import Reading, reading
from backproof.comparison.diagnosis.reading_digits import DIGITS, lost
from backproof.comparison.diagnosis.reading_pieces import chosen, middle
from backproof.mathematics import functions
from backproof.mathematics.arithmetic.running_means import charged_at
from backproof.mathematics.definition.sites import Scope
from backproof.mathematics.faults import Target
from backproof.mathematics.faults.changes import computed, pulled, times
from backproof.mathematics.faults.fault import Change, Place

T = Any
Values = NDArray[np.float64]

# What inputs are divided or multiplied by.
SCALES = {"1 / 255": 1 / 255, "1 / 256": 1 / 256, "255": 255.0, "-1": -1.0, "2": 2.0, "0.5": 0.5}
# What a function may be of in the place of z.
ARGUMENTS = {"z / 2": 0.5, "2 * z": 2.0, "-z": -1.0}
# What the slope below 0, or its like, is set to.
FIELDS = (0.001, 0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.3, 0.5, 1.0)
# Where pre-activations are clipped, and activations capped.
CLIPS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 16, 20, 25, 30, 32, 35, 36, 40, 50, 60, 64, 88, 100)
CAPS = (1, 2, 3, 4, 5, 6, 8, 10, 20, 50, 100)
BOUNDED = ("sigmoid", "tanh", "softmax", "hard_sigmoid")
# What an output layer applies by mistake.
ON_OUTPUT = ("relu", "tanh", "sigmoid", "softmax", "softplus")


def read_hidden(target: Target) -> Iterator[tuple[Reading, ...]]:
    """Each mistake that layers may make alike: all, those of one function, the hidden ones."""
    for text, factor in SCALES.items():
        told = f"the inputs are taken {text} times as large"
        yield (reading(f"inputs {text}", "", told, "", {"inputs": times(factor)}, 1.1),)
    for text, make in INPUTS.items():
        told = f"the inputs are taken as {text}"
        yield (reading(f"inputs {text}", "", told, "x", {"inputs": of_inputs(make)}, 1.2),)
    for name in dict.fromkeys(place.f.name for place in target.layers):
        places = [place for place in target.layers if place.f.name == name]
        yield from other_numbers(target, places)
        hidden = [place for place in places if place.name != target.network.last.name]
        for among in [places, hidden] if len(hidden) < len(places) else [places]:
            if among:
                yield from of_function(among)
    yield from of_output(target)
    for text, keep in ROWS.items():
        yield tuple(without(place, text, keep) for place in target.layers)


INPUTS: dict[str, Callable[[Values], Values]] = {
    "x - x.mean(axis=0)": lambda x: x - x.mean(axis=0),
    "(x - x.mean(axis=0)) / x.std(axis=0)": lambda x: divided(x - x.mean(axis=0), x.std(axis=0)),
    "x - x.mean()": lambda x: x - x.mean(),
    "(x - x.mean()) / x.std()": lambda x: divided(x - x.mean(), x.std()),
    "x / x.max()": lambda x: divided(x, x.max()),
    "x / abs(x).max()": lambda x: divided(x, np.abs(x).max()),
    "x / 255 where x.max() > 1": lambda x: x / 255 if x.max() > 1 else x,
    "x of rows of length 1": lambda x: divided(x, np.sqrt((x**2).sum(axis=1, keepdims=True))),
    "clip(x, 0, 1)": lambda x: np.clip(x, 0, 1),
    "clip(x, -1, 1)": lambda x: np.clip(x, -1, 1),
    "abs(x)": np.abs,
    "x.astype(int)": np.trunc,
    "x.astype(float32)": lambda x: x.astype(np.float32).astype(np.float64),
    "x[::-1], the samples in reverse order": lambda x: x[::-1],
    "x[:, ::-1], the features in reverse order": lambda x: x[:, ::-1],
}


def divided(x: Values, by: Any) -> Values:
    """A quotient, x where that has none."""
    with np.errstate(all="ignore"):
        found = x / by
    return np.where(np.isfinite(found), found, x)


def of_inputs(make: Callable[[Values], Values]) -> Change:
    """Other inputs."""

    def change(value: T, s: Scope[T]) -> T:
        given = np.asarray(middle(value), np.float64)
        if given.ndim != 2:
            return value
        return charged_at(s.ops, s.ops.exact(made := make(given)), s.ops.exact(np.abs(made)), 8)

    return change


def other_numbers(target: Target, places: Sequence[Place]) -> Iterator[tuple[Reading, ...]]:
    """A function with another number in it."""
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
            told, formula = f"{f.name} has {key} = {value:g}", f"{getattr(f, key):g}"
            label = f"{f.name} {key} {value:g}"
            several.append(reading(label, place.name, told, formula, changes, 1.1))
        yield tuple(several)


def numbers(function: Any) -> Iterator[tuple[str, float]]:
    """The numbers that a function has, each with what it may be instead."""
    for field in fields(function) if is_dataclass(function) else ():
        own = getattr(function, field.name)
        if isinstance(own, float):
            yield from ((field.name, value) for value in FIELDS if value != own)


def of_function(places: Sequence[Place]) -> Iterator[tuple[Reading, ...]]:
    """A function of a pre-activation that is clipped; capped itself; with fewer digits."""
    f = places[0].f
    if f.name == "linear":
        return
    for other in functions.names():
        if other not in (f.name, "softmax", "linear"):
            yield from of_other(places, other)
    for limit in CLIPS:
        told = f"the activation is {f.name}(clip(z, -{limit}, {limit}))"
        yield each(places, told, f"{f.name}(z)", lambda p, c=limit: {f"z/{p}": clipped(c)})  # type: ignore[misc]
    for text, factor in ARGUMENTS.items():
        told = f"the activation is {f.name}({text})"
        changes = partial(of_multiple, f, factor)
        yield each(places, told, f"{f.name}(z)", changes)
    if f.name == "leaky_relu":
        told = f"the activation is where(z > 0, z, {f.alpha:g})"  # type: ignore[attr-defined]
        formula = f"where(z > 0, z, {f.alpha:g} * z)"  # type: ignore[attr-defined]
        yield each(places, told, formula, lambda p: {f"activation/{p}": constant_below(f, p)})
    for limit in () if f.name in BOUNDED else CAPS:
        told = f"the activation is min({f.name}(z), {limit}), its slope is not that of the cap"
        formula = f"{f.name}(z), or a slope of 0 above {limit}"
        yield each(places, told, formula, lambda p, c=limit: {f"activation/{p}": capped(c)})  # type: ignore[misc]
        told = f"the activation is min({f.name}(z), {limit}), with its slope"
        yield each(
            places,
            told,
            f"{f.name}(z)",
            lambda p, c=limit: {f"activation/{p}": capped(c), f"delta/{p}": cut(p, c)},  # type: ignore[misc]
        )
    if f.name == "selu":
        yield from rounded_constants(places)
    for text, lose in DIGITS.items():
        yield tuple(lost(place, text, lose) for place in places)


def of_other(places: Sequence[Place], other: str) -> Iterator[tuple[Reading, ...]]:
    """Another function, with the slope of the declared one, or with its own."""
    f, right = functions.named(other), f"{places[0].f.name}(z)"
    told = f"the activation is {other}(z), but not its slope"
    yield each(places, told, right, lambda p: {f"activation/{p}": computed(f, p)})
    told = f"the activation is {other}(z), with its slope"
    yield each(
        places,
        told,
        right,
        lambda p: {f"activation/{p}": computed(f, p), f"delta/{p}": pulled(f, p)},
    )


def each(
    places: Sequence[Place], told: str, formula: str, changes: Callable[[str], dict[str, Change]]
) -> tuple[Reading, ...]:
    """The same mistake in several layers."""
    return tuple(reading(told, p.name, told, formula, changes(p.name), 1.1) for p in places)


def of_multiple(f: Any, factor: float, name: str) -> dict[str, Change]:
    """The function of a multiple of the pre-activation."""

    def change(value: T, s: Scope[T]) -> T:
        return s.ops.activate(f, s.ops.scale(s.values[f"z/{name}"], factor, roundings=1))

    return {f"activation/{name}": change}


def constant_below(f: Any, name: str) -> Change:
    """A leaky ReLU that is its slope below 0, and not that times z."""

    def change(value: T, s: Scope[T]) -> T:
        below = middle(s.values[f"z/{name}"]) <= 0
        return chosen(s, below, s.ops.exact(np.full(below.shape, f.alpha)), value)

    return change


def clipped(limit: float) -> Change:
    """A value, clipped on both sides."""

    def change(value: T, s: Scope[T]) -> T:
        at = middle(value)
        ends = s.ops.exact(np.clip(at, -limit, limit))
        return chosen(s, np.abs(at) > limit, ends, value)

    return change


def capped(limit: float) -> Change:
    """A value, cut off above."""

    def change(value: T, s: Scope[T]) -> T:
        at = middle(value)
        return chosen(s, at > limit, s.ops.exact(np.full(at.shape, float(limit))), value)

    return change


def cut(name: str, limit: float) -> Change:
    """A delta that is 0 where the activation has been cut off."""

    def change(value: T, s: Scope[T]) -> T:
        below = middle(s.values[f"activation/{name}"]) < limit
        return s.ops.multiply(value, s.ops.exact(below.astype(np.float64)))

    return change


def rounded_constants(places: Sequence[Place]) -> Iterator[tuple[Reading, ...]]:
    """SELU with fewer digits of its constants, in the function and its slope."""
    scale, below = places[0].f.slopes  # type: ignore[attr-defined] # SELU has them
    for digits in range(1, 7):
        s, a = round(scale, digits), round(below / scale, digits)
        ratios = s / scale, s * a / below
        told = f"selu has the constants {s:g} and {a:g}"

        def sided(p: str, ratios: tuple[float, float] = ratios) -> Change:
            def change(value: T, scope: Scope[T]) -> T:
                above = middle(scope.values[f"z/{p}"]) > 0
                factors = scope.ops.exact(np.where(above, *ratios))
                return scope.ops.charged(scope.ops.multiply(value, factors), 4)

            return change

        yield each(
            places,
            told,
            f"{scale:.10g} and {below / scale:.10g}",
            lambda p, sided=sided: {f"activation/{p}": sided(p), f"delta/{p}": sided(p)},  # type: ignore[misc]
        )


def of_output(target: Target) -> Iterator[tuple[Reading, ...]]:
    """A function that the output layer applies although it should apply another, or none."""
    if not target.ends or target.fused:
        return
    last = target.last
    for name in ON_OUTPUT:
        if name == last.f.name:
            continue
        f = functions.named(name)
        forward = {f"activation/{last.name}": computed(f, last.name)}
        right = f"{last.f.name}(z)" if last.f.name != "linear" else "z"
        told = f"the activation is {name}(z), but not its slope"
        yield (reading(told, last.name, told, right, forward, 1.1),)
        told = f"the activation is {name}(z), with its slope"
        both = {**forward, f"delta/{last.name}": pulled(f, last.name)}
        yield (reading(told, last.name, told, right, both, 1.1),)


ROWS: dict[str, Callable[[int], slice]] = {
    "its last input": lambda n: slice(n - 1, n),
    "its first input": lambda n: slice(0, 1),
}


def without(place: Place, text: str, which: Callable[[int], slice]) -> Reading:
    """A pre-activation without one of its inputs."""

    def change(value: T, s: Scope[T]) -> T:
        w = np.asarray(s.parameters[place.kernel])
        left_out = np.zeros_like(w)
        rows = which(len(w))
        left_out[rows] = w[rows]
        lost = s.ops.matmul(s.values[place.incoming], s.ops.exact(left_out))
        return s.ops.subtract(value, lost)

    told = f"the weighted sum leaves out {text} and its weight"
    formula = "x @ W + b, over all inputs"
    return reading(told, place.name, told, formula, {f"z/{place.name}": change}, 1.1)
