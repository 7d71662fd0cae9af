"""Optimizers: balls cover a step however it is written, the certified step is the paper's.

The adversary makes its step from the textbook, not from `optimizers`: coefficients held and powers
taken with all the error they may have, terms grouped as this or that framework groups them.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import prod
from random import Random
from typing import Any

import numpy as np
import pytest
from flint import arb

from backproof import Adadelta, Adagrad, Adam, AdamW, Momentum, Nadam, RMSprop
from backproof.mathematics.arithmetic.balls.operations import BallOps
from backproof.mathematics.arithmetic.certified import CertifiedOps
from backproof.mathematics.arithmetic.rounding.model import Rounding
from tests.mathematics.arithmetic.adversary import ONE, ZERO, Adversary
from tests.mathematics.arithmetic.ball_cases import DTYPES, share

OPTIMIZERS: tuple[Any, ...] = (
    Momentum(0.01),
    Momentum(0.1),
    Momentum(0.1, dampening=0.3),
    Momentum(0.3, 0.75, nesterov=True),
    RMSprop(),
    RMSprop(0.1, rho=0.5, inside=True),
    RMSprop(0.1, rho=0.0),
    Adam(),
    Adam(0.1, beta_1=0.3, beta_2=0.5, epsilon_at="raw"),
    Adam(epsilon_at="inside"),
    Adam(0.01, beta_1=0.0),
    Adam(bias_correction=False),
    AdamW(),
    AdamW(0.3, weight_decay=0.5, epsilon_at="raw"),
    Adam(amsgrad=True),
    RMSprop(0.1, momentum=0.5),
    RMSprop(0.1, momentum=0.5, centered=True, inside=True, epsilon=2.0**-6),
    Adagrad(0.1),
    Adagrad(0.1, inside=True, epsilon=2.0**-10),
    Adadelta(0.1, rho=0.5, epsilon=2.0**-10),
    Momentum(0.125, velocity="step"),
    Momentum(0.1, nesterov=True, velocity="change"),
    Nadam(),
    Nadam(0.1, beta_1=0.75, beta_2=0.5, momentum_decay=1.0),
    Nadam(0.01, momentum_decay=None),
    Nadam(0.01, momentum_decay=None, next_correction=False),
)


def state(optimizer: Any, random: Random, dtype: str, least: int = -6) -> dict[str, np.ndarray]:
    """A parameter, its gradient and its slots, of 2**least and more, with zeros among them."""
    held = "float32" if dtype == "bfloat16" else dtype

    def drawn() -> np.ndarray:
        values = [
            random.gauss(0, 1) * 2.0 ** random.randint(least, least + 12) * (random.random() < 0.9)
            for _ in range(6)
        ]
        # Eight bits, which every dtype holds.
        mantissa, exponent = np.frexp(np.reshape(values, (2, 3)))
        return np.ldexp(np.round(mantissa * 256) / 256, exponent).astype(held)

    found = {name: drawn() for name in ("w", "g", *optimizer.SLOTS)}
    for name in optimizer.SQUARES:
        found[name] = np.abs(found[name])
    slots = optimizer.possible({name: found[name] for name in optimizer.SLOTS})
    return found | {name: value.astype(held) for name, value in slots.items()}


def power(m: Adversary, beta: arb, t: int) -> arb:
    """βᵗ, multiplied out or by a function of six ulps."""
    if m.random.random() < 0.5:
        result = ONE
        for _ in range(t):
            result = m.multiply(result, beta)
        return result
    return m.rounded(beta**t, 12 * m.unit)


def complement(m: Adversary, c: arb, beta: arb) -> arb:
    """1 − β, from β as it is held, or as a coefficient of its own."""
    return m.subtract(ONE, beta) if m.random.random() < 0.5 else m.coefficient(1 - c, 1)


def mean(m: Adversary, kept: arb, new: arb, c: float) -> arb:
    """β·kept + (1 − β)·new in two forms."""
    beta = m.coefficient(arb(c), 1)
    share = complement(m, arb(c), beta)
    if m.random.random() < 0.5:
        return m.add(m.multiply(beta, kept), m.multiply(share, new))
    return m.add(kept, m.multiply(m.subtract(new, kept), share))


def by_hand(
    m: Adversary, o: Any, count: int, w: arb, g: arb, slots: dict[str, arb]
) -> tuple[arb, dict[str, arb]]:
    """The parameter and slots after a step of one element."""
    rate = m.coefficient(arb(o.learning_rate), 1)
    if o.name == "momentum":
        return momentum(m, o, rate, w, g, slots["velocity"])
    if o.name == "adagrad":
        total = m.add(slots["sum_of_squares"], m.multiply(g, g))
        epsilon = m.coefficient(arb(o.epsilon), 1)
        size = m.sqrt(m.add(total, epsilon)) if o.inside else m.add(m.sqrt(total), epsilon)
        return m.subtract(w, m.divide(m.multiply(rate, g), size)), {"sum_of_squares": total}
    if o.name == "adadelta":
        return adadelta(m, o, rate, w, g, slots)
    if o.name == "rmsprop":
        v = mean(m, slots["mean_square"], m.multiply(g, g), o.rho)
        epsilon = m.coefficient(arb(o.epsilon), 1)
        after, spread = {"mean_square": v}, v
        if o.centered:
            after["mean_gradient"] = middle = mean(m, slots["mean_gradient"], g, o.rho)
            spread = m.subtract(v, m.multiply(middle, middle))
        size = m.sqrt(m.add(spread, epsilon)) if o.inside else m.add(m.sqrt(spread), epsilon)
        if o.momentum:
            return with_momentum(m, o, rate, w, m.divide(g, size), slots["velocity"], after)
        change = m.multiply(rate, m.divide(g, size))
        if m.random.random() < 0.5:
            change = m.divide(m.multiply(rate, g), size)
        return m.subtract(w, change), after
    if o.name == "nadam":
        return nadam(m, o, count, rate, w, g, slots)
    return adam(m, o, count, rate, w, g, slots)


def scheduled(m: Adversary, o: Any, t: int) -> arb:
    """The momentum of step t, with its base, its exponent and its power as they may be."""
    beta = m.coefficient(arb(o.beta_1), 1)
    if o.momentum_decay is None:
        return beta
    passed = m.multiply(m.coefficient(arb(o.momentum_decay), 1), arb(t))
    warm = m.rounded(m.coefficient(arb(0.96), 1) ** passed, 12 * m.unit)
    return m.multiply(beta, m.subtract(ONE, warm / 2))


def nadam(
    m: Adversary, o: Any, count: int, rate: arb, w: arb, g: arb, slots: dict[str, arb]
) -> tuple[arb, dict[str, arb]]:
    """As Keras and PyTorch have it: in one step, or the two parts taken off one by one."""
    first = mean(m, slots["first_moment"], g, o.beta_1)
    second = mean(m, slots["second_moment"], m.multiply(g, g), o.beta_2)
    product = ONE
    for t in range(1, count + 2):
        product = m.multiply(product, scheduled(m, o, t))
    now, following = scheduled(m, o, count + 1), scheduled(m, o, count + 2)
    of_next = m.multiply(product, following) if o.next_correction else product
    ahead = m.divide(following, m.subtract(ONE, of_next))
    own = m.divide(m.subtract(ONE, now), m.subtract(ONE, product))
    two = m.subtract(ONE, power(m, m.coefficient(arb(o.beta_2), 1), count + 1))
    size = m.add(m.sqrt(m.divide(second, two)), m.coefficient(arb(o.epsilon), 1))
    after = {"first_moment": first, "second_moment": second}
    if m.random.random() < 0.5:
        total = m.add(m.multiply(ahead, first), m.multiply(own, g))
        return m.subtract(w, m.divide(m.multiply(rate, total), size)), after
    for part, value in ((own, g), (ahead, first)):
        w = m.subtract(w, m.multiply(m.multiply(rate, part), m.divide(value, size)))
    return w, after


def adadelta(
    m: Adversary, o: Any, rate: arb, w: arb, g: arb, slots: dict[str, arb]
) -> tuple[arb, dict[str, arb]]:
    v = mean(m, slots["mean_square"], m.multiply(g, g), o.rho)
    u, epsilon = slots["mean_square_of_steps"], m.coefficient(arb(o.epsilon), 1)
    above, below = m.sqrt(m.add(u, epsilon)), m.sqrt(m.add(v, epsilon))
    step = m.multiply(g, m.divide(above, below))
    if m.random.random() < 0.5:
        step = m.divide(m.multiply(g, above), below)
    after = {"mean_square": v, "mean_square_of_steps": mean(m, u, m.multiply(step, step), o.rho)}
    return m.subtract(w, m.multiply(rate, step)), after


def with_momentum(
    m: Adversary, o: Any, rate: arb, w: arb, step: arb, velocity: arb, after: dict[str, arb]
) -> tuple[arb, dict[str, arb]]:
    """In units of the gradient, or of the step, as Keras has it."""
    factor = m.coefficient(arb(o.momentum), 1)
    if m.random.random() < 0.5:
        kept = m.add(m.multiply(factor, velocity), step)
        return m.subtract(w, m.multiply(rate, kept)), {**after, "velocity": kept}
    kept = m.add(m.multiply(factor, m.multiply(rate, velocity)), m.multiply(rate, step))
    return m.subtract(w, kept), {**after, "velocity": m.divide(kept, rate)}


def momentum(
    m: Adversary, o: Any, rate: arb, w: arb, g: arb, velocity: arb
) -> tuple[arb, dict[str, arb]]:
    factor = m.coefficient(arb(o.momentum), 1)
    share = complement(m, arb(o.dampening), m.coefficient(arb(o.dampening), 1))
    added = m.multiply(share, g) if o.dampening else g
    if o.velocity != "gradient":
        sign = -1 if o.velocity == "step" else 1
        kept = m.add(m.multiply(factor, velocity), sign * m.multiply(rate, added))
        move = kept
        if o.nesterov:
            move = m.add(m.multiply(factor, kept), sign * m.multiply(rate, g))
        return m.subtract(w, sign * move), {"velocity": kept}
    if m.random.random() < 0.5:  # kept as −rate·velocity
        kept = m.subtract(m.multiply(factor, m.multiply(-rate, velocity)), m.multiply(rate, added))
        move = kept
        if o.nesterov:
            move = m.subtract(m.multiply(factor, kept), m.multiply(rate, g))
        return m.add(w, move), {"velocity": m.divide(kept, -rate)}
    velocity = m.add(m.multiply(factor, velocity), added)
    direction = m.add(g, m.multiply(factor, velocity)) if o.nesterov else velocity
    return m.subtract(w, m.multiply(rate, direction)), {"velocity": velocity}


def adam(
    m: Adversary, o: Any, count: int, rate: arb, w: arb, g: arb, slots: dict[str, arb]
) -> tuple[arb, dict[str, arb]]:
    first = mean(m, slots["first_moment"], g, o.beta_1)
    second = mean(m, slots["second_moment"], m.multiply(g, g), o.beta_2)
    after = {"first_moment": first, "second_moment": second}
    if o.amsgrad:
        after["largest_second_moment"] = second = second.max(slots["largest_second_moment"])
    epsilon = m.coefficient(arb(o.epsilon), 1)
    one = two = ONE
    if o.bias_correction:
        one, two = (
            m.subtract(ONE, power(m, m.coefficient(arb(beta), 1), count + 1)) if beta else ONE
            for beta in (o.beta_1, o.beta_2)
        )
    if o.epsilon_at == "raw":
        alpha = m.divide(m.multiply(rate, m.sqrt(two)), one)
        step = m.divide(m.multiply(first, alpha), m.add(m.sqrt(second), epsilon))
    else:
        if o.epsilon_at == "inside":
            size = m.sqrt(m.add(m.divide(second, two), epsilon))
        elif m.random.random() < 0.5:
            size = m.add(m.divide(m.sqrt(second), m.sqrt(two)), epsilon)
        else:
            size = m.add(m.sqrt(m.divide(second, two)), epsilon)
        if m.random.random() < 0.5:
            step = m.divide(m.multiply(first, m.divide(rate, one)), size)
        else:
            step = m.multiply(rate, m.divide(m.divide(first, one), size))
    if o.name != "adamw":
        return m.subtract(w, step), after
    decay = m.coefficient(arb(o.weight_decay), 1)
    if m.random.random() < 0.5:
        w = m.multiply(w, m.subtract(ONE, m.multiply(rate, decay)))
    else:
        w = m.subtract(w, m.multiply(m.multiply(w, decay), rate))
    return m.subtract(w, step), after


def unit(o: Any) -> arb:
    """What a velocity in units of the gradient is multiplied by."""
    rate = arb(o.learning_rate)
    return {"gradient": ONE, "step": -rate, "change": rate}[o.velocity]


def exact(o: Any, count: int, w: arb, g: arb, slots: dict[str, arb]) -> tuple[arb, dict[str, arb]]:
    """The paper's step, in Arb, with every coefficient exact."""
    rate = arb(o.learning_rate)

    def average(kept: arb, new: arb, beta: float) -> arb:
        return arb(beta) * kept + (1 - arb(beta)) * new

    if o.name == "momentum":
        velocity = arb(o.momentum) * slots["velocity"] / unit(o) + (1 - arb(o.dampening)) * g
        direction = g + arb(o.momentum) * velocity if o.nesterov else velocity
        return w - rate * direction, {"velocity": velocity * unit(o)}
    if o.name == "adagrad":
        total = slots["sum_of_squares"] + g * g
        size = (total + arb(o.epsilon)).sqrt() if o.inside else total.sqrt() + arb(o.epsilon)
        return w - rate * g / size, {"sum_of_squares": total}
    if o.name == "adadelta":
        v, u = average(slots["mean_square"], g * g, o.rho), slots["mean_square_of_steps"]
        step = g * ((u + arb(o.epsilon)) / (v + arb(o.epsilon))).sqrt()
        u = average(u, step * step, o.rho)
        return w - rate * step, {"mean_square": v, "mean_square_of_steps": u}
    if o.name == "rmsprop":
        v = average(slots["mean_square"], g * g, o.rho)
        after, spread = {"mean_square": v}, v
        if o.centered:
            after["mean_gradient"] = average(slots["mean_gradient"], g, o.rho)
            spread = v - after["mean_gradient"] ** 2
        size = (spread + arb(o.epsilon)).sqrt() if o.inside else spread.sqrt() + arb(o.epsilon)
        step = g / size
        if o.momentum:
            after["velocity"] = step = arb(o.momentum) * slots["velocity"] + step
        return w - rate * step, after
    first = average(slots["first_moment"], g, o.beta_1)
    second = average(slots["second_moment"], g * g, o.beta_2)
    after = {"first_moment": first, "second_moment": second}
    t = count + 1
    if o.name == "nadam":

        def momentum(t: int) -> arb:
            decay = o.momentum_decay
            warm = ZERO if decay is None else arb(0.96) ** (arb(decay) * t)
            return arb(o.beta_1) * (1 - warm / 2)

        product = prod(map(momentum, range(1, t + 1)), start=ONE)
        of_next = product * momentum(t + 1) if o.next_correction else product
        ahead = momentum(t + 1) * first / (1 - of_next) + (1 - momentum(t)) * g / (1 - product)
        size = (second / (1 - arb(o.beta_2) ** t)).sqrt() + arb(o.epsilon)
        return w - rate * ahead / size, after
    if o.amsgrad:
        after["largest_second_moment"] = second = second.max(slots["largest_second_moment"])
    one, two = (1 - arb(o.beta_1) ** t, 1 - arb(o.beta_2) ** t) if o.bias_correction else (ONE, ONE)
    epsilon = arb(o.epsilon)
    if o.epsilon_at == "raw":
        direction = two.sqrt() / one * first / (second.sqrt() + epsilon)
    elif o.epsilon_at == "inside":
        direction = first / one / (second / two + epsilon).sqrt()
    else:
        direction = first / one / ((second / two).sqrt() + epsilon)
    decay = arb(getattr(o, "weight_decay", 0.0))
    return w - rate * direction - rate * decay * w, after


def elements(held: dict[str, np.ndarray]) -> list[dict[str, arb]]:
    """The state of each element in Arb."""
    return [
        {name: arb(float(value.ravel()[i])) for name, value in held.items()}
        for i in range(held["w"].size)
    ]


def stepped(ops: Any, optimizer: Any, held: dict[str, np.ndarray], count: int) -> dict[str, Any]:
    """The step of `optimizers`, in some arithmetic."""
    w, g = ops.exact(held["w"]), ops.exact(held["g"])
    slots = {name: ops.exact(held[name]) for name in optimizer.SLOTS}
    change, after = optimizer.change(ops, w, g, slots, count)
    return {"w": ops.subtract(w, change), **after}


def covers(optimizer: Any, dtype: str, seed: int, arithmetic: Any = BallOps) -> float:
    """The largest share of a radius that the value or an adversary uses; fails beyond 1."""
    random, rounding = Random(seed), Rounding.of(dtype)
    least = round(np.log2(rounding.tiny)) if random.random() < 0.3 else -6
    held, count = state(optimizer, random, dtype, least), random.choice((0, 0, 1, 7, 300))
    with np.errstate(all="ignore"):
        found = stepped(arithmetic(rounding), optimizer, held, count)
    worst = 0.0
    machine = Adversary(rounding, random)
    for _ in range(3):
        sharp, blunt = [], []
        for e in elements(held):
            slots = {name: e[name] for name in optimizer.SLOTS}
            w, after = exact(optimizer, count, e["w"], e["g"], slots)
            sharp.append({"w": w, **after})
            w, after = by_hand(machine, optimizer, count, e["w"], e["g"], slots)
            blunt.append({"w": w, **after})
        for name, ball in found.items():
            truth, computed = ([each[name] for each in rows] for rows in (sharp, blunt))
            worst = max(worst, share(ball, truth, computed, f"{optimizer} {name}, step {count}"))
    return worst


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=str)
def test_a_step_is_covered_however_it_is_written(optimizer: Any, dtype: str) -> None:
    used = [covers(optimizer, dtype, seed) for seed in range(60)]
    assert max(used) > 0.05  # the adversary did something


class Careless(BallOps):
    """Takes coefficients such as 1 − β to be held as well as any other."""

    def constant(self, c: Any, like: Any, roundings: int) -> Any:
        return super().constant(c, like, min(roundings, 1))


class Flushed(BallOps):
    """Takes what underflow loses of −rate·velocity to be no more in units of the velocity."""

    def enlarged(self, factor: float) -> BallOps:
        return self


def test_a_velocity_in_other_units_loses_more_to_underflow() -> None:
    def search() -> None:
        for seed in range(400):
            covers(Momentum(0.01), "float32", seed, Flushed)

    with pytest.raises(AssertionError, match=r"velocity.*but the radius is"):
        search()


@pytest.mark.parametrize("optimizer", [Adam(), RMSprop(0.1, rho=0.99), AdamW()], ids=str)
def test_a_complement_taken_to_be_known_is_caught(optimizer: Any) -> None:
    def search() -> None:
        for seed in range(400):
            covers(optimizer, "float32", seed, Careless)

    with pytest.raises(AssertionError, match="but the radius is"):
        search()


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=str)
@pytest.mark.parametrize("count", [0, 5])
def test_the_certified_step_is_the_papers(optimizer: Any, count: int) -> None:
    held = state(optimizer, Random(count), "float64")
    found = stepped(CertifiedOps(), optimizer, held, count)
    for index, e in enumerate(elements(held)):
        slots = {name: e[name] for name in optimizer.SLOTS}
        w, after = exact(optimizer, count, e["w"], e["g"], slots)
        for name, expected in {"w": w, **after}.items():
            got = found[name].entries[index]
            assert abs(got - expected) < arb(2) ** -1000 * (1 + abs(expected)), name


@pytest.mark.parametrize(
    ("optimizer", "wrong"),
    [
        (Adam(), replace(Adam(), epsilon_at="raw")),
        (Adam(), replace(Adam(), epsilon_at="inside")),
        (Adam(), replace(Adam(), bias_correction=False)),
        (RMSprop(), replace(RMSprop(), inside=True)),
        (Momentum(0.1), Momentum(0.1, nesterov=True)),
    ],
    ids=str,
)
def test_forms_differ(optimizer: Any, wrong: Any) -> None:
    """By far more than their bounds, or no comparison could tell them apart."""
    held = state(optimizer, Random(1), "float64")
    ops = BallOps(Rounding.of("float64"))
    one, other = (stepped(ops, o, held, 3)["w"] for o in (optimizer, wrong))
    gap = np.abs(one.value - other.value)
    assert (gap > 8 * (one.radius + other.radius)).any()


def test_a_power_of_beta_is_exact_or_to_thousands_of_bits() -> None:
    """A squaring doubles what was cut off, and cuts off less than a last bit: at most 4t bits."""
    from backproof.mathematics.arithmetic.running_means import (
        EXACT_POWER,
        FRACTION_BITS,
        uncorrected,
    )

    assert uncorrected(0.999, EXACT_POWER - 1)[0] == 1 - Fraction(0.999) ** EXACT_POWER

    share, roundings = uncorrected(0.999, 2000)
    exact = 1 - Fraction(0.999) ** 2001
    assert 0 < abs(share - exact) <= Fraction(4 * 2001, 2**FRACTION_BITS)
    assert 0 < roundings < 10_000
    assert uncorrected(0.0, 3) == (1, 0)
    assert ZERO + arb(float(share)) < 1
