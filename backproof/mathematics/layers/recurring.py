"""Recurrent cells: what `simple_rnn`, `lstm` and `gru` are made of; unrolled, step by step.

A cell has a state, and makes the next one of it and of what comes in at a step. What is summed at a
step, x W + h U and the biases, is one sum, taken as a product of [x, h, 1] with the kernels and
biases below each other: code may add it up in any order. The gradient of a parameter is one sum
over samples and steps. Source of the backward pass: Werbos, Backpropagation through time,
Proceedings of the IEEE 78, 1990.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from backproof.mathematics import functions
from backproof.mathematics.arithmetic.contraction import contract
from backproof.mathematics.errors import UsageError
from backproof.mathematics.layers.attending import shape_of
from backproof.mathematics.layers.layer import Layer, Parameter, Shape, fitting, is_length

if TYPE_CHECKING:
    from backproof.mathematics.arithmetic.operations import Ops
    from backproof.mathematics.functions import Activation
    from backproof.mathematics.layers.here import Here

T = TypeVar("T")


def sigmoid() -> Activation:
    """The function of the gates."""
    return functions.named("sigmoid")


def tanh() -> Activation:
    """The function of what is new."""
    return functions.named("tanh")


class Recurrent(Layer):
    """A cell, at every step of (steps, features).

    ``units``; ``sequences``: whether it gives the state after every step, (steps, units), or the
    last one alone, (units,); ``states``: whether the first states come in too, each (units,), or
    are 0; ``biases``: none, one beside the kernels, or one for each of them; ``reverse``: it begins
    at the last step, and gives each state at its own place.
    """

    units: int
    sequences: bool
    states: bool
    biases: Any
    reverse: bool

    @property
    @abstractmethod
    def gates(self) -> str:
        """A letter for each block of columns of the kernels, in their order."""

    @property
    def held(self) -> int:
        """How many states a cell has."""
        return 1

    @abstractmethod
    def step(self, here: Here[T], t: int, x: T, states: tuple[T, ...]) -> tuple[T, ...]:
        """The states after step t, the output first, of those before and of x (samples, …)."""

    @abstractmethod
    def step_back(
        self, here: Here[T], t: int, before: tuple[T, ...], back: tuple[Any, ...], further: int
    ) -> tuple[Any, ...]:
        """The cotangents of the states before step t, of those after it.

        That of what is summed is left at the site ``z_back_t``. ``further``: how many terms more
        are added to that of the output.
        """

    def check_fields(self) -> None:
        """Raise `UsageError` for what all cells have."""
        name = type(self).__name__
        if not is_length(self.units):
            raise UsageError(f"{name}(units={self.units!r}): give a whole number of at least 1")
        for field in ("sequences", "states", "reverse"):
            if not isinstance(getattr(self, field), bool):
                raise UsageError(f"{name}({field}={getattr(self, field)!r}): give True or False")

    def check_biases(self, *allowed: object) -> None:
        """Raise `UsageError` unless ``biases`` is one of those."""
        told = ", ".join(map(repr, allowed))
        known = type(self.biases) in (int, str) and self.biases in allowed
        if not known:
            raise UsageError(f"{type(self).__name__}(biases={self.biases!r}): choose of {told}")

    def output(self, *inputs: Shape) -> Shape:
        wanted = "one input (steps, features)"
        given = ""
        if self.states:
            given = f", and its first states ({self.units},)" + " twice" * (self.held - 1)
        fit = len(inputs) == 1 + self.states * self.held and len(inputs[0]) == 2
        if not fit or any(shape != (self.units,) for shape in inputs[1:]):
            raise fitting(self.kind, wanted + given, *inputs)
        return (inputs[0][0], self.units) if self.sequences else (self.units,)

    def parameters(self, *inputs: Shape) -> dict[str, Parameter]:
        columns = self.units * len(self.gates)
        fan_in = inputs[0][1]
        found = {
            "kernel": Parameter((fan_in, columns), "kernel", fan_in),
            "recurrent_kernel": Parameter((self.units, columns), "kernel", self.units),
        }
        if self.biases == "stacked":
            found["bias"] = Parameter((2, columns), "bias")
        elif self.biases:
            found["bias"] = Parameter((columns,), "bias")
            if self.biases == 2:
                found["recurrent_bias"] = Parameter((columns,), "bias")
        return found

    def times(self, steps: int) -> list[int]:
        """The steps in the order in which they are taken."""
        return list(range(steps))[:: -1 if self.reverse else 1]

    def forward(self, here: Here[T], *inputs: T) -> T:
        ops, x = here.ops, inputs[0]
        steps = shape_of(x)[1]
        for name in self.parameters(shape_of(x)[1:]):
            here.parameter(name)
        states = self.first(ops, inputs)
        given: dict[int, T] = {}
        for t in self.times(steps):
            states = self.step(here, t, at_step(ops, x, t), states)
            given[t] = states[0]
        if not self.sequences:
            return states[0]
        return stacked(ops, [given[t] for t in range(steps)])

    def first(self, ops: Ops[T], inputs: Sequence[T]) -> tuple[T, ...]:
        """The states before the first step."""
        if self.states:
            return tuple(inputs[1:])
        zeros = np.zeros((shape_of(inputs[0])[0], self.units), np.float16)
        return tuple(ops.exact(zeros) for _ in range(self.held))

    def before(self, here: Here[T], t: int, inputs: Sequence[T]) -> tuple[T, ...]:
        """The states before step t."""
        steps = self.times(shape_of(inputs[0])[1])
        place = steps.index(t)
        if not place:
            return self.first(here.ops, inputs)
        names = ("state", "cell")[: self.held]
        return tuple(here.value(f"{name}_{steps[place - 1]}") for name in names)

    def backward(self, here: Here[T], cotangent: T, *inputs: T) -> tuple[T | None, ...]:
        """Backpropagation through time: from the last step to the first.

        ::

        ∂L/∂W = Σ_t x_tᵀ z̄_t,   ∂L/∂U = Σ_t h_{t−1}ᵀ z̄_t,   ∂L/∂b = Σ_t z̄_t,   x̄_t = z̄_t Wᵀ,
        all over the samples; h̄_{t−1} = ḡ_{t−1} + z̄_t Uᵀ and what else goes from state to state
        """
        ops, x = here.ops, inputs[0]
        steps = self.times(shape_of(x)[1])
        back: tuple[Any, ...] = (None,) * self.held
        for place, t in reversed(list(enumerate(steps))):
            arrived = None
            if self.sequences:
                arrived = at_step(ops, cotangent, t)
            elif t == steps[-1]:
                arrived = cotangent
            state: Any = arrived if back[0] is None else back[0]
            if arrived is not None and back[0] is not None:
                parts = [ops.as_summand(arrived, self.carried_terms), back[0]]
                state = ops.sum_of_charged(parts)
            back = (here.site(f"state_back_{t}", state), *back[1:])
            further = int(self.sequences) if place else 0
            if not place and self.states:
                further = here.further_terms_below(1)
            back = self.step_back(here, t, self.before(here, t, inputs), back, further)
        self.gradients(here, inputs)
        found: list[T | None] = [None] * len(inputs)
        if here.wants():
            found[0] = self.inputs_back(here, inputs)
        for index in range(1, len(inputs)):
            state_back = back[index - 1]
            if here.wants(index) and state_back is not None:
                # The output's is a sum already; a cell's is one term.
                found[index] = state_back if index == 1 else here.passed(state_back, index)
        return tuple(found)

    @property
    def carried_terms(self) -> int:
        """How many terms go from a state's cotangent to that of the one before."""
        return self.units * len(self.gates)

    def summed_back(self, here: Here[T], steps: int) -> T:
        """z̄ of all steps, (samples, steps, columns)."""
        return stacked(here.ops, [here.value(f"z_back_{t}") for t in range(steps)])

    def recurrent_back(self, here: Here[T], steps: int) -> T:
        """What the recurrent kernel and its bias get z̄ of: of most cells the same."""
        return self.summed_back(here, steps)

    def multiplied(self, here: Here[T], inputs: Sequence[T]) -> list[T]:
        """By step, what the recurrent kernel multiplies: the state before."""
        return [self.before(here, t, inputs)[0] for t in range(shape_of(inputs[0])[1])]

    def gradients(self, here: Here[T], inputs: Sequence[T]) -> None:
        """Those of all parameters, each as one sum over samples and steps."""
        ops, x = here.ops, inputs[0]
        steps = shape_of(x)[1]
        own, recurrent = self.summed_back(here, steps), self.recurrent_back(here, steps)
        kernel = contract(ops, "ntd,ntk->dk", x, own, here.further_terms("kernel"))
        here.gradient("kernel", kernel)
        further = here.further_terms("recurrent_kernel")
        here.gradient("recurrent_kernel", self.recurrent_gradient(here, inputs, further))
        if not self.biases:
            return
        further = here.further_terms("bias")
        by_bias = ops.total(own, (0, 1), further)
        if self.biases == 1:
            here.gradient("bias", by_bias)
            return
        by_other = ops.total(recurrent, (0, 1), here.further_terms(self.second_bias))
        if self.biases == "stacked":
            columns = shape_of(by_bias)[0]
            both = ops.concatenated([ops.reshaped(b, (1, columns)) for b in (by_bias, by_other)])
            here.gradient("bias", ops.reshaped(both, (2, columns)))
        else:
            here.gradient("bias", by_bias)
            here.gradient("recurrent_bias", by_other)

    def recurrent_gradient(self, here: Here[T], inputs: Sequence[T], further: int) -> T:
        """∂L/∂U."""
        h = stacked(here.ops, self.multiplied(here, inputs))
        back = self.recurrent_back(here, shape_of(h)[1])
        return contract(here.ops, "ntd,ntk->dk", h, back, further)

    @property
    def second_bias(self) -> str:
        """The parameter that holds the recurrent kernel's own bias."""
        return "bias" if self.biases == "stacked" else "recurrent_bias"

    def inputs_back(self, here: Here[T], inputs: Sequence[T]) -> T:
        """x̄ = z̄ Wᵀ at every step."""
        z_back = self.summed_back(here, shape_of(inputs[0])[1])
        kernel, further = here.value("kernel"), here.further_terms_below()
        return contract(here.ops, "ntk,dk->ntd", z_back, kernel, further)

    def summed(self, here: Here[T], x: T | None, h: T | None, gates: str, further: int = 0) -> T:
        """x W + h U and the biases that belong to them, in the columns of some gates: one sum."""
        ops = here.ops
        columns = [self.gates.index(gate) for gate in gates]
        left, below = [], []
        for value, kernel, bias in ((x, "kernel", 0), (h, "recurrent_kernel", 1)):
            if value is None:
                continue
            left.append(value)
            below.append(ops.transpose(self.block(ops, here.value(kernel), columns)))
            held = self.bias(here, bias, columns)
            if held is not None:
                left.append(ops.exact(np.ones((shape_of(value)[0], 1), np.float16)))
                below.append(ops.reshaped(held, (len(columns) * self.units, 1)))
        kernels = ops.transpose(ops.concatenated(below))
        return ops.matmul(ops.concatenated(left), kernels, further)

    def bias(self, here: Here[T], which: int, columns: Sequence[int]) -> T | None:
        """The columns of the input's bias (0) or of the recurrent one (1), if there is one."""
        if self.biases == "stacked":
            both = here.value("bias")
            width = shape_of(both)[1]
            row = here.ops.gather(both, which * width + np.arange(width)[None])
        elif (self.biases or 0) <= which:
            return None
        else:
            held = here.value("recurrent_bias" if which else "bias")
            row = here.ops.reshaped(held, (1, shape_of(held)[0]))
        return self.block(here.ops, row, columns)

    def block(self, ops: Ops[T], kernel: T, columns: Sequence[int]) -> T:
        """The columns of some gates."""
        if list(columns) == list(range(len(self.gates))):
            return kernel
        rows, width = shape_of(kernel)
        return ops.gather(kernel, np.arange(rows)[:, None] * width + self.places(columns))

    def places(self, columns: Sequence[int]) -> NDArray[np.intp]:
        """Which columns those of some gates are."""
        each = np.arange(self.units)
        return np.concatenate([column * self.units + each for column in columns])

    def split(self, ops: Ops[T], values: T, many: int) -> list[T]:
        """Columns in so many blocks."""
        rows, width = shape_of(values)
        places = np.arange(rows * width).reshape(rows, many, width // many)
        return [ops.gather(values, np.ascontiguousarray(places[:, i])) for i in range(many)]

    def summands(self, *inputs: Shape) -> tuple[int, ...]:
        return (self.units * len(self.gates), self.carried_terms, 1)[: len(inputs)]

    def gradient_summands(self, rows: int, *inputs: Shape) -> dict[str, int]:
        return dict.fromkeys(self.parameters(*inputs), rows * inputs[0][0])

    def products(self, *inputs: Shape) -> int:
        steps, features = inputs[0]
        return steps * (features + self.units) * self.units * len(self.gates)

    def summary(self) -> str:
        """``8 units, last state``."""
        parts = [f"{self.units} unit{'s' * (self.units > 1)}"]
        parts += ["last state"] * (not self.sequences) + ["given states"] * self.states
        parts += [{0: "without bias", 1: ""}.get(self.biases, "two biases")]
        parts += ["reverse"] * self.reverse
        return ", ".join(part for part in parts if part)


def at_step(ops: Ops[T], x: T, t: int) -> T:
    """(samples, features) of step t."""
    samples, steps, features = shape_of(x)
    places = np.arange(samples * steps * features).reshape(samples, steps, features)
    return ops.gather(x, np.ascontiguousarray(places[:, t]))


def stacked(ops: Ops[T], steps: Sequence[T]) -> T:
    """(samples, steps, units) of (samples, units) each."""
    samples, units = shape_of(steps[0])
    return ops.reshaped(ops.concatenated(steps), (samples, len(steps), units))
