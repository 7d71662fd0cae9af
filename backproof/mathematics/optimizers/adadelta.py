"""adadelta: v ← ρ·v + (1 − ρ)·g², d = g·√(u + ε)/√(v + ε), u ← ρ·u + (1 − ρ)·d²; W − rate·d.

Source: Zeiler, ADADELTA: an adaptive learning rate method (arXiv:1212.5701), whose rate is 1.
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

if TYPE_CHECKING:
    from backproof.mathematics.arithmetic.operations import Ops

T = TypeVar("T")


@dataclass(frozen=True)
class Adadelta(Optimizer):
    """Steps of the size of the former ones, in units of the gradient's size of late."""

    learning_rate: float = 1.0
    rho: float = 0.95
    epsilon: float = 1e-6

    name: ClassVar[str] = "adadelta"
    SLOTS: ClassVar[tuple[str, ...]] = ("mean_square", "mean_square_of_steps")
    SQUARES: ClassVar[tuple[str, ...]] = SLOTS

    def __post_init__(self) -> None:
        check_fields(self)
        finite("Adadelta", learning_rate=self.learning_rate, epsilon=self.epsilon)
        if not (0 <= self.rho < 1 and self.epsilon > 0):
            raise UsageError(f"{self}: rho lies in [0, 1), epsilon above 0")

    def latex(self) -> list[str]:
        g = r"\frac{\partial L}{\partial W}"
        rho, rest = shown(self.rho), shown(complement(self.rho))
        return [
            rf"v \leftarrow {rho}\, v + {rest} \left( {g} \right)^2",
            rf"d = {g} \odot \sqrt{{u + \varepsilon}} / \sqrt{{v + \varepsilon}}",
            rf"u \leftarrow {rho}\, u + {rest}\, d^2",
            rf"W \leftarrow W - {shown(self.learning_rate)}\, d, "
            rf"\qquad \varepsilon = {shown(self.epsilon)}",
        ]

    def change(
        self, ops: Ops[T], w: T, gradient: T, slots: Mapping[str, T], count: int
    ) -> tuple[T, dict[str, T]]:
        v = averaged(ops, slots["mean_square"], ops.multiply(gradient, gradient), self.rho)
        u = slots["mean_square_of_steps"]
        epsilon = ops.constant(self.epsilon, v, 1)
        above, below = (ops.sqrt(ops.add(mean, epsilon)) for mean in (u, v))
        # The quotient of the roots may be taken first, or the product; two roundings in either.
        step = ops.charged(ops.divide(ops.multiply(gradient, above), below), 1)
        u = averaged(ops, u, ops.multiply(step, step), self.rho)
        change = ops.scale(step, self.learning_rate, roundings=CONVERTED)
        return change, {"mean_square": v, "mean_square_of_steps": u}

    def keras(self) -> Any:
        import keras

        return keras.optimizers.Adadelta(self.learning_rate, rho=self.rho, epsilon=self.epsilon)

    def keras_slots(self) -> dict[str, tuple[str, float]]:
        return {
            "mean_square": ("_accumulated_grads", 1.0),
            "mean_square_of_steps": ("_accumulated_delta_vars", 1.0),
        }

    def torch(self, parameters: Iterator[Any]) -> Any:
        import torch

        own = torch.optim.Adadelta
        return own(parameters, self.learning_rate, rho=self.rho, eps=self.epsilon)

    def torch_slots(self) -> dict[str, str]:
        return {"mean_square": "square_avg", "mean_square_of_steps": "acc_delta"}

    def jax(self, w: Any, gradient: Any, slots: Mapping[str, Any], t: Any) -> Any:
        import jax.numpy as jnp

        v = self.rho * slots["mean_square"] + (1 - self.rho) * jnp.square(gradient)
        u = slots["mean_square_of_steps"]
        step = gradient * jnp.sqrt(u + self.epsilon) / jnp.sqrt(v + self.epsilon)
        u = self.rho * u + (1 - self.rho) * jnp.square(step)
        return self.learning_rate * step, {"mean_square": v, "mean_square_of_steps": u}


PART = Adadelta
