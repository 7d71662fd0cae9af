"""simple_rnn: h_t = f(x_t W + h_{t−1} U + b)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar

from backproof.mathematics import functions
from backproof.mathematics.functions import Activation
from backproof.mathematics.layers import recurring_faults, recurring_latex, recurring_twins
from backproof.mathematics.layers.layer import Choose, Example, Formulas, Shape, Symbols
from backproof.mathematics.layers.own import LayerFault, LayerProbe
from backproof.mathematics.layers.port import Port
from backproof.mathematics.layers.recurring import Recurrent

if TYPE_CHECKING:
    from backproof.mathematics.layers.here import Here

T = TypeVar("T")


@dataclass(frozen=True)
class SimpleRNN(Recurrent):
    """h_t = f(x_t W + h_{t−1} U + b), of (steps, features); see `Recurrent` for the fields.

    Source: Elman, Finding structure in time, Cognitive Science 14, 1990.
    """

    units: int
    activation: Activation
    sequences: bool = True
    states: bool = False
    biases: Literal[0, 1, 2] = 1
    reverse: bool = False

    kind: ClassVar[str] = "simple_rnn"
    shares: ClassVar[bool] = False
    gates: ClassVar[str] = "h"
    faults: ClassVar[tuple[LayerFault, ...]] = recurring_faults.OF_SIMPLE
    hostile: ClassVar[tuple[LayerProbe, ...]] = recurring_faults.HOSTILE

    def __init__(
        self,
        units: int,
        activation: str | Activation = "tanh",
        sequences: bool = True,
        states: bool = False,
        biases: Literal[0, 1, 2] = 1,
        reverse: bool = False,
    ) -> None:
        found = functions.as_activation(activation, "SimpleRNN")
        for name, value in (
            *(("units", units), ("activation", found), ("sequences", sequences)),
            *(("states", states), ("biases", biases), ("reverse", reverse)),
        ):
            object.__setattr__(self, name, value)
        self.check_fields()
        self.check_biases(0, 1, 2)

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            (cls(2), ((3, 2),)),
            (cls(2, sequences=False, states=True, biases=2), ((3, 3), (2,))),
            (cls(2, "sigmoid", biases=0, reverse=True), ((3, 2),)),
        )

    @classmethod
    def drawn(cls, choose: Choose, *came: Shape) -> SimpleRNN | None:
        if len(came) != 1 or len(came[0]) != 2:
            return None
        # What it gives is taken up again: a function without a limit might grow beyond all numbers.
        bounded = [f for f in choose.functions if f.name in ("tanh", "sigmoid")]
        return cls(
            choose(choose.widths),
            choose(bounded or [functions.named("tanh")]),
            choose((True, False)),
            biases=choose((1, 2, 0)),
            reverse=choose((False, True)),
        )

    @property
    def functions(self) -> tuple[Activation, ...]:
        return (self.activation,)

    def step(self, here: Here[T], t: int, x: T, states: tuple[T, ...]) -> tuple[T, ...]:
        z = here.site(f"z_{t}", self.summed(here, x, states[0], "h"))
        return (here.site(f"state_{t}", here.ops.activate(self.activation, z)),)

    def step_back(
        self, here: Here[T], t: int, before: tuple[T, ...], back: tuple[Any, ...], further: int
    ) -> tuple[Any, ...]:
        """z̄_t = h̄_t ⊙ f′(z_t), h̄_{t−1} = z̄_t Uᵀ."""
        (state,) = back
        ops = here.ops
        pulled = ops.vjp(self.activation, here.value(f"z_{t}"), here.value(f"state_{t}"), state)
        z_back = here.site(f"z_back_{t}", pulled)
        kernel = ops.transpose(here.value("recurrent_kernel"))
        return (here.site(f"carried_{t}", ops.matmul(z_back, kernel, further)),)

    def latex(self, symbols: Symbols) -> Formulas:
        return recurring_latex.of_simple(self, symbols)

    def keras(self, *inputs: Shape) -> Port:
        if self.biases == 2 or self.states:
            return recurring_twins.plain_keras(self, *inputs)
        import keras

        f = partial(functions.twin, self.activation, "keras")
        return recurring_twins.own_keras(self, keras.layers.SimpleRNN, activation=f)

    def torch(self, *inputs: Shape) -> Port:
        if self.biases == 1 or self.activation.name not in ("tanh", "relu"):
            return recurring_twins.plain_torch(self, *inputs)
        from torch import nn

        return recurring_twins.own_torch(self, nn.RNN, inputs, nonlinearity=self.activation.name)

    def jax(self, *inputs: Shape) -> Port:
        return recurring_twins.plain_jax(self)

    def cell(self, array: Any, p: Any, x: Any, states: tuple[Any, ...]) -> tuple[Any, ...]:
        """One step as a twin of operations has it."""
        z = recurring_twins.summed(p, x, states[0])
        return (array.function(self.activation)(z),)


PART = SimpleRNN
