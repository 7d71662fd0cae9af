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
    """Adam with decoupled weight decay, on kernels and biases alike.

    ``matrices_only``: biases and other parameters of one axis do not decay, as nanoGPT, llm.c and
    most trainings of transformers have it.
    """

    weight_decay: float = 0.01
    matrices_only: bool = False

    name: ClassVar[str] = "adamw"

    def __post_init__(self) -> None:
        super().__post_init__()
        finite("AdamW", weight_decay=self.weight_decay)

    @property
    def decay(self) -> float:
        return self.weight_decay

    def decays(self, w: Any) -> bool:
        return not self.matrices_only or len(w.shape) > 1

    def _decay(self) -> str:
        held = r"\; [W \text{ a matrix}]" if self.matrices_only else ""
        return rf" - {shown(self.learning_rate)} \cdot {shown(self.weight_decay)}\, W{held}"

    def change(
        self, ops: Ops[T], w: T, gradient: T, slots: Mapping[str, T], count: int
    ) -> tuple[T, dict[str, T]]:
        step, after = super().change(ops, w, gradient, slots, count)
        if not self.decays(w):
            return step, after
        share = Fraction(self.learning_rate) * Fraction(self.weight_decay)
        decay = ops.multiply(w, ops.constant(share, w, CONVERTED))
        # W·(1 − learning_rate·weight_decay) comes first elsewhere: a coefficient near 1, the
        # product, and the difference, which round at the size of W.
        return charged_at(ops, ops.add(step, decay), w, 4), after

    def _of_keras(self, optimizers: Any, moments: dict[str, float]) -> Any:
        decays = self.decays

        class OfMatrices(optimizers.AdamW):  # type: ignore[misc]  # Keras is Any here
            def _use_weight_decay(self, variable: Any) -> bool:
                return decays(variable)

        kind = OfMatrices if self.matrices_only else optimizers.AdamW
        return kind(self.learning_rate, weight_decay=self.weight_decay, **moments)

    def _of_torch(self, optim: Any, parameters: Iterator[Any], betas: tuple[float, float]) -> Any:
        every = list(parameters)
        groups = [
            {"params": [w for w in every if self.decays(w)]},
            {"params": [w for w in every if not self.decays(w)], "weight_decay": 0.0},
        ]
        return optim.AdamW(
            groups if self.matrices_only else every,
            self.learning_rate,
            betas,
            self.epsilon,
            weight_decay=self.weight_decay,
            amsgrad=self.amsgrad,
        )

    def jax(self, w: Any, gradient: Any, slots: Mapping[str, Any], t: Any) -> Any:
        change, after = super().jax(w, gradient, slots, t)
        decay = self.weight_decay if self.decays(w) else 0.0
        return change + self.learning_rate * decay * w, after


PART = AdamW
