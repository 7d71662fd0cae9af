"""Terms: what code may sum up for a loss, of z, a and y, before any sum or divisor."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backproof.mathematics import functions, losses
from backproof.mathematics.arithmetic.floating import Float
from backproof.mathematics.arithmetic.random.replicas import Replicas
from backproof.mathematics.definition.sites import Scope
from backproof.mathematics.errors import UsageError
from backproof.mathematics.faults import Target
from backproof.mathematics.network.network import Network

Values = NDArray[np.float64]

# Guards of a logarithm.
EPSILONS = (
    *(10.0**-power for power in range(1, 17)),
    *(0.5, 0.2, 0.05, 0.02, 0.005, 0.002, 5e-4, 1.1920929e-07, 2.220446049250313e-16),
)
# Up to this size one may be meant.
MOST_GUARD = 1e-5
# Floors of a logarithm itself.
FLOORS = (-5.0, -10.0, -20.0, -30.0, -50.0, -100.0, -1000.0)


@dataclass(frozen=True, eq=False)
class AtLoss:
    """What code has at one point where it takes the loss, all in rows (rows, outputs).

    ``weights`` (rows, 1), of the samples, where the batch has some. ``inputs`` as they are.
    """

    z: Values
    a: Values
    y: Values
    inputs: Values
    weights: Values | None
    known: Mapping[str, float]

    @classmethod
    def of(
        cls,
        scope: Scope[Any],
        network: Network,
        known: Mapping[str, float],
        targets: Any = None,
    ) -> AtLoss:
        """What a scope has there, in floating point; the targets, where it has none yet."""
        last, values, batch = network.last.name, scope.values, scope.batch
        assert batch is not None
        a = values[f"activation/{last}"]
        y = values["targets"] if targets is None else targets
        z, a, y = (in_rows(each) for each in (values.get(f"z/{last}", a), a, y))
        if network.loss_of == "logits":
            assert network.loss_function.ACTIVATION is not None
            z, a = a, Float().activate(functions.named(network.loss_function.ACTIVATION), a)
        weights = None
        if batch.weights is not None:
            each = np.asarray(batch.weights, np.float64)
            weights = np.repeat(each, len(a) // len(each))[:, None]
        return cls(z, a, y, np.asarray(batch.inputs, np.float64), weights, known)

    def with_targets(self, targets: Values) -> AtLoss:
        """The same with other targets."""
        return AtLoss(self.z, self.a, targets, self.inputs, self.weights, self.known)


def in_rows(value: Any) -> Values:
    """A value in any arithmetic, in floating point, as (rows, outputs)."""
    if isinstance(value, Replicas):
        value = value.drawn.mean(axis=0)
    found = np.asarray(getattr(value, "value", value), np.float64)
    return found.reshape(-1, found.shape[-1])


@dataclass(frozen=True, eq=False)
class Summand:
    """An array (rows, outputs), or (rows, 1), that code sums up, as it would write it.

    ``cost``: how much it asks to be believed. ``note``: what is told behind it, in brackets.
    ``right``: the declared one as it is written beside it. ``guards``: whether it differs from that
    by a guard of the logarithm alone; ``minor``: by one so small that it may be meant.
    """

    text: str
    of: Callable[[AtLoss], Values]
    cost: float = 0.0
    note: str = ""
    right: str = ""
    minor: bool = False
    guards: bool = False


def own_summand(target: Target) -> Summand:
    """The declared loss of each element."""
    network = target.network
    own = network.loss_function

    def of(s: AtLoss) -> Values:
        return np.asarray(own.value(s.z, s.a, s.y)[0], np.float64)

    return Summand(f"the {network.loss.kind}", of)


def summands(target: Target) -> Iterator[Summand]:
    """What code may sum up in its place, the plainest first."""
    own, kind = own_summand(target), target.network.loss.kind
    entropy = kind.endswith("cross_entropy")
    if kind != "squared_error":
        yield Summand("(a - y)**2", lambda s: (s.a - s.y) ** 2, 0.01)
    if kind != "absolute_error":
        yield Summand("abs(a - y)", lambda s: np.abs(s.a - s.y), 0.01)
    yield Summand(f"{kind}**2", lambda s: own.of(s) ** 2, 0.02)
    yield Summand(f"sqrt({kind})", lambda s: np.sqrt(own.of(s)), 0.03)
    yield Summand("abs(a - y)**3", lambda s: np.abs(s.a - s.y) ** 3, 0.05)
    yield Summand("a - y", lambda s: s.a - s.y, 0.05)
    yield Summand("-a * y", lambda s: -s.a * s.y, 0.03)
    yield Summand("log(cosh(a - y))", lambda s: np.log(np.cosh(s.a - s.y)), 0.05)
    if entropy:
        yield Summand("-y * log(a)", lambda s: -s.y * np.log(s.a), 0.01)
        yield Summand("-log(a)", lambda s: -np.log(s.a), 0.03)
        yield Summand("-(1 - y) * log(1 - a)", lambda s: -(1 - s.y) * np.log(1 - s.a), 0.02)
        yield Summand("-y * z", lambda s: -s.y * s.z, 0.05)
        yield Summand(
            "-log(max(a))",
            lambda s: -np.log(s.a.max(axis=1, keepdims=True)),
            0.02,
            "of each sample's largest probability, not of its own class's",
        )
        yield Summand(
            "y * (log(sum(exp(z - max(z)))) - z)",
            unshifted,
            0.04,
            "where max(z) is taken off inside of the logarithm alone",
            "y * (log(sum(exp(z - max(z)))) - (z - max(z)))",
        )
    if kind == "binary_cross_entropy":
        yield Summand(
            "log(1 + exp(s * z))",
            lambda s: own.of(s.with_targets(1 - s.y)),
            0.02,
            "with s = 2 * y - 1, which is -1 or 1",
            "log(1 + exp(-s * z))",
        )
    for other in ("binary_cross_entropy", "categorical_cross_entropy"):
        try:
            loss = losses.named(other).of_outputs()
        except UsageError:
            continue
        if loss is not None and other != kind:

            def of_outputs(s: AtLoss, loss: losses.LossFunction = loss) -> Values:
                return np.asarray(loss.value(s.z, s.a, s.y)[0])

            yield Summand(f"the {other} of the outputs", of_outputs, 0.02)
    if entropy:
        right = WRITTEN.get(kind, "")
        yield from guarded(right)
        yield from floored_logs(right)


def unshifted(s: AtLoss) -> Values:
    """y·(log Σ exp(z − max z) − z)."""
    shifted = s.z - s.z.max(axis=1, keepdims=True)
    return np.asarray(s.y * (np.log(np.exp(shifted).sum(axis=1, keepdims=True)) - s.z))


# As code writes them.
WRITTEN = {
    "categorical_cross_entropy": "-y * log(a)",
    "binary_cross_entropy": "-y * log(a) - (1 - y) * log(1 - a)",
}


def guarded(right: str) -> Iterator[Summand]:
    """Cross-entropies with a guard in their logarithms."""
    for epsilon in EPSILONS:
        told = f"{epsilon:.3g}"

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
            text, minor = f"-y * log({a_text})", epsilon <= MOST_GUARD
            one = right == WRITTEN["categorical_cross_entropy"]
            yield Summand(text, likelihood(log, both=False), 0.1, "", right, minor and one, one)
            both = f"-y * log({a_text}) - (1 - y) * log({b_text})"
            yield Summand(
                both, likelihood(log, both=True), 0.1, "", right, minor and not one, not one
            )


def floored_logs(right: str) -> Iterator[Summand]:
    """Cross-entropies whose logarithms have a floor."""
    for least in FLOORS:

        def log(x: Values, k: float = least) -> Values:
            return np.asarray(np.maximum(np.log(x), k))

        text = f"max(log({{}}), {least:g})"
        one, other = text.format("a"), text.format("1 - a")
        yield Summand(f"-y * {one}", likelihood(log, both=False), 0.1, "", right)
        both = f"-y * {one} - (1 - y) * {other}"
        yield Summand(both, likelihood(log, both=True), 0.1, "", right)


def likelihood(log: Callable[[Values], Values], *, both: bool) -> Callable[[AtLoss], Values]:
    """A cross-entropy by a logarithm of its own; of two classes with both of their terms."""

    def values(s: AtLoss) -> Values:
        terms = s.y * log(s.a)
        if both:
            terms = terms + (1 - s.y) * log(1 - s.a)
        return np.asarray(-terms)

    return values
