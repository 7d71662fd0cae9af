"""lstm: a cell that forgets, takes in and shows by gates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar

from backproof.mathematics.checking import fits
from backproof.mathematics.errors import UsageError
from backproof.mathematics.layers import (
    lstm_faults,
    recurring_faults,
    recurring_latex,
    recurring_twins,
)
from backproof.mathematics.layers.layer import Choose, Example, Formulas, Shape, Symbols
from backproof.mathematics.layers.own import LayerFault, LayerProbe
from backproof.mathematics.layers.port import Port
from backproof.mathematics.layers.recurring import Recurrent, sigmoid, tanh

if TYPE_CHECKING:
    from backproof.mathematics.functions import Activation
    from backproof.mathematics.layers.here import Here

T = TypeVar("T")

# i, f, g, o: input, forget, candidate and output, as Keras and PyTorch have them.
USUAL = "ifgo"


@dataclass(frozen=True)
class LSTM(Recurrent):
    """c_t = f ⊙ c_{t−1} + i ⊙ g, h_t = o ⊙ tanh c_t, of (steps, features).

    i, f, o = σ and g = tanh of x_t W + h_{t−1} U + b, in the columns of each. ``order``: in which
    the columns stand, as in "ifgo" (Keras, PyTorch), "ifog", "igfo" (TensorFlow 1). States are h
    and c. See `Recurrent` for the other fields. Source: Hochreiter and Schmidhuber, Long short-term
    memory, Neural Computation 9, 1997; the forget gate: Gers, Schmidhuber and Cummins, 2000.
    """

    units: int
    sequences: bool = True
    states: bool = False
    biases: Literal[0, 1, 2] = 1
    order: str = USUAL
    reverse: bool = False

    kind: ClassVar[str] = "lstm"
    shares: ClassVar[bool] = False
    faults: ClassVar[tuple[LayerFault, ...]] = lstm_faults.OF_LSTM
    hostile: ClassVar[tuple[LayerProbe, ...]] = recurring_faults.HOSTILE

    def __post_init__(self) -> None:
        self.check_fields()
        self.check_biases(0, 1, 2)
        if not fits(self.order, str) or sorted(self.order) != sorted(USUAL):
            raise UsageError(
                f"LSTM(order={self.order!r}): give the letters of {USUAL!r}, input, forget, "
                "candidate and output, in the order of the columns"
            )

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            (cls(2), ((2, 2),)),
            (cls(2, sequences=False, states=True, biases=2, order="ifog"), ((3, 3), (2,), (2,))),
            (cls(2, biases=0, reverse=True), ((2, 2),)),
        )

    @classmethod
    def drawn(cls, choose: Choose, *came: Shape) -> LSTM | None:
        if len(came) != 1 or len(came[0]) != 2:
            return None
        return cls(
            choose(choose.widths),
            choose((True, False)),
            biases=choose((1, 2, 0)),
            order=choose((USUAL, "ifog", "igfo")),
            reverse=choose((False, True)),
        )

    @property
    def gates(self) -> str:
        return self.order

    @property
    def held(self) -> int:
        return 2

    @property
    def functions(self) -> tuple[Activation, ...]:
        return (sigmoid(), tanh())

    def step(self, here: Here[T], t: int, x: T, states: tuple[T, ...]) -> tuple[T, ...]:
        ops, (h, c) = here.ops, states
        z = here.site(f"z_{t}", self.summed(here, x, h, USUAL))
        found = [
            ops.activate(tanh() if gate == "g" else sigmoid(), part)
            for gate, part in zip(USUAL, self.split(ops, z, 4), strict=True)
        ]
        i, f, g, o = self.split(ops, here.site(f"gates_{t}", ops.concatenated(found)), 4)
        c = here.site(f"cell_{t}", ops.add(ops.multiply(f, c), ops.multiply(i, g)))
        shown = here.site(f"shown_{t}", ops.activate(tanh(), c))
        return here.site(f"state_{t}", ops.multiply(o, shown)), c

    def step_back(
        self, here: Here[T], t: int, before: tuple[T, ...], back: tuple[Any, ...], further: int
    ) -> tuple[Any, ...]:
        """The cell first, then the gates.

        ::

        c̄_t = h̄_t ⊙ o ⊙ (1 − tanh² c_t) + f_{t+1} ⊙ c̄_{t+1},   ō = h̄_t ⊙ tanh c_t,
        ī = c̄_t ⊙ g,   f̄ = c̄_t ⊙ c_{t−1},   ḡ = c̄_t ⊙ i,   z̄ by σ′ and tanh′, h̄_{t−1} = z̄_t Uᵀ
        """
        ops, (state, cell) = here.ops, back
        i, f, g, o = self.split(ops, here.value(f"gates_{t}"), 4)
        c, shown = here.value(f"cell_{t}"), here.value(f"shown_{t}")
        through = ops.vjp(tanh(), c, shown, ops.multiply(state, o))
        through = here.site(f"through_{t}", through)
        cell_back = here.site(f"cell_back_{t}", through if cell is None else ops.add(through, cell))
        by_gate = (
            ops.multiply(cell_back, g),
            ops.multiply(cell_back, before[1]),
            ops.multiply(cell_back, i),
            ops.multiply(state, shown),
        )
        arrived = here.site(f"gates_back_{t}", ops.concatenated(by_gate))
        z, a = self.split(ops, here.value(f"z_{t}"), 4), (i, f, g, o)
        pulled = {
            gate: ops.vjp(tanh() if gate == "g" else sigmoid(), z_, a_, back_)
            for gate, z_, a_, back_ in zip(USUAL, z, a, self.split(ops, arrived, 4), strict=True)
        }
        z_back = here.site(f"z_back_{t}", ops.concatenated([pulled[gate] for gate in self.order]))
        kernel = ops.transpose(here.value("recurrent_kernel"))
        return (
            here.site(f"carried_{t}", ops.matmul(z_back, kernel, further)),
            here.site(f"cell_carried_{t}", ops.multiply(cell_back, f)),
        )

    def latex(self, symbols: Symbols) -> Formulas:
        return recurring_latex.of_lstm(self, symbols)

    def summary(self) -> str:
        """``8 units, last state``, and another order of the gates."""
        return super().summary() + f", {self.order}" * (self.order != USUAL)

    def keras(self, *inputs: Shape) -> Port:
        if self.biases == 2 or self.states or self.order != USUAL:
            return recurring_twins.plain_keras(self, *inputs)
        import keras

        return recurring_twins.own_keras(self, keras.layers.LSTM)

    def torch(self, *inputs: Shape) -> Port:
        if self.biases == 1 or self.order != USUAL:
            return recurring_twins.plain_torch(self, *inputs)
        from torch import nn

        return recurring_twins.own_torch(self, nn.LSTM, inputs)

    def jax(self, *inputs: Shape) -> Port:
        return recurring_twins.plain_jax(self)

    def cell(self, array: Any, p: Any, x: Any, states: tuple[Any, ...]) -> tuple[Any, ...]:
        """One step as a twin of operations has it."""
        h, c = states
        z = recurring_twins.summed(p, x, h)
        n = self.units
        parts = {gate: z[:, k * n : (k + 1) * n] for k, gate in enumerate(self.order)}
        gate, new = array.function(sigmoid()), array.function(tanh())
        c = gate(parts["f"]) * c + gate(parts["i"]) * new(parts["g"])
        return gate(parts["o"]) * new(c), c


PART = LSTM
