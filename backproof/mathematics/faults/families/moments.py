"""Optimizers with a state: its means, their corrections, ε, and what decays."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from backproof.mathematics.arithmetic.running_means import corrected
from backproof.mathematics.definition.sites import Scope
from backproof.mathematics.faults.changes import T
from backproof.mathematics.faults.fault import Change, Family, Kind, Plant, Target
from backproof.mathematics.optimizers import STEP_COUNT, Optimizer
from backproof.mathematics.optimizers.adam import Adam

family = Family(__name__)

ADAM = "W ← W − rate · m̂/(√v̂ + ε), with m̂ = m/(1 − β₁ᵗ) and v̂ = v/(1 − β₂ᵗ)"
# A parameter's change and its new slots, by the scope of the step and the parameter's name.
Make = Callable[[Scope[Any], str], tuple[Any, dict[str, Any]]]


def declared(of: Target) -> Any:
    """The optimizer with whatever fields it has."""
    return of.optimizer


def is_adam(of: Target) -> bool:
    """Adam or AdamW."""
    return isinstance(of.optimizer, Adam)


def stepped(scope: Scope[T], name: str, optimizer: Optimizer, later: int = 0) -> Any:
    """The change of a parameter and its new slots by an optimizer, some steps later."""
    ops, state = scope.ops, scope.parameters
    slots = {slot: ops.exact(state[f"{slot}/{name}"]) for slot in optimizer.SLOTS}
    count = int(state[STEP_COUNT]) + later if optimizer.COUNTS else 0
    gradient = scope.values[f"gradient/{name}"]
    return optimizer.change(ops, ops.exact(state[name]), gradient, slots, count)


def part_of(make: Make, name: str, slot: str = "") -> Change:
    """The change of a parameter, or one of its new slots, as a step makes them."""

    def change(value: T, scope: Scope[T]) -> T:
        moved, after = make(scope, name)
        return after[slot] if slot else moved

    return change


def everywhere(of: Target, make: Make) -> dict[str, Change]:
    """Every parameter and slot as another step makes them."""
    return {
        site: part_of(make, name, slot)
        for name in of.network.shapes()
        for slot in ("", *of.optimizer.SLOTS)
        for site in [f"updated/{slot}/{name}" if slot else f"change/{name}"]
    }


def by_another(of: Target, **fields: Any) -> dict[str, Change]:
    """Every parameter and slot as the optimizer makes them with other fields."""
    other = replace(declared(of), **fields)
    return everywhere(of, lambda scope, name: stepped(scope, name, other))


def later(of: Target, by: Mapping[str, int]) -> Plant:
    """Every parameter as in a later step: its slots are as they are."""
    moot = "" if declared(of).bias_correction else "nothing is corrected by t"
    changes = {
        f"change/{name}": part_of(partial(stepped, optimizer=of.optimizer, later=steps), name)
        for name, steps in by.items()
    }
    return Plant("", changes, moot)


@family.fault(Kind.MATHEMATICAL, f"{ADAM}, t counting steps")
def count_by_parameter(of: Target) -> Iterator[Plant]:
    """The step count t goes on with each parameter instead of each step."""
    if is_adam(of) and len(of.network.shapes()) > 1:
        yield later(of, {name: place for place, name in enumerate(of.network.shapes())})


@family.fault(Kind.MATHEMATICAL, f"{ADAM}, t counting from 1")
def count_one_ahead(of: Target) -> Iterator[Plant]:
    """The step count t is one ahead: it counts from 2."""
    if is_adam(of):
        yield later(of, dict.fromkeys(of.network.shapes(), 1))


@family.fault(Kind.MATHEMATICAL, ADAM)
def uncorrected(of: Target) -> Iterator[Plant]:
    """The bias of the moments towards zero is not corrected."""
    if is_adam(of) and declared(of).bias_correction:
        yield Plant("", by_another(of, bias_correction=False))


@family.fault(Kind.CONVENTION, "ε where the optimizer declares it: see epsilon_at")
def epsilon_elsewhere(of: Target) -> Iterator[Plant]:
    """The ε stands elsewhere: inside of the root, or beside the corrected or the raw one."""
    if is_adam(of):
        for place in ("corrected", "raw", "inside"):
            corrected = declared(of).bias_correction
            same = {place, declared(of).epsilon_at} == {"corrected", "raw"} and not corrected
            if place != declared(of).epsilon_at and not same:
                yield Plant(place, by_another(of, epsilon_at=place))
    if of.optimizer.name == "rmsprop":
        inside = not declared(of).inside
        yield Plant("inside" if inside else "beside", by_another(of, inside=inside))


@family.fault(Kind.MATHEMATICAL, ADAM)
def betas_exchanged(of: Target) -> Iterator[Plant]:
    """The β₁ and β₂ are exchanged."""
    if is_adam(of) and declared(of).beta_1 != declared(of).beta_2:
        one, two = declared(of).beta_1, declared(of).beta_2
        yield Plant("", by_another(of, beta_1=two, beta_2=one))


@family.fault(Kind.CONVENTION, "W ← W − rate · (m̂/(√v̂ + ε) + decay · W), the moments of g alone")
def decay_coupled(of: Target) -> Iterator[Plant]:
    """The weight decay is added to the gradient, and goes through the moments."""
    if of.optimizer.name == "adamw":
        yield Plant("", everywhere(of, partial(coupled, optimizer=of.optimizer)))


@family.fault(Kind.MATHEMATICAL, "W ← W − rate · (m̂/(√v̂ + ε) + decay · W)")
def decay_missing(of: Target) -> Iterator[Plant]:
    """The weight decay is missing."""
    if of.optimizer.name == "adamw":
        yield Plant("", by_another(of, weight_decay=0.0))


@family.fault(Kind.CONVENTION, "the weight decay on all parameters: see matrices_only")
def decay_of_matrices_alone(of: Target) -> Iterator[Plant]:
    """The weight decay is on matrices alone, not on biases."""
    yield from decaying(of, matrices_only=True)


@family.fault(Kind.CONVENTION, "the weight decay on matrices alone: see matrices_only")
def decay_of_biases_too(of: Target) -> Iterator[Plant]:
    """The weight decay is on the biases too."""
    yield from decaying(of, matrices_only=False)


@family.fault(Kind.MATHEMATICAL, "m and v are kept as they are, and corrected for the step alone")
def kept_corrected(of: Target) -> Iterator[Plant]:
    """The corrected moments are kept: the next step begins with them."""
    if is_adam(of) and declared(of).bias_correction:
        yield Plant(
            "",
            {
                f"updated/{slot}/{name}": without_bias(beta)
                for name in of.network.shapes()
                for slot, beta in (
                    ("first_moment", declared(of).beta_1),
                    ("second_moment", declared(of).beta_2),
                )
            },
        )


def decaying(of: Target, *, matrices_only: bool) -> Iterator[Plant]:
    """The weight decay on other parameters than is declared, where there are both sorts."""
    several = len({len(shape) > 1 for shape in of.network.shapes().values()}) > 1
    if of.optimizer.name != "adamw" or not several:
        return
    if declared(of).matrices_only is not matrices_only:
        yield Plant("", by_another(of, matrices_only=matrices_only))


def without_bias(beta: float) -> Change:
    """A moment, corrected."""
    return lambda value, scope: corrected(scope.ops, value, beta, int(scope.parameters[STEP_COUNT]))


def coupled(scope: Scope[T], name: str, optimizer: Any) -> Any:
    """A step of the same optimizer without its decay, by a gradient that has it."""
    w = scope.ops.exact(scope.parameters[name])
    gradient = scope.values[f"gradient/{name}"]
    if optimizer.decays(w):
        gradient = scope.ops.add(gradient, scope.ops.scale(w, optimizer.weight_decay))
    decayed = replace(scope, values={**scope.values, f"gradient/{name}": gradient})
    return stepped(decayed, name, replace(optimizer, weight_decay=0.0))
