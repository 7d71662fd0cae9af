"""adagrad: s ← s + g²; W − learning_rate·g/(√s + ε), or g/√(s + ε).

Source: Duchi, Hazan and Singer, Adaptive subgradient methods for online learning and stochastic
optimization, JMLR 12, 2011. PyTorch adds ε to the root, Keras inside of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from backproof.mathematics.arithmetic.running_means import CONVERTED
from backproof.mathematics.checking import check_fields, finite
from backproof.mathematics.errors import UsageError
from backproof.mathematics.latex import shown
from backproof.mathematics.optimizers import Optimizer
from backproof.mathematics.optimizers.written import exactly, in_keras, in_torch

if TYPE_CHECKING:
    from backproof.mathematics.arithmetic.operations import Ops

T = TypeVar("T")


@dataclass(frozen=True)
class Adagrad(Optimizer):
    """Steps in proportion to the root of the sum of all squares so far.

    ``inside``: ε stands in the root. ``initial``: what the sum starts with; 0.1 in Keras.
    """

    learning_rate: float = 0.01
    epsilon: float = 1e-10
    inside: bool = False
    initial: float = 0.0

    name: ClassVar[str] = "adagrad"
    SLOTS: ClassVar[tuple[str, ...]] = ("sum_of_squares",)
    SQUARES: ClassVar[tuple[str, ...]] = ("sum_of_squares",)

    def __post_init__(self) -> None:
        check_fields(self)
        finite("Adagrad", learning_rate=self.learning_rate, epsilon=self.epsilon)
        finite("Adagrad", initial=self.initial)
        if not (self.epsilon > 0 and self.initial >= 0):
            raise UsageError(f"{self}: epsilon is above 0, initial 0 or more")

    def rest(self, slot: str) -> float:
        return self.initial

    def latex(self) -> list[str]:
        g = r"\frac{\partial L}{\partial W}"
        size = r"\sqrt{s + \varepsilon}" if self.inside else r"\sqrt{s} + \varepsilon"
        return [
            rf"s \leftarrow s + \left( {g} \right)^2",
            rf"W \leftarrow W - {shown(self.learning_rate)}\, {g} / ({size}), "
            rf"\qquad \varepsilon = {shown(self.epsilon)}",
        ]

    def change(
        self, ops: Ops[T], w: T, gradient: T, slots: Mapping[str, T], count: int
    ) -> tuple[T, dict[str, T]]:
        s = ops.add(slots["sum_of_squares"], ops.multiply(gradient, gradient))
        epsilon = ops.constant(self.epsilon, s, 1)
        size = ops.sqrt(ops.add(s, epsilon)) if self.inside else ops.add(ops.sqrt(s), epsilon)
        # The product may underflow before it is divided by what is small.
        step = ops.divide(ops.scale(gradient, self.learning_rate, roundings=CONVERTED), size)
        return step, {"sum_of_squares": s}

    def keras(self) -> Any:
        """Keras's own has ε in the root."""
        import keras

        own = keras.optimizers.Adagrad
        kind = own if self.inside else in_keras(own, self._keras_step)
        return kind(self.learning_rate, epsilon=self.epsilon)

    def _keras_step(self, made: Any, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """ε beside the root."""
        from keras import ops

        s = made._accumulators[made._get_variable_index(variable)]
        s.assign(s + ops.square(gradient))
        size = ops.sqrt(s) + exactly(self.epsilon, variable)
        variable.assign_sub(learning_rate * gradient / size)

    def keras_slots(self) -> dict[str, tuple[str, float]]:
        return {"sum_of_squares": ("_accumulators", 1.0)}

    def torch(self, parameters: Iterator[Any]) -> Any:
        """PyTorch's own has ε beside the root."""
        import torch

        if self.inside:
            return in_torch(parameters, self._torch_change)
        return torch.optim.Adagrad(parameters, self.learning_rate, eps=self.epsilon)

    def _torch_change(self, w: Any, gradient: Any, state: dict[str, Any]) -> Any:
        """ε in the root."""
        s = state["sum"].addcmul_(gradient, gradient)
        return self.learning_rate * gradient / (s + self.epsilon).sqrt()

    def torch_slots(self) -> dict[str, str]:
        return {"sum_of_squares": "sum"}

    def jax(self, w: Any, gradient: Any, slots: Mapping[str, Any], t: Any) -> Any:
        import jax.numpy as jnp

        s = slots["sum_of_squares"] + jnp.square(gradient)
        size = jnp.sqrt(s + self.epsilon) if self.inside else jnp.sqrt(s) + self.epsilon
        return self.learning_rate * gradient / size, {"sum_of_squares": s}


PART = Adagrad
