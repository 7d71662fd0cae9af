"""Readings of a delta that is another one for some of its elements: beyond a threshold."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backproof.comparison.diagnosis.at_hand import penalty_of
from backproof.comparison.diagnosis.atoms import right_atom
from backproof.comparison.diagnosis.reading import Reading, reading
from backproof.comparison.diagnosis.scan import Cut, Terms, cuts, round_numbers
from backproof.comparison.diagnosis.views import View
from backproof.mathematics.definition.sites import Scope
from backproof.mathematics.faults import Target
from backproof.mathematics.faults.changes import arriving, centre, turned
from backproof.mathematics.faults.fault import Change, Place

T = Any
Values = NDArray[np.float64]
# So many elements are put in order, of so many inputs the sums are looked at.
MOST_ELEMENTS, MOST_INPUTS = 1500, 4
# In so many ways as many elements could have been chosen, if a threshold is to be believed: there
# are some ten quantities, of which those that a slope has are likelier.
LIKELY, UNLIKELY = 30, 300
# So many thresholds of one interval are tried.
MOST_TRIED = 4


@dataclass(frozen=True, eq=False)
class Quantity:
    """What a threshold may be of: (samples, units), and how a condition on it reads.

    ``of_slope``: whether a slope would have it for a condition. ``rare``: whether only a number in
    the place of 0 would stand there.
    """

    text: Callable[[bool, float], str]
    value: Callable[[Scope[T]], Values]
    of_rows: bool = False
    of_slope: bool = False
    rare: bool = False


def compared(name: str, more: str = "") -> Callable[[bool, float], str]:
    """``z > 0.5``."""
    return lambda above, number: f"{name} {'>' if above else '<'} {number:.6g}{more}"


def quantities(target: Target, place: Place) -> list[Quantity]:
    """All that a threshold may be of at a layer."""

    def site(name: str) -> Callable[[Scope[T]], Values]:
        return lambda s: centre(s.values[f"{name}/{place.name}"])

    z, a = site("z"), site("activation")

    def g(s: Scope[T]) -> Values:
        return centre(arriving(s, place.name))

    def size(of: Callable[[Scope[T]], Values]) -> Callable[[Scope[T]], Values]:
        return lambda s: np.abs(of(s))

    def rows(of: Callable[[Scope[T]], Values]) -> Callable[[Scope[T]], Values]:
        return lambda s: np.broadcast_to(of(s)[:, None], z(s).shape)

    found = [
        Quantity(compared("z"), z, of_slope=True),
        Quantity(compared("abs(z)"), size(z), of_slope=True),
        Quantity(compared("a"), a, of_slope=True),
        Quantity(compared("abs(a)"), size(a), of_slope=True),
    ]
    if place.f.name == "sigmoid":
        found.insert(2, Quantity(outside, lambda s: np.abs(a(s) - 0.5), of_slope=True))
    if place.f.name not in ("linear", "softmax"):

        def slope(s: Scope[T]) -> Values:
            return centre(right_atom(place).value(s, place))

        found.append(Quantity(compared("f'(z)"), slope, of_slope=True, rare=True))
        found.append(Quantity(compared("abs(delta)"), lambda s: np.abs(slope(s) * g(s))))
    if place.name == target.network.last.name:

        def y(s: Scope[T]) -> Values:
            return centre(s.values["targets"]).reshape(z(s).shape)

        margin = Quantity(compared("y * a"), lambda s: y(s) * a(s))
        signed = target.network.decision == "sign"
        found += [margin] * signed
        found.append(Quantity(compared("abs(a - y)"), lambda s: np.abs(a(s) - y(s))))
        found.append(Quantity(compared("(a - y)"), lambda s: a(s) - y(s)))
        found += [margin] * (not signed)
        found.append(Quantity(compared("y"), y))
        for k in range(place.fan_out) if target.network.decision == "argmax" else ():
            found.append(Quantity(of_class(k), rows(lambda s, k=k: y(s)[:, k]), of_rows=True))  # type: ignore[misc]

    def sample(s: Scope[T]) -> Values:
        return np.arange(len(z(s)), dtype=np.float64)

    def unit(s: Scope[T]) -> Values:
        return np.broadcast_to(np.arange(place.fan_out, dtype=np.float64), z(s).shape)

    found.append(Quantity(of_samples, rows(sample), of_rows=True))
    found.append(Quantity(of_units, unit, of_rows=True))
    return found


def outside(above: bool, number: float) -> str:
    """``a < 0.01 or a > 0.99``."""
    low, high = f"{0.5 - number:.6g}", f"{0.5 + number:.6g}"
    return f"a < {low} or a > {high}" if above else f"a is from {low} to {high}"


def of_class(k: int) -> Callable[[bool, float], str]:
    """``the sample is of class 0``."""
    return lambda above, number: f"the sample is {'' if above else 'not '}of class {k}"


def of_samples(above: bool, number: float) -> str:
    """``the sample is beyond the first 32``."""
    count = int(np.floor(number)) + 1
    return f"the sample is {'beyond' if above else 'among'} the first {count}"


def of_units(above: bool, number: float) -> str:
    """``the unit is beyond the first 5``."""
    count = int(np.floor(number)) + 1
    return f"the unit is {'beyond' if above else 'among'} the first {count}"


class Seen:
    """The sums that a layer's gradients show of its delta at one point."""

    def __init__(self, view: View, place: Place, kinds: Sequence[str]) -> None:
        self.view = view
        scope = view.scope
        delta = np.asarray(scope.values[f"delta/{place.name}"], np.float64)
        most = max(1, MOST_ELEMENTS // max(1, len(delta)))
        chosen = np.linspace(0, place.fan_out - 1, min(place.fan_out, most))
        self.units = np.unique(chosen.astype(np.intp))
        delta = delta[:, self.units]
        bare = np.asarray(arriving(scope, place.name), np.float64).reshape(view.samples, -1)
        bare = bare[:, self.units]
        x = np.asarray(scope.values[place.incoming], np.float64)
        inputs = np.unique(
            np.linspace(0, place.fan_in - 1, min(place.fan_in, MOST_INPUTS)).astype(np.intp)
        )
        rights, bares, offs, alloweds = [], [], [], []
        for kind in kinds:
            name = place.bias if kind == "bias" else place.kernel
            shown = view.shown(f"gradient/{name}")
            if shown is None or (kind == "bias" and not place.unitwise):
                continue
            actual = shown - penalty_of(scope, name)
            loose = np.broadcast_to(view.allowed(f"gradient/{name}"), actual.shape)
            mix = np.ones((len(delta), 1)) if kind == "bias" else x[:, inputs]
            rows = [None] if kind == "bias" else list(inputs)
            for column, row in enumerate(rows):
                index = self.units if row is None else (row, self.units)
                by = mix[:, column, None]
                rights.append(each_unit(by * delta))
                bares.append(each_unit(by * bare))
                offs.append((by * delta).sum(axis=0) - actual[index])
                alloweds.append(loose[index] + 64 * view.unit * np.abs(by * delta).sum(axis=0))
        self.empty = not offs
        if offs:
            self.right, self.bare = np.concatenate(rights, axis=1), np.concatenate(bares, axis=1)
            self.off, self.allowed = np.concatenate(offs), np.concatenate(alloweds)

    @property
    def wrong(self) -> bool:
        """Whether anything is off."""
        return bool((np.abs(self.off) > self.allowed).any())

    def by(self, quantity: Quantity) -> Terms:
        """The elements with a quantity."""
        value = np.ravel(quantity.value(self.view.scope)[:, self.units])
        return Terms(value, self.right, self.bare, self.off, self.allowed)


def each_unit(terms: Values) -> Values:
    """Elements (samples, units) as rows: each adds to the number of its own unit alone."""
    samples, units = terms.shape
    found = np.zeros((samples, units, units))
    found[:, np.arange(units), np.arange(units)] = terms
    return found.reshape(samples * units, units)


def read_where(target: Target, place: Place, views: Sequence[View]) -> Iterator[Reading]:
    """The delta, or what one gradient has of it, with another number beyond a threshold."""
    for kinds in (("bias", "kernel"), ("kernel",), ("bias",)):
        if len(kinds) == 1 and not place.bias:
            return
        seen = [each for view in views if not (each := Seen(view, place, kinds)).empty]
        seen.sort(key=lambda each: not each.wrong)
        if not seen or not seen[0].wrong:
            continue
        hit = False
        for quantity in quantities(target, place):
            if len(kinds) == 1 and not quantity.of_rows:
                continue
            with np.errstate(all="ignore"):
                points = [each.by(quantity) for each in seen]
            if not all(np.isfinite(point.quantity).all() for point in points):
                continue
            for cut in cuts(points):
                if cut.ways < (LIKELY if quantity.of_slope else UNLIKELY):
                    continue  # some quantity would tell as few elements apart by chance
                hit = True
                yield from told(target, place, quantity, cut, kinds)
        if hit:
            return


def told(
    target: Target, place: Place, quantity: Quantity, cut: Cut, kinds: Sequence[str]
) -> Iterator[Reading]:
    """A cut as a mistake, by the roundest thresholds."""
    several = round_numbers(cut.low, cut.high)[:MOST_TRIED]
    if quantity.of_rows:
        several = [(cut.low + cut.high) / 2]
    fused = place.name == target.network.last.name and target.fused
    sloped = place.f.name not in ("linear", "softmax") and not fused
    for number in several:
        where = quantity.text(cut.above, number)
        more = in_other_words(place, where, number) if quantity.of_slope else ""
        if len(several) > 1:
            more += f" (any threshold from {cut.low:.4g} to {cut.high:.4g} fits)"
        what = "the delta" if len(kinds) > 1 else f"the delta in the gradient of the {kinds[0]}"
        if cut.instead or (cut.factor == 0 and sloped and quantity.of_slope):
            sentence = f"the slope is {cut.factor:.6g} where {where}"
            formula = right_atom(place).text if sloped else ""
        elif cut.factor:
            what = "the slope" if sloped and quantity.of_slope else what
            number_ = f"{cut.factor:.6g}{named(place, cut.factor)}"
            sentence = f"{what} is {number_} times what it should be where {where}"
            formula = ""
        else:
            sentence = f"{what} is 0 where {where}"
            formula = ""
        # What nothing but one round number explains is likelier than what many numbers do.
        digits = 0 if quantity.of_rows else len(f"{number:.6g}".strip("-0.").replace(".", ""))
        cost = 1.2 + 0.05 * (cut.factor not in (0, 1)) + 0.02 * digits + 0.01 * len(several)
        cost += 0.06 * (quantity.rare and not cut.factor)
        change = changed(place, quantity, cut, number)
        changes: dict[str, Change] = {f"delta/{place.name}": change}
        if len(kinds) == 1:
            changes = alone(place, kinds[0], change)
        made = reading(sentence, place.name, sentence + more, formula, changes, cost)
        yield replace(made, open=len(several) > 1)


def in_other_words(place: Place, where: str, number: float) -> str:
    """The same condition on z, of one on a; and the reverse."""
    name, (above, below) = place.f.name, INVERSE.get(place.f.name, (None, None))
    if above is None or below is None or " is from " in where:
        return ""
    if where.startswith("a < "):
        return f", that is abs(z) > {above(0.5 + number):.4g}"
    of, _, rest = where.partition(" ")
    other = {"z": "a", "a": "z", "abs(z)": "abs(a)", "abs(a)": "abs(z)"}.get(of, "")
    if not other or (name == "sigmoid" and "abs" in of):
        return ""
    with np.errstate(all="ignore"):
        value = float((above if of[-2:-1] == "a" or of == "a" else below)(number))
    return f", that is {other} {rest[0]} {value:.6g}" if np.isfinite(value) else ""


def logit(a: float) -> float:
    """Where the sigmoid is a."""
    return float(np.log(np.float64(a) / (1 - np.float64(a))))


def logistic(z: float) -> float:
    """The sigmoid."""
    return float(1 / (1 + np.exp(-np.float64(z))))


# By the function, z of a and a of z.
INVERSE: dict[str, tuple[Callable[[float], float], Callable[[float], float]]] = {
    "tanh": (np.arctanh, np.tanh),
    "sigmoid": (logit, logistic),
}


def named(place: Place, factor: float) -> str:
    """`` (1 / alpha)`` where a number is that of the function, or one by it."""
    function: Any = place.f
    for field in fields(function) if is_dataclass(function) else ():
        own = getattr(function, field.name)
        if isinstance(own, float) and own:
            for text, value in ((field.name, own), (f"1 / {field.name}", 1 / own)):
                if abs(value - factor) <= 1e-6 * abs(value):
                    return f" ({text})"
    return ""


def changed(place: Place, quantity: Quantity, cut: Cut, number: float) -> Change:
    """The delta with the other number in it."""

    def change(value: T, scope: Scope[T]) -> T:
        ops, by = scope.ops, quantity.value(scope)
        beyond = (by > number) if cut.above else (by < number)
        # What stands exactly there is as it was found: on the near side.
        if not cut.above and cut.low == number:
            beyond = by <= number
        if cut.above and cut.high == number:
            beyond = by >= number
        if not cut.instead:
            return ops.multiply(value, ops.exact(np.where(beyond, cut.factor, 1.0)))
        rest = ops.multiply(value, ops.exact(np.where(beyond, 0.0, 1.0)))
        bare = ops.multiply(
            arriving(scope, place.name), ops.exact(np.where(beyond, cut.factor, 0.0))
        )
        return ops.add(rest, bare)

    return change


def alone(place: Place, kind: str, change: Change) -> dict[str, Change]:
    """One gradient made of the changed delta."""

    def made(value: T, scope: Scope[T]) -> T:
        delta = change(scope.values[f"delta/{place.name}"], scope)
        if kind == "bias":
            return scope.ops.total(delta, axis=0)
        return scope.ops.matmul(turned(scope.values[place.incoming], scope), delta)

    return {f"data_gradient/{place.kernel if kind == 'kernel' else place.bias}": made}
