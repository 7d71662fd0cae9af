"""rmsprop: v ← ρ·v + (1 − ρ)·g²; W − learning_rate·g/(√v + ε), or g/√(v + ε).

Source: Tieleman and Hinton, Lecture 6.5 of Neural Networks for Machine Learning, 2012, which has no
ε. PyTorch adds it to the root, Keras inside of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from backproof.mathematics.arithmetic.running_means import CONVERTED, averaged
from backproof.mathematics.checking import check_fields, finite
from backproof.mathematics.errors import UsageError
from backproof.mathematics.latex import complement, shown
from backproof.mathematics.optimizers import Optimizer
from backproof.mathematics.optimizers.written import exactly, in_keras, in_torch

if TYPE_CHECKING:
    from backproof.mathematics.arithmetic.operations import Ops

T = TypeVar("T")


@dataclass(frozen=True)
class RMSprop(Optimizer):
    """Steps in proportion to the gradient's size of late; ``inside``: ε stands in the root."""

    learning_rate: float = 0.001
    rho: float = 0.9
    epsilon: float = 1e-7
    inside: bool = False

    name: ClassVar[str] = "rmsprop"
    SLOTS: ClassVar[tuple[str, ...]] = ("mean_square",)
    SQUARES: ClassVar[tuple[str, ...]] = ("mean_square",)

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

    def keras(self) -> Any:
        """Keras's own has ε in the root."""
        import keras

        own = keras.optimizers.RMSprop
        kind = own if self.inside else in_keras(own, self._keras_step)
        return kind(self.learning_rate, rho=self.rho, epsilon=self.epsilon)

    def _keras_step(self, made: Any, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """ε beside the root."""
        from keras import ops

        v = made._velocities[made._get_variable_index(variable)]
        rho = exactly(made.rho, variable)
        v.assign(rho * v + (1 - rho) * ops.square(gradient))
        size = ops.sqrt(v) + exactly(made.epsilon, variable)
        variable.assign_sub(learning_rate * gradient / size)

    def keras_slots(self) -> dict[str, tuple[str, float]]:
        return {"mean_square": ("_velocities", 1.0)}

    def torch(self, parameters: Iterator[Any]) -> Any:
        """PyTorch's own has ε beside the root."""
        import torch

        if self.inside:
            return in_torch(parameters, self._torch_change)
        return torch.optim.RMSprop(parameters, self.learning_rate, alpha=self.rho, eps=self.epsilon)

    def _torch_change(self, w: Any, gradient: Any, state: dict[str, Any]) -> Any:
        """ε in the root."""
        v = state["square_avg"].mul_(self.rho).addcmul_(gradient, gradient, value=1 - self.rho)
        return self.learning_rate * gradient / (v + self.epsilon).sqrt()

    def torch_slots(self) -> dict[str, str]:
        return {"mean_square": "square_avg"}

    def jax(self, w: Any, gradient: Any, slots: Mapping[str, Any], t: Any) -> Any:
        import jax.numpy as jnp

        v = self.rho * slots["mean_square"] + (1 - self.rho) * jnp.square(gradient)
        size = jnp.sqrt(v + self.epsilon) if self.inside else jnp.sqrt(v) + self.epsilon
        return self.learning_rate * gradient / size, {"mean_square": v}


PART = RMSprop
