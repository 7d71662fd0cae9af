"""Readings of an activation that is another one on a part of the axis: cut, capped, switched."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil, floor, inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backproof.comparison.diagnosis.factors import number
from backproof.comparison.diagnosis.reading import Reading, reading
from backproof.comparison.diagnosis.views import View
from backproof.mathematics.arithmetic.random.replicas import Replicas
from backproof.mathematics.definition.sites import Scope
from backproof.mathematics.faults import Target
from backproof.mathematics.faults.changes import arriving
from backproof.mathematics.faults.fault import Change, Place

T = Any
Values = NDArray[np.float64]
Flags = NDArray[np.bool_]

# Factors that a single element is enough for.
PLAIN = ("1", "-1", "0")


@dataclass(frozen=True)
class Part:
    """The part of the axis between two numbers, each known up to what no element tells apart."""

    low: tuple[float, float]
    high: tuple[float, float]

    @classmethod
    def of(cls, z: Values, inside: Flags) -> Part | None:
        """The part that holds these elements alone; None if others lie among them."""
        first, last = float(z[inside].min()), float(z[inside].max())
        outside = z[~inside]
        if ((outside > first) & (outside < last)).any():
            return None
        below, above = outside[outside <= first], outside[outside >= last]
        low = (float(below.max()), first) if below.size else (-inf, -inf)
        high = (last, float(above.min())) if above.size else (inf, inf)
        return cls(low, high)

    @property
    def around_zero(self) -> tuple[float, float] | None:
        """Within which numbers abs(z) ends, where both ends may be the same one."""
        least = max(-self.low[1], self.high[0])
        most = min(-self.low[0], self.high[1])
        return (least, most) if 0 < least <= most < inf else None

    def ends(self) -> tuple[float, float]:
        """The plainest numbers that it may lie between."""
        if self.around_zero is not None:
            size = plainest(*self.around_zero)
            return -size, size
        return plainest(*self.low), plainest(*self.high)

    @property
    def text(self) -> str:
        """``z > 6``."""
        low, high = self.ends()
        known = [self.low, self.high] if self.around_zero is None else [self.around_zero]
        doubt = [about(*end) for end in known if about(*end)]
        if self.around_zero is not None:
            told = f"abs(z) < {high:g}"
        elif np.isfinite([low, high]).all():
            told = f"{low:g} < z <= {high:g}"
        else:
            told = f"z > {low:g}" if np.isfinite(low) else f"z < {high:g}"
        return f"{told} ({' and '.join(doubt)})" if doubt else told


def plainest(low: float, high: float) -> float:
    """The number of fewest digits between two."""
    if not np.isfinite([low, high]).all():
        return low
    for digits in range(-3, 16):
        step = 10.0**-digits
        first, last = ceil(low / step - 1e-9), floor(high / step + 1e-9)
        if first <= last:
            return round(min(range(first, min(last, first + 99) + 1), key=abs) * step, digits)
    return low


def about(low: float, high: float) -> str:
    """Within which numbers an end lies, where that is no narrow gap."""
    wide = np.isfinite([low, high]).all() and high - low > 0.1 * max(abs(low), abs(high))
    return f"known to lie between {low:.3g} and {high:.3g}" if wide else ""


def read_pieces(target: Target, place: Place, views: Sequence[View]) -> Iterator[Reading]:
    """The right activation but on a part of the axis, of all layers of that function or of one."""
    name = f"activation/{place.name}"
    views = [view for view in views if view.shown(name) is not None]
    if not views or place.f.name == "softmax":
        return
    alike = [each for each in target.layers if each.f == place.f]
    for places in (alike, [place]):
        found = [c for view in views for each in places if (c := columns(view, each)) is not None]
        z, right, actual, allowed = (
            np.concatenate([np.ravel(each) for each in column])
            for column in zip(*found, strict=True)
        )
        wrong = np.abs(actual - right) > allowed
        if not wrong.any() or wrong.all():
            continue
        for piece in pieces(place, z, right, actual, wrong):
            fits = np.abs(piece.values - actual) <= allowed
            # Elements that the other expression gives as well may lie on its side.
            part = widest(z, wrong, fits) if fits[wrong].all() else None
            if part is not None and np.isfinite([*part.low, *part.high]).any():
                yield from of_piece(place, part, piece)
                return


@dataclass(frozen=True, eq=False)
class Piece:
    """What stands on a part of the axis: ``one`` + ``z`` · z + ``f`` · f(z), and its values."""

    text: str
    one: float
    z: float
    f: float
    values: Values


def of_piece(place: Place, part: Part, piece: Piece) -> Iterator[Reading]:
    """The mistake in the forward pass alone, or with the slope that belongs to it."""
    name = place.name
    told = f"{piece.text} where {part.text}"
    forward: Change = put(place, part, lambda s, a, z: valued(place, piece, s, a, z))
    formula = f"{place.f.name}(z) everywhere"

    def sloped(s: Scope[T], delta: T, z: T) -> T:
        ops, back = s.ops, arriving(s, name)
        parts = [ops.scale(back, piece.z, roundings=2), ops.scale(delta, piece.f, roundings=2)]
        return ops.add(*parts)

    one = f"the activation is {told}"
    yield reading(one, name, one, formula, {f"activation/{name}": forward}, 1.15)
    both = f"the activation, and the slope with it, is that of {told}"
    changes = {f"activation/{name}": forward, f"delta/{name}": put(place, part, sloped)}
    yield reading(both, name, both, formula, changes, 1.2)


def valued(place: Place, piece: Piece, s: Scope[T], a: T, z: T) -> T:
    """The values of a piece; ``a`` is what the activation should be."""
    parts = []
    if piece.one:
        parts.append(s.ops.exact(np.full(z.shape, piece.one)))
    if piece.z:
        parts.append(s.ops.scale(z, piece.z, roundings=2))
    if piece.f:
        parts.append(s.ops.scale(a, piece.f, roundings=2))
    if not parts:
        return s.ops.exact(np.zeros(z.shape))
    return parts[0] if len(parts) == 1 else s.ops.add(*parts)


def columns(view: View, place: Place) -> tuple[Values, Values, Values, Values] | None:
    """z, f(z), what was computed, and by how much it may be off; of what was computed below."""
    name, scope = f"activation/{place.name}", view.scope
    shown = view.shown(name)
    below = view.shown(place.incoming) if place.incoming != "inputs" else None
    x = scope.values["inputs"] if place.incoming == "inputs" else below
    if shown is None or x is None:
        return None
    w, b = (scope.parameters.get(each) for each in (place.kernel, place.bias))
    assert w is not None
    z = np.asarray(x, np.float64) @ np.asarray(w, np.float64)
    z = z if b is None else z + np.asarray(b, np.float64)
    right = np.asarray(scope.ops.activate(place.f, z), np.float64)
    return z, right, shown, 64 * view.unit * (1 + np.abs(z) + np.abs(right))


def widest(z: Values, wrong: Flags, fits: Flags) -> Part | None:
    """The widest part around what is wrong in which the other expression fits everywhere."""
    order = np.argsort(z, kind="stable")
    ok, hit = fits[order], np.flatnonzero(wrong[order])
    first, last = int(hit[0]), int(hit[-1])
    if not ok[first : last + 1].all():
        return None
    start = first if not ok[:first].all() else 0
    stop = last if not ok[last:].all() else len(z) - 1
    inside = np.zeros(len(z), bool)
    inside[order[start : stop + 1]] = True
    return Part.of(z, inside)


def pieces(place: Place, z: Values, right: Values, actual: Values, wrong: Flags) -> Iterator[Piece]:
    """What the activation may be there: a number, a multiple of z or of what it should be."""
    if not actual[wrong].any():
        yield Piece("0", 0, 0, 0, np.zeros_like(z))
    every = ("1", "z", f"{place.f.name}(z)")
    matrix = np.stack([np.ones_like(z), z, right], axis=1)
    for these in ((0,), (1,), (2,), (0, 1), (0, 2), (1, 2)):
        with np.errstate(all="ignore"):
            c = np.linalg.lstsq(matrix[wrong][:, these], actual[wrong], rcond=None)[0]
        factors = dict(zip(these, (number(float(each)) for each in c), strict=True))
        if all(factor.text == "0" for factor in factors.values()):
            continue
        if wrong.sum() <= len(these) and any(f.text not in PLAIN for f in factors.values()):
            continue  # as many numbers as elements fit anything
        text = " + ".join(f.before(every[i], loose=False) for i, f in factors.items())
        one, of_z, of_f = (factors[i].of({}) if i in factors else 0.0 for i in range(3))
        made = matrix @ np.array([one, of_z, of_f])
        yield Piece(text.replace("+ -", "- "), one, of_z, of_f, made)


def put(place: Place, part: Part, make: Callable[[Scope[T], T, T], T]) -> Change:
    """A value with something else on a part of the axis."""
    low, high = part.ends()

    def change(value: T, s: Scope[T]) -> T:
        z = s.values[f"z/{place.name}"]
        at = middle(z)
        inside = (at > low) & (at <= high) if np.isfinite(low) else at < high
        return chosen(s, inside, make(s, value, z), value)

    return change


def middle(z: T) -> Values:
    """A value in any arithmetic, in floating point."""
    value = z.drawn.mean(axis=0) if isinstance(z, Replicas) else getattr(z, "value", z)
    return np.asarray(value, np.float64)


def chosen(s: Scope[T], where: Flags, one: T, other: T) -> T:
    """One value in some places, the other elsewhere."""
    mask, rest = (s.ops.exact(each.astype(np.float64)) for each in (where, ~where))
    return s.ops.add(s.ops.multiply(one, mask), s.ops.multiply(other, rest))
