"""gradient_descent: W − learning_rate · gradient."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, TypeVar

from backproof.mathematics.checking import check_fields, finite
from backproof.mathematics.latex import shown

if TYPE_CHECKING:
    from backproof.mathematics.arithmetic.operations import Ops

T = TypeVar("T")


@dataclass(frozen=True)
class GradientDescent:
    """Gradient descent: no state but the parameters."""

    learning_rate: float

    name: ClassVar[str] = "gradient_descent"
    SLOTS: ClassVar[tuple[str, ...]] = ()
    SQUARES: ClassVar[tuple[str, ...]] = ()
    COUNTS: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_fields(self)
        finite("GradientDescent", learning_rate=self.learning_rate)

    def latex(self) -> list[str]:
        rate = shown(self.learning_rate)
        return [rf"W \leftarrow W - {rate}\, \frac{{\partial L}}{{\partial W}}"]

    def change(
        self, ops: Ops[T], w: T, gradient: T, slots: Mapping[str, T], count: int
    ) -> tuple[T, dict[str, T]]:
        return ops.scale(gradient, self.learning_rate), {}


OPTIMIZER = GradientDescent
