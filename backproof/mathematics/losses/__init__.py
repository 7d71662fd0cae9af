"""Losses, one file each: value of an element, derivative, and the rule of each arithmetic."""

from __future__ import annotations

import importlib
import pkgutil
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from backproof.mathematics.errors import UsageError

if TYPE_CHECKING:
    from backproof.mathematics.arithmetic.balls.ball import Ball
    from backproof.mathematics.arithmetic.certified import Certified
    from backproof.mathematics.arithmetic.rounding.model import Rounding
    from backproof.mathematics.network.network import Decision

Values = NDArray[np.floating]


class LossModule(Protocol):
    """What a file of this package provides.

    ``ACTIVATION``: the activation of the last layer that the loss is fused with, its derivative
    then being by the logits z; None when it is taken of the activations a, with derivative by a.
    ``BY_ROW``: one value a sample, not one an output. ``DECISION``: how the outputs are classified.
    ``LABELS``: the targets of an output that says no, and yes; None where any number may be one.
    """

    __name__: str
    ACTIVATION: str | None
    BY_ROW: bool
    DECISION: Decision | None
    LABELS: tuple[float, float] | None

    def latex(self) -> tuple[str, str, str]:
        """The element, its derivative, and why, if it is that by Z: for `backproof explain`."""

    def value(self, z: Values, a: Values, y: Values) -> tuple[Values, Values]:
        """Loss (samples, outputs or 1) and derivative (samples, outputs)."""

    def ball(self, z: Ball, a: Ball, y: Ball, rounding: Rounding) -> tuple[Ball, Ball]:
        """`value` of balls."""

    def certified(self, z: Certified, a: Certified, y: Certified) -> tuple[Certified, Certified]:
        """`value` of certified values."""

    def check_targets(self, y: Values) -> str | None:
        """What is wrong with these targets for this loss, or None."""

    def terms(self, y: Values) -> int:
        """How many terms, none of them negative, code may add up to a batch's loss."""


def names() -> list[str]:
    """All losses there are."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


@lru_cache
def named(kind: str) -> LossModule:
    """The loss of that name."""
    if kind not in names():
        raise UsageError(f"no loss {kind!r}; there are {', '.join(names())}")
    return cast(LossModule, importlib.import_module(f"{__name__}.{kind}"))
