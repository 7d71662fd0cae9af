"""Readings of one gradient: what it is a product or a sum of, its penalties, its order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backproof.comparison.diagnosis.at_hand import (
    data_gradient,
    error,
    is_penalty,
    penalty_of,
    raised,
)
from backproof.comparison.diagnosis.factors import Factor, scaled
from backproof.comparison.diagnosis.linear import Combined, Term, combined
from backproof.comparison.diagnosis.reading import Reading, reading
from backproof.comparison.diagnosis.structure import ORDERS
from backproof.comparison.diagnosis.views import View, known_at, weighs
from backproof.comparison.diagnosis.wiring import other_deltas, other_products
from backproof.mathematics.definition.sites import Scope
from backproof.mathematics.faults import Target
from backproof.mathematics.faults.changes import arriving, samples, turned
from backproof.mathematics.faults.fault import Place

T = Any
Values = NDArray[np.float64]


def read_gradient(
    target: Target,
    place: Place | None,
    name: str,
    views: Sequence[View],
    rate: float,
    share: float,
    *,
    recovered: bool = False,
) -> Iterator[Reading]:
    """What one gradient, by its full name with ``gradient/``, was made of.

    ``recovered``: whether it is known by the step alone, which may have another rate for it.
    """
    parameter = name.partition("/")[2]
    node = parameter.partition("/")[0]
    views = [v for v in views if v.shown(name) is not None]
    if not views:
        return
    known = [known_at(target.network, view.samples, rate) for view in views]
    own = parameter.partition("/")[2]

    def of_data(view: View) -> tuple[Values, Values] | None:
        shown = view.shown(name)
        if shown is None:
            return None
        return shown - penalty_of(view.scope, parameter), view.allowed(name)

    def of_all(view: View) -> tuple[Values, Values] | None:
        shown = view.shown(name)
        return None if shown is None else (shown, view.allowed(name))

    yield from read_multiple(target, of_all, parameter, views, known, share)
    if place is not None and parameter in (place.kernel, place.bias):
        terms = of_own(target, place, parameter)
        for found in combined(terms, of_data, views, lambda v: v.scope, known, share, pairs=False):
            if len(found.terms) == 1 and found.terms[0][1] is terms[0]:
                number = found.terms[0][0]
                if number.text == "1":
                    continue
                factor = number.text + number.note
                what = ", or the rate of its step," if recovered else ""
                told = f"the gradient of the {own}{what} is {multiple(factor)}"
                formula = ""
            else:
                told, formula = f"the gradient of the {own} is {found.text}", terms[0].text

            def made(
                at: Place, parameter: str, found: Combined, told: str = told, formula: str = formula
            ) -> Reading:
                changes = {f"data_gradient/{parameter}": found.change(target.network, rate)}
                cost = 1 + found.cost / 20
                return reading(f"{own} {found.text}", at.name, told, formula, changes, cost)

            others = [
                made(other, name, same)
                for other in target.layers
                for name in (other.kernel if parameter == place.kernel else other.bias,)
                if other.name != place.name and name
                for same in same_terms(found, of_own(target, other, name))
            ]
            yield replace(made(place, parameter, found), elsewhere=tuple(others))
        yield from read_elsewhere(target, place, parameter, of_data, views, known, share)
    yield from read_penalty(target, place, parameter, of_all, views, known, rate, share, recovered)
    for told, order in ORDERS.items():
        changed = reordered(order)
        if all(is_in_order(order, view, name) for view in views):
            yield reading(
                f"{own} {told}",
                node,
                f"the gradient of the {own} is {told}",
                "",
                {f"gradient/{parameter}": changed},
                1.1,
            )


def of_own(target: Target, place: Place, parameter: str) -> list[Term]:
    """What the gradient of a kernel or a bias may be made of at its own layer."""
    return (kernel_terms if parameter == place.kernel else bias_terms)(target, place)


def same_terms(found: Combined, terms: Sequence[Term]) -> Iterator[Combined]:
    """The same expression in another layer, if it can be written there."""
    by_text = {term.text: term for term in terms}
    if all(term.text in by_text for _, term in found.terms):
        yield Combined(tuple((factor, by_text[term.text]) for factor, term in found.terms))


def read_elsewhere(
    target: Target,
    place: Place,
    parameter: str,
    of_data: Callable[[View], tuple[Values, Values] | None],
    views: Sequence[View],
    known: Sequence[dict[str, float]],
    share: float,
) -> Iterator[Reading]:
    """The gradient made of another layer's delta or input; the penalties are right."""
    node, _, own = parameter.partition("/")
    of_kernel = parameter == place.kernel
    if not of_kernel and not place.unitwise:
        return
    others = other_products if of_kernel else other_deltas
    terms = others(target, place, weighs=any(map(weighs, views)))
    formula = "x.T @ delta" if of_kernel else "delta.sum(axis=0)"
    for found in combined(terms, of_data, views, lambda v: v.scope, known, share, pairs=False):
        told = f"the gradient of the {own} is {found.text}"
        changes = {f"gradient/{parameter}": beside_penalties(found, parameter, target)}
        yield reading(f"{own} {found.text}", node, told, formula, changes, 1 + found.cost / 20)


def beside_penalties(found: Combined, parameter: str, target: Target) -> Any:
    """Another gradient of the data, and the penalties."""
    change = found.change(target.network, float("nan"))

    def changed(value: T, scope: Scope[T]) -> T:
        made = change(value, scope)
        for key in [key for key in scope.values if is_penalty(key, parameter)]:
            made = scope.ops.add(made, scope.values[key])
        return made

    return changed


def read_multiple(
    target: Target,
    of_all: Callable[[View], tuple[Values, Values] | None],
    parameter: str,
    views: Sequence[View],
    known: Sequence[dict[str, float]],
    share: float,
) -> Iterator[Reading]:
    """All gradients, with their penalties, as one multiple of what they should be."""
    whole = Term("gradient", lambda s: s.values[f"gradient/{parameter}"])
    for found in combined([whole], of_all, views, lambda v: v.scope, known, share, pairs=False):
        ((factor, _),) = found.terms
        if factor.text == "1":
            continue

        def times(value: T, scope: Scope[T], factor: Factor = factor) -> T:
            at = known_at(target.network, samples(scope), float("nan"))
            return scaled(scope.ops, value, factor.of(at))

        changes = {f"gradient/{name}": times for name in target.network.parameters}
        number = factor.text + factor.note
        told = f"every gradient, with its penalties, is {multiple(number)}"
        yield reading(f"gradients {factor.text}", "", told, "", changes, 1.3)


def multiple(number: str) -> str:
    """How a wrong factor is told."""
    return "zero" if number == "0" else f"{number} times what it should be"


def read_penalty(
    target: Target,
    place: Place | None,
    parameter: str,
    of_all: Callable[[View], tuple[Values, Values] | None],
    views: Sequence[View],
    known: Sequence[dict[str, float]],
    rate: float,
    share: float,
    recovered: bool,
) -> Iterator[Reading]:
    """The data's gradient with another penalty than is declared."""
    node, _, own = parameter.partition("/")
    terms = penalty_terms(target, parameter, recovered=recovered)

    def without_penalty(view: View) -> Scope[T]:
        """The data's own gradient stands under that name before the penalties are added."""
        values = dict(view.scope.values)
        key = f"data_gradient/{parameter}"
        values[key] = np.asarray(values[key]) - penalty_of(view.scope, parameter)
        return Scope(view.scope.ops, view.scope.network, view.scope.parameters, None, values)

    right = declared_penalty(target, parameter)
    coefficient = 2 * target.network.penalty_on(parameter).l2
    for found in combined(terms, of_all, views, without_penalty, known, share):
        text = found.text
        if found.terms[0][1] is not terms[0] or text == right:
            continue
        told = f"the gradient of the {own}, with g that of the data, is {text}"
        declared = 0.1 * (coefficient > 0 and f"+ {coefficient:.6g} * " in text)
        cost = 1 + found.cost / 20 - declared

        def made(
            node: str, parameter: str, found: Combined, told: str = told, cost: float = cost
        ) -> Reading:
            changes = {f"gradient/{parameter}": instead_of_penalty(found, parameter, target, rate)}
            return reading(f"penalty {found.text}", node, told, right, changes, cost)

        others = [
            made(name.partition("/")[0], name, same)
            for name in target.network.parameters
            if name != parameter and name.partition("/")[2] == own
            if declared_penalty(target, name) == right
            for same in same_terms(found, penalty_terms(target, name, recovered=recovered))
        ]
        yield replace(made(node, parameter, found), elsewhere=tuple(others))


def penalty_terms(target: Target, parameter: str, *, recovered: bool) -> list[Term]:
    """What the data's gradient g may be added to."""
    letter = letter_of(parameter)

    def data(s: Scope[T]) -> T:
        return s.values[f"data_gradient/{parameter}"]

    def w(s: Scope[T]) -> T:
        return s.ops.exact(s.parameters[parameter])

    terms = [
        Term("g", data),
        Term(letter, w),
        Term(f"sign({letter})", lambda s: s.ops.sign(w(s))),
        Term(f"abs({letter})", lambda s: s.ops.magnitude(w(s))),
        Term(f"{letter}**2", lambda s: s.ops.multiply(w(s), w(s))),
    ]
    step = float(getattr(target.optimizer, "learning_rate", 0.0))
    if recovered:  # known by the step alone, in which the penalty may come after the gradient

        def moved(s: Scope[T]) -> T:
            return s.ops.subtract(w(s), s.ops.scale(data(s), step, roundings=2))

        terms.append(Term(f"({letter} - rate * g, already stepped)", moved))
    return terms


def letter_of(parameter: str) -> str:
    """``W``, ``b``, or its own name."""
    own = parameter.partition("/")[2]
    return "W" if own == "kernel" else "b" if own == "bias" else own


def instead_of_penalty(found: Combined, parameter: str, target: Target, rate: float) -> Any:
    """The data's own gradient and other penalties."""

    def changed(value: T, scope: Scope[T]) -> T:
        ops = scope.ops
        values = dict(scope.values)
        data = value
        for key in list(values):
            if is_penalty(key, parameter):
                data = ops.subtract(data, values[key])
        values[f"data_gradient/{parameter}"] = data
        inner = Scope(ops, scope.network, scope.parameters, scope.batch, values)
        return found.change(target.network, rate)(value, inner)

    return changed


def declared_penalty(target: Target, parameter: str) -> str:
    """The gradient with its penalties as code would write it."""
    letter = letter_of(parameter)
    penalty = target.network.penalty_on(parameter)
    text = "g"
    over = " / n" if penalty.batch == "mean" else ""
    if penalty.l2:
        text += f" + {2 * penalty.l2:.6g} * {letter}{over}"
    if penalty.l1:
        text += f" + {penalty.l1:.6g} * sign({letter}){over}"
    return text


def kernel_terms(target: Target, place: Place) -> list[Term]:
    """What code may take for the gradient of a kernel; the right one first."""
    delta = f"delta/{place.name}"
    lefts = [("x", lambda s: s.values[place.incoming])]
    below = place.incoming.partition("/")[2]
    if any(each.name == below for each in target.layers):
        lefts.append(("z_below", lambda s: s.values[f"z/{below}"]))
    lefts.append(("abs(x)", lambda s: s.ops.magnitude(s.values[place.incoming])))
    lefts.append(("(x**2)", lambda s: raised(s.ops, s.values[place.incoming], 2)))
    lefts.append(("ones", lambda s: s.ops.exact(np.ones(s.values[place.incoming].shape))))
    if place.square:
        # The output of this layer itself is among those that other_products tries.
        lefts.append((f"(z of {place.name})", lambda s: s.values[f"z/{place.name}"]))
    rights = [("delta", lambda s: s.values[delta])]
    rights.append(("abs(delta)", lambda s: s.ops.magnitude(s.values[delta])))
    rights.append(("(delta**2)", lambda s: raised(s.ops, s.values[delta], 2)))
    rights.append(("(delta without its slope)", lambda s: arriving(s, place.name)))
    if place.f.name not in ("linear", "softmax"):

        def again(s: Scope[T]) -> T:
            z, a = s.values[f"z/{place.name}"], s.values[f"activation/{place.name}"]
            return s.ops.vjp(place.f, z, a, s.values[delta])

        rights.append(("(delta * slope)", again))
    if place.name == target.network.last.name:
        rights.append(("(a - y)", lambda s: error(s, place)))
        rights.append(("a", lambda s: s.values[f"activation/{place.name}"]))
        rights.append(("y", lambda s: s.values["targets"]))

    def product(left: Any, right: Any) -> Any:
        return lambda s: s.ops.matmul(turned(left(s), s), right(s))

    found = [
        Term(f"{one}.T @ {two}", product(left, right))
        for two, right in rights
        for one, left in lefts
    ]
    if place.square:
        found.append(Term("delta.T @ x", product(rights[0][1], lefts[0][1])))
    return found


def bias_terms(target: Target, place: Place) -> list[Term]:
    """What code may take for the gradient of a bias; the right one first."""
    delta = f"delta/{place.name}"

    def spread(s: Scope[T], total: T) -> T:
        return s.ops.gather(s.ops.reshaped(total, (1,)), np.zeros(place.biases, dtype=np.intp))

    def row(which: int) -> Any:
        def made(s: Scope[T]) -> T:
            units = place.fan_out
            index: NDArray[np.intp] = np.arange(units) + (which % samples(s)) * units
            return s.ops.gather(s.values[delta], index)

        return made

    def all_but(one: Any) -> Any:
        return lambda s: s.ops.subtract(s.ops.total(s.values[delta], axis=0), one(s))

    found = [Term("delta.sum(axis=0)", lambda s: s.ops.total(s.values[delta], axis=0))]
    if place.bias and not place.unitwise:
        return [Term("delta.sum()", lambda s: spread(s, s.ops.total(s.values[delta])))]
    found.append(
        Term(
            "(delta without its slope).sum(axis=0)",
            lambda s: s.ops.total(arriving(s, place.name), axis=0),
        )
    )
    found.append(Term("delta.sum()", lambda s: spread(s, s.ops.total(s.values[delta]))))
    found.append(Term("delta[0]", row(0)))
    found.append(Term("delta[-1]", row(-1)))
    found.append(Term("delta[1:].sum(axis=0)", all_but(row(0))))
    found.append(Term("delta[:-1].sum(axis=0)", all_but(row(-1))))
    found.append(
        Term(
            "(delta**2).sum(axis=0)",
            lambda s: s.ops.total(raised(s.ops, s.values[delta], 2), axis=0),
        )
    )
    if place.name == target.network.last.name:
        found.append(Term("(a - y).sum(axis=0)", lambda s: s.ops.total(error(s, place), axis=0)))
    found.append(
        Term("a.sum(axis=0)", lambda s: s.ops.total(s.values[f"activation/{place.name}"], axis=0))
    )
    kernel = place.kernel
    found.append(Term("dW.sum(axis=0)", lambda s: s.ops.total(data_gradient(s, kernel), axis=0)))
    found.append(Term("b", lambda s: s.ops.exact(s.parameters[place.bias])))
    found.append(Term("1", lambda s: s.ops.exact(np.ones(place.biases))))
    return found


def reordered(order: Callable[[Values], Values]) -> Any:
    """A matrix in another order."""

    def changed(value: T, scope: Scope[T]) -> T:
        places = np.arange(value.shape[0] * value.shape[1]).reshape(value.shape)
        index = np.asarray(order(places), np.intp)
        return scope.ops.gather(value, index)

    return changed


def is_in_order(order: Callable[[Values], Values], view: View, name: str) -> bool:
    """Whether a matrix is the right one in another order."""
    actual, right = view.shown(name), np.asarray(view.results[name], np.float64)
    if actual is None or actual.ndim != 2:
        return False
    other = order(right)
    return other.shape == actual.shape and bool(
        (np.abs(actual - other) <= view.allowed(name)).all()
    )
