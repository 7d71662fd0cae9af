"""The loss that is reported, read from its own values: other terms, sums, penalties, batches."""

from __future__ import annotations

import numpy as np
import pytest

from backproof.mathematics.network.network import Network
from backproof.mathematics.network.penalty import Penalty
from tests.comparison.diagnosis.by_hand import by_hand, chain, said

THREE = chain((5, 6, 6, 3))
ROWS = {
    "of the last sample alone": lambda a, y: np.sum((a - y)[-1] ** 2) / len(a),
    "of all samples but the first": lambda a, y: np.sum((a - y)[1:] ** 2) / len(a),
    "of the first 4 samples alone": lambda a, y: np.sum((a - y)[:4] ** 2) / len(a),
    "of the first 500 samples alone, by their number": lambda a, y: (
        np.sum((a - y)[:500] ** 2) / min(len(a), 500)
    ),
    "with min(n, 300) for n": lambda a, y: np.sum((a - y) ** 2) / min(len(a), 300),
    "where abs(y) <= 5 alone": lambda a, y: np.sum(np.where(abs(y) <= 5, (a - y) ** 2, 0)) / len(a),
    "of the last output alone": lambda a, y: np.sum((a - y)[:, -1] ** 2) / len(a),
    "with the target of the sample before for y": lambda a, y: (
        np.sum((a - np.roll(y, 1, axis=0)) ** 2) / len(a)
    ),
}
WHOLE = {
    "sqrt(sum of the squared_error / n)": lambda a, y: np.sqrt(np.sum((a - y) ** 2) / len(a)),
    "sum over the samples of max(outputs) of the squared_error": lambda a, y: np.sum(
        ((a - y) ** 2).max(axis=1)
    ),
    "sum of abs(a - y)**3 / n": lambda a, y: np.sum(np.abs(a - y) ** 3) / len(a),
    "round(sum of the squared_error / n, 3)": lambda a, y: np.round(
        np.sum((a - y) ** 2) / len(a), 3
    ),
    "sum of the squared_error / n, with the outputs weighted 1, 0.5, 3": lambda a, y: (
        np.sum((a - y) ** 2 * np.array([1, 0.5, 3])) / len(a)
    ),
    "0.3 * sum of the squared_error": lambda a, y: 0.3 * np.sum((a - y) ** 2),
}


@pytest.mark.parametrize("told", ROWS)
def test_a_loss_of_some_samples_or_other_targets_is_told(told: str) -> None:
    assert said(THREE, by_hand(loss=ROWS[told])) == (
        "the gradients are right; the loss that is reported is another: sum of the squared_error "
        f"/ n ({told}); it should be sum of the squared_error / n"
    )


@pytest.mark.parametrize("told", WHOLE)
def test_what_was_made_of_the_terms_is_told(told: str) -> None:
    assert said(THREE, by_hand(loss=WHOLE[told])) == (
        f"the gradients are right; the loss that is reported is another: {told}; it should be sum "
        "of the squared_error / n"
    )


def test_a_penalty_of_one_layer_alone_in_another_form_or_size_is_told() -> None:
    network = Network(THREE.nodes, THREE.loss, Penalty(l2=0.1))

    def penalised(penalty):
        subject = by_hand()

        def with_penalty(parameters, batch):
            found = subject(parameters, batch)
            kernels = {n: w for n, w in parameters.items() if n.endswith("/kernel")}
            for name, w in kernels.items():
                found[f"gradient/{name}"] = found[f"gradient/{name}"] + 0.2 * w
            return found | {"loss": found["loss"] + 0.1 * penalty(list(kernels.values()))}

        return said(network, with_penalty)

    squares = [
        penalised(lambda ws: sum(np.sum(w**2) for w in ws[:-1])),
        penalised(lambda ws: len(ws) * np.sum(ws[0] ** 2)),
        penalised(lambda ws: sum(np.sqrt(np.sum(w**2)) for w in ws)),
    ]
    told = [each.partition(" + the penalties, ")[2].partition(";")[0] for each in squares]
    odd = penalised(lambda ws: 0.3 * sum(np.sum(w**2) for w in ws))
    assert " + 0.3 * the penalties; it should be " in odd
    assert told == [
        "without that of dense_3/kernel",
        "of dense_1/kernel once for each layer (3 times)",
        "with sqrt(sum of W**2) of each kernel for sum of W**2",
    ]


def test_the_gradient_of_some_samples_alone_is_told_beside_the_right_loss() -> None:
    def of_four(a, y):
        return 2 * (a - y) / len(a) * (np.arange(len(a)) < 4)[:, None]

    assert said(THREE, by_hand(error=of_four)) == (
        "the gradient is taken of the first 4 samples alone; it should be that of every sample, "
        "with its own y and weight"
    )


def test_a_loss_and_its_gradient_of_the_same_other_targets_are_one_mistake() -> None:
    wrong = by_hand(
        error=lambda a, y: 2 * (a - np.abs(y)) / len(a),
        loss=lambda a, y: np.sum((a - np.abs(y)) ** 2) / len(a),
    )
    assert said(THREE, wrong) == (
        "the loss and its gradient are taken with abs(y) for y; it should be those of every "
        "sample, with its own y and weight"
    )
