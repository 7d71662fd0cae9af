"""momentum: velocity ← momentum·velocity + (1 − dampening)·gradient; W − learning_rate·velocity.

The classical form takes the velocity itself, Nesterov's the gradient + momentum · velocity
(Sutskever, Martens, Dahl and Hinton, On the importance of initialization and momentum in deep
learning, ICML 2013, as PyTorch and Keras have it). The velocity is in units of the gradient, as in
PyTorch. Keras, and many a program, keep −learning_rate times it, and W + velocity.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, TypeVar

from backproof.errors import UsageError

if TYPE_CHECKING:
    from backproof.arithmetic import Ops

T = TypeVar("T")

# A velocity kept as −learning_rate · velocity is converted at each end: two roundings more for
# every coefficient, and one for a coefficient that is itself a product.
CONVERTED = 4


@dataclass(frozen=True)
class Momentum:
    """Gradient descent with momentum."""

    learning_rate: float
    momentum: float = 0.9
    nesterov: bool = False
    dampening: float = 0.0

    name: ClassVar[str] = "momentum"
    SLOTS: ClassVar[tuple[str, ...]] = ("velocity",)
    SQUARES: ClassVar[tuple[str, ...]] = ()
    COUNTS: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if self.nesterov and self.dampening:
            raise UsageError("Momentum(nesterov=True) takes no dampening: no reference has both")

    def change(
        self, ops: Ops[T], w: T, gradient: T, slots: Mapping[str, T], count: int
    ) -> tuple[T, dict[str, T]]:
        kept = ops.scale(slots["velocity"], self.momentum, roundings=CONVERTED)
        # In the other convention each term is scaled by the learning rate before the sum.
        gradient = ops.rounded(gradient, CONVERTED)
        velocity = ops.add(kept, ops.scale(gradient, 1 - self.dampening, roundings=CONVERTED))
        direction = velocity
        if self.nesterov:
            ahead = ops.scale(velocity, self.momentum, roundings=CONVERTED)
            direction = ops.add(gradient, ahead)
        change = ops.scale(direction, self.learning_rate, roundings=CONVERTED)
        return change, {"velocity": velocity}


OPTIMIZER = Momentum
