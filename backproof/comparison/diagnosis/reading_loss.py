"""Readings of the loss that is reported: which loss it is, by which divisor, with which penalties.

The gradient is not computed from the loss's value: what is wrong here alone is told as such.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backproof.comparison.diagnosis.evidence import Evidence
from backproof.comparison.diagnosis.factors import FACTORS, Factor, factor_of
from backproof.comparison.diagnosis.reading import FAMILY, Reading
from backproof.comparison.diagnosis.views import View, known_at
from backproof.mathematics import losses
from backproof.mathematics.definition.sites import Scope
from backproof.mathematics.errors import UsageError
from backproof.mathematics.faults import Fault, Kind, Target
from backproof.mathematics.faults.changes import samples

T = Any
Values = NDArray[np.float64]

EPSILONS = (1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-12, 1e-15, 1e-16)


@dataclass(frozen=True, eq=False)
class Base:
    """The sum of a loss over all samples and outputs, before any divisor.

    ``values``: in floating point, of z, a and y.
    """

    text: str
    values: Callable[[Values, Values, Values], float]


def read_loss(
    target: Target, views: Sequence[View], evidence: Evidence, share: float
) -> Iterator[Reading]:
    """The loss that is reported as another one than is declared."""
    views = [view for view in views if view.shown("loss") is not None]
    network = target.network
    if not views:
        return
    last = network.last.name
    rate = getattr(target.optimizer, "learning_rate", float("nan"))
    known = [known_at(network, view.samples, rate) for view in views]
    actual = np.array([float(view.given["loss"]) for view in views])
    allowed = np.array([float(view.allowed("loss")) for view in views])
    right = declared(network)
    hits: list[tuple[float, Reading]] = []
    for position, base in enumerate(bases(target)):
        sums = np.array([at_view(base, view, last) for view in views])
        if not np.isfinite(sums).all():
            continue
        for weight, text, penalty in penalised(target):
            added = np.array([penalty(view.scope) for view in views])
            for factor in fitting_factors(actual - added, sums, allowed, known, share):
                told = factor.before(base.text, loose=False) + text
                if told == right:
                    continue
                cost = 1 + 0.05 * position / 4 + weight + 0.3 * factor.found
                hits.append((cost, of_loss(base, factor, penalty, told, right, target, rate, cost)))
    yield from (made for _, made in sorted(hits, key=lambda each: each[0])[:8])


def fitting_factors(
    rest: Values, sums: Values, allowed: Values, known: Sequence[Mapping[str, float]], share: float
) -> Iterator[Factor]:
    """The factors with which a base gives the loss at every point."""
    if not (np.abs(sums) > 0).all() or not (np.abs(rest) > allowed).any():
        return
    for factor in FACTORS:
        numbers = np.array([factor.of(k) for k in known])
        if (np.abs(rest - numbers * sums) <= allowed).all():
            yield factor
            return
    found = factor_of([float(r / s) for r, s in zip(rest, sums, strict=True)], known, share)
    if found is None or len(rest) < 2:
        return
    numbers = np.array([found.of(k) for k in known])
    if (np.abs(rest - numbers * sums) <= allowed).all():
        yield found


def declared(network: Any) -> str:
    """The declared loss as it is told here."""
    loss = network.loss
    text = f"sum of the {loss.kind}"
    over = [n for n, way in (("n", loss.batch), ("outputs", loss.outputs)) if way == "mean"]
    if network.loss_function.BY_ROW:
        over = [n for n in over if n != "outputs"]
    scale = "" if loss.scale == 1 else f"{loss.scale:g} * "
    divided = f" / {over[0]}" if len(over) == 1 else f" / ({' * '.join(over)})" if over else ""
    return f"{scale}{text}{divided}" + (" + the penalties" if network.penalties else "")


def of_loss(
    base: Base,
    factor: Factor,
    penalty: Callable[[Scope[Any]], float],
    told: str,
    right: str,
    target: Target,
    rate: float,
    cost: float,
) -> Reading:
    """A loss that was read, as a change of the value that is reported alone.

    It is computed in floating point: see `Evidence` on what is no bound of its own.
    """
    last = target.network.last.name

    def change(value: T, scope: Scope[T]) -> T:
        known = known_at(target.network, samples(scope), rate)
        z, a, y = (scope.values[name] for name in (f"z/{last}", f"activation/{last}", "targets"))
        total = base.values(np.asarray(z, float), np.asarray(a, float), np.asarray(y, float))
        return np.asarray(factor.of(known) * total + penalty(scope))

    fault = Fault(
        FAMILY,
        f"loss {told}",
        Kind.NUMERICAL,
        f"the loss that is reported is another: {told}",
        right,
        lambda of: iter(()),
    )
    return Reading(fault, "", {"loss": change}, cost=cost)


def at_view(base: Base, view: View, last: str) -> float:
    """The sum at a point."""
    values = view.scope.values
    z = values.get(f"z/{last}", values[f"activation/{last}"])
    a, y = values[f"activation/{last}"], values["targets"]
    with np.errstate(all="ignore"):
        return float(base.values(*(np.asarray(each, float) for each in (z, a, y))))


def bases(target: Target) -> list[Base]:
    """The losses that code may report, the declared one first."""
    network = target.network
    own = network.loss_function

    def of(loss: losses.LossFunction) -> Callable[[Values, Values, Values], float]:
        return lambda z, a, y: float(loss.value(z, a, y)[0].sum())

    found = [Base(f"sum of the {network.loss.kind}", of(own))]
    if network.loss_of == "logits":
        found = [Base(found[0].text, lambda z, a, y: float(own.value(a, a, y)[0].sum()))]
    if network.loss.kind != "squared_error":
        found.append(Base("sum of (a - y)**2", lambda z, a, y: float(((a - y) ** 2).sum())))
    found.append(Base("sum of abs(a - y)", lambda z, a, y: float(np.abs(a - y).sum())))
    found.append(
        Base("sqrt(sum of (a - y)**2)", lambda z, a, y: float(np.sqrt(((a - y) ** 2).sum())))
    )
    found.append(
        Base(
            "sum over the samples of sqrt(sum of (a - y)**2)",
            lambda z, a, y: float(np.sqrt(((a - y) ** 2).sum(axis=-1)).sum()),
        )
    )
    for kind in ("binary_cross_entropy", "categorical_cross_entropy"):
        try:
            loss = losses.named(kind).of_outputs()
        except UsageError:
            continue
        if loss is not None and kind != network.loss.kind:
            found.append(Base(f"sum of the {kind} of the outputs", of(loss)))
    found.append(Base("sum of -y * log(a)", lambda z, a, y: -float((y * np.log(a)).sum())))
    found += guarded()
    return found


def guarded() -> Iterator[Base]:
    """Cross-entropies with a guard in their logarithms."""
    for epsilon in EPSILONS:
        told = f"{epsilon:g}"

        def added(x: Values, e: float = epsilon) -> Values:
            return np.asarray(np.log(x + e))

        def floored(x: Values, e: float = epsilon) -> Values:
            return np.asarray(np.log(np.maximum(x, e)))

        def clipped(x: Values, e: float = epsilon) -> Values:
            return np.asarray(np.log(np.clip(x, e, 1 - e)))

        for log, text in (
            (added, f"{{}} + {told}"),
            (floored, f"max({{}}, {told})"),
            (clipped, f"clip({{}}, {told}, 1 - {told})"),
        ):
            a_text, b_text = text.format("a"), text.format("1 - a")
            yield Base(f"sum of -y * log({a_text})", likelihood(log, both=False))
            both = f"sum of -y * log({a_text}) - (1 - y) * log({b_text})"
            yield Base(both, likelihood(log, both=True))


def likelihood(
    log: Callable[[Values], Values], *, both: bool
) -> Callable[[Values, Values, Values], float]:
    """A cross-entropy by a logarithm of its own; of two classes with both of their terms."""

    def values(z: Values, a: Values, y: Values) -> float:
        terms = y * log(a)
        if both:
            terms = terms + (1 - y) * log(1 - a)
        return -float(terms.sum())

    return values


def multiple(of: Callable[[Scope[Any]], float], times: float) -> Callable[[Scope[Any]], float]:
    """So many times as much."""
    return lambda scope: times * of(scope)


def penalised(
    target: Target,
) -> Iterator[tuple[float, str, Callable[[Scope[Any]], float]]]:
    """The penalties that code may add: those that are declared, none, or multiples of them."""
    network = target.network

    def as_declared(scope: Scope[Any]) -> float:
        values = scope.values.items()
        return float(sum(float(v) for key, v in values if key.startswith("penalty/")))

    if not network.penalties:
        yield 0.0, "", lambda scope: 0.0
        return
    yield 0.0, " + the penalties", as_declared
    yield 0.1, " without the penalties", lambda scope: 0.0
    for text, times in (("0.5 *", 0.5), ("2 *", 2.0), ("-1 *", -1.0)):
        yield 0.2, f" + {text} the penalties", multiple(as_declared, times)
    yield 0.2, " + the penalties / n", lambda s: as_declared(s) / samples(s)
    yield 0.2, " + n * the penalties", lambda s: as_declared(s) * samples(s)
    yield (
        0.25,
        " + 0.5 * the penalties / n",
        lambda s: 0.5 * as_declared(s) / samples(s),
    )
