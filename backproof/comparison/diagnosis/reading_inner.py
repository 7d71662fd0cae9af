"""Readings of a pre-activation: what an activation that is shown was taken of.

The activation is turned back, element by element, where its slope is not too small for that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backproof.comparison.diagnosis.fitting import Sample, fitting
from backproof.comparison.diagnosis.linear import MOST_ELEMENTS, Combined, Term
from backproof.comparison.diagnosis.reading import Reading, reading
from backproof.comparison.diagnosis.views import View, known_at
from backproof.mathematics.definition.sites import Scope
from backproof.mathematics.faults import Target
from backproof.mathematics.faults.changes import samples, turned
from backproof.mathematics.faults.fault import Place

T = Any
Values = NDArray[np.float64]

# A rate has no place in a forward pass: a number that happens to equal it is told as a number.
RATE = float("nan")
# Below this slope an activation tells too little of what it was taken of.
FLATTEST = 1e-3


def read_inner(
    target: Target, place: Place, views: Sequence[View], share: float
) -> Iterator[Reading]:
    """The right function of another pre-activation."""
    name, back = f"activation/{place.name}", inverse(place)
    if back is None:
        return
    terms = inner_terms(target, place)
    found, known = [], [known_at(target.network, view.samples, RATE) for view in views]
    for view, at in zip(views, known, strict=True):
        shown = view.shown(name)
        if shown is not None and (sample := turned_back(view, place, shown, back, terms, at)):
            found.append(sample)
    if not found:
        return
    for each in fitting(found, share=share, pairs=len(terms)):
        inner = Combined(tuple((factor, terms[index]) for factor, index in each.terms))
        if inner.text == terms[0].text:
            continue
        f = place.f.name
        told = f"the activation is {f}({inner.text})" if f != "linear" else f"it is {inner.text}"
        right = "z" if inner.terms[0][1] is terms[0] else "x @ W + b" if place.bias else "x @ W"
        formula = f"{f}({right})" if f != "linear" else right
        changes = {f"z/{place.name}": inner.change(target.network, RATE)}
        yield reading(told, place.name, told, formula, changes, 1 + inner.cost / 20)


def turned_back(
    view: View,
    place: Place,
    shown: Values,
    back: Callable[[Values], Values],
    terms: Sequence[Term],
    known: Mapping[str, float],
) -> Sample | None:
    """What the activation was taken of, and the terms there; None where too little shows it."""
    scope = view.scope
    with np.errstate(all="ignore"):
        inner = back(shown)
        slope = np.abs(scope.ops.vjp(place.f, inner, shown, np.ones_like(inner)))
        among = np.isfinite(inner) & (slope > FLATTEST)
        if place.f.name in ("relu", "relu6"):
            among &= shown > 0
        allowed = (view.allowed(f"activation/{place.name}") / slope)[among]
        rows = []
        for term in terms:
            row = np.broadcast_to(np.asarray(term.make(scope), np.float64), inner.shape)[among]
            rows.append(row if np.isfinite(row).all() else np.zeros_like(row))
    actual = inner[among]
    if not actual.size:
        return None
    few = np.linspace(0, actual.size - 1, min(actual.size, MOST_ELEMENTS)).astype(np.intp)
    scale = float(np.abs(actual).max()) or 1.0
    allowed += view.unit * np.abs(actual)
    expressions = np.stack(rows)[:, few] / scale
    return Sample(expressions, actual[few] / scale, allowed[few] / scale, known, view.alone)


def inverse(place: Place) -> Callable[[Values], Values] | None:
    """What a function was taken of, by its value; None where that is not to be had."""
    alpha = float(getattr(place.f, "alpha", 1.0))
    found: dict[str, Callable[[Values], Values]] = {
        "linear": lambda a: a,
        "relu": lambda a: a,
        "tanh": np.arctanh,
        "sigmoid": lambda a: np.log(a) - np.log1p(-a),
        "softplus": lambda a: np.log(np.expm1(a)),
        "leaky_relu": lambda a: np.where(a > 0, a, a / alpha),
        "elu": lambda a: np.where(a > 0, a, np.log1p(np.minimum(a, 0) / alpha)),
    }
    return found.get(place.f.name)


def inner_terms(target: Target, place: Place) -> list[Term]:
    """What code may take for a pre-activation; the right one first."""
    x, kernel, bias = place.incoming, place.kernel, place.bias

    def w(s: Scope[T]) -> T:
        return s.ops.exact(s.parameters[kernel])

    def product(left: Callable[[Scope[T]], T], right: Callable[[Scope[T]], T]) -> Any:
        return lambda s: s.ops.matmul(left(s), right(s))

    def at(site: str) -> Callable[[Scope[T]], T]:
        return lambda s: s.values[site]

    def right_z(s: Scope[T]) -> T:
        b = s.ops.exact(s.parameters[bias]) if bias else None
        return s.ops.affine(s.values[x], w(s), b)

    found = [Term("z", right_z), Term("x @ W", product(at(x), w))]
    if bias:
        found.append(Term("b", lambda s: spread(s, s.ops.exact(s.parameters[bias]), place)))
    found.append(Term("1", lambda s: s.ops.exact(np.ones((samples(s), place.fan_out)))))
    found.append(Term("abs(z)", lambda s: s.ops.magnitude(right_z(s))))
    found.append(Term("z**2", lambda s: s.ops.multiply(right_z(s), right_z(s))))
    if place.square:
        found.append(Term("x @ W.T", product(at(x), lambda s: turned(w(s), s))))
        found.append(Term("x", at(x)))
    others: dict[str, Callable[[Values], Values]] = {
        "abs(W)": np.abs,
        "sign(W)": np.sign,
        "W (without its last row)": lambda v: v * (np.arange(len(v)) < len(v) - 1)[:, None],
        "W (without its first row)": lambda v: v * (np.arange(len(v)) > 0)[:, None],
        "(W / norm(W))": lambda v: v / (np.linalg.norm(v) or 1.0),
        "(W / norm(W, axis=0))": lambda v: v / np.linalg.norm(v, axis=0),
        "(W - mean(W))": lambda v: v - v.mean(),
        "W[::-1]": lambda v: v[::-1],
    }
    for text, make in others.items():

        def other(s: Scope[T], make: Callable[[Values], Values] = make) -> T:
            return s.ops.exact(make(np.asarray(s.parameters[kernel], np.float64)))

        found.append(Term(f"x @ {text}", product(at(x), other)))
    rows: dict[str, Callable[[Values], Values]] = {
        "(x / norm(x, axis=1))": lambda v: v / np.linalg.norm(v, axis=1, keepdims=True),
        "(x - mean(x, axis=0))": lambda v: v - v.mean(axis=0),
        "((x - mean(x, axis=0)) / std(x, axis=0))": lambda v: (v - v.mean(axis=0)) / v.std(axis=0),
        "(x - mean(x))": lambda v: v - v.mean(),
        "((x - mean(x)) / std(x))": lambda v: (v - v.mean()) / v.std(),
        "(x / max(x))": lambda v: v / v.max(),
        "x**2": np.square,
        "abs(x)": np.abs,
        "(x > 0)": lambda v: (v > 0).astype(float),
        "max(x, 0)": lambda v: np.maximum(v, 0),
        "round(x)": np.round,
        "x[::-1]": lambda v: v[::-1],
        "x[:, ::-1]": lambda v: v[:, ::-1],
    }
    if x == "inputs":  # of exact numbers
        for text, make in rows.items():

            def of_rows(s: Scope[T], make: Callable[[Values], Values] = make) -> T:
                assert s.batch is not None
                return s.ops.exact(make(np.asarray(s.batch.inputs, np.float64)))

            found.append(Term(f"{text} @ W", product(of_rows, w)))
    below = x.partition("/")[2]
    if any(each.name == below for each in target.layers):
        found.append(Term("z_below @ W", product(at(f"z/{below}"), w)))
    return found


def spread(s: Scope[T], row: T, place: Place) -> T:
    """A row for every sample."""
    places = np.broadcast_to(np.arange(place.fan_out), (samples(s), place.fan_out))
    return s.ops.gather(row, places.copy())
