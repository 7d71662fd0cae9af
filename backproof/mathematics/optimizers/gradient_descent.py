"""gradient_descent: W − learning_rate · gradient."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from backproof.mathematics.checking import check_fields, finite
from backproof.mathematics.latex import shown
from backproof.mathematics.optimizers import Optimizer

if TYPE_CHECKING:
    from backproof.mathematics.arithmetic.operations import Ops

T = TypeVar("T")


@dataclass(frozen=True)
class GradientDescent(Optimizer):
    """Gradient descent: no state but the parameters."""

    learning_rate: float

    name: ClassVar[str] = "gradient_descent"

    def __post_init__(self) -> None:
        check_fields(self)
        finite("GradientDescent", learning_rate=self.learning_rate)

    def latex(self) -> list[str]:
        rate = shown(self.learning_rate)
        return [rf"W \leftarrow W - {rate}\, \frac{{\partial L}}{{\partial W}}"]

    def change(
        self, ops: Ops[T], w: T, gradient: T, slots: Mapping[str, T], count: int
    ) -> tuple[T, dict[str, T]]:
        return ops.scale(gradient, self.learning_rate), {}

    def keras(self) -> Any:
        import keras

        return keras.optimizers.SGD(self.learning_rate)

    def keras_step(self, w: Any, gradient: Any) -> Any:
        import tensorflow as tf

        return w - tf.constant(self.learning_rate, w.dtype) * gradient

    def torch(self, parameters: Iterator[Any]) -> Any:
        import torch

        return torch.optim.SGD(parameters, self.learning_rate)

    def torch_step(self, w: Any, gradient: Any) -> Any:
        import torch

        return torch.sub(w, gradient, alpha=self.learning_rate)

    def jax(self, w: Any, gradient: Any, slots: Mapping[str, Any], t: Any) -> Any:
        return self.learning_rate * gradient, {}


PART = GradientDescent
