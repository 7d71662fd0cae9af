"""Declared errors: one at a time where they are few, random where they are many."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from backproof.mathematics.arithmetic.balls.operations import BallOps
from backproof.mathematics.arithmetic.floating import Float
from backproof.mathematics.arithmetic.random import each_alone, spread, trial
from backproof.mathematics.arithmetic.random.each_alone import DeclaredErrors
from backproof.mathematics.arithmetic.random.spread import Spread, spreads
from backproof.mathematics.arithmetic.rounding.model import Rounding
from backproof.mathematics.definition.evaluate import evaluate
from backproof.mathematics.functions import Activation
from backproof.mathematics.layers.dense import Dense
from backproof.mathematics.network.loss import Loss
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.parameters import Batch

ERROR = 1e-4
SIZES = (3, 6, 6, 4)
NETWORK = Network(
    tuple(Dense(a, b, "sigmoid") for a, b in pairwise(SIZES)),
    Loss("squared_error", batch="sum", scale=0.5),
)
random = np.random.default_rng(13)
STATE = {name: 0.6 * random.normal(size=shape) for name, shape in NETWORK.shapes().items()}
BATCH = Batch(random.normal(size=(2, 3)), random.integers(0, 2, size=(2, 4)).astype(float))
DECLARED = replace(Rounding.of("float64"), absolute=(("sigmoid", ERROR),))
ERRORS = 2 * sum(SIZES[1:])


class Table(Float):
    """A sigmoid that is off by given amounts, one for each of its values."""

    def __init__(self, errors: np.ndarray) -> None:
        self.errors = errors

    def activate(self, f: Activation, z: np.ndarray) -> np.ndarray:
        own, self.errors = self.errors[: z.size], self.errors[z.size :]
        return f.value(z) + own.reshape(z.shape)


def found_with(errors: np.ndarray) -> dict[str, Any]:
    return evaluate(Table(errors), NETWORK, STATE, BATCH)


def declared(dtype: str = "float64") -> dict[str, Spread]:
    rounding = replace(Rounding.of(dtype), absolute=DECLARED.absolute)
    return spreads(
        lambda ops, intervene: evaluate(ops, NETWORK, STATE, BATCH, intervene),
        rounding,
        chance=1e-12,
    )


def worst_table(name: str, place: tuple[int, ...]) -> np.ndarray:
    """The errors that move one element the most, by central differences."""
    each = ERROR * np.eye(ERRORS)
    moved = [found_with(e)[name][place] - found_with(-e)[name][place] for e in each]
    return ERROR * np.sign(moved)


def all_inside(spread: dict[str, Spread], errors: np.ndarray) -> bool:
    values = found_with(errors)
    return all(
        bool((np.abs(values[name] - each.value) <= each.radius).all())
        for name, each in spread.items()
    )


TENSORS = [f"gradient/dense_{k}/kernel" for k in (1, 2, 3)]


@pytest.mark.parametrize("name", TENSORS)
def test_the_worst_table_stays_inside_and_takes_up_nearly_all(name: str) -> None:
    spread = declared()
    assert not any(each.unknown for each in spread.values())
    place = np.unravel_index(spread[name].radius.argmax(), spread[name].value.shape)
    errors = worst_table(name, place)
    for table in (errors, -errors):
        assert all_inside(spread, table)
    gap = np.abs(found_with(errors)[name] - spread[name].value)[place]
    assert gap >= 0.9 * spread[name].radius[place]


def test_it_is_narrower_than_balls_which_take_one_number_for_several() -> None:
    spread = declared()
    balls = evaluate(BallOps(DECLARED), NETWORK, STATE, BATCH)
    for name in TENSORS[:2]:
        assert spread[name].radius.max() < 0.6 * np.max(balls[name].radius), name


def test_random_tables_stay_inside_in_every_dtype() -> None:
    draws = np.random.default_rng(1)
    for dtype in ("float64", "float32"):
        spread = declared(dtype)
        assert all(all_inside(spread, draws.uniform(-ERROR, ERROR, ERRORS)) for _ in range(100))


def test_an_error_left_out_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    class Halved(DeclaredErrors):
        def activation(self, f: Activation, z: np.ndarray) -> np.ndarray | None:
            size = super().activation(f, z)
            return None if size is None else size / 2

    monkeypatch.setattr(spread, "DeclaredErrors", Halved)
    assert not all_inside(declared(), worst_table(TENSORS[0], (0, 0)))


def test_of_too_many_errors_the_spread_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    few = declared()
    monkeypatch.setattr(trial, "MOST_ALONE", ERRORS - 1)
    many = declared()
    wider = [many[name].radius.max() / few[name].radius.max() for name in TENSORS]
    assert min(wider) > 1.5
    assert all_inside(many, worst_table(TENSORS[0], (0, 0)))


def test_a_slope_of_the_output_has_its_error_already() -> None:
    """Of sigmoid and tanh, not of elu, whose slope the definition takes of z."""
    from backproof.mathematics import functions

    z = np.array([[-0.5, 0.7]])
    for name, expected in (("sigmoid", True), ("tanh", True), ("elu", False), ("relu", False)):
        f = functions.named(name)
        assert each_alone.takes_output(f, z, f.value(z)) is expected
