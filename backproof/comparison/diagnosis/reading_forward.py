"""Readings of an activation that is shown: which function of the pre-activation it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backproof.comparison.diagnosis.at_hand import error
from backproof.comparison.diagnosis.atoms import applied, side, z_of
from backproof.comparison.diagnosis.linear import Term, combined
from backproof.comparison.diagnosis.reading import Reading, reading
from backproof.comparison.diagnosis.views import View, known_at
from backproof.mathematics import functions
from backproof.mathematics.definition.sites import Scope
from backproof.mathematics.faults import Target
from backproof.mathematics.faults.fault import Change, Place

T = Any
Values = NDArray[np.float64]

NAMES = ("sigmoid", "tanh", "relu", "softplus", "softmax")


def read_forward(
    target: Target, place: Place, views: Sequence[View], rate: float, share: float
) -> Iterator[Reading]:
    """The activation of a layer as another function of its pre-activation."""
    name = f"activation/{place.name}"
    views = [view for view in views if view.shown(name) is not None]
    if not views:
        return
    known = [known_at(target.network, view.samples, rate) for view in views]

    def computed(view: View) -> tuple[Values, Values] | None:
        shown = view.shown(name)
        return None if shown is None else (shown, view.allowed(name))

    terms = terms_of(place)
    for found in combined(terms, computed, views, lambda v: v.scope, known, share):
        if found.text == terms[0].text:
            continue
        changes: dict[str, Change] = {name: found.change(target.network, rate)}
        if place.name == target.network.last.name and target.fused:
            changes["loss/slope"] = lambda value, s: error(s, place)
        told = f"the activation is {found.text}"
        yield reading(
            f"activation {found.text}",
            place.name,
            told,
            terms[0].text,
            changes,
            1 + found.cost / 20,
        )


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
    if f.name == "softmax":
        found.insert(1, Term("softmax(z) over the whole batch", over_everything(place)))
        found.insert(2, Term("softmax(z) over the samples (axis=0)", over_samples(place)))
    return found


def over_everything(place: Place) -> Any:
    """exp(z) / exp(z).sum(): the sum runs over samples and classes."""

    def made(s: Scope[T]) -> T:
        z = z_of(s, place)
        rows, columns = z.shape
        flat = s.ops.activate(place.f, s.ops.reshaped(z, (1, rows * columns)))
        return s.ops.reshaped(flat, (rows, columns))

    return made


def over_samples(place: Place) -> Any:
    """Normalised down the columns."""

    def made(s: Scope[T]) -> T:
        turned = s.ops.activate(place.f, s.ops.transpose(z_of(s, place)))
        return s.ops.transpose(turned)

    return made
