"""An optimizer of a user's own, which only a test knows: a step along a mean that halves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from backproof import register
from backproof.mathematics.optimizers import Optimizer
from backproof.mathematics.optimizers.written import in_torch


@register("optimizer")
@dataclass(frozen=True)
class Halving(Optimizer):
    """mean ← (mean + gradient)/2; W − learning_rate·mean."""

    learning_rate: float = 0.25

    name: ClassVar[str] = "halving"
    SLOTS: ClassVar[tuple[str, ...]] = ("mean",)

    def latex(self) -> list[str]:
        return [
            r"m \leftarrow (m + \frac{\partial L}{\partial W}) / 2",
            rf"W \leftarrow W - {self.learning_rate}\, m",
        ]

    def change(
        self, ops: Any, w: Any, gradient: Any, slots: Mapping[str, Any], count: int
    ) -> tuple[Any, dict[str, Any]]:
        mean = ops.scale(ops.add(slots["mean"], gradient), 0.5, roundings=-1)
        return ops.scale(mean, self.learning_rate), {"mean": mean}

    def keras(self) -> Any:
        import keras

        class Own(keras.optimizers.Optimizer):
            def build(self, variables: Any) -> None:
                if not self.built:
                    super().build(variables)
                    self.means = self.add_optimizer_variables(variables, "mean")

            def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
                mean = self.means[self._get_variable_index(variable)]
                mean.assign((mean + gradient) / 2)
                variable.assign_sub(learning_rate * mean)

        return Own(self.learning_rate)

    def keras_slots(self) -> dict[str, tuple[str, float]]:
        return {"mean": ("means", 1.0)}

    def torch(self, parameters: Iterator[Any]) -> Any:
        return in_torch(parameters, self._torch_change)

    def _torch_change(self, w: Any, gradient: Any, state: dict[str, Any]) -> Any:
        return self.learning_rate * state["mean"].add_(gradient).div_(2)

    def torch_slots(self) -> dict[str, str]:
        return {"mean": "mean"}

    def jax(self, w: Any, gradient: Any, slots: Mapping[str, Any], t: Any) -> Any:
        mean = (slots["mean"] + gradient) / 2
        return self.learning_rate * mean, {"mean": mean}
