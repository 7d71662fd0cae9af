"""adam: m ← β₁·m + (1 − β₁)·g, v ← β₂·v + (1 − β₂)·g²; W − learning_rate·m̂/(√v̂ + ε).

With m̂ = m/(1 − β₁ᵗ) and v̂ = v/(1 − β₂ᵗ), t counting the steps from 1 (Kingma and Ba, Adam: a method
for stochastic optimization, ICLR 2015, algorithm 1).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar

from backproof.mathematics.arithmetic.running_means import (
    CONVERTED,
    averaged,
    corrected,
    uncorrected,
)
from backproof.mathematics.checking import check_fields, finite
from backproof.mathematics.errors import UsageError
from backproof.mathematics.functions.relu import Relu
from backproof.mathematics.latex import complement, shown
from backproof.mathematics.optimizers import Optimizer
from backproof.mathematics.optimizers.written import exactly, in_keras, in_torch

if TYPE_CHECKING:
    from backproof.mathematics.arithmetic.operations import Ops

T = TypeVar("T")

RELU = Relu()
Place = Literal["corrected", "raw", "inside"]
# What AMSGrad keeps.
LARGEST = "largest_second_moment"


@dataclass(frozen=True)
class Adam(Optimizer):
    """Adaptive moments.

    ``epsilon_at``: "corrected", as in algorithm 1 and in PyTorch, √v̂ + ε; "raw", as at the end of
    section 2 of the paper and in Keras, √v + ε in a step of learning_rate·√(1 − β₂ᵗ)/(1 − β₁ᵗ)·m;
    "inside", √(v̂ + ε). ``bias_correction``: False for code that leaves both corrections out.
    ``amsgrad``: the largest v so far takes its place (Reddi, Kale and Kumar, On the convergence of
    Adam and beyond, ICLR 2018; with the bias correction, as PyTorch and Keras have it).
    """

    learning_rate: float = 0.001
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8
    epsilon_at: Place = "corrected"
    bias_correction: bool = True
    amsgrad: bool = False

    name: ClassVar[str] = "adam"
    SLOTS: ClassVar[tuple[str, ...]] = ("first_moment", "second_moment")
    SQUARES: ClassVar[tuple[str, ...]] = ("second_moment",)
    COUNTS: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_fields(self)
        finite(type(self).__name__, learning_rate=self.learning_rate, epsilon=self.epsilon)
        if not (0 <= self.beta_1 < 1 and 0 <= self.beta_2 < 1 and self.epsilon > 0):
            raise UsageError(f"{self}: beta_1 and beta_2 lie in [0, 1), epsilon above 0")
        if self.amsgrad:
            object.__setattr__(self, "SLOTS", (*self.SLOTS, LARGEST))
            object.__setattr__(self, "SQUARES", (*self.SQUARES, LARGEST))

    def latex(self) -> list[str]:
        g = r"\frac{\partial L}{\partial W}"
        one, two = shown(self.beta_1), shown(self.beta_2)
        m, v = (r"\hat m", r"\hat v") if self.bias_correction else ("m", "v")
        corrected = [
            rf"\hat m = m / (1 - {one}^t), \qquad \hat v = v / (1 - {two}^t)"
        ] * self.bias_correction
        largest = [r"u \leftarrow \max(u, v)"] * self.amsgrad
        if self.amsgrad:
            v = v.replace("v", "u")
            corrected = [text.replace(r"\hat v = v", r"\hat u = u") for text in corrected]
        size = {
            "corrected": rf"\sqrt{{{v}}} + \varepsilon",
            "raw": rf"\sqrt{{{v}}} + \varepsilon / \sqrt{{1 - {two}^t}}",
            "inside": rf"\sqrt{{{v} + \varepsilon}}",
        }["corrected" if self.epsilon_at == "raw" and not self.bias_correction else self.epsilon_at]
        return [
            rf"m \leftarrow {one}\, m + {shown(complement(self.beta_1))}\, {g}, \qquad "
            rf"v \leftarrow {two}\, v + {shown(complement(self.beta_2))} \left( {g} \right)^2",
            *largest,
            *corrected,
            rf"W \leftarrow W - {shown(self.learning_rate)}\, {m} / ({size}){self._decay()}, "
            rf"\qquad \varepsilon = {shown(self.epsilon)}",
        ]

    @property
    def decay(self) -> float:
        """The weight decay that goes beside."""
        return 0.0

    def decays(self, w: Any) -> bool:
        """Whether a parameter has that decay."""
        return True

    def _decay(self) -> str:
        """What decays beside, as a formula."""
        return ""

    def change(
        self, ops: Ops[T], w: T, gradient: T, slots: Mapping[str, T], count: int
    ) -> tuple[T, dict[str, T]]:
        m = averaged(ops, slots["first_moment"], gradient, self.beta_1)
        v = averaged(ops, slots["second_moment"], ops.multiply(gradient, gradient), self.beta_2)
        after = {"first_moment": m, "second_moment": v}
        if self.amsgrad:
            # The larger one, by what it exceeds the other.
            excess = ops.activate(RELU, ops.subtract(v, slots[LARGEST]))
            after[LARGEST] = v = ops.add(slots[LARGEST], excess)
        direction = m
        epsilon = ops.constant(self.epsilon, v, 1)
        if self.epsilon_at == "inside":
            size = corrected(ops, v, self.beta_2, count) if self.bias_correction else v
            size = ops.sqrt(ops.add(size, epsilon))
        else:
            size = ops.sqrt(v)
        if self.bias_correction:
            direction = corrected(ops, m, self.beta_1, count)
            share, roundings = uncorrected(self.beta_2, count)
            # √(v/(1 − β₂ᵗ)) takes one root; these are two, whose charges cover it.
            root = ops.sqrt(ops.constant(share, v, roundings))
            if self.epsilon_at == "raw":
                direction = ops.multiply(direction, root)
            elif self.epsilon_at == "corrected":
                size = ops.divide(size, root)
        if self.epsilon_at != "inside":
            size = ops.add(size, epsilon)
        # The product may underflow before it is divided by what is small.
        step = ops.divide(ops.scale(direction, self.learning_rate, roundings=CONVERTED), size)
        return step, after

    def keras(self) -> Any:
        """Keras's own has ε beside the raw root."""
        import keras

        moments: dict[str, Any] = {
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
            **({"amsgrad": True} if self.amsgrad else {}),
        }
        if self.epsilon_at == "raw" and self.bias_correction:
            return self._of_keras(keras.optimizers, moments)
        kind = in_keras(keras.optimizers.Adam, self._keras_step)
        return kind(self.learning_rate, **moments)

    def _of_keras(self, optimizers: Any, moments: dict[str, Any]) -> Any:
        """Keras's own."""
        return optimizers.Adam(self.learning_rate, **moments)

    def _keras_step(self, made: Any, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """ε beside the corrected root or in it, or no bias correction; decay where there is one."""
        from keras import ops

        index = made._get_variable_index(variable)
        m, v = made._momentums[index], made._velocities[index]
        one, two = exactly(self.beta_1, variable), exactly(self.beta_2, variable)
        epsilon = exactly(self.epsilon, variable)
        m.assign(one * m + (1 - one) * gradient)
        v.assign(two * v + (1 - two) * ops.square(gradient))
        direction, size = m, v
        if self.amsgrad:
            largest = made._velocity_hats[index]
            largest.assign(ops.maximum(largest, v))
            size = largest
        if self.bias_correction:
            t = ops.cast(made.iterations + 1, variable.dtype)
            direction, size = m / (1 - ops.power(one, t)), size / (1 - ops.power(two, t))
        inside = self.epsilon_at == "inside"
        size = ops.sqrt(size + epsilon) if inside else ops.sqrt(size) + epsilon
        decay = exactly(self.decay if self.decays(variable) else 0.0, variable) * variable
        variable.assign_sub(learning_rate * (direction / size + decay))

    def keras_slots(self) -> dict[str, tuple[str, float]]:
        largest = {LARGEST: ("_velocity_hats", 1.0)} if self.amsgrad else {}
        return {
            "first_moment": ("_momentums", 1.0),
            "second_moment": ("_velocities", 1.0),
            **largest,
        }

    def torch(self, parameters: Iterator[Any]) -> Any:
        """PyTorch's own has ε beside the corrected root."""
        import torch

        if self.epsilon_at == "inside" or not self.bias_correction:
            return in_torch(parameters, self._torch_change)
        return self._of_torch(torch.optim, parameters, (self.beta_1, self.beta_2))

    def _of_torch(self, optim: Any, parameters: Iterator[Any], betas: tuple[float, float]) -> Any:
        """PyTorch's own."""
        made = optim.Adam
        return made(parameters, self.learning_rate, betas, self.epsilon, amsgrad=self.amsgrad)

    def _torch_change(self, w: Any, gradient: Any, state: dict[str, Any]) -> Any:
        """ε in the root, or no bias correction; with decoupled decay where there is one."""
        m = state["exp_avg"].lerp_(gradient, 1 - self.beta_1)
        v = state["exp_avg_sq"].mul_(self.beta_2)
        v = v.addcmul_(gradient, gradient, value=1 - self.beta_2)
        state["step"] += 1
        if self.amsgrad:
            v = state["max_exp_avg_sq"].copy_(v.maximum(state["max_exp_avg_sq"]))
        if self.bias_correction:
            t = state["step"].item()
            m, v = m / (1 - self.beta_1**t), v / (1 - self.beta_2**t)
        inside = self.epsilon_at == "inside"
        size = (v + self.epsilon).sqrt() if inside else v.sqrt() + self.epsilon
        decay = self.decay if self.decays(w) else 0.0
        return self.learning_rate * (m / size + decay * w)

    def torch_slots(self) -> dict[str, str]:
        largest = {LARGEST: "max_exp_avg_sq"} if self.amsgrad else {}
        return {"first_moment": "exp_avg", "second_moment": "exp_avg_sq", **largest}

    def torch_counted(self, made: Any, count: int) -> None:
        """PyTorch adds ε to the corrected root: (√v + ε)/√(1 − β₂ᵗ) has another at each step."""
        import torch

        super().torch_counted(made, count)
        if self.epsilon_at == "raw" and isinstance(made, torch.optim.Adam):
            for group in made.param_groups:
                group["eps"] = self.epsilon / sqrt(1 - self.beta_2 ** (count + 1))

    def jax(self, w: Any, gradient: Any, slots: Mapping[str, Any], t: Any) -> Any:
        import jax.numpy as jnp

        m = self.beta_1 * slots["first_moment"] + (1 - self.beta_1) * gradient
        v = self.beta_2 * slots["second_moment"] + (1 - self.beta_2) * jnp.square(gradient)
        after = {"first_moment": m, "second_moment": v}
        if self.amsgrad:
            after[LARGEST] = v = jnp.maximum(slots[LARGEST], v)
        one = two = 1.0
        if self.bias_correction:
            one, two = 1 - self.beta_1**t, 1 - self.beta_2**t
        if self.epsilon_at == "inside":
            direction = (m / one) / jnp.sqrt(v / two + self.epsilon)
        elif self.epsilon_at == "raw":
            direction = (jnp.sqrt(two) / one) * m / (jnp.sqrt(v) + self.epsilon)
        else:
            direction = (m / one) / (jnp.sqrt(v / two) + self.epsilon)
        return self.learning_rate * direction, after


PART = Adam
