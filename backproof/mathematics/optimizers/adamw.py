"""adamw: as adam, and W − learning_rate·weight_decay·W: a decay that does not pass through v.

Source: Loshchilov and Hutter, Decoupled weight decay regularization, ICLR 2019, algorithm 2, with
the learning rate as the schedule, as PyTorch and Keras have it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from backproof.mathematics.arithmetic.running_means import CONVERTED, charged_at
from backproof.mathematics.checking import finite
from backproof.mathematics.latex import shown
from backproof.mathematics.optimizers.adam import Adam

if TYPE_CHECKING:
    from backproof.mathematics.arithmetic.operations import Ops

T = TypeVar("T")


@dataclass(frozen=True)
class AdamW(Adam):
    """Adam with decoupled weight decay, on kernels and biases alike."""

    weight_decay: float = 0.01

    name: ClassVar[str] = "adamw"

    def __post_init__(self) -> None:
        super().__post_init__()
        finite("AdamW", weight_decay=self.weight_decay)

    @property
    def decay(self) -> float:
        return self.weight_decay

    def _decay(self) -> str:
        return rf" - {shown(self.learning_rate)} \cdot {shown(self.weight_decay)}\, W"

    def change(
        self, ops: Ops[T], w: T, gradient: T, slots: Mapping[str, T], count: int
    ) -> tuple[T, dict[str, T]]:
        step, after = super().change(ops, w, gradient, slots, count)
        share = Fraction(self.learning_rate) * Fraction(self.weight_decay)
        decay = ops.multiply(w, ops.constant(share, w, CONVERTED))
        # W·(1 − learning_rate·weight_decay) comes first elsewhere: a coefficient near 1, the
        # product, and the difference, which round at the size of W.
        return charged_at(ops, ops.add(step, decay), w, 4), after

    def _of_keras(self, optimizers: Any, moments: dict[str, float]) -> Any:
        return optimizers.AdamW(self.learning_rate, weight_decay=self.weight_decay, **moments)

    def _of_torch(self, optim: Any, parameters: Iterator[Any], betas: tuple[float, float]) -> Any:
        return optim.AdamW(
            parameters,
            self.learning_rate,
            betas,
            self.epsilon,
            weight_decay=self.weight_decay,
            amsgrad=self.amsgrad,
        )

    def jax(self, w: Any, gradient: Any, slots: Mapping[str, Any], t: Any) -> Any:
        change, after = super().jax(w, gradient, slots, t)
        return change + self.learning_rate * self.weight_decay * w, after


PART = AdamW
