"""adam: m ← β₁·m + (1 − β₁)·g, v ← β₂·v + (1 − β₂)·g²; W − learning_rate·m̂/(√v̂ + ε).

With m̂ = m/(1 − β₁ᵗ) and v̂ = v/(1 − β₂ᵗ), t counting the steps from 1 (Kingma and Ba, Adam: a method
for stochastic optimization, ICLR 2015, algorithm 1).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, TypeVar

from backproof.mathematics.arithmetic.running_means import (
    CONVERTED,
    averaged,
    corrected,
    uncorrected,
)
from backproof.mathematics.checking import check_fields, finite
from backproof.mathematics.errors import UsageError
from backproof.mathematics.latex import complement, shown

if TYPE_CHECKING:
    from backproof.mathematics.arithmetic.operations import Ops

T = TypeVar("T")

Place = Literal["corrected", "raw", "inside"]


@dataclass(frozen=True)
class Adam:
    """Adaptive moments.

    ``epsilon_at``: "corrected", as in algorithm 1 and in PyTorch, √v̂ + ε; "raw", as at the end of
    section 2 of the paper and in Keras, √v + ε in a step of learning_rate·√(1 − β₂ᵗ)/(1 − β₁ᵗ)·m;
    "inside", √(v̂ + ε). ``bias_correction``: False for code that leaves both corrections out.
    """

    learning_rate: float = 0.001
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8
    epsilon_at: Place = "corrected"
    bias_correction: bool = True

    name: ClassVar[str] = "adam"
    SLOTS: ClassVar[tuple[str, ...]] = ("first_moment", "second_moment")
    SQUARES: ClassVar[tuple[str, ...]] = ("second_moment",)
    COUNTS: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_fields(self)
        finite(type(self).__name__, learning_rate=self.learning_rate, epsilon=self.epsilon)
        if not (0 <= self.beta_1 < 1 and 0 <= self.beta_2 < 1 and self.epsilon > 0):
            raise UsageError(f"{self}: beta_1 and beta_2 lie in [0, 1), epsilon above 0")

    def latex(self) -> list[str]:
        g = r"\frac{\partial L}{\partial W}"
        one, two = shown(self.beta_1), shown(self.beta_2)
        m, v = (r"\hat m", r"\hat v") if self.bias_correction else ("m", "v")
        corrected = [
            rf"\hat m = m / (1 - {one}^t), \qquad \hat v = v / (1 - {two}^t)"
        ] * self.bias_correction
        size = {
            "corrected": rf"\sqrt{{{v}}} + \varepsilon",
            "raw": rf"\sqrt{{{v}}} + \varepsilon / \sqrt{{1 - {two}^t}}",
            "inside": rf"\sqrt{{{v} + \varepsilon}}",
        }["corrected" if self.epsilon_at == "raw" and not self.bias_correction else self.epsilon_at]
        return [
            rf"m \leftarrow {one}\, m + {shown(complement(self.beta_1))}\, {g}, \qquad "
            rf"v \leftarrow {two}\, v + {shown(complement(self.beta_2))} \left( {g} \right)^2",
            *corrected,
            rf"W \leftarrow W - {shown(self.learning_rate)}\, {m} / ({size}){self._decay()}, "
            rf"\qquad \varepsilon = {shown(self.epsilon)}",
        ]

    def _decay(self) -> str:
        """What decays beside, as a formula."""
        return ""

    def change(
        self, ops: Ops[T], w: T, gradient: T, slots: Mapping[str, T], count: int
    ) -> tuple[T, dict[str, T]]:
        m = averaged(ops, slots["first_moment"], gradient, self.beta_1)
        v = averaged(ops, slots["second_moment"], ops.multiply(gradient, gradient), self.beta_2)
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
        return step, {"first_moment": m, "second_moment": v}


OPTIMIZER = Adam
