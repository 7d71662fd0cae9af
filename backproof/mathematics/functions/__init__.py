"""Activation functions, one file each, with all that is known of it anywhere."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping
from functools import lru_cache
from math import inf, isfinite
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from backproof.mathematics.checking import check, check_arguments
from backproof.mathematics.errors import UsageError
from backproof.mathematics.registry import Registry, name_and_fields

if TYPE_CHECKING:
    from backproof.mathematics.arithmetic.balls.ball import Ball
    from backproof.mathematics.arithmetic.certified_values import Certified
    from backproof.mathematics.arithmetic.rounding.model import Rounding

Values = NDArray[np.floating]

# Above 0, by the least that it can be: what is there is on the side of positive numbers.
LEAST = 2.0**-1022
# Derivatives, as `Rounding.inside` names them behind their activation.
PULLED = " pulled"
# The largest arguments that activations were measured with in half precision.
MOST_ARGUMENT = 40.0


class Activation(ABC):
    """What a file of this package provides, as a frozen dataclass: its ``PART``.

    Its twins are methods too, named after the frameworks. ``keras()``: what Keras takes for an
    activation. ``torch()``: a module, or another function of a tensor. ``jax()``: a function of an
    array. Pre-activations are (samples, units) in each. They import their framework inside, and
    are called in its worker alone; one that is missing is refused there.
    """

    name: ClassVar[str]
    PIECEWISE_LINEAR: ClassVar[bool] = False
    """Whether it has one form in floating point, and no numbers near 1 in it."""
    AT_KINK: ClassVar[tuple[float, ...]] = ()
    """Shares of the right side's slope that others take at an exact kink: right as well."""

    @abstractmethod
    def latex(self) -> tuple[str, str]:
        """f(Z), and f′(Z), which may use A = f(Z): for `backproof explain`."""

    def latex_vjp(self) -> str:
        """The cotangent G of A taken back to Z, as a formula, where that is not G ⊙ f′(Z)."""
        return ""

    @abstractmethod
    def value(self, z: Values) -> Values:
        """f(z) for pre-activations (samples, units), in the dtype of z."""

    @abstractmethod
    def vjp(self, z: Values, a: Values, cotangent: Values) -> Values:
        """The cotangent of a = f(z) (samples, units) taken back to z."""

    def other_value(self, z: Values) -> Values:
        """f(z) in another usual form, if there is one: a variant without fault."""
        return self.value(z)

    def other_vjp(self, z: Values, a: Values, cotangent: Values) -> Values:
        """`vjp` in another usual form."""
        return self.vjp(z, a, cotangent)

    @abstractmethod
    def ball(self, z: Ball, rounding: Rounding) -> Ball:
        """f of a ball: the radius holds for any correct implementation."""

    @abstractmethod
    def vjp_ball(self, z: Ball, a: Ball, cotangent: Ball, rounding: Rounding) -> Ball:
        """`vjp` of balls."""

    def on_side(self, z: Values, of: Values) -> Values:
        """z, moved onto the side of the kink on which ``of`` lies, where f has one.

        An activation with a kink states it; rounding errors taken as random keep to that side, and
        what may lie on either is found by it.
        """
        return z

    def extended(self, near: Values, z: Values) -> Values:
        """f at z along the tangent at ``near``, the place next to it on one side of the kink."""
        a = self.value(near)
        return a + self.vjp(near, a, z - near)

    def farthest(self, z: Values, reach: Values) -> tuple[Values, ...]:
        """Where z may lie, as far as it reaches, such that all kinks within reach are crossed."""
        return z + reach, z - reach

    @property
    def blurred(self) -> bool:
        """Whether a kink may be felt by what lies on one side of it."""
        return not self.PIECEWISE_LINEAR

    @property
    def kinked(self) -> bool:
        """Whether it has a kink."""
        return type(self).on_side is not Activation.on_side

    def branches(self) -> tuple[float, ...]:
        """Where code goes another way: at its kinks, and at 0 in many a form of any function."""
        return (0.0,)

    def settled(self, z: Ball, rounding: Rounding) -> bool:
        """Whether all values, and what is taken back, are such as round to themselves."""
        return False

    def measured(self, z: Ball) -> bool:
        """Whether frameworks were tried on such arguments in half precision."""
        return bool((z.magnitude <= MOST_ARGUMENT).all())

    def value_steps(self, rounding: Rounding, z: Ball) -> Values:
        """What f rounds to a half precision before its result: see `balls.half`."""
        raise UsageError(f"no rule for the steps of {self.name!r} that round: write `value_steps`")

    def vjp_steps(self, rounding: Rounding, a: Ball, cotangent: Ball) -> Values:
        """Likewise for `vjp`."""
        raise UsageError(f"no rule for the steps of {self.name!r} that round: write `vjp_steps`")

    @abstractmethod
    def certified(self, z: Certified) -> Certified:
        """f of certified values."""

    @abstractmethod
    def vjp_certified(self, z: Certified, a: Certified, cotangent: Certified) -> Certified:
        """`vjp` of certified values; at an undecided kink the hull of both sides."""

    @classmethod
    def examples(cls) -> tuple[Activation, ...]:
        """Those that random networks are drawn with, and frameworks are tried on."""
        return (cls(),)


# What some are called elsewhere.
OTHER_NAMES = {"silu": "swish"}
ACTIVATIONS: Registry[type[Activation]] = Registry("activation", __name__, besides=("largest",))


def side_of_zero(z: Values, of: Values) -> Values:
    """z, moved to where its sign is that of ``of``: above 0, or not."""
    above = of > 0
    return np.clip(z, np.where(above, LEAST, -inf), np.where(above, inf, 0.0))


def names() -> list[str]:
    """All activations there are."""
    return ACTIVATIONS.names()


def named(name: str, **fields: float) -> Activation:
    """The activation of that name, with its fields where it has any: a slope, say.

    Fields not given have the value that most frameworks give them. A `UsageError` says what a name
    or a field should have been.
    """
    check("activations.named(name=…)", "name", name, str)
    for field, value in fields.items():
        if not isinstance(value, Hashable):  # and no key of what is kept
            raise UsageError(f"{name}({field}={value!r}): give a finite number")
    return made(ACTIVATIONS.get(OTHER_NAMES.get(name, name)), **fields)


def as_activation(given: object, where: str) -> Activation:
    """An activation, by its name or as it is; a `UsageError` for anything else."""
    if isinstance(given, str):
        return named(given)
    if not isinstance(given, Activation):
        raise UsageError(
            f"{where}(activation={given!r}): give a name, such as 'relu', or "
            "activations.named('leaky_relu', alpha=0.1)"
        )
    return given


@lru_cache(typed=True)  # True is not 1.0
def made(kind: type[Activation], **fields: float) -> Activation:
    """An activation with its fields, which are checked; and kept."""
    name = kind.name
    known = {field.name: field.default for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    for field, value in fields.items():
        if field not in known:
            offered = f"it has {', '.join(known)}" if known else "it has none"
            raise UsageError(f"activation {name!r} has no field {field!r}; {offered}")
        if isinstance(known[field], bool):
            if not isinstance(value, bool):
                raise UsageError(f"{name}({field}={value!r}): give True or False")
        elif not finite(value):
            raise UsageError(f"{name}({field}={value!r}): give a finite number")
    return kind(**fields)


def finite(value: object) -> bool:
    """Whether it is a number, and neither NaN nor infinite."""
    return isinstance(value, int | float) and isfinite(value)


def exactly_at(z: Ball, kink: float) -> NDArray[np.bool_]:
    """Where every implementation has exactly that pre-activation."""
    here: NDArray[np.bool_] = z.value == kink
    return here if z.radius is None else here & (z.radius == 0)


def examples(*among: str) -> tuple[Activation, ...]:
    """The examples of some activations, in that order."""
    return tuple(each for name in among for each in ACTIVATIONS.get(name).examples())


def to_json(activation: Activation) -> dict[str, Any]:
    """Name and fields, as `from_json` takes them."""
    check_arguments(to_json, locals())
    return {"name": activation.name, **dataclasses.asdict(activation)}  # type: ignore[call-overload]


def from_json(described: str | Mapping[str, Any]) -> Activation:
    """The activation that `to_json` described; or one by its name."""
    return named(**name_and_fields("activation", described))


def twin(activation: Activation, framework: str) -> Any:
    """What a framework takes for an activation, as its file has it there.

    Raises `UsageError` where it has none.
    """
    make = getattr(activation, framework, None)
    if make is None:
        title = {"keras": "Keras", "torch": "PyTorch", "jax": "JAX"}.get(framework, framework)
        raise UsageError(
            f"no {title} twin for activation {activation.name!r}: write `{framework}` in its file, "
            "or give a model of your own"
        )
    return make()
