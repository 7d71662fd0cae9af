"""Readings of an activation that is shown: which function of the pre-activation it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backproof.comparison.diagnosis.at_hand import error
from backproof.comparison.diagnosis.atoms import SIDES, applied, side, z_of
from backproof.comparison.diagnosis.linear import Term, combined
from backproof.comparison.diagnosis.reading import Reading, reading
from backproof.comparison.diagnosis.views import View, known_at
from backproof.mathematics import functions
from backproof.mathematics.definition.sites import Scope
from backproof.mathematics.faults import Target
from backproof.mathematics.faults.fault import Change, Place

T = Any
Values = NDArray[np.float64]

# A rate has no place in a forward pass: a number that happens to equal it is told as a number.
RATE = float("nan")
NAMES = ("sigmoid", "tanh", "relu", "softplus", "softmax")


def read_forward(
    target: Target, place: Place, views: Sequence[View], share: float
) -> Iterator[Reading]:
    """The activation of a layer as another function of its pre-activation."""
    name = f"activation/{place.name}"
    views = [view for view in views if view.shown(name) is not None]
    if not views:
        return
    known = [known_at(target.network, view.samples, RATE) for view in views]

    def computed(view: View) -> tuple[Values, Values] | None:
        shown = view.shown(name)
        return None if shown is None else (shown, view.allowed(name))

    terms = terms_of(place)
    for found in combined(terms, computed, views, lambda v: v.scope, known, share):
        if found.text == terms[0].text:
            continue
        forward: dict[str, Change] = {name: found.change(target.network, RATE)}
        told, formula = f"the activation is {found.text}", terms[0].text
        for changes in with_loss(target, place, forward):
            yield reading(told, place.name, told, formula, changes, 1 + found.cost / 20)


def with_loss(
    target: Target, place: Place, forward: dict[str, Change]
) -> Iterator[dict[str, Change]]:
    """The change with what follows of it in a loss that is taken of the outputs, or of z."""
    if place.name != target.network.last.name or not target.fused:
        yield forward
        return
    slope: dict[str, Change] = {**forward, "loss/slope": lambda value, s: error(s, place)}
    of_outputs = target.network.loss_function.of_outputs()
    if of_outputs is not None:

        def rows(value: T, s: Scope[T]) -> T:
            z, a = s.values[f"z/{place.name}"], s.values[f"activation/{place.name}"]
            return s.ops.loss_and_slope(of_outputs, z, a, s.values["targets"])[0]

        yield {**slope, "loss/rows": rows}
    yield slope


def terms_of(place: Place) -> list[Term]:
    """What code may take for an activation; the right one first."""
    f = place.f
    found = [Term(f"{f.name}(z)", lambda s: s.ops.activate(f, z_of(s, place)))]
    for name in NAMES:
        if name != f.name and functions.names().count(name):
            make = applied(name, z_of)
            found.append(Term(f"{name}(z)", lambda s, m=make: m(s, place)))  # type: ignore[misc]
    for above, text in ((True, "z * (z > 0)"), (False, "z * (z < 0)")):
        one_side = side(above)
        found.append(
            Term(text, lambda s, m=one_side: s.ops.multiply(z_of(s, place), m(s, place)))  # type: ignore[misc]
        )
    found.append(Term("z", lambda s: z_of(s, place)))
    found.append(Term("z**2", lambda s: s.ops.multiply(z_of(s, place), z_of(s, place))))
    found.append(Term("1", lambda s: s.ops.exact(np.ones(z_of(s, place).shape))))
    for text, make in SIDES.items():
        found.append(Term(text, lambda s, m=make: m(s, place)))  # type: ignore[misc]
    if f.name == "softmax":
        found.insert(1, Term("softmax(z) over the whole batch", over_everything(place)))
        found.insert(2, Term("softmax(z) over the samples (axis=0)", over_samples(place)))
        shifted = "exp(z - max(z, axis=1)) / sum(axis=0), over the samples"
        found.insert(3, Term(shifted, over_samples(place, shifted=True)))
    return found


def over_everything(place: Place) -> Any:
    """exp(z) / exp(z).sum(): the sum runs over samples and classes."""

    def made(s: Scope[T]) -> T:
        z = z_of(s, place)
        rows, columns = z.shape
        flat = s.ops.activate(place.f, s.ops.reshaped(z, (1, rows * columns)))
        return s.ops.reshaped(flat, (rows, columns))

    return made


def over_samples(place: Place, *, shifted: bool = False) -> Any:
    """Normalised down the columns; with each row's largest taken off before, where ``shifted``."""

    def made(s: Scope[T]) -> T:
        z = z_of(s, place)
        if shifted:
            middle = np.asarray(getattr(z, "value", z), np.float64)
            rows, columns = middle.shape
            largest = np.arange(rows) * columns + middle.argmax(axis=1)
            z = s.ops.subtract(z, s.ops.gather(z, np.repeat(largest[:, None], columns, axis=1)))
        return s.ops.transpose(s.ops.activate(place.f, s.ops.transpose(z)))

    return made
