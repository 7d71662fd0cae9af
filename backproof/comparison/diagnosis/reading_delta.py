"""Reading a delta: what it is made of, times which slope, as a change to plant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backproof.comparison.diagnosis.at_hand import data_gradient, penalty_of
from backproof.comparison.diagnosis.atoms import Atom, right_atom
from backproof.comparison.diagnosis.delta_sources import SMOOTHED, STEPPED, Source, sources
from backproof.comparison.diagnosis.factors import FACTORS, Factor
from backproof.comparison.diagnosis.fitting import Found, Sample, fitting
from backproof.comparison.diagnosis.grammar import MOST_FACTORS, Product, Sum, candidates
from backproof.comparison.diagnosis.reading import Reading, reading
from backproof.comparison.diagnosis.views import View, known_at, weighs
from backproof.comparison.diagnosis.wiring import other_slopes, powers, wired
from backproof.mathematics.definition.sites import Scope
from backproof.mathematics.faults import Target
from backproof.mathematics.faults.changes import samples
from backproof.mathematics.faults.fault import Place

T = Any
Values = NDArray[np.float64]

# A sieve looks at so many units and inputs.
MOST_UNITS, MOST_INPUTS = 24, 8
# Of so many expressions, the smallest, pairs are tried.
PAIRS = 140


class Numbers:
    """What a layer's gradients show of its delta at one point, in a few linear numbers of it."""

    def __init__(
        self, view: View, place: Place, kinds: tuple[str, ...], *, found: bool = False
    ) -> None:
        """``found``: whether penalties are those that were found, not the declared ones."""
        chosen = np.linspace(0, place.fan_out - 1, min(place.fan_out, MOST_UNITS)).astype(np.intp)
        self.units = np.unique(chosen)
        self.view = view
        x = np.asarray(view.scope.values[place.incoming], np.float64)
        stream = np.random.default_rng(place.fan_in)
        few = place.fan_in <= MOST_INPUTS
        self._mix = np.eye(place.fan_in) if few else stream.normal(size=(place.fan_in, MOST_INPUTS))
        self._parts: list[tuple[Values, float]] = []
        computed, allowed = [], []
        for kind in kinds:
            name = place.bias if kind == "bias" else place.kernel
            shown = view.shown(f"gradient/{name}")
            if shown is None or (kind == "bias" and not place.unitwise):
                continue
            penalty = penalty_found(view, name) if found else penalty_of(view.scope, name)
            actual = shown - penalty
            loose = np.broadcast_to(view.allowed(f"gradient/{name}"), actual.shape)
            if kind == "bias":
                read, mix = actual[None, self.units], np.ones((view.samples, 1))
                doubt = loose[None, self.units]
            else:
                read, mix = self._mix.T @ actual[:, self.units], x @ self._mix
                doubt = np.abs(self._mix).T @ loose[:, self.units]
            size = float(np.abs(read).max(initial=0.0)) or 1.0
            self._parts.append((mix, size))
            computed.append(np.ravel(read / size))
            allowed.append(np.ravel(doubt / size))
        self.computed = np.concatenate(computed) if computed else np.zeros(0)
        self.allowed = np.concatenate(allowed) if allowed else np.zeros(0)

    def of(self, deltas: Values) -> Values:
        """The same numbers of many deltas (many, samples, units)."""
        found = [
            np.einsum("jnu,nr->jru", deltas, mix, optimize=True).reshape(len(deltas), -1) / size
            for mix, size in self._parts
        ]
        return np.concatenate(found, axis=1)


def penalty_found(view: View, name: str) -> Values:
    """What is added to the data's gradient, with the mistakes found so far."""
    whole = np.asarray(view.results[f"gradient/{name}"], np.float64)
    return np.asarray(whole - np.asarray(data_gradient(view.scope, name), np.float64))


def others(view: View, name: str) -> bool:
    """Whether the penalties that were found are not the declared ones."""
    found = penalty_found(view, name)
    off = np.abs(found - penalty_of(view.scope, name))
    return bool((off > 1e-9 * np.abs(view.results[f"gradient/{name}"]).max()).any())


def read_delta(
    target: Target, place: Place, views: Sequence[View], rate: float, share: float
) -> Iterator[Reading]:
    """The delta: what it is made of, times which slope."""
    network = target.network
    known = [known_at(network, view.samples, rate) for view in views]
    among = sources(target, place)
    elsewhere = wired(target, place, weighs=any(map(weighs, views)))
    further = [Product((atom,)) for atom in (*powers(place), *other_slopes(target, place))]
    ways = [(kinds, False) for kinds in (("bias", "kernel"), ("bias",), ("kernel",))]
    if place.kernel and any(map(partial(others, name=place.kernel), views)):
        ways.append((("kernel",), True))
    for kinds, changed in ways:
        numbers = [Numbers(view, place, kinds, found=changed) for view in views]
        if not all(each.computed.size for each in numbers):
            continue
        labels, samples_at = expressions(among, elsewhere, further, place, numbers, known)
        if samples_at is None:
            continue
        hit = False
        for found in fitting(samples_at, share=share, pairs=PAIRS):
            made = delta_of(target, place, found, labels, rate)
            if made is not None:
                hit = True
                yield made
        if hit and len(kinds) > 1:
            return


def expressions(
    among: Sequence[Source],
    elsewhere: Sequence[Source],
    further: Sequence[Product],
    place: Place,
    numbers: Sequence[Numbers],
    known: Sequence[Mapping[str, float]],
) -> tuple[list[tuple[Source, Product]], list[Sample] | None]:
    """Every source times every product at each point, what pairs are made of first.

    What comes from ``elsewhere`` has the right slope or none; ``further`` slopes stand alone.
    """
    labels: list[tuple[Source, Product]] = []
    found: list[Sample] = []
    for position, numbers_at in enumerate(numbers):
        scope = numbers_at.view.scope
        if not position:
            every = candidates(place, partial(atom_at, numbers, place), MOST_FACTORS)
            short = [p for p in every if len(p.atoms) <= 2]
            slopes = [p for p in every if len(p.atoms) <= 1]
            wanted = right_atom(place).text
            right = [p for p in slopes if p.text == wanted] or [p for p in slopes if not p.atoms]
            bare = [p for p in slopes if not p.atoms and p not in right]
            labels = [(among[0], p) for p in slopes]
            labels += [(source, p) for source in elsewhere for p in right]
            labels += [(source, p) for source in among[1:] for p in right]
            labels += [(among[0], p) for p in short if len(p.atoms) > 1]
            labels += [(among[0], p) for p in further]
            labels += [(source, p) for source in elsewhere for p in bare]
            labels += [(source, p) for source in among[1:] for p in slopes if p not in right]
            labels += [(among[0], p) for p in every if len(p.atoms) > 2]
            labels += [(source, p) for source in among[1:] for p in short if len(p.atoms) > 1]
        with np.errstate(all="ignore"):
            sources_at = {
                id(s): np.asarray(s.make(scope), np.float64)[:, numbers_at.units]
                for s in (*among, *elsewhere)
            }
            values = {
                key: product_at(p, numbers_at.view, place, numbers_at.units)
                for key, p in {id(p): p for _, p in labels}.items()
            }
            deltas = np.stack([sources_at[id(s)] * values[id(p)] for s, p in labels])
            deltas[~np.isfinite(deltas)] = 0
        rows = numbers_at.of(deltas)
        shown, alone = numbers_at.computed, numbers_at.view.alone
        found.append(Sample(rows, shown, numbers_at.allowed, known[position], alone))
    return labels, found


def atom_at(numbers: Sequence[Numbers], place: Place, atom: Atom) -> Values:
    """An atom's values at all points, in a row."""
    single = Product((atom,))
    found = [np.ravel(product_at(single, each.view, place, each.units)) for each in numbers]
    return np.concatenate(found)


def product_at(p: Product, view: View, place: Place, units: NDArray[np.intp]) -> Values:
    """A product of atoms at some units, in floating point."""
    value = np.ones((view.samples, len(units)))
    for atom in p.atoms:
        key = f"{place.name}/{atom.text}"
        if key not in view.cache:
            view.cache[key] = np.asarray(atom.value(view.scope, place), np.float64)
        value = value * view.cache[key][:, units]
    return value


def right_slope(target: Target, place: Place) -> Sum | None:
    """The right slope as code writes it; None where it is no product of elements."""
    one = FACTORS[0]
    fused = place.name == target.network.last.name and target.fused
    if fused or place.f.name == "linear":
        return Sum(((one, Product(())),))
    return None if place.f.name == "softmax" else Sum(((one, Product((right_atom(place),))),))


# Other forms of a slope that may be the right one, of another a.
FORMS = {"(1 - a) * (1 + a)": "1 - a**2", "(1 + a) * (1 - a)": "1 - a**2"}


def delta_of(
    target: Target,
    place: Place,
    found: Found,
    labels: Sequence[tuple[Source, Product]],
    rate: float,
) -> Reading | None:
    """What was found for a delta, as a mistake; None if it is what it should be."""
    right = right_slope(target, place)
    terms = [(factor, *labels[index]) for factor, index in found.terms]
    first = labels[0][0]
    fprime = "f'(z)" if place.f.name != "softmax" else "softmax's Jacobian"
    slope_text = right.text if right is not None else fprime
    network = target.network
    declared = float(getattr(target.optimizer, "learning_rate", 0.0))
    by_source: dict[str, tuple[Source, list[tuple[Factor, Product]]]] = {}
    for factor, source, product in terms:
        by_source.setdefault(source.text, (source, []))[1].append((factor, product))
    parts = [(source, Sum(tuple(each))) for source, each in by_source.values()]

    def change(value: T, scope: Scope[T]) -> T:
        known = known_at(network, samples(scope), rate)
        made = [each.applied(scope, place, known, source.make(scope)) for source, each in parts]
        return made[0] if len(made) == 1 else scope.ops.add(*made)

    cost = 1 + sum(each.cost for _, each in parts) / 20 + 0.3 * (len(parts) > 1)
    changes = {f"delta/{place.name}": change}
    if len(parts) == 1 and parts[0][0] is first:
        used = parts[0][1]
        times = multiple_of(used, right)
        if times == "1":
            return None
        if times is not None:
            sentence = f"the delta is {times} times what it should be"
            made = reading(f"delta {times}", place.name, sentence, "", changes, cost)
        else:
            told = f"the slope is {used.text}"
            if FORMS.get(used.text, used.text) == slope_text:
                # The formula is right; what it is taken of is not the function's own value.
                told = f"the slope is {slope_text} of the a that is passed on"
                slope_text += " of the function's own value"
            made = reading(f"slope {used.text}", place.name, told, slope_text, changes, cost)
        return Reading(**{**vars(made), "slope": (used, right)})
    if (stepped := through_stepped(parts, declared)) is not None:
        told = f"the delta goes back through a kernel that the step has already changed: {stepped}"
        return reading(f"stepped {stepped}", place.name, told, "W_above", changes, cost - 0.3)
    if (share := smoothed(parts, right)) is not None:
        told = (
            f"the delta is of labels that are smoothed: (1 - {share}) * y + {share} / outputs in "
            "the place of y"
        )
        return reading(f"smoothed {share}", place.name, told, "", changes, cost - 0.1)
    text = " + ".join(written(source.text, each) for source, each in parts)
    formula = written(first.text, right) if right is not None else f"({first.text}) * {fprime}"
    return reading(f"delta {text}", place.name, f"the delta is {text}", formula, changes, cost)


def smoothed(parts: Sequence[tuple[Source, Sum]], right: Sum | None) -> str | None:
    """By how much the labels are smoothed, where that is all; else None."""
    if right is None or {source.text for source, _ in parts[1:]} != {SMOOTHED}:
        return None
    one, other = (each.terms[0][0] for _, each in parts)
    known = [{"n": n, "outputs": 4.0, "rate": 1.0} for n in (3.0, 5.0)]
    shares = [other.of(each) / one.of(each) for each in known]
    scaled = [share * n for share, n in zip(shares, (3.0, 5.0), strict=True)]
    for several in (shares, scaled):  # the first may hold the 1 / n already
        if abs(several[0] - several[1]) <= 1e-6 * abs(several[0]) and 0 < several[0] < 1:
            return f"{several[0]:.6g}"
    return None


def through_stepped(parts: Sequence[tuple[Source, Sum]], rate: float) -> str | None:
    """``W_above - 0.1 * dW_above``, where the delta is the right one with that for the kernel."""
    if [source.text for source, _ in parts[1:]] != [STEPPED]:
        return None
    sums = [each.terms for _, each in parts]
    if [len(terms) for terms in sums] != [1, 1] or sums[0][0][1].text != sums[1][0][1].text:
        return None
    (one, _), (step, _) = sums[0][0], sums[1][0]
    if not step.text.startswith("-"):
        return None
    kernel, taken = one.before("W_above", loose=False), step.text[1:]
    taken = "rate" if step.found and taken == f"{rate:.6g}" else taken
    return f"{kernel} - {Factor(taken, step.of).before('dW_above', loose=False)}"


def written(source: str, slope: Sum) -> str:
    """``(delta_above @ W_above.T) * (1 - a**2)``."""
    if slope.text == "1":
        return source
    if len(slope.terms) == 1 and not slope.terms[0][1].atoms:
        return slope.terms[0][0].before(source, loose="@" in source)
    outer = f"({source})" if "@" in source and not source.endswith(")") else source
    loose = len(slope.terms) > 1 or slope.terms[0][1].loose
    return f"{outer} * ({slope.text})" if loose else f"{outer} * {slope.text}"


def multiple_of(used: Sum, right: Sum | None) -> str | None:
    """The factor by which a slope is a multiple of the right one; None if it is none."""
    if right is None or len(used.terms) > 1:
        return None
    (factor, product), (_, wanted) = used.terms[0], right.terms[0]
    return factor.text + factor.note if product.text == wanted.text else None
