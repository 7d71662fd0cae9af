"""nesterov: momentum whose gradient is taken ahead, at W − learning_rate·momentum·velocity.

As Nesterov's method is written by Sutskever, Martens, Dahl and Hinton, On the importance of
initialization and momentum in deep learning, ICML 2013, equations 3 and 4. `Momentum` with
``nesterov=True`` is the same method of the parameters that are ahead, as the frameworks have it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from backproof.mathematics.arithmetic.running_means import CONVERTED
from backproof.mathematics.errors import UsageError
from backproof.mathematics.latex import shown
from backproof.mathematics.optimizers.momentum import Momentum

if TYPE_CHECKING:
    from backproof.mathematics.arithmetic.operations import Ops

T = TypeVar("T")


@dataclass(frozen=True)
class Nesterov(Momentum):
    """Momentum with the gradient of the parameters that the velocity alone would lead to.

    The gradients that are compared are those at W itself, beside which a step takes its own.
    """

    name: ClassVar[str] = "nesterov"
    AHEAD: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.nesterov or self.dampening:
            raise UsageError(
                f"{self}: its gradient is ahead already: leave nesterov and dampening out"
            )

    def latex(self) -> list[str]:
        sign = "+" if self.velocity == "step" else "-"
        rate = rf"{shown(self.learning_rate)} \cdot " if self.velocity == "gradient" else ""
        g = r"\frac{\partial L}{\partial W}"
        ahead = rf"W {sign} {rate}{shown(self.momentum)}\, v"
        return [*super().latex(), rf"\text{{with }} {g} \text{{ at }} {ahead}"]

    def share(self) -> Fraction:
        """How many velocities W is ahead."""
        return -Fraction(self.learning_rate) * Fraction(self.momentum) / Fraction(self.factor)

    def ahead(self, ops: Ops[T], w: T, slots: Mapping[str, T]) -> T:
        velocity = slots["velocity"]
        by = ops.constant(self.share(), velocity, CONVERTED)
        return ops.add(w, ops.multiply(velocity, by))

    def ahead_in_twin(self, w: Any, slots: Mapping[str, Any]) -> Any:
        return w + float(self.share()) * slots["velocity"]


PART = Nesterov
