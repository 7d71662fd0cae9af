"""Optimizers around another one: what they share with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from backproof.mathematics.optimizers import Optimizer

if TYPE_CHECKING:
    from backproof.mathematics.arithmetic.operations import Ops

T = TypeVar("T")


class Around(Optimizer):
    """Passes on everything to the optimizer that it is around."""

    optimizer: Optimizer

    def take_over(self) -> None:
        """What the other one keeps and counts, and its rate, are this one's."""
        for name in ("learning_rate", "SLOTS", "SQUARES", "COUNTS", "AHEAD"):
            object.__setattr__(self, name, getattr(self.optimizer, name))

    def change(
        self, ops: Ops[T], w: T, gradient: T, slots: Mapping[str, T], count: int
    ) -> tuple[T, dict[str, T]]:
        return self.optimizer.change(ops, w, gradient, slots, count)

    def prepared(self, ops: Ops[T], gradients: Mapping[str, T]) -> dict[str, T]:
        return self.optimizer.prepared(ops, gradients)

    def ahead(self, ops: Ops[T], w: T, slots: Mapping[str, T]) -> T:
        return self.optimizer.ahead(ops, w, slots)

    def ahead_in_twin(self, w: Any, slots: Mapping[str, Any]) -> Any:
        return self.optimizer.ahead_in_twin(w, slots)

    def possible(self, slots: dict[str, Any]) -> dict[str, Any]:
        return self.optimizer.possible(slots)

    def possible_steps(self, steps: int) -> int:
        return self.optimizer.possible_steps(steps)

    def rest(self, slot: str) -> float:
        return self.optimizer.rest(slot)

    def keras_slots(self) -> Any:
        return self.optimizer.keras_slots()  # type: ignore[attr-defined]

    def torch_slots(self) -> Any:
        return self.optimizer.torch_slots()  # type: ignore[attr-defined]

    def torch_counted(self, made: Any, count: int) -> None:
        self.optimizer.torch_counted(made, count)

    def jax(self, w: Any, gradient: Any, slots: Mapping[str, Any], t: Any) -> Any:
        return self.optimizer.jax(w, gradient, slots, t)  # type: ignore[attr-defined]

    def jax_prepared(self, gradients: dict[str, Any]) -> dict[str, Any]:
        return self.optimizer.jax_prepared(gradients)
