"""The accuracy, read by what it is the share of, alone and beside another mistake."""

from __future__ import annotations

import numpy as np
import pytest

from backproof.mathematics.layers.dense import Dense
from backproof.mathematics.network.loss import Loss
from backproof.mathematics.network.network import Network
from tests.comparison.diagnosis.by_hand import said

NETWORK = Network((Dense(4, 6, "tanh"), Dense(6, 3, "softmax")), Loss("categorical_cross_entropy"))
GIVEN = ("loss", "gradient", "accuracy")
RIGHT = "the share of the samples with argmax(a) = argmax(y)"


def classifier(accuracy, slope=lambda h: 1 - h**2):
    """A softmax classifier with an accuracy of its own."""

    def subject(p, batch):
        x, y, n = batch.inputs, batch.targets, len(batch.inputs)
        h = np.tanh(x @ p["dense_1/kernel"] + p["dense_1/bias"])
        z = h @ p["dense_2/kernel"] + p["dense_2/bias"]
        z = z - z.max(axis=1, keepdims=True)
        log_a = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
        a = np.exp(log_a)
        d2 = (a - y) / n
        d1 = d2 @ p["dense_2/kernel"].T * slope(h)
        found = {"loss": -np.sum(y * log_a) / n, "accuracy": accuracy(a, y)}
        for k, inputs, d in ((1, x, d1), (2, h, d2)):
            found[f"gradient/dense_{k}/kernel"] = inputs.T @ d
            found[f"gradient/dense_{k}/bias"] = d.sum(axis=0)
        return found

    return subject


def hits(a, y):
    return a.argmax(axis=1) == y.argmax(axis=1)


@pytest.mark.parametrize(
    ("accuracy", "told"),
    [
        (lambda a, y: hits(a, y)[:5].mean(), "that of the first 5 samples alone"),
        (lambda a, y: hits(a, y).sum() / a.size, "right samples divided by that of elements"),
        (lambda a, y: hits(a, y)[::2].mean(), "that of every second sample"),
        (
            lambda a, y: np.mean((np.argsort(-a, axis=1)[:, :2] == y.argmax(1)[:, None]).any(1)),
            "that of the 2 largest outputs (top 2)",
        ),
    ],
)
def test_what_the_accuracy_is_the_share_of_is_told(accuracy, told: str) -> None:
    sentence = said(NETWORK, classifier(accuracy), given=GIVEN)
    assert told in sentence
    assert sentence.endswith(RIGHT)


def test_an_accuracy_is_told_beside_a_wrong_slope() -> None:
    wrong = classifier(lambda a, y: hits(a, y)[:5].mean(), slope=lambda h: 1 - h)
    sentence = said(NETWORK, wrong, given=GIVEN)
    assert sentence.startswith("2 faults: in dense_1: the slope is 1 - a;")
    assert "and the accuracy is that of the first 5 samples alone" in sentence


def test_an_accuracy_that_is_no_share_of_anything_is_left_over() -> None:
    sentence = said(NETWORK, classifier(lambda a, y: np.sin(a.sum() + a[0, 0])), given=GIVEN)
    assert "the first tensor to diverge is accuracy" in sentence
