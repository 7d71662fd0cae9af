"""Nadam: the momentum of the next step, its schedule, and what the two parts are divided by."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from backproof.mathematics.definition.sites import Scope
from backproof.mathematics.faults.families.moments import (
    by_another,
    declared,
    everywhere,
    part_of,
    stepped,
)
from backproof.mathematics.faults.fault import Change, Family, Kind, Plant, Target
from backproof.mathematics.optimizers import STEP_COUNT
from backproof.mathematics.optimizers.adam import Adam

family = Family(__name__)

NADAM = "W ← W − rate · (μₜ₊₁ m/(1 − Πₜ₊₁) + (1 − μₜ) g/(1 − Πₜ))/(√v̂ + ε)"
# Schedules that are in use.
DECAYS = (0.004, 1.0, None)


def is_nadam(of: Target) -> bool:
    """Nadam itself."""
    return of.optimizer.name == "nadam"


@family.fault(Kind.MATHEMATICAL, NADAM)
def not_ahead(of: Target) -> Iterator[Plant]:
    """The momentum is not that of the next step: the step is Adam's."""
    if is_nadam(of):
        o = declared(of)
        plain = Adam(o.learning_rate, o.beta_1, o.beta_2, o.epsilon)
        yield Plant("", everywhere(of, lambda scope, name: stepped(scope, name, plain)))


@family.fault(Kind.MATHEMATICAL, NADAM)
def momentum_alone(of: Target) -> Iterator[Plant]:
    """The gradient's own part of the step is missing."""
    if is_nadam(of):
        yield Plant("", of_one_part(of, 0))


@family.fault(Kind.MATHEMATICAL, NADAM)
def gradient_alone(of: Target) -> Iterator[Plant]:
    """The momentum's part of the step is missing."""
    if is_nadam(of):
        yield Plant("", of_one_part(of, 1))


@family.fault(Kind.MATHEMATICAL, f"{NADAM}, t counting from 1")
def nadam_one_ahead(of: Target) -> Iterator[Plant]:
    """The step count t is one ahead: it counts from 2."""
    if is_nadam(of):
        make = partial(stepped, optimizer=of.optimizer, later=1)
        yield Plant("", {f"change/{n}": part_of(make, n) for n in of.network.shapes()})


@family.fault(Kind.CONVENTION, "μₜ = β₁ (1 − ½ · 0.96^(momentum_decay · t)), as it is declared")
def schedule_of_another(of: Target) -> Iterator[Plant]:
    """The momentum has another schedule than is declared: see momentum_decay."""
    if is_nadam(of):
        for decay in DECAYS:
            if decay != declared(of).momentum_decay:
                yield Plant(str(decay), by_another(of, momentum_decay=decay))


@family.fault(Kind.CONVENTION, "m is divided by 1 − Πₜ₊₁, as it is declared: see next_correction")
def corrected_by_another(of: Target) -> Iterator[Plant]:
    """The first moment is corrected for another step than is declared: this one, or the next."""
    if is_nadam(of):
        yield Plant("", by_another(of, next_correction=not declared(of).next_correction))


def of_one_part(of: Target, place: int) -> dict[str, Change]:
    """Every parameter by the step of the moments alone, or of the gradient alone."""

    def part(name: str) -> Change:
        def change(value: Any, scope: Scope[Any]) -> Any:
            kept = (scope.values[f"updated/{slot}/{name}"] for slot in of.optimizer.SLOTS)
            count = int(scope.parameters[STEP_COUNT])
            gradient = scope.values[f"gradient/{name}"]
            return declared(of).parts(scope.ops, *kept, gradient, count)[place]

        return change

    return {f"change/{name}": part(name) for name in of.network.shapes()}
