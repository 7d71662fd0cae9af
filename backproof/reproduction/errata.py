"""Errata: published mathematics that is wrong, as faults of the definition, put before the gate."""

from __future__ import annotations

import datetime
import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from backproof.comparison import run
from backproof.comparison.judging.rows import Row, Status
from backproof.comparison.pairing.pairing import Pairing, Subject
from backproof.comparison.record.record import DATA
from backproof.mathematics.arithmetic.floating import Float
from backproof.mathematics.definition.evaluate import evaluate
from backproof.mathematics.definition.sites import Intervention, unchanged
from backproof.mathematics.definition.step import step
from backproof.mathematics.errors import EvaluationError, UsageError
from backproof.mathematics.faults import planted
from backproof.mathematics.faults.evaluation import computed
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.parameters import Array, Batch, Parameters
from backproof.mathematics.optimizers import Optimizer

if TYPE_CHECKING:
    from backproof.comparison.run import Workers


@dataclass(frozen=True)
class Effect:
    """One measure of what an erratum does: as printed, and corrected; to be read as they stand."""

    what: str
    printed: str
    corrected: str


@dataclass(frozen=True)
class Erratum:
    """Something that an article has wrong.

    ``printed`` and ``correct`` are formulas; ``told`` says in sentences what is wrong. ``fault`` is
    the change of the definition that it comes to, by its name in the catalogue or as a function at
    the sites, put before the gate in place of the pairing's subject; None where it concerns
    something else than the mathematics of a step. ``effect``
    measures what it does; ``seconds``: about how long that takes.
    """

    name: str
    where: str
    told: str
    printed: str
    correct: str
    pairing: Pairing | None = None
    fault: str | Intervention | None = None
    effect: Callable[[], tuple[Effect, ...]] | None = None
    seconds: float = 2.0


@dataclass(frozen=True)
class Exposure:
    """The comparison that exposes an erratum: the first on the data, in the order of computation.

    ``difference`` and ``bound``, what rounding allows, are of its worst element; ``tensors`` names
    all that do not match. ``cause``: what the gate takes for the reason.
    """

    reference: str
    name: str
    step: int
    difference: float
    bound: float
    tensors: tuple[str, ...]
    cause: str


def site(erratum: Erratum) -> Intervention:
    """The change of the definition that an erratum comes to; raises `UsageError`."""
    assert erratum.fault is not None
    if not isinstance(erratum.fault, str):
        return erratum.fault
    assert erratum.pairing is not None
    return catalogued(erratum.pairing, erratum.fault)


def catalogued(pairing: Pairing, name: str) -> Intervention:
    """A fault of the catalogue as planted in a pairing, by its name; raises `UsageError`."""
    plants = {
        plant.name: plant
        for plant in planted(pairing.network, pairing.optimizer, saturates=pairing.saturates)
    }
    if name not in plants:
        near = difflib.get_close_matches(name, plants, n=1)
        hint = f"did you mean {near[0]!r}?" if near else "see docs/faults.md"
        raise UsageError(f"{pairing.name} has no place for a fault {name!r}; {hint}")
    return plants[name].intervene


def definition(
    network: Network, optimizer: Optimizer, intervene: Intervention = unchanged
) -> Subject:
    """The definition in floating point, changed at its sites, as a subject."""
    return lambda parameters, batch: computed(network, optimizer, parameters, batch, intervene)


def expose(erratum: Erratum, reference: str, workers: Workers) -> Exposure:
    """Put the fault before the gate; raises `EvaluationError` if the gate lets it through."""
    assert erratum.pairing is not None
    pairing = erratum.pairing
    faulty = replace(
        pairing,
        subject=definition(pairing.network, pairing.optimizer, site(erratum)),
        steps=1,
        points=None,
        # The definition takes its loss of the logits, whatever the subject does.
        forms={name: form for name, form in pairing.forms.items() if name != "subject"},
    ).narrowed([reference])
    (judged,) = run.verify([faulty], workers, datetime.date.min, certified=False)
    if not isinstance(judged, run.Judged):
        raise EvaluationError(judged.reason)
    wrong = [row for row in judged.rows if row.status is Status.MISMATCH]
    if not wrong:
        causes = {row.cause for row in judged.rows if row.status is Status.ERROR}
        raise EvaluationError(
            f"no comparison of {pairing.name} exposes it {'; '.join(sorted(causes))}".strip()
        )
    record = judged.record
    order = {name: place for place, name in enumerate(record.names(record.points()[0]))}
    on_data = [row for row in wrong if row.point == DATA] or wrong
    first = min(on_data, key=lambda row: order[row.name])
    names = sorted({row.name for row in wrong}, key=order.__getitem__)
    return exposure(first, tuple(names))


def exposure(row: Row, names: tuple[str, ...]) -> Exposure:
    """What a row says."""
    return Exposure(
        reference=row.reference,
        name=row.name,
        step=row.step,
        difference=(row.bound or 0.0) * (row.bound_used or 0.0),
        bound=row.bound or 0.0,
        tensors=names,
        cause=row.cause,
    )


def descend(
    pairing: Pairing,
    parameters: Mapping[str, Array],
    batch: Batch,
    steps: int,
    intervene: Intervention = unchanged,
) -> Parameters:
    """The parameters after so many steps of the definition in floating point, with a fault or not.

    Each step takes the pairing's minibatch, or the whole batch.
    """
    network, ops = pairing.network, Float()
    state: Parameters = dict(parameters)
    for index in range(steps):
        with np.errstate(all="ignore"):
            cut = pairing.cut(batch, index)
            values = evaluate(ops, network, state, cut, intervene)
            updated = step(ops, network, state, values, pairing.optimizer, intervene, batch=cut)
        state = {name: np.asarray(updated[f"updated/{name}"]) for name in network.shapes()}
    return state
