"""scheduled: any optimizer whose rate is another one at each step t, counted from 0.

"exponential": rate·decay^(t/steps); "staircase": t/steps rounded down; "inverse_time":
rate/(1 + decay·t/steps); "cosine": rate·(1 + cos(π·min(t/steps, 1)))/2.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from math import cos, pi
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar

from backproof.mathematics.checking import check_fields, finite
from backproof.mathematics.errors import UsageError
from backproof.mathematics.latex import shown
from backproof.mathematics.optimizers import Optimizer
from backproof.mathematics.optimizers.around import Around

if TYPE_CHECKING:
    from backproof.mathematics.arithmetic.operations import Ops

T = TypeVar("T")

Kind = Literal["exponential", "staircase", "inverse_time", "cosine"]
# How often a rate rounds: the quotient t/steps, a power or a cosine of six ulps, the product.
ROUNDINGS = 20


@dataclass(frozen=True)
class Scheduled(Around):
    """An optimizer with a schedule for its rate, by the steps made before.

    ``decay`` is that of the kinds but "cosine"; ``steps``: after how many it has acted once.
    """

    optimizer: Optimizer
    kind: Kind = "exponential"
    decay: float = 0.9
    steps: float = 1.0

    name: ClassVar[str] = "scheduled"

    def __post_init__(self) -> None:
        check_fields(self)
        finite("Scheduled", decay=self.decay, steps=self.steps)
        if not (self.decay > 0 and self.steps > 0):
            raise UsageError(f"{self}: decay and steps are above 0")
        if self.kind == "cosine" and getattr(self.optimizer, "velocity", "gradient") != "gradient":
            raise UsageError(f"{self}: a velocity of the step has none where the rate is 0")
        if self.optimizer.AHEAD and getattr(self.optimizer, "velocity", "") == "gradient":
            raise UsageError(
                f"{self}: how far ahead its gradient is would change with the rate: declare "
                'velocity="step" or "change"'
            )
        self.take_over()
        object.__setattr__(self, "COUNTS", True)

    def share(self, t: Any, maths: Any = None) -> Any:
        """What the rate is multiplied by at step t; with the functions of another library."""
        passed = t / self.steps
        if self.kind == "cosine":
            if maths is None:
                return (1 + cos(pi * min(passed, 1.0))) / 2
            return (1 + maths.cos(pi * maths.minimum(passed, 1.0))) / 2
        if self.kind == "inverse_time":
            return 1 / (1 + self.decay * passed)
        if self.kind == "staircase":
            passed = passed // 1 if maths is None else maths.floor(passed)
        return self.decay**passed if maths is None else maths.power(self.decay, passed)

    def possible_steps(self, steps: int) -> int:
        """As long as the rate is a hundredth of the first one, or more."""
        while steps and self.share(steps) < 0.01:
            steps //= 2
        return self.optimizer.possible_steps(steps)

    def at(self, count: int) -> Optimizer:
        """The optimizer as it is after so many steps."""
        return replace(self.optimizer, learning_rate=self.learning_rate * float(self.share(count)))  # type: ignore[type-var]

    def latex(self) -> list[str]:
        decay, passed = shown(self.decay), rf"t / {shown(self.steps)}"
        share = {
            "exponential": rf"{decay}^{{{passed}}}",
            "staircase": rf"{decay}^{{\lfloor {passed} \rfloor}}",
            "inverse_time": rf"\frac{{1}}{{1 + {decay} \cdot {passed}}}",
            "cosine": rf"\frac{{1}}{{2}} (1 + \cos(\pi \min({passed}, 1)))",
        }[self.kind]
        return [*self.optimizer.latex(), rf"\text{{with the rate times }} {share}"]

    def change(
        self, ops: Ops[T], w: T, gradient: T, slots: Mapping[str, T], count: int
    ) -> tuple[T, dict[str, T]]:
        change, after = self.at(count).change(ops, w, gradient, slots, count)
        return ops.charged(change, ROUNDINGS), {
            slot: ops.charged(value, ROUNDINGS) for slot, value in after.items()
        }

    def keras(self) -> Any:
        """A schedule of Keras's, in the dtype that is computed in."""
        self._same_units("keras", "Keras")
        import keras
        from keras import ops

        share, rate = self.share, self.learning_rate

        class Schedule(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]  # Any
            def __call__(self, step: Any) -> Any:
                return rate * share(ops.cast(step, keras.config.floatx()), Exactly(ops))

            def get_config(self) -> dict[str, Any]:
                return {}

        made = self.optimizer.keras()  # type: ignore[attr-defined]
        made._learning_rate = Schedule()
        return made

    def _same_units(self, framework: str, title: str) -> None:
        """Refuse a twin whose slots have the rate in them, which is another one at each step."""
        doubled: Any = replace(self.optimizer, learning_rate=2 * self.learning_rate)  # type: ignore[type-var]
        slots = f"{framework}_slots"
        if self.SLOTS and getattr(self.optimizer, slots)() != getattr(doubled, slots)():
            raise UsageError(
                f"{title} keeps the velocity in other units than {self.optimizer}, which change "
                'with the rate: declare velocity="step" for Keras, "gradient" for PyTorch, or '
                "compare with another reference"
            )

    def torch(self, parameters: Iterator[Any]) -> Any:
        self._same_units("torch", "PyTorch")
        return self.optimizer.torch(parameters)  # type: ignore[attr-defined]

    def torch_counted(self, made: Any, count: int) -> None:
        """The rate of a step is its groups', and that of steps of one's own."""
        if self.optimizer.COUNTS or self.optimizer.SLOTS:
            self.optimizer.torch_counted(made, count)
        for group in made.param_groups:
            if "lr" not in group:
                raise UsageError(
                    f"no PyTorch twin for a schedule of {self.optimizer}: compare with another"
                )
            group["lr"] = self.learning_rate * float(self.share(count))

    def jax(self, w: Any, gradient: Any, slots: Mapping[str, Any], t: Any) -> Any:
        import jax.numpy as jnp

        own = copy.copy(self.optimizer)
        object.__setattr__(own, "learning_rate", self.learning_rate * self.share(t - 1, jnp))
        return own.jax(w, gradient, slots, t)  # type: ignore[attr-defined]


class Exactly:
    """Keras's functions, with coefficients in the dtype of their arguments, past float32."""

    def __init__(self, ops: Any) -> None:
        self.floor, self.cos, self.minimum = ops.floor, ops.cos, ops.minimum
        self._ops = ops

    def power(self, base: float, exponent: Any) -> Any:
        import tensorflow as tf

        return self._ops.power(tf.constant(base, exponent.dtype), exponent)


PART = Scheduled
