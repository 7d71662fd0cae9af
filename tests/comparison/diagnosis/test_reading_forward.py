"""The forward pass, read from its own values where it is shown, else by trying it."""

from __future__ import annotations

import numpy as np
import pytest

from backproof.mathematics.layers.blocks import Residual
from backproof.mathematics.layers.dense import Dense
from backproof.mathematics.network.loss import Loss
from backproof.mathematics.network.network import Network
from tests.comparison.diagnosis.by_hand import by_hand, chain, said

THREE = chain((5, 6, 6, 3))
SHOWN = ("activation", "loss", "gradient")
EVERY = "in every hidden layer: the activation"


@pytest.mark.parametrize(
    ("activation", "told"),
    [
        (lambda z: np.tanh(1.5 * z), "is tanh(1.5 * z); it should be tanh(z)"),
        (lambda z: np.tanh(z + 0.3), "is tanh(z + 0.3); it should be tanh(z)"),
        (
            lambda z: np.where(z > 2, 1, np.tanh(z)),
            "is 1 where z > 2; it should be tanh(z) everywhere",
        ),
        (
            lambda z: np.where(np.abs(z) < 0.25, z, np.tanh(z)),
            "is z where abs(z) < 0.25; it should be tanh(z) everywhere",
        ),
        (lambda z: np.round(np.tanh(z), 4), "is round(tanh(z), 4); it should be tanh(z)"),
    ],
)
def test_another_function_of_the_pre_activation_is_told(activation, told: str) -> None:
    sentence = said(THREE, by_hand(activation=activation, shown=True), given=SHOWN)
    assert sentence.startswith(f"{EVERY} {told}")


@pytest.mark.parametrize(
    ("weighted", "told"),
    [
        (lambda x, w, b: x @ w + 3 * b, "tanh(z + 2 * b); it should be tanh(z)"),
        (lambda x, w, b: x @ np.abs(w) + b, "tanh(b + x @ abs(W)); it should be tanh(x @ W + b)"),
    ],
)
def test_what_the_activation_was_taken_of_is_told(weighted, told: str) -> None:
    sentence = said(THREE, by_hand(weighted=weighted, shown=True), given=SHOWN)
    assert told in sentence


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            {"weighted": lambda x, w, b: x[:, :-1] @ w[:-1] + b},
            "in every layer: the weighted sum leaves out its last input and its weight; it should "
            "be x @ W + b, over all inputs",
        ),
        ({"activation": lambda z: np.round(np.tanh(z), 5)}, f"{EVERY} is round(tanh(z), 5);"),
        (
            {"output": lambda z: np.maximum(z, 0)},
            "in dense_3: the activation is relu(z), but not its slope; it should be z",
        ),
    ],
)
def test_what_is_not_shown_is_told_by_trying_it(change, told: str) -> None:
    assert said(THREE, by_hand(**change)).startswith(told)


def test_what_a_sum_of_branches_is_made_of_is_told() -> None:
    network = Network(
        (Dense(5, 4, "tanh"), Residual(Dense(4, 4, "tanh")), Dense(4, 2)), Loss("squared_error")
    )

    def subject(p, batch):
        w = {n: p[f"dense_{n}/kernel"] for n in (1, 2, 3)}
        b = {n: p[f"dense_{n}/bias"] for n in (1, 2, 3)}
        x, n = batch.inputs, len(batch.inputs)
        one = np.tanh(x @ w[1] + b[1])
        two = np.tanh(one @ w[2] + b[2])
        joined = 0.5 * one + two
        out = joined @ w[3] + b[3]
        d3 = 2 * (out - batch.targets) / n
        back = d3 @ w[3].T
        d2 = back * (1 - two**2)
        d1 = (back + d2 @ w[2].T) * (1 - one**2)
        found = {"loss": np.sum((out - batch.targets) ** 2) / n, "activation/add_1": joined}
        for k, inputs, d in ((1, x, d1), (2, one, d2), (3, joined, d3)):
            found[f"gradient/dense_{k}/kernel"] = inputs.T @ d
            found[f"gradient/dense_{k}/bias"] = d.sum(axis=0)
        return found

    assert said(network, subject, given=SHOWN) == (
        "in add_1: what it gives is dense_2 + 0.5 * dense_1; it should be dense_2 + dense_1"
    )
