"""Focal loss: factor, weights, and the part of the gradient that goes through the factor."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from backproof.mathematics.definition.sites import Scope
from backproof.mathematics.faults.changes import T
from backproof.mathematics.faults.fault import Change, Family, Kind, Place, Plant, Target
from backproof.mathematics.losses.binary_cross_entropy import BinaryCrossEntropy
from backproof.mathematics.losses.focal import ConstantFactor, Focal

family = Family(__name__)

SLOPE = "∂ℓ/∂z = w ((1 − p)^γ (a − y) + γ (1 − p)^(γ−1) (1 − 2y) a (1 − a) ℓ_ce)"
ELEMENT = "ℓ = w (1 − p)^γ ℓ_ce, with w = α y + (1 − α)(1 − y)"
# Exponents that are in use.
GAMMAS = (0.0, 1.0, 2.0, 5.0)


def focal(of: Target) -> Focal | None:
    """The declared focal loss, by the logits; None where there is another loss."""
    found = of.network.loss_function
    return found if isinstance(found, Focal) and of.fused else None


@family.fault(Kind.MATHEMATICAL, SLOPE)
def factor_held_constant(of: Target) -> Iterator[Plant]:
    """The factor (1 − p)^γ is taken for a constant in the gradient."""
    if (loss := focal(of)) and loss.gamma:
        yield Plant("", {"loss/slope": by(of.last, ConstantFactor(loss.gamma, loss.alpha), 1)})


@family.fault(Kind.MATHEMATICAL, SLOPE)
def slope_of_cross_entropy(of: Target) -> Iterator[Plant]:
    """The gradient is that of the cross-entropy, a − y, but the loss is the focal loss."""
    if focal(of):
        yield Plant("", {"loss/slope": by(of.last, BinaryCrossEntropy(), 1)})


@family.fault(Kind.CONVENTION, ELEMENT)
def weights_exchanged(of: Target) -> Iterator[Plant]:
    """The weight α is that of targets of 0, and 1 − α that of 1."""
    if (loss := focal(of)) and loss.alpha != 0.5:
        yield Plant("", by_another(of, replace(loss, alpha=1 - loss.alpha)))


@family.fault(Kind.CONVENTION, ELEMENT)
def weights_missing(of: Target) -> Iterator[Plant]:
    """The weight w is missing, or that of 1 alone is there."""
    if loss := focal(of):
        yield Plant("missing", by_another(of, replace(loss, alpha=0.5), 2.0))
        yield Plant("alpha for both", by_another(of, replace(loss, alpha=0.5), 2 * loss.alpha))


@family.fault(Kind.CONVENTION, "(1 − p)^γ, with γ as it is declared")
def another_gamma(of: Target) -> Iterator[Plant]:
    """The factor has another exponent: none, 1, 2 or 5."""
    if loss := focal(of):
        for gamma in GAMMAS:
            if gamma != loss.gamma:
                yield Plant(f"{gamma:g}", by_another(of, replace(loss, gamma=gamma)))


def by_another(of: Target, loss: Focal, scale: float = 1.0) -> dict[str, Change]:
    """Loss and derivative of another one, times a number."""
    parts = ("loss/rows", "loss/slope")
    return {site: by(of.last, loss, part, scale) for part, site in enumerate(parts)}


def by(last: Place, loss: Any, part: int, scale: float = 1.0) -> Change:
    """The loss (part 0) or its derivative (part 1) of another one."""

    def change(value: T, scope: Scope[T]) -> T:
        z, a = scope.values[f"z/{last.name}"], scope.values[f"activation/{last.name}"]
        found = scope.ops.loss_and_slope(loss, z, a, scope.values["targets"])[part]
        return found if scale == 1 else scope.ops.scale(found, scale)

    return change
