"""rmsprop: v ← ρ·v + (1 − ρ)·g²; W − learning_rate·g/(√v + ε), or g/√(v + ε).

Source: Tieleman and Hinton, Lecture 6.5 of Neural Networks for Machine Learning, 2012, which has no
ε. PyTorch adds it to the root, Keras inside of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, TypeVar

from backproof.mathematics.arithmetic.running_means import CONVERTED, averaged
from backproof.mathematics.checking import check_fields, finite
from backproof.mathematics.errors import UsageError
from backproof.mathematics.latex import complement, shown

if TYPE_CHECKING:
    from backproof.mathematics.arithmetic.operations import Ops

T = TypeVar("T")


@dataclass(frozen=True)
class RMSprop:
    """Steps in proportion to the gradient's size of late; ``inside``: ε stands in the root."""

    learning_rate: float = 0.001
    rho: float = 0.9
    epsilon: float = 1e-7
    inside: bool = False

    name: ClassVar[str] = "rmsprop"
    SLOTS: ClassVar[tuple[str, ...]] = ("mean_square",)
    SQUARES: ClassVar[tuple[str, ...]] = ("mean_square",)
    COUNTS: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_fields(self)
        finite("RMSprop", learning_rate=self.learning_rate, epsilon=self.epsilon)
        if not (0 <= self.rho < 1 and self.epsilon > 0):
            raise UsageError(f"{self}: rho lies in [0, 1), epsilon above 0")

    def latex(self) -> list[str]:
        g = r"\frac{\partial L}{\partial W}"
        size = r"\sqrt{v + \varepsilon}" if self.inside else r"\sqrt{v} + \varepsilon"
        return [
            rf"v \leftarrow {shown(self.rho)}\, v + "
            rf"{shown(complement(self.rho))} \left( {g} \right)^2",
            rf"W \leftarrow W - {shown(self.learning_rate)}\, {g} / ({size}), "
            rf"\qquad \varepsilon = {shown(self.epsilon)}",
        ]

    def change(
        self, ops: Ops[T], w: T, gradient: T, slots: Mapping[str, T], count: int
    ) -> tuple[T, dict[str, T]]:
        squares = ops.multiply(gradient, gradient)
        v = averaged(ops, slots["mean_square"], squares, self.rho)
        epsilon = ops.constant(self.epsilon, v, 1)
        size = ops.sqrt(ops.add(v, epsilon)) if self.inside else ops.add(ops.sqrt(v), epsilon)
        # The product may underflow before it is divided by what is small.
        step = ops.divide(ops.scale(gradient, self.learning_rate, roundings=CONVERTED), size)
        return step, {"mean_square": v}


OPTIMIZER = RMSprop
