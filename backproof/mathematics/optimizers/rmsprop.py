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
    """Steps in proportion to the gradient's size of late; ``inside``: ε stands in the root.

    ``centered``: the size is that of the deviation from the gradient's mean m, √(v − m²) (Graves,
    Generating sequences with recurrent neural networks, arXiv:1308.0850). ``momentum``: of the
    steps, in units of g/√v as in PyTorch; Keras keeps learning_rate times that.
    """

    learning_rate: float = 0.001
    rho: float = 0.9
    epsilon: float = 1e-7
    inside: bool = False
    momentum: float = 0.0
    centered: bool = False

    name: ClassVar[str] = "rmsprop"
    SLOTS: ClassVar[tuple[str, ...]] = ("mean_square",)
    SQUARES: ClassVar[tuple[str, ...]] = ("mean_square",)

    def __post_init__(self) -> None:
        check_fields(self)
        finite("RMSprop", learning_rate=self.learning_rate, epsilon=self.epsilon)
        finite("RMSprop", momentum=self.momentum)
        slots = ("mean_square",) + ("mean_gradient",) * self.centered
        slots += ("velocity",) * bool(self.momentum)
        object.__setattr__(self, "SLOTS", slots)
        if not (0 <= self.rho < 1 and self.epsilon > 0):
            raise UsageError(f"{self}: rho lies in [0, 1), epsilon above 0")

    def latex(self) -> list[str]:
        g = r"\frac{\partial L}{\partial W}"
        v = "v - m^2" if self.centered else "v"
        size = rf"\sqrt{{{v} + \varepsilon}}" if self.inside else rf"\sqrt{{{v}}} + \varepsilon"
        mean = rf"m \leftarrow {shown(self.rho)}\, m + {shown(complement(self.rho))}\, {g}"
        step = rf"{g} / ({size})"
        moved = rf"u \leftarrow {shown(self.momentum)}\, u + {step}"
        return [
            rf"v \leftarrow {shown(self.rho)}\, v + "
            rf"{shown(complement(self.rho))} \left( {g} \right)^2",
            *[mean] * self.centered,
            *[moved] * bool(self.momentum),
            rf"W \leftarrow W - {shown(self.learning_rate)}\, {'u' if self.momentum else step}, "
            rf"\qquad \varepsilon = {shown(self.epsilon)}",
        ]

    def change(
        self, ops: Ops[T], w: T, gradient: T, slots: Mapping[str, T], count: int
    ) -> tuple[T, dict[str, T]]:
        squares = ops.multiply(gradient, gradient)
        v = averaged(ops, slots["mean_square"], squares, self.rho)
        after = {"mean_square": v}
        epsilon = ops.constant(self.epsilon, v, 1)
        spread = v
        if self.centered:
            m = after["mean_gradient"] = averaged(ops, slots["mean_gradient"], gradient, self.rho)
            spread = ops.subtract(v, ops.multiply(m, m))
        if self.inside:
            size = ops.sqrt(ops.add(spread, epsilon))
        else:
            size = ops.add(ops.sqrt(spread), epsilon)
        if self.momentum:
            # And what underflow takes there, the way back from units of the step enlarges.
            ops = ops.enlarged(1 / abs(self.learning_rate) if self.learning_rate else 1.0)
            kept = ops.scale(slots["velocity"], self.momentum, roundings=CONVERTED)
            added = ops.charged(ops.divide(gradient, size), CONVERTED)
            velocity = after["velocity"] = ops.add(kept, added)
            return ops.scale(velocity, self.learning_rate, roundings=CONVERTED), after
        # The product may underflow before it is divided by what is small.
        step = ops.divide(ops.scale(gradient, self.learning_rate, roundings=CONVERTED), size)
        return step, after

    def possible(self, slots: dict[str, Any]) -> dict[str, Any]:
        """A mean of squares is no less than the square of the mean."""
        if self.centered:
            slots["mean_square"] = slots["mean_square"] + slots["mean_gradient"] ** 2
        return slots

    def keras(self) -> Any:
        """Keras's own has ε in the root."""
        import keras

        own = keras.optimizers.RMSprop
        kind = own if self.inside else in_keras(own, self._keras_step)
        further = {"momentum": self.momentum, "centered": self.centered}
        return kind(self.learning_rate, rho=self.rho, epsilon=self.epsilon, **further)

    def _keras_step(self, made: Any, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """ε beside the root."""
        from keras import ops

        index = made._get_variable_index(variable)
        v = made._velocities[index]
        rho = exactly(made.rho, variable)
        v.assign(rho * v + (1 - rho) * ops.square(gradient))
        spread = v
        if self.centered:
            m = made._average_gradients[index]
            m.assign(rho * m + (1 - rho) * gradient)
            spread = v - ops.square(m)
        step = learning_rate * gradient / (ops.sqrt(spread) + exactly(made.epsilon, variable))
        if self.momentum:
            kept = made._momentums[index]
            kept.assign(exactly(self.momentum, variable) * kept + step)
            step = kept
        variable.assign_sub(step)

    def keras_slots(self) -> dict[str, tuple[str, float]]:
        homes = {
            "mean_square": ("_velocities", 1.0),
            "mean_gradient": ("_average_gradients", 1.0),
            "velocity": ("_momentums", self.learning_rate),
        }
        return {slot: homes[slot] for slot in self.SLOTS}

    def torch(self, parameters: Iterator[Any]) -> Any:
        """PyTorch's own has ε beside the root."""
        import torch

        if self.inside:
            return in_torch(parameters, self._torch_change)
        return torch.optim.RMSprop(
            parameters,
            self.learning_rate,
            alpha=self.rho,
            eps=self.epsilon,
            momentum=self.momentum,
            centered=self.centered,
        )

    def _torch_change(self, w: Any, gradient: Any, state: dict[str, Any]) -> Any:
        """ε in the root."""
        v = state["square_avg"].mul_(self.rho).addcmul_(gradient, gradient, value=1 - self.rho)
        spread = v
        if self.centered:
            m = state["grad_avg"].lerp_(gradient, 1 - self.rho)
            spread = v - m * m
        step = gradient / (spread + self.epsilon).sqrt()
        if self.momentum:
            step = state["momentum_buffer"].mul_(self.momentum).add_(step)
        return self.learning_rate * step

    def torch_slots(self) -> dict[str, str]:
        homes = {
            "mean_square": "square_avg",
            "mean_gradient": "grad_avg",
            "velocity": "momentum_buffer",
        }
        return {slot: homes[slot] for slot in self.SLOTS}

    def jax(self, w: Any, gradient: Any, slots: Mapping[str, Any], t: Any) -> Any:
        import jax.numpy as jnp

        v = self.rho * slots["mean_square"] + (1 - self.rho) * jnp.square(gradient)
        after = {"mean_square": v}
        spread = v
        if self.centered:
            m = self.rho * slots["mean_gradient"] + (1 - self.rho) * gradient
            after["mean_gradient"], spread = m, v - jnp.square(m)
        size = jnp.sqrt(spread + self.epsilon) if self.inside else jnp.sqrt(spread) + self.epsilon
        if self.momentum:
            after["velocity"] = self.momentum * slots["velocity"] + gradient / size
            return self.learning_rate * after["velocity"], after
        return self.learning_rate * gradient / size, after


PART = RMSprop
