"""Losses, one file each: value of an element, derivative, and the rule of each arithmetic."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from backproof.mathematics.errors import UsageError
from backproof.mathematics.registry import Registry, made, name_and_fields

if TYPE_CHECKING:
    from backproof.mathematics.arithmetic.balls.ball import Ball
    from backproof.mathematics.arithmetic.certified_values import Certified
    from backproof.mathematics.arithmetic.rounding.model import Rounding

Values = NDArray[np.floating]

Decision = Literal["threshold", "sign", "argmax"]
"""How an output becomes a class: above ½, above 0, or the largest."""

# The two results of a loss, as `Rounding.inside` names them behind the name of the loss.
ROWS, SLOPE = " rows", " slope"


class LossFunction(ABC):
    """What a file of this package provides, as a frozen dataclass.

    ``ACTIVATION``: the activation of the last layer that the loss is fused with, its derivative
    then being by the logits z; None when it is taken of the outputs a, with derivative by a.
    ``BY_ROW``: one value a sample, not one an output. ``DECISION``: how the outputs are classified.
    ``LABELS``: the targets of an output that says no, and yes; None where any number may be one.
    ``SIGNED``: whether elements of both signs may cancel in a batch's loss. ``AT_KINK``: shares of
    the slope that others take at an exact kink, and that are right as well. ``IGNORES``: whether a
    row of targets that is all zeros takes no part.

    For each framework that has a twin of it, a method of its name (``keras``, ``torch``, ``jax``)
    imports the framework and returns the function of outputs (samples, outputs) and targets that
    gives the loss of each output, or of each row: see `twin`. Outputs are the logits z where the
    loss is fused.
    """

    name: ClassVar[str]
    ACTIVATION: ClassVar[str | None]
    BY_ROW: ClassVar[bool]
    DECISION: ClassVar[Decision | None]
    LABELS: ClassVar[tuple[float, float] | None]
    SIGNED: ClassVar[bool] = False
    AT_KINK: ClassVar[tuple[float, ...]] = ()
    IGNORES: ClassVar[bool] = False

    @abstractmethod
    def latex(self) -> tuple[str, str, str]:
        """The element, its derivative, and why, if it is that by Z: for `backproof explain`."""

    @abstractmethod
    def value(self, z: Values, a: Values, y: Values) -> tuple[Values, Values]:
        """Loss (samples, outputs or 1) and derivative (samples, outputs)."""

    def other_value(self, z: Values, a: Values, y: Values) -> tuple[Values, Values]:
        """`value` in another usual form, if there is one: a variant without fault."""
        return self.value(z, a, y)

    @abstractmethod
    def ball(self, z: Ball, a: Ball, y: Ball, rounding: Rounding) -> tuple[Ball, Ball]:
        """`value` of balls."""

    @abstractmethod
    def certified(self, z: Certified, a: Certified, y: Certified) -> tuple[Certified, Certified]:
        """`value` of certified values."""

    @abstractmethod
    def check_targets(self, y: Values) -> str | None:
        """What is wrong with these targets for this loss, or None."""

    @abstractmethod
    def terms(self, y: Values) -> int:
        """How many terms, none of them negative, code may add up to a batch's loss."""

    def on_side(self, a: Values, of: Values, y: Values) -> Values:
        """Outputs a, moved onto the side of the kink on which ``of`` lies, where it has one.

        As `Activation.on_side`; of a loss that is taken of the outputs themselves.
        """
        return a

    def valid(self, y: Values) -> NDArray[np.bool_]:
        """Which rows of targets take part."""
        return np.asarray(y.any(axis=1)) if self.IGNORES else np.ones(len(y), bool)

    @property
    def kinked(self) -> bool:
        """Whether it has a kink."""
        return type(self).on_side is not LossFunction.on_side

    def of_outputs(self) -> LossFunction | None:
        """The same loss taken of the outputs a, whatever activation they come from.

        None where it has no such form. One that is fused with no activation is its own.
        """
        return self if self.ACTIVATION is None else None

    def rounded_steps(self) -> Mapping[str, Callable[[Rounding, Ball, Ball], Values]]:
        """What steps that round to a half precision inside of `ROWS` or `SLOPE` add to the radius.

        Functions of the rounding model, z and a; see `balls.half`. Empty where none is known.
        """
        return {}


PARTS: Registry[type[LossFunction]] = Registry("loss", __name__)


def names() -> list[str]:
    """All losses there are."""
    return PARTS.names()


def named(name: str, **fields: float) -> LossFunction:
    """The loss of that name, with its fields where it has any.

    Fields not given have their defaults. A `UsageError` says what a name or a field should have
    been.
    """
    return made("loss", PARTS.get(name), fields)


def to_json(loss: LossFunction) -> str | dict[str, Any]:
    """Its name, or a table of name and fields where it has some, as `from_json` takes them."""
    part: Any = loss
    fields = dataclasses.asdict(part) if dataclasses.is_dataclass(type(loss)) else {}
    return {"name": loss.name, **fields} if fields else loss.name


def from_json(described: str | Mapping[str, Any]) -> LossFunction:
    """The loss that `to_json` described."""
    return named(**name_and_fields("loss", described))


def twin(loss: LossFunction, framework: str) -> Callable[[Any, Any], Any]:
    """The function of outputs and targets by which a framework's twin computes a loss.

    Raises `UsageError` where the loss has none in that framework.
    """
    make = getattr(loss, framework, None)
    if make is None:
        raise UsageError(
            f"loss {loss.name!r} has no {framework} twin: give a model of your own with its loss, "
            f"or give the loss a method {framework!r}"
        )
    found: Callable[[Any, Any], Any] = make()
    return found
