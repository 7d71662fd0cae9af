"""Sources: what code may take for a delta before its slope, from above or from the loss."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backproof.comparison.diagnosis.at_hand import data_gradient, error, quotient, raised
from backproof.comparison.diagnosis.atoms import a_of
from backproof.comparison.diagnosis.reading_pieces import chosen
from backproof.mathematics.definition.sites import Scope
from backproof.mathematics.faults import Target
from backproof.mathematics.faults.changes import arriving, centre, samples, turned
from backproof.mathematics.faults.fault import Place

T = Any
Values = NDArray[np.float64]
Make = Callable[[Scope[T]], T]

SMOOTHED = "(y - 1 / outputs)"
STEPPED = "delta_above @ dW_above.T"


@dataclass(frozen=True)
class Source:
    """What a delta is made of, before its slope: (samples, units)."""

    text: str
    make: Make


def sources(target: Target, place: Place) -> list[Source]:
    """What code may take for it; the right one first."""
    if place.name == target.network.last.name:
        text = "(a - y) / n" if target.fused else "dL/da"
        return [
            Source(text, lambda s: arriving(s, place.name)),
            Source("(a - y)", lambda s: error(s, place)),
            Source("abs(a - y)", lambda s: s.ops.magnitude(error(s, place))),
            Source("sign(a - y)", lambda s: s.ops.sign(error(s, place))),
            Source("(a - y)**2", lambda s: raised(s.ops, error(s, place), 2)),
            Source("(a - y)**3", lambda s: raised(s.ops, error(s, place), 3)),
            Source("a", lambda s: s.values[f"activation/{place.name}"]),
            Source("y", lambda s: s.values["targets"]),
            *(decided(text, make, place) for text, make in DECIDED.items()),
            Source("(a - one_hot(labels).max(axis=0))", lambda s: less(s, place, anywhere)),
            Source(SMOOTHED, lambda s: unsmoothed(s, place)),
            Source("y / a", lambda s: s.ops.divide(s.values["targets"], a_of(s, place))),
            Source("(a - y) / (a * (1 - a))", lambda s: quotient(s, place)),
            *(guarded(place, each) for each in GUARDS if place.f.name == "sigmoid"),
        ]
    if place not in target.hidden:
        takers = target.network.consumers[place.name]
        shares = " + ".join(f"(what {node.name} gives back)" for node in takers)
        text = f"({shares})" if len(takers) > 1 else "what arrives"
        return [Source(text, lambda s: arriving(s, place.name))]
    above = target.above(place)
    kernel = f"kernel/{above.name}"

    def delta(s: Scope[T]) -> T:
        return s.values[f"delta/{above.name}"]

    def back(value: T, s: Scope[T]) -> T:
        return s.ops.matmul(value, turned(s.values[kernel], s))

    def spread(value: T, s: Scope[T], axis: int) -> T:
        """The sum over one axis, for each of that axis."""
        rows, columns = samples(s), place.fan_out
        index = np.arange(rows)[:, None] if axis == 1 else np.arange(columns)[None, :]
        total = s.ops.total(value, axis=axis)
        return s.ops.gather(total, np.broadcast_to(index, (rows, columns)).copy())

    found = [Source("delta_above @ W_above.T", lambda s: arriving(s, place.name))]
    if above.square:
        found.append(
            Source("delta_above @ W_above", lambda s: s.ops.matmul(delta(s), s.values[kernel]))
        )
    last = above.name == target.network.last.name
    if above.f.name != "linear" and not (last and target.fused):
        found.append(
            Source(
                "(delta_above without its slope) @ W_above.T",
                lambda s: back(arriving(s, above.name), s),
            )
        )
    if above.f.name not in ("linear", "softmax"):

        def again(s: Scope[T]) -> T:
            z, a = s.values[f"z/{above.name}"], s.values[f"activation/{above.name}"]
            return back(s.ops.vjp(above.f, z, a, delta(s)), s)

        found.append(Source("(delta_above * slope_above) @ W_above.T", again))
    if last:
        found.append(Source("(a_above - y) @ W_above.T", lambda s: back(error(s, above), s)))
        found.append(
            Source(
                "(a_above - y).sum(axis=1, keepdims=True)", lambda s: spread(error(s, above), s, 1)
            )
        )
    for letter, site in (("z", "z"), ("a", "activation")):
        found.append(
            Source(
                f"(delta_above * {letter}_above) @ W_above.T",
                lambda s, n=f"{site}/{above.name}": back(s.ops.multiply(delta(s), s.values[n]), s),  # type: ignore[misc]
            )
        )
    found.append(
        Source("abs(delta_above) @ W_above.T", lambda s: back(s.ops.magnitude(delta(s)), s))
    )
    found.append(
        Source(
            "delta_above @ abs(W_above).T",
            lambda s: s.ops.matmul(delta(s), turned(s.ops.magnitude(s.values[kernel]), s)),
        )
    )
    if above.fan_out == place.fan_out:
        found.append(Source("delta_above", delta))
    found.append(
        Source("(delta_above @ W_above.T).cumsum(axis=1)", lambda s: summed_up(s, place, 1))
    )
    found.append(Source("delta_above.sum(axis=1, keepdims=True)", lambda s: spread(delta(s), s, 1)))
    found.append(
        Source(
            "(delta_above @ W_above.T).sum(axis=0)",
            lambda s: spread(arriving(s, place.name), s, 0),
        )
    )
    found.append(
        Source(
            STEPPED,
            lambda s: s.ops.matmul(delta(s), turned(data_gradient(s, above.kernel), s)),
        )
    )
    return found


# What probabilities are clipped to before anything is divided by them.
GUARDS = (1e-5, 1e-6, 1e-7, 1e-8, 1e-10, 1e-12, 1e-15)


def guarded(place: Place, epsilon: float) -> Source:
    """The derivative of a binary cross-entropy by a probability that is clipped."""

    def of(s: Scope[T]) -> T:
        ops, a = s.ops, a_of(s, place)
        at, y = centre(a), s.values["targets"]
        one = ops.exact(np.ones(at.shape))
        ends = ops.exact(np.clip(at, epsilon, 1 - epsilon))
        inside = (at >= epsilon) & (at <= 1 - epsilon)
        p = chosen(s, ~inside, ends, a)
        return ops.subtract(
            ops.divide(ops.subtract(one, y), ops.subtract(one, p)), ops.divide(y, p)
        )

    return Source(f"((1 - y) / (1 - p) - y / p with p = clip(a, {epsilon:g}, 1 - {epsilon:g}))", of)


DECIDED: dict[str, Callable[[Values], Values]] = {
    "(a > 0.5)": lambda a: (a > 0.5).astype(np.float64),
    "one_hot(a.argmax(axis=1))": lambda a: np.eye(a.shape[1])[a.argmax(axis=1)],
    "sign(a)": np.sign,
}
"""Decisions that code may take for the outputs."""


def decided(text: str, make: Callable[[Values], Values], place: Place) -> Source:
    """A decision less the targets, as in a perceptron's rule."""

    def of(s: Scope[T]) -> T:
        a = centre(a_of(s, place))
        return s.ops.subtract(s.ops.exact(make(a)), s.values["targets"])

    return Source(f"({text} - y)", of)


def less(s: Scope[T], place: Place, make: Callable[[Values], Values]) -> T:
    """The output less other targets."""
    return s.ops.subtract(a_of(s, place), s.ops.exact(make(centre(s.values["targets"]))))


def anywhere(y: Values) -> Values:
    """For every sample, the classes that any sample is of."""
    labels = np.eye(y.shape[1])[y.argmax(axis=1)]
    return np.broadcast_to(labels.max(axis=0), y.shape).copy()


def summed_up(s: Scope[T], place: Place, axis: int) -> T:
    """What arrives, with all that came before it: a sum that does not begin anew for each unit."""
    units = place.fan_out
    before = s.ops.exact(np.triu(np.ones((units, units))))
    return s.ops.matmul(arriving(s, place.name), before)


def unsmoothed(s: Scope[T], place: Place) -> T:
    """What smoothing takes off the labels, by its share."""
    y = s.values["targets"]
    even = s.ops.exact(np.full(y.shape, 1.0))
    return s.ops.subtract(y, s.ops.scale(even, 1.0, place.fan_out))
