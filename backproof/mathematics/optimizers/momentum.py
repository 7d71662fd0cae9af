"""momentum: velocity ← momentum·velocity + (1 − dampening)·gradient; W − learning_rate·velocity.

The classical form takes the velocity itself, Nesterov's the gradient + momentum · velocity
(Sutskever, Martens, Dahl and Hinton, On the importance of initialization and momentum in deep
learning, ICML 2013, as PyTorch and Keras have it). The velocity is in units of the gradient, as in
PyTorch, or in those of the step: Keras, and many a program, keep −learning_rate times it, and
W + velocity.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar

from backproof.mathematics.arithmetic.running_means import CONVERTED, complement_roundings
from backproof.mathematics.checking import check_fields, finite
from backproof.mathematics.errors import UsageError
from backproof.mathematics.latex import complement, shown, times
from backproof.mathematics.optimizers import Optimizer
from backproof.mathematics.optimizers.written import exactly, in_keras

if TYPE_CHECKING:
    from backproof.mathematics.arithmetic.operations import Ops

T = TypeVar("T")


Unit = Literal["gradient", "step", "change"]


@dataclass(frozen=True)
class Momentum(Optimizer):
    """Gradient descent with momentum.

    ``velocity``: what the velocity is. "gradient": v ← momentum·v + g, and W − learning_rate·v.
    "step": v ← momentum·v − learning_rate·g, and W + v. "change": v ← momentum·v + learning_rate·g,
    and W − v.
    """

    learning_rate: float
    momentum: float = 0.9
    nesterov: bool = False
    dampening: float = 0.0
    velocity: Unit = "gradient"

    name: ClassVar[str] = "momentum"
    SLOTS: ClassVar[tuple[str, ...]] = ("velocity",)

    def __post_init__(self) -> None:
        check_fields(self)
        finite(
            "Momentum",
            learning_rate=self.learning_rate,
            momentum=self.momentum,
            dampening=self.dampening,
        )
        if self.nesterov and self.dampening:
            raise UsageError("Momentum(nesterov=True) takes no dampening: no reference has both")
        if self.velocity != "gradient" and not self.learning_rate:
            raise UsageError(f"{self}: a velocity of the step needs a learning rate that is not 0")

    def latex(self) -> list[str]:
        g = r"\frac{\partial L}{\partial W}"
        share = times(complement(self.dampening))
        if self.velocity != "gradient":
            sign, other = ("-", "+") if self.velocity == "step" else ("+", "-")
            by = rf"{shown(self.learning_rate)}\, {share}{g}"
            direction = rf"{shown(self.momentum)}\, v {sign} {by}" if self.nesterov else "v"
            return [
                rf"v \leftarrow {shown(self.momentum)}\, v {sign} {by}",
                rf"W \leftarrow W {other} {direction}"
                if not self.nesterov or other == "+"
                else rf"W \leftarrow W - \left( {direction} \right)",
            ]
        direction = rf"\left( {g} + {shown(self.momentum)}\, v \right)" if self.nesterov else "v"
        return [
            rf"v \leftarrow {shown(self.momentum)}\, v + {share}{g}",
            rf"W \leftarrow W - {shown(self.learning_rate)}\, {direction}",
        ]

    def change(
        self, ops: Ops[T], w: T, gradient: T, slots: Mapping[str, T], count: int
    ) -> tuple[T, dict[str, T]]:
        # And what underflow takes there, the way back to the units of the gradient enlarges.
        ops = ops.enlarged(1 / abs(self.learning_rate) if self.learning_rate else 1.0)
        kept = ops.scale(slots["velocity"], self.momentum, roundings=CONVERTED)
        if self.velocity != "gradient":
            back = ops.constant(1 / Fraction(self.factor), kept, CONVERTED)
            kept = ops.multiply(kept, back)
        # In the other convention each term is scaled by the learning rate before the sum.
        gradient = ops.charged(gradient, CONVERTED)
        added = gradient
        if self.dampening:
            held = complement_roundings(self.dampening) + CONVERTED
            added = ops.multiply(
                gradient, ops.constant(1 - Fraction(self.dampening), gradient, held)
            )
        velocity = ops.add(kept, added)
        direction = velocity
        if self.nesterov:
            ahead = ops.scale(velocity, self.momentum, roundings=CONVERTED)
            direction = ops.add(gradient, ahead)
        change = ops.scale(direction, self.learning_rate, roundings=CONVERTED)
        if self.velocity != "gradient":
            velocity = ops.scale(velocity, self.factor, roundings=CONVERTED)
        return change, {"velocity": velocity}

    @property
    def factor(self) -> float:
        """What a velocity in units of the gradient is multiplied by."""
        by = {"gradient": 1.0, "step": -self.learning_rate, "change": self.learning_rate}
        return by[self.velocity]

    def keras(self) -> Any:
        """Keras's own knows no dampening."""
        import keras

        kind = keras.optimizers.SGD
        if self.dampening:
            kind = in_keras(kind, self._keras_step)
        return kind(self.learning_rate, momentum=self.momentum, nesterov=self.nesterov)

    def _keras_step(self, made: Any, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """With dampening."""
        kept = made.momentums[made._get_variable_index(variable)]
        added = exactly(1 - self.dampening, variable) * gradient
        kept.assign(exactly(self.momentum, variable) * kept - learning_rate * added)
        variable.assign_add(kept)

    def keras_slots(self) -> dict[str, tuple[str, float]]:
        """Keras's velocity is −learning_rate times that in units of the gradient."""
        if self.velocity == "step":
            return {"velocity": ("momentums", 1.0)}
        return {"velocity": ("momentums", -self.learning_rate / self.factor)}

    def torch(self, parameters: Iterator[Any]) -> Any:
        import torch

        return torch.optim.SGD(
            parameters,
            self.learning_rate,
            momentum=self.momentum,
            dampening=self.dampening,
            nesterov=self.nesterov,
        )

    def torch_slots(self) -> dict[str, tuple[str, float]]:
        return {"velocity": ("momentum_buffer", 1 / self.factor)}

    def jax(self, w: Any, gradient: Any, slots: Mapping[str, Any], t: Any) -> Any:
        if self.velocity != "gradient":
            return self._jax_change(gradient, slots["velocity"])
        velocity = self.momentum * slots["velocity"] + (1 - self.dampening) * gradient
        direction = gradient + self.momentum * velocity if self.nesterov else velocity
        return self.learning_rate * direction, {"velocity": velocity}

    def _jax_change(self, gradient: Any, velocity: Any) -> tuple[Any, dict[str, Any]]:
        """The velocity in units of the step."""
        added = self.factor * (1 - self.dampening) * gradient
        velocity = self.momentum * velocity + added
        direction = self.momentum * velocity + added if self.nesterov else velocity
        return (-direction if self.velocity == "step" else direction), {"velocity": velocity}


PART = Momentum
