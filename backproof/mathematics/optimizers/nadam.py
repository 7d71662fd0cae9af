"""nadam: Adam with Nesterov's momentum; W − learning_rate·n̂/(√v̂ + ε).

With n̂ = μₜ₊₁·m/(1 − Πₜ₊₁) + (1 − μₜ)·g/(1 − Πₜ), m and v̂ as in adam, t counting the steps from 1,
μₜ = β₁·(1 − ½·0.96^(momentum_decay·t)) and Πₜ = μ₁·…·μₜ (Dozat, Incorporating Nesterov momentum
into Adam, ICLR workshop 2016, algorithm 2).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import ceil
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from flint import arb, ctx

from backproof.mathematics.arithmetic.running_means import (
    CONVERTED,
    FRACTION_BITS,
    POWER,
    averaged,
    charged_at,
    complement_roundings,
    corrected,
    uncorrected,
)
from backproof.mathematics.checking import check_fields, finite
from backproof.mathematics.errors import UsageError
from backproof.mathematics.latex import complement, shown
from backproof.mathematics.optimizers import Optimizer
from backproof.mathematics.optimizers.written import exactly, in_keras, in_torch

if TYPE_CHECKING:
    from backproof.mathematics.arithmetic.operations import Ops

T = TypeVar("T")

WARMING = 0.96
"""The base of the schedule, as the paper and the frameworks have it."""
# In how many roundings μₜ is reached. Of p = 0.96^x, x = momentum_decay·t: those of a power, and
# for its base and exponent, which are held and multiplied, x·u and x·|log 0.96|·2u, 1.1·x·u
# together. x·p is at most 1/(e·|log 0.96|) = 9.02, p at most 1, and μ errs by ½p/(1 − ½p) ≤ p times
# as much as p. Besides β₁ is held, and there are a difference and a product.
MOMENTUM = POWER + 10 + 3


@dataclass(frozen=True)
class Nadam(Optimizer):
    """Adaptive moments, with the momentum of the next step in this one.

    ``momentum_decay``: how fast the schedule of μ ends: 0.004 in the paper and PyTorch, 1 in Keras;
    None for μ = β₁ at every step. ``next_correction``: False for code that corrects m as Adam does,
    by 1 − Πₜ (Ruder, An overview of gradient descent optimization algorithms, arXiv:1609.04747).
    """

    learning_rate: float = 0.002
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8
    momentum_decay: float | None = 0.004
    next_correction: bool = True

    name: ClassVar[str] = "nadam"
    SLOTS: ClassVar[tuple[str, ...]] = ("first_moment", "second_moment")
    SQUARES: ClassVar[tuple[str, ...]] = ("second_moment",)
    COUNTS: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_fields(self)
        finite("Nadam", learning_rate=self.learning_rate, epsilon=self.epsilon)
        finite("Nadam", momentum_decay=self.momentum_decay or 0.0)
        if not (0 <= self.beta_1 < 1 and 0 <= self.beta_2 < 1 and self.epsilon > 0):
            raise UsageError(f"{self}: beta_1 and beta_2 lie in [0, 1), epsilon above 0")
        if self.momentum_decay is not None and self.momentum_decay < 0:
            raise UsageError(f"{self}: momentum_decay is 0 or more, or None")

    def latex(self) -> list[str]:
        g = r"\frac{\partial L}{\partial W}"
        one, two = shown(self.beta_1), shown(self.beta_2)

        def momentum(t: str) -> str:
            if self.momentum_decay is None:
                return one
            power = rf"{shown(WARMING)}^{{{shown(self.momentum_decay)} \cdot {t}}}"
            return rf"{one} \cdot (1 - 0.5 \cdot {power})"

        of_next = r"\rho \cdot \nu" if self.next_correction else r"\rho"
        ahead = rf"\frac{{\nu}}{{1 - {of_next}}} m + \frac{{1 - \mu}}{{1 - \rho}} {g}"
        return [
            rf"m \leftarrow {one}\, m + {shown(complement(self.beta_1))}\, {g}, \qquad "
            rf"v \leftarrow {two}\, v + {shown(complement(self.beta_2))} \left( {g} \right)^2",
            rf"\mu = {momentum('t')}, \qquad \nu = {momentum('(t + 1)')}, \qquad "
            rf"\rho = \prod_{{i=1}}^{{t}} {momentum('i')}",
            rf"\hat v = v / (1 - {two}^t)",
            rf"W \leftarrow W - {shown(self.learning_rate)} \left( {ahead} \right) / "
            rf"(\sqrt{{\hat v}} + \varepsilon), \qquad \varepsilon = {shown(self.epsilon)}",
        ]

    def shares(self, count: int) -> tuple[tuple[Fraction, int], tuple[Fraction, int]]:
        """What m and the gradient are multiplied by, and the roundings in which each is reached."""
        if self.momentum_decay is None:
            now = following = Fraction(self.beta_1)
            held, of_rest = 1, complement_roundings(self.beta_1)
            rest, roundings = uncorrected(self.beta_1, count)
            rest_next, roundings_next = uncorrected(self.beta_1, count + 1)
        else:
            schedule = self.beta_1, self.momentum_decay
            now, following = momentum_at(*schedule, count + 1), momentum_at(*schedule, count + 2)
            held, of_rest = MOMENTUM, ceil(MOMENTUM * now / (1 - now)) + 1
            rest, roundings = rest_of(*schedule, count + 1)
            rest_next, roundings_next = rest_of(*schedule, count + 2)
        if not self.next_correction:
            rest_next, roundings_next = rest, roundings
        ahead = following / rest_next, held + roundings_next + CONVERTED
        return ahead, ((1 - now) / rest, of_rest + roundings + CONVERTED)

    def change(
        self, ops: Ops[T], w: T, gradient: T, slots: Mapping[str, T], count: int
    ) -> tuple[T, dict[str, T]]:
        m = averaged(ops, slots["first_moment"], gradient, self.beta_1)
        v = averaged(ops, slots["second_moment"], ops.multiply(gradient, gradient), self.beta_2)
        change = ops.add(*self.parts(ops, m, v, gradient, count))
        return charged_at(ops, change, w, 2), {"first_moment": m, "second_moment": v}

    def parts(self, ops: Ops[T], m: T, v: T, gradient: T, count: int) -> tuple[T, T]:
        """What a step takes off for the new moments and for the gradient itself.

        Code may apply the rate to each, and divide and take off each by itself.
        """
        size = ops.sqrt(corrected(ops, v, self.beta_2, count))
        size = ops.add(size, ops.constant(self.epsilon, v, 1))
        rate = Fraction(self.learning_rate)

        def part(value: T, share: Fraction, roundings: int) -> T:
            by = ops.constant(rate * share, v, roundings + 1)
            return ops.divide(ops.multiply(value, by), size)

        ahead, own = self.shares(count)
        return part(m, *ahead), part(gradient, *own)

    def products(self) -> tuple[float, ...]:
        """Π₀ = 1, Π₁, … until 1 − Πₜ is 1 in every dtype."""
        return products_of(self.beta_1, self.momentum_decay)

    def momentum(self, t: Any) -> Any:
        """μₜ, of a number or an array of a framework."""
        if self.momentum_decay is None:
            return self.beta_1 + 0 * t
        return self.beta_1 * (1 - 0.5 * WARMING ** (self.momentum_decay * t))

    def keras(self) -> Any:
        """Keras's own keeps Π in itself, where no state can be put, and β in float32."""
        import keras

        return in_keras(keras.optimizers.Adam, self._keras_step)(self.learning_rate)

    def _keras_step(self, made: Any, gradient: Any, variable: Any, learning_rate: Any) -> None:
        from keras import ops

        index = made._get_variable_index(variable)
        m, v = made._momentums[index], made._velocities[index]
        one, two = exactly(self.beta_1, variable), exactly(self.beta_2, variable)
        m.assign(one * m + (1 - one) * gradient)
        v.assign(two * v + (1 - two) * ops.square(gradient))
        t = ops.cast(made.iterations + 1, variable.dtype)

        def momentum(t: Any) -> Any:
            if self.momentum_decay is None:
                return one
            passed = exactly(self.momentum_decay, variable) * t
            return one * (1 - 0.5 * ops.power(exactly(WARMING, variable), passed))

        known = exactly(self.products(), variable)
        place = ops.minimum(ops.cast(made.iterations + 1, "int32"), len(self.products()) - 1)
        now, following, product = momentum(t), momentum(t + 1), ops.take(known, place)
        of_next = product * following if self.next_correction else product
        ahead = following * m / (1 - of_next) + (1 - now) * gradient / (1 - product)
        size = ops.sqrt(v / (1 - ops.power(two, t))) + exactly(self.epsilon, variable)
        variable.assign_sub(learning_rate * ahead / size)

    def keras_slots(self) -> dict[str, tuple[str, float]]:
        return {"first_moment": ("_momentums", 1.0), "second_moment": ("_velocities", 1.0)}

    def torch(self, parameters: Iterator[Any]) -> Any:
        """PyTorch's own has the schedule, and the paper's correction."""
        import torch

        if self.momentum_decay is None or not self.next_correction:
            return in_torch(parameters, self._torch_change)
        return torch.optim.NAdam(
            parameters,
            self.learning_rate,
            betas=(self.beta_1, self.beta_2),
            eps=self.epsilon,
            momentum_decay=self.momentum_decay,
        )

    def _torch_change(self, w: Any, gradient: Any, state: dict[str, Any]) -> Any:
        """Without a schedule, or with Adam's correction of m."""
        m = state["exp_avg"].lerp_(gradient, 1 - self.beta_1)
        v = state["exp_avg_sq"].mul_(self.beta_2)
        v = v.addcmul_(gradient, gradient, value=1 - self.beta_2)
        state["step"] += 1
        t = state["step"].item()
        product = state["mu_product"].item() * self.momentum(t)
        following = self.momentum(t + 1)
        of_next = product * following if self.next_correction else product
        ahead = following / (1 - of_next) * m
        ahead = ahead + (1 - self.momentum(t)) / (1 - product) * gradient
        return self.learning_rate * ahead / ((v / (1 - self.beta_2**t)).sqrt() + self.epsilon)

    def torch_slots(self) -> dict[str, str]:
        return {"first_moment": "exp_avg", "second_moment": "exp_avg_sq"}

    def torch_counted(self, made: Any, count: int) -> None:
        """PyTorch keeps Π beside the count."""
        import torch

        super().torch_counted(made, count)
        known = self.products()
        product = known[min(count, len(known) - 1)]
        for group in made.param_groups:
            for parameter in group["params"]:
                held = torch.tensor(product, dtype=torch.float64)
                made.state[parameter]["mu_product"] = held

    def jax(self, w: Any, gradient: Any, slots: Mapping[str, Any], t: Any) -> Any:
        import jax.numpy as jnp

        m = self.beta_1 * slots["first_moment"] + (1 - self.beta_1) * gradient
        v = self.beta_2 * slots["second_moment"] + (1 - self.beta_2) * jnp.square(gradient)
        known = jnp.asarray(self.products(), gradient.dtype)
        place = jnp.minimum(jnp.asarray(t, jnp.int32), len(known) - 1)
        product, following = known[place], self.momentum(t + 1)
        of_next = product * following if self.next_correction else product
        ahead = following * m / (1 - of_next) + (1 - self.momentum(t)) * gradient / (1 - product)
        size = jnp.sqrt(v / (1 - self.beta_2**t)) + self.epsilon
        return self.learning_rate * ahead / size, {"first_moment": m, "second_moment": v}


@lru_cache
def warming(decay: float) -> int:
    """0.96^decay in units of 2^−FRACTION_BITS."""
    with ctx.workprec(FRACTION_BITS + 64):
        power = arb(WARMING) ** arb(decay)
        found = (power * arb(2) ** FRACTION_BITS).mid().floor().unique_fmpz()
    assert found is not None
    return int(found)


def factor(beta: float, power: int) -> int:
    """β₁·(1 − ½p), all in units of 2^−FRACTION_BITS."""
    top, below = beta.as_integer_ratio()
    return ((1 << FRACTION_BITS) - (power >> 1)) * top // below


@lru_cache
def momentum_at(beta: float, decay: float, t: int) -> Fraction:
    """μₜ; what is left out is less than any arithmetic here can tell from 0."""
    one = 1 << FRACTION_BITS
    power, square, left = one, warming(decay), t
    while left:
        if left % 2:
            power = power * square >> FRACTION_BITS
        square, left = square * square >> FRACTION_BITS, left // 2
    return Fraction(factor(beta, power), one)


@lru_cache
def rest_of(beta: float, decay: float, t: int) -> tuple[Fraction, int]:
    """1 − Πₜ, and the roundings in which it is reached: of each factor its own, and a product."""
    one, by = 1 << FRACTION_BITS, warming(decay)
    product = power = one
    for _ in range(t):
        power = power * by >> FRACTION_BITS
        product = product * factor(beta, power) >> FRACTION_BITS
        if not product:
            return Fraction(1), 0
    share = Fraction(product, one)
    return 1 - share, ceil((MOMENTUM + 1) * t * share / (1 - share)) + 2


@lru_cache
def products_of(beta: float, decay: float | None) -> tuple[float, ...]:
    """See `Nadam.products`."""
    found, t = [1.0], 0
    while found[-1] > 2.0**-80:
        t += 1
        share = beta if decay is None else beta * (1 - 0.5 * WARMING ** (decay * t))
        found.append(found[-1] * share)
    return tuple(found)


PART = Nadam
