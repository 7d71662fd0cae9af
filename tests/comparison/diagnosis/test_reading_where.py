"""Mistakes beyond a threshold, and at some points alone: with one sample, from a step on."""

from __future__ import annotations

import numpy as np
import pytest

from backproof.mathematics.layers.dense import Dense
from backproof.mathematics.network.loss import Loss
from backproof.mathematics.network.network import Network
from backproof.mathematics.optimizers.gradient_descent import GradientDescent
from backproof.mathematics.optimizers.momentum import Momentum
from tests.comparison.diagnosis.by_hand import by_hand, chain, said

FOUR = chain((5, 6, 6, 6, 3))
NAME = "dense_1/kernel"


def line() -> Network:
    return Network((Dense(3, 2, bias=False),), Loss("squared_error"))


def gradient(state, batch):
    return 2 * batch.inputs.T @ (batch.inputs @ state[NAME] - batch.targets) / len(batch.inputs)


@pytest.mark.parametrize(
    ("slope", "told"),
    [
        (
            lambda z, a: np.where(np.abs(z) > 2, 0, 1 - a * a),
            "0 where abs(z) > 2, that is abs(a) > 0.964",
        ),
        (lambda z, a: np.where(z < -0.5, 0.3, 1 - a * a), "the slope is 0.3 where z < -0.5"),
        (lambda z, a: np.where(a > 0.5, 2, 1) * (1 - a * a), "where a > 0.5"),
        (lambda z, a: np.maximum(1 - a * a, 0.2), "the slope is 0.2 where f'(z) < 0.2"),
    ],
)
def test_a_slope_that_is_another_beyond_a_number_is_told_with_it(slope, told: str) -> None:
    wrong = by_hand(slopes={2: lambda z, a, n: slope(z, a)})
    assert told in said(FOUR, wrong)


def test_small_errors_that_are_ignored_are_told() -> None:
    def error(a, y):
        e = a - y
        return 2 * np.where(np.abs(e) < 0.4, 0, e) / len(a)

    assert "in dense_4: the delta is 0 where abs(a - y) < 0.4" in said(FOUR, by_hand(error=error))


def test_a_cotangent_that_is_masked_by_its_own_sign_is_told() -> None:
    """The mask of a rectifier, of what comes back: g > 0 in the place of z > 0."""

    def subject(p, batch):
        x, n = batch.inputs, len(batch.inputs)
        h = np.maximum(x @ p["dense_1/kernel"] + p["dense_1/bias"], 0)
        d2 = 2 * (h @ p["dense_2/kernel"] + p["dense_2/bias"] - batch.targets) / n
        g = d2 @ p["dense_2/kernel"].T
        d1 = g * (g > 0)
        return {
            "gradient/dense_1/kernel": x.T @ d1,
            "gradient/dense_1/bias": d1.sum(axis=0),
            "gradient/dense_2/kernel": h.T @ d2,
            "gradient/dense_2/bias": d2.sum(axis=0),
        }

    told = "in dense_1: the slope is (g > 0), g being what arrives; it should be (z > 0)"
    assert said(chain((4, 7, 3), "relu"), subject) == told


def test_small_elements_of_a_gradient_that_are_set_to_zero_are_told() -> None:
    def subject(state, batch):
        g = gradient(state, batch)
        return {f"gradient/{NAME}": np.where(np.abs(g) < 0.2, 0, g)}

    assert "the gradient is 0 where abs(g) < 0.2" in said(line(), subject)


def test_a_row_that_a_loop_leaves_out_is_told() -> None:
    def subject(state, batch):
        g = gradient(state, batch)
        g[1:] = 0
        return {f"gradient/{NAME}": g}

    assert "the gradient is 0 in all rows beyond the first 1" in said(line(), subject)


def test_what_is_wrong_with_one_sample_alone_is_told_so() -> None:
    wrong = by_hand(slopes={2: lambda z, a, n: a if n == 1 else 1 - a * a})
    sentence = said(FOUR, wrong)
    assert sentence.startswith("in dense_2: with one sample alone")
    assert "the slope is a; it should be 1 - a**2" in sentence


def test_a_velocity_that_waits_where_the_gradient_is_zero_is_told() -> None:
    def subject(s, batch):
        g, old = gradient(s, batch), s[f"velocity/{NAME}"]
        v = np.where(np.abs(g) < 0.1, old, 0.9 * old + g)
        return {
            f"gradient/{NAME}": g,
            f"updated/{NAME}": s[NAME] - 0.01 * v,
            f"updated/velocity/{NAME}": v,
        }

    sentence = said(line(), subject, Momentum(0.01, 0.9), given=("gradient", "updated"))
    assert "the new velocity is the old one where abs(g) < 0.1" in sentence


def test_gradients_clipped_by_their_common_norm_are_told() -> None:
    def subject(p, batch):
        x, n = batch.inputs, len(batch.inputs)
        h = np.tanh(x @ p["dense_1/kernel"] + p["dense_1/bias"])
        d2 = 2 * (h @ p["dense_2/kernel"] + p["dense_2/bias"] - batch.targets) / n
        d1 = d2 @ p["dense_2/kernel"].T * (1 - h**2)
        grads = {
            "gradient/dense_1/kernel": x.T @ d1,
            "gradient/dense_1/bias": d1.sum(axis=0),
            "gradient/dense_2/kernel": h.T @ d2,
            "gradient/dense_2/bias": d2.sum(axis=0),
        }
        norm = np.sqrt(sum(np.sum(g**2) for g in grads.values()))
        return {name: g * min(1, 3 / norm) for name, g in grads.items()}

    told = "g * min(1, 3 / the norm of all gradients together)"
    assert told in said(chain((4, 7, 3)), subject, GradientDescent(0.1))
