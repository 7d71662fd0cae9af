"""gru: a state that is kept in part, by an update gate and a reset gate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar

import numpy as np

from backproof.mathematics.arithmetic.contraction import contract
from backproof.mathematics.checking import fits
from backproof.mathematics.errors import UsageError
from backproof.mathematics.layers import (
    gru_faults,
    recurring_faults,
    recurring_latex,
    recurring_twins,
)
from backproof.mathematics.layers.attending import shape_of
from backproof.mathematics.layers.layer import Choose, Example, Formulas, Shape, Symbols
from backproof.mathematics.layers.own import LayerFault, LayerProbe
from backproof.mathematics.layers.port import Port
from backproof.mathematics.layers.recurring import Recurrent, sigmoid, stacked, tanh

if TYPE_CHECKING:
    from backproof.mathematics.functions import Activation
    from backproof.mathematics.layers.here import Here

T = TypeVar("T")

# z, r, n: update, reset and new, as Keras has them; PyTorch has r first.
USUAL = "zrn"


@dataclass(frozen=True)
class GRU(Recurrent):
    """h_t = z ⊙ h_{t−1} + (1 − z) ⊙ n, of (steps, features).

    z, r = σ(x_t W + h_{t−1} U + b). ``reset`` "after" the product: n = tanh(x_t W + r ⊙ (h_{t−1} U
    + b′)), as Keras (``reset_after``) and PyTorch have it; "before": n = tanh(x_t W + (r ⊙ h_{t−1})
    U + b). ``order``: in which the columns stand, "zrn" (Keras) or "rzn" (PyTorch). ``biases``:
    "stacked" for both in one array, (2, 3·units), as in Keras. See `Recurrent` for the other
    fields. Source: Cho et al., Learning phrase representations using RNN encoder–decoder, 2014.
    """

    units: int
    sequences: bool = True
    states: bool = False
    biases: Literal[0, 1, 2, "stacked"] = 1
    order: str = USUAL
    reset: Literal["after", "before"] = "after"
    reverse: bool = False

    kind: ClassVar[str] = "gru"
    shares: ClassVar[bool] = False
    faults: ClassVar[tuple[LayerFault, ...]] = gru_faults.OF_GRU
    hostile: ClassVar[tuple[LayerProbe, ...]] = recurring_faults.HOSTILE

    def __post_init__(self) -> None:
        self.check_fields()
        self.check_biases(0, 1, 2, "stacked")
        if not fits(self.reset, str) or self.reset not in ("after", "before"):
            raise UsageError(f"GRU(reset={self.reset!r}): choose 'after' or 'before'")
        if not fits(self.order, str) or sorted(self.order) != sorted(USUAL):
            raise UsageError(
                f"GRU(order={self.order!r}): give the letters of {USUAL!r}, update, reset and new, "
                "in the order of the columns"
            )

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            (cls(2, biases="stacked"), ((2, 2),)),
            (cls(2, sequences=False, states=True, biases=2, order="rzn"), ((3, 3), (2,))),
            (cls(2, reset="before", reverse=True), ((2, 2),)),
        )

    @classmethod
    def drawn(cls, choose: Choose, *came: Shape) -> GRU | None:
        if len(came) != 1 or len(came[0]) != 2:
            return None
        return cls(
            choose(choose.widths),
            choose((True, False)),
            biases=choose(("stacked", 2, 1, 0)),
            order=choose((USUAL, "rzn")),
            reset=choose(("after", "before")),
            reverse=choose((False, True)),
        )

    @property
    def gates(self) -> str:
        return self.order

    @property
    def functions(self) -> tuple[Activation, ...]:
        return (sigmoid(), tanh())

    @property
    def carried_terms(self) -> int:
        return self.units * 3 + 1

    def step(self, here: Here[T], t: int, x: T, states: tuple[T, ...]) -> tuple[T, ...]:
        ops, (h,) = here.ops, states
        zr = here.site(f"zr_{t}", self.summed(here, x, h, "zr"))
        gates = here.site(f"gates_{t}", ops.activate(sigmoid(), zr))
        z, r = self.split(ops, gates, 2)
        if self.reset == "after":
            inner = here.site(f"inner_{t}", self.summed(here, None, h, "n"))
            reset = here.site(f"reset_{t}", ops.multiply(r, inner))
            features = shape_of(x)[1] + bool(self.biases)
            own = self.summed(here, x, None, "n", 1)
            n = ops.sum_of_charged([own, ops.as_summand(reset, features)])
        else:
            reset = here.site(f"reset_{t}", ops.multiply(r, h))
            n = self.summed(here, x, reset, "n")
        n = here.site(f"n_{t}", n)
        new = here.site(f"new_{t}", ops.activate(tanh(), n))
        # As n + z ⊙ (h − n), it rounds twice at the sizes of z ⊙ h and of n.
        kept = ops.charged(ops.multiply(z, h), 1)
        room = ops.subtract(ops.charged(new, 2), new)
        taken = ops.add(ops.multiply(self.rest(ops, z), new), room)
        return (here.site(f"state_{t}", ops.add(kept, taken)),)

    def rest(self, ops: Any, z: T) -> T:
        """1 − z."""
        found: T = ops.subtract(ops.exact(np.ones(shape_of(z), np.float16)), z)
        return found

    def step_back(
        self, here: Here[T], t: int, before: tuple[T, ...], back: tuple[Any, ...], further: int
    ) -> tuple[Any, ...]:
        """The new part first, then the gates; after the product the reset is one of it.

        ::

        n̄ = h̄_t ⊙ (1 − z) ⊙ (1 − tanh²),   z̄ = h̄_t ⊙ (h_{t−1} − tanh n) ⊙ σ′,   r̄ = r̂ ⊙ s ⊙ σ′,
        r̂ = n̄ and s = h_{t−1} U + b′ after the product, r̂ = n̄ Uᵀ and s = h_{t−1} before it,
        h̄_{t−1} = h̄_t ⊙ z + [z̄, r̄] Uᵀ + (n̄ ⊙ r) Uᵀ, or r̂ ⊙ r for the last
        """
        ops, (state,), (h,) = here.ops, back, before
        gates, new = here.value(f"gates_{t}"), here.value(f"new_{t}")
        z, r = self.split(ops, gates, 2)
        # h̄ ⊙ (1 − z), or h̄ − h̄ ⊙ z.
        taken = ops.charged(ops.subtract(state, ops.multiply(state, z)), 1)
        n_back = here.site(f"n_back_{t}", ops.vjp(tanh(), here.value(f"n_{t}"), new, taken))
        # h ⊙ h̄ − n ⊙ h̄ rounds at the size of either.
        z_arrived = ops.subtract(ops.multiply(state, h), ops.multiply(state, new))
        block = [self.order.index("n")]
        kernel = here.value("recurrent_kernel")
        by_new = ops.transpose(self.block(ops, kernel, block))
        if self.reset == "after":
            r_arrived = ops.multiply(n_back, here.value(f"inner_{t}"))
            inner_back = here.site(f"inner_back_{t}", ops.multiply(n_back, r))
        else:
            reset_back = here.site(f"reset_back_{t}", ops.matmul(n_back, by_new))
            r_arrived = ops.multiply(reset_back, h)
        arrived = here.site(f"gates_back_{t}", ops.concatenated([z_arrived, r_arrived]))
        zr_back = here.site(
            f"zr_back_{t}", ops.vjp(sigmoid(), here.value(f"zr_{t}"), gates, arrived)
        )
        z_back, r_back = self.split(ops, zr_back, 2)
        by_gate = {"z": z_back, "r": r_back, "n": n_back}
        here.site(f"z_back_{t}", ops.concatenated([by_gate[gate] for gate in self.order]))
        kept = here.site(f"kept_back_{t}", ops.multiply(state, z))
        parts = [ops.as_summand(kept, 3 * self.units + further)]
        others = [self.order.index(gate) for gate in "zr"]
        by_gates = ops.transpose(self.block(ops, kernel, others))
        parts.append(ops.matmul(zr_back, by_gates, self.units + 1 + further))
        if self.reset == "after":
            parts.append(ops.matmul(inner_back, by_new, 2 * self.units + 1 + further))
        else:
            through = ops.multiply(reset_back, r)
            parts.append(ops.as_summand(through, 2 * self.units + 1 + further))
        return (here.site(f"carried_{t}", ops.sum_of_charged(parts)),)

    def recurrent_back(self, here: Here[T], steps: int) -> T:
        """After the product, the new part is multiplied by the reset gate on its way."""
        if self.reset == "before":
            return self.summed_back(here, steps)
        found = []
        for t in range(steps):
            z_back, r_back = self.split(here.ops, here.value(f"zr_back_{t}"), 2)
            by_gate = {"z": z_back, "r": r_back, "n": here.value(f"inner_back_{t}")}
            found.append(here.ops.concatenated([by_gate[gate] for gate in self.order]))
        return stacked(here.ops, found)

    def recurrent_gradient(self, here: Here[T], inputs: Sequence[T], further: int) -> T:
        """Before the product, what the columns of the new part multiply is r ⊙ h_{t−1}."""
        if self.reset == "after":
            return super().recurrent_gradient(here, inputs, further)
        ops, steps = here.ops, shape_of(inputs[0])[1]
        h = stacked(ops, self.multiplied(here, inputs))
        reset = stacked(ops, [here.value(f"reset_{t}") for t in range(steps)])
        back = self.summed_back(here, steps)
        samples, _, width = shape_of(back)
        rows = ops.reshaped(back, (samples * steps, width))
        blocks = [
            contract(
                ops,
                "ntd,ntk->dk",
                reset if gate == "n" else h,
                ops.reshaped(part, (samples, steps, self.units)),
                further,
            )
            for gate, part in zip(self.order, self.split(ops, rows, 3), strict=True)
        ]
        return ops.concatenated(blocks)

    def latex(self, symbols: Symbols) -> Formulas:
        return recurring_latex.of_gru(self, symbols)

    def summary(self) -> str:
        """``8 units, last state``, another order of the gates, and where it resets."""
        told = super().summary() + f", {self.order}" * (self.order != USUAL)
        return told + ", reset before" * (self.reset == "before")

    def keras(self, *inputs: Shape) -> Port:
        known = self.biases in (0, "stacked" if self.reset == "after" else 1)
        if not known or self.states or self.order != USUAL:
            return recurring_twins.plain_keras(self, *inputs)
        import keras

        after = self.reset == "after"
        return recurring_twins.own_keras(self, keras.layers.GRU, reset_after=after)

    def torch(self, *inputs: Shape) -> Port:
        if self.biases not in (0, 2) or self.order != "rzn" or self.reset == "before":
            return recurring_twins.plain_torch(self, *inputs)
        from torch import nn

        return recurring_twins.own_torch(self, nn.GRU, inputs)

    def jax(self, *inputs: Shape) -> Port:
        return recurring_twins.plain_jax(self)

    def cell(self, array: Any, p: Any, x: Any, states: tuple[Any, ...]) -> tuple[Any, ...]:
        """One step as a twin of operations has it."""
        (h,) = states
        gate, new = array.function(sigmoid()), array.function(tanh())
        first, second = recurring_twins.biases(self, p)
        own, recurrent = x @ p["kernel"] + first, h @ p["recurrent_kernel"] + second
        n = self.units
        place = {each: slice(k * n, (k + 1) * n) for k, each in enumerate(self.order)}
        z, r = (gate(own[:, place[each]] + recurrent[:, place[each]]) for each in "zr")
        if self.reset == "after":
            taken = new(own[:, place["n"]] + r * recurrent[:, place["n"]])
        else:
            again = (r * h) @ p["recurrent_kernel"][:, place["n"]]
            again = again + recurring_twins.columns(second, place["n"])
            taken = new(own[:, place["n"]] + again)
        return (z * h + (1 - z) * taken,)


PART = GRU
