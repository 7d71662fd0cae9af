"""Steps of adaptive optimizers as people get them wrong, read as quotients of means."""

from __future__ import annotations

import numpy as np
import pytest

from backproof.mathematics.layers.dense import Dense
from backproof.mathematics.network.loss import Loss
from backproof.mathematics.network.network import Network
from backproof.mathematics.optimizers.adam import Adam
from backproof.mathematics.optimizers.adamw import AdamW
from backproof.mathematics.optimizers.gradient_descent import GradientDescent
from backproof.mathematics.optimizers.rmsprop import RMSprop
from tests.comparison.diagnosis.by_hand import said

NAME = "dense_1/kernel"
LINE = Network((Dense(3, 2, bias=False),), Loss("squared_error"))


def gradient(state, batch):
    return 2 * batch.inputs.T @ (batch.inputs @ state[NAME] - batch.targets) / len(batch.inputs)


def adam(step, square=lambda g: g**2):
    """Adam by hand, with another step or another square."""

    def subject(s, batch):
        w, t, g = s[NAME], s["step_count"] + 1, gradient(s, batch)
        m = 0.9 * s[f"first_moment/{NAME}"] + 0.1 * g
        v = 0.999 * s[f"second_moment/{NAME}"] + 0.001 * square(g)
        return {
            f"updated/{NAME}": w - step(w, m, v, t, s),
            f"updated/first_moment/{NAME}": m,
            f"updated/second_moment/{NAME}": v,
        }

    return subject


@pytest.mark.parametrize(
    ("step", "told"),
    [
        (
            lambda w, m, v, t, s: 0.001 * m / (1 - 0.9 * t) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8),
            "rate * m / (1 - beta_1 * t) / (sqrt(v_hat) + eps)",
        ),
        (
            lambda w, m, v, t, s: 0.001 * m / (1 - 0.9**t) / (np.sqrt(v / (1 - 0.999)) + 1e-8),
            "rate * m_hat / (sqrt(v / (1 - beta_2)) + eps)",
        ),
        (
            lambda w, m, v, t, s: 0.001 * m / (1 - 0.9**t) / (np.sqrt(v / (1 - 0.999**t)) + 1e-3),
            "rate * m_hat / (sqrt(v_hat) + 0.001)",
        ),
        (
            lambda w, m, v, t, s: (
                0.001 * s[f"first_moment/{NAME}"] / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
            ),
            "rate * m_old / (sqrt(v_hat) + eps)",
        ),
    ],
)
def test_a_step_of_adam_is_told_as_the_quotient_it_is(step, told: str) -> None:
    sentence = said(LINE, adam(step), Adam(), given=("updated",))
    assert f"the step takes off {told}; it should be rate * m_hat / (sqrt(v_hat) + eps)" in sentence


def test_a_mistake_in_a_slot_and_one_in_the_step_are_two() -> None:
    def step(w, m, v, t, s):
        return 0.001 * m / (1 - 0.9**t) / (np.sqrt(v) + 1e-8)

    sentence = said(LINE, adam(step, np.abs), Adam(), given=("updated",))
    assert sentence.startswith("2 faults: in dense_1/kernel: the new second moment is 0.999 * v + ")
    assert "the step takes off rate * m_hat / (sqrt(v) + eps)" in sentence


def test_one_number_for_a_whole_array_is_told() -> None:
    def step(w, m, v, t, s):
        return 0.001 * m / (1 - 0.9**t) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)

    sentence = said(LINE, adam(step, lambda g: np.mean(g**2)), Adam(), given=("updated",))
    assert "the new second moment is 0.999 * v + 0.001 * mean(g**2)" in sentence


@pytest.mark.parametrize(
    ("step", "told"),
    [
        (
            lambda w, m, v: 0.001 * (m + 0.1 * w) / (np.sqrt(v) + 1e-8),
            "rate * (m_hat + 0.1 * W) / (sqrt(v_hat) + eps)",
        ),
        (lambda w, m, v: 0.001 * m / (np.sqrt(v) + 1e-8) + 0.1 * w, "0.1 * W + rate * m_hat"),
        (
            lambda w, m, v: 0.001 * m / (np.sqrt(v) + 1e-8) + 0.001 * 0.3 * w,
            "rate * 0.3 * W + rate * m_hat",
        ),
    ],
)
def test_a_decay_elsewhere_is_told(step, told: str) -> None:
    def whole(w, m, v, t, s):
        return step(w, m / (1 - 0.9**t), v / (1 - 0.999**t))

    optimizer = AdamW(weight_decay=0.1)
    sentence = said(LINE, adam(whole), optimizer, given=("updated",))
    assert f"the step takes off {told}" in sentence
    assert "it should be rate * 0.1 * W + rate * m_hat / (sqrt(v_hat) + eps)" in sentence


@pytest.mark.parametrize(
    ("size", "told"),
    [
        (lambda v, old: np.sqrt(old) + 1e-7, "(sqrt(v_old) + eps)"),
        (lambda v, old: v + 1e-7, "(v + eps)"),
        (lambda v, old: np.sqrt(v + 1e-2), "sqrt(v + 0.01)"),
    ],
)
def test_a_step_of_rmsprop_is_told(size, told: str) -> None:
    def subject(s, batch):
        g, old = gradient(s, batch), s[f"mean_square/{NAME}"]
        v = 0.9 * old + 0.1 * g**2
        return {
            f"updated/{NAME}": s[NAME] - 0.01 * g / size(v, old),
            f"updated/mean_square/{NAME}": v,
        }

    sentence = said(LINE, subject, RMSprop(0.01), given=("updated",))
    assert f"the step takes off rate * g / {told}; it should be rate * g / (sqrt(v)" in sentence


def test_an_old_parameter_that_is_lost_is_told() -> None:
    def subject(s, batch):
        return {f"updated/{NAME}": -0.1 * gradient(s, batch)}

    sentence = said(LINE, subject, GradientDescent(0.1), given=("updated",))
    assert "the old parameter is lost: the new one is minus rate * g, without W" in sentence
