"""scikit-learn's networks as subjects: what the harness says of them, proven by their own loss.

`MLPRegressor` with several outputs reports a loss that is averaged over them, and follows the
gradient of one that is summed. Both are usual losses; but the one is not the gradient of the
other. All others match. Seen in 1.9.1: `squared_loss` takes the mean over the outputs, while
`_backprop` starts from outputs − targets, and divides by the number of samples alone.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.neural_network import MLPClassifier, MLPRegressor

import backproof
from backproof import Dense, Form, Loss, Network, Penalty, Report
from backproof.comparison.judging.rows import Status
from backproof.implementations import adapters
from backproof.mathematics.arithmetic.balls.operations import BallOps
from backproof.mathematics.arithmetic.rounding.model import Rounding
from backproof.mathematics.definition.evaluate import evaluate
from backproof.mathematics.network.parameters import Batch
from backproof.mathematics.probes.drawn import drawn_batch, drawn_parameters

SAMPLES = 24
HIDDEN = {"identity": "linear", "logistic": "sigmoid", "tanh": "tanh", "relu": "relu"}
# It clips probabilities where their logarithm would be infinite.
FORM = Form("probabilities", clip=float(np.finfo(float).eps))


class MultiLabel(MLPClassifier):
    """The same classifier, of several labels that may hold at once."""


def fitted(kind: Any, outputs: int, activation: str, alpha: float) -> Any:
    """A model with all that `_backprop` needs; its weights are set at each call."""
    model = kind(hidden_layer_sizes=(5,), activation=activation, alpha=alpha, random_state=0)
    inputs = np.random.default_rng(0).normal(size=(SAMPLES, 3))
    if kind is MLPRegressor:
        return model.partial_fit(inputs, np.zeros((SAMPLES, outputs)).squeeze())
    if kind is MultiLabel:
        labels = np.arange(SAMPLES * outputs).reshape(SAMPLES, outputs) % 2
        return model.partial_fit(inputs, labels, classes=np.arange(outputs))
    classes = np.arange(max(outputs, 2))
    return model.partial_fit(inputs, np.arange(SAMPLES) % len(classes), classes=classes)


def subject_of(model: Any) -> Any:
    """Loss and gradient as scikit-learn computes them while it trains."""

    def subject(parameters: Any, batch: Any) -> dict[str, Any]:
        model.coefs_ = [parameters[f"dense_{i}/kernel"] for i in (1, 2)]
        model.intercepts_ = [parameters[f"dense_{i}/bias"] for i in (1, 2)]
        empty = [np.empty(0)] * 2
        loss, kernels, biases = model._backprop(
            batch.inputs,
            batch.targets,
            None,
            [batch.inputs, *empty],
            *(list(empty) for _ in range(3)),
        )
        results = {"loss": loss}
        for i in (1, 2):
            results[f"gradient/dense_{i}/kernel"] = kernels[i - 1]
            results[f"gradient/dense_{i}/bias"] = biases[i - 1]
        return results

    # α is divided by the number of samples, so only batches of one size have one penalty.
    return adapters.fixed_batch(subject, samples=SAMPLES)


def network_of(kind: Any, outputs: int, activation: str, alpha: float) -> Network:
    """What its documentation says: ½ of the mean squared error, or the log loss, and α/2n·ΣW²."""
    layers = [Dense(3, 5, HIDDEN[activation])]
    if kind is MLPRegressor:
        loss, last = Loss("squared_error", outputs="mean", scale=0.5), "linear"
    elif outputs == 1 or kind is MultiLabel:
        loss, last = Loss("binary_cross_entropy"), "sigmoid"
    else:
        loss, last = Loss("categorical_cross_entropy"), "softmax"
    return Network((*layers, Dense(5, outputs, last)), loss, Penalty(l2=0.5 * alpha / SAMPLES))


def judged(kind: Any, network: Network, outputs: int, activation: str, alpha: float) -> Report:
    subject = subject_of(fitted(kind, outputs, activation, alpha))
    if kind is not MLPRegressor:
        subject = adapters.declared(subject, form=FORM)
    stream = np.random.default_rng(7)
    return backproof.verify(
        network,
        subject,
        parameters=drawn_parameters(network, stream),
        batch=drawn_batch(network, stream, SAMPLES),
        references=["torch"],
    )


@pytest.mark.parametrize("alpha", [0.0, 0.5])
@pytest.mark.parametrize("activation", HIDDEN)
@pytest.mark.parametrize(
    ("kind", "outputs"),
    [(MLPClassifier, 1), (MLPClassifier, 3), (MultiLabel, 3), (MLPRegressor, 1)],
)
def test_it_matches(kind: Any, outputs: int, activation: str, alpha: float) -> None:
    network = network_of(kind, outputs, activation, alpha)
    report = judged(kind, network, outputs, activation, alpha)
    assert report.status is Status.MATCH, report.cause


@pytest.mark.parametrize("alpha", [0.0, 0.5])
@pytest.mark.parametrize("activation", HIDDEN)
def test_a_regressor_of_several_outputs_has_the_gradient_of_another_loss(
    activation: str, alpha: float
) -> None:
    """Its loss is the mean over the outputs, its gradient that of the sum."""
    mean = network_of(MLPRegressor, 3, activation, alpha)
    total = replace(mean, loss=replace(mean.loss, outputs="sum"))
    for network, wrong in ((mean, "gradient"), (total, "loss")):
        report = judged(MLPRegressor, network, 3, activation, alpha)
        assert report.exit_status == 1
        assert {r.quantity for r in report.comparisons if r.status is not Status.MATCH} == {wrong}


@pytest.mark.parametrize("alpha", [0.0, 0.5])
@pytest.mark.parametrize("activation", HIDDEN)
@pytest.mark.parametrize(
    ("kind", "outputs", "own"),
    [
        (MLPClassifier, 1, True),
        (MLPClassifier, 3, True),
        (MultiLabel, 3, True),
        (MLPRegressor, 1, True),
        (MLPRegressor, 3, False),
    ],
)
def test_its_own_loss_says_the_same(
    kind: Any, outputs: int, own: bool, activation: str, alpha: float
) -> None:
    """Central differences of scikit-learn's loss, in its arithmetic.

    D(h) = L′ + h²·L‴/6 + …, so D(2h) − D(h) is three times what D(h) is off L′. To that come the
    roundings of two losses, each within the radius r of the definition's, divided by 2h: in D(h)
    and, for the estimate, in D(2h), no more than 4r/h.
    """
    subject = subject_of(fitted(kind, outputs, activation, alpha))
    network = network_of(kind, outputs, activation, alpha)
    stream = np.random.default_rng(7)
    parameters, batch = drawn_parameters(network, stream), drawn_batch(network, stream, SAMPLES)
    model = replace(Rounding.of("float64"), form=Form() if kind is MLPRegressor else FORM)
    r = float(evaluate(BallOps(model), network, parameters, batch)["loss"].radius)
    h = 2.0**-17
    gradients = subject(parameters, batch)
    off, as_summed = [], []
    for name, w in parameters.items():
        # What the penalty has in the gradient, and in that of the loss.
        decay = alpha / SAMPLES * w if name.endswith("kernel") else 0 * w
        for index in np.ndindex(w.shape):
            near, far = (difference(subject, parameters, batch, name, index, s) for s in (h, 2 * h))
            allowed = abs(far - near) + 4 * r / h
            assert allowed < 1e-6
            given = float(gradients[f"gradient/{name}"][index])
            off.append(abs(near - given) > allowed)
            summed = outputs * (near - decay[index]) + decay[index]
            as_summed.append(abs(summed - given) <= outputs * allowed)
    assert any(off) != own
    # It is that of the loss summed over the outputs: so many times as steep, but for the penalty.
    assert own or all(as_summed)


@pytest.mark.parametrize("outputs", [1, 3])
def test_its_training_follows_that_gradient(outputs: int) -> None:
    """By its public methods: one step of plain gradient descent, on all samples.

    In (W − W′)/η the step, rounded at the size of W, is off by u·(|W| + |W′|)/η. Both gradients are
    within the bound of the definition's, of the loss that is summed over the outputs.
    """
    stream = np.random.default_rng(7)
    network = network_of(MLPRegressor, outputs, "tanh", 0.5)
    batch = drawn_batch(network, stream, SAMPLES)
    model = MLPRegressor(
        hidden_layer_sizes=(5,),
        activation="tanh",
        solver="sgd",
        alpha=0.5,
        momentum=0,
        learning_rate_init=0.125,
    )
    targets = batch.targets.squeeze()
    model.partial_fit(batch.inputs, targets)
    before = {
        f"dense_{i}/{name}": array.copy()
        for i in (1, 2)
        for name, array in (("kernel", model.coefs_[i - 1]), ("bias", model.intercepts_[i - 1]))
    }
    gradients = subject_of(fitted(MLPRegressor, outputs, "tanh", 0.5))(before, batch)
    summed = replace(network, loss=replace(network.loss, outputs="sum"))
    balls = evaluate(BallOps(Rounding.of("float64")), summed, before, batch)
    model.partial_fit(batch.inputs, targets)
    for i in (1, 2):
        for name, after in (("kernel", model.coefs_[i - 1]), ("bias", model.intercepts_[i - 1])):
            w = before[f"dense_{i}/{name}"]
            key = f"gradient/dense_{i}/{name}"
            allowed = 2.0**-53 * (np.abs(w) + np.abs(after)) / 0.125 + 2 * balls[key].radius
            assert (np.abs((w - after) / 0.125 - gradients[key]) <= allowed).all()


def difference(
    subject: Any, parameters: Any, batch: Batch, name: str, index: tuple[int, ...], h: float
) -> float:
    """D(h) of the subject's loss by one parameter."""
    losses = []
    for side in (h, -h):
        moved = {key: value.copy() for key, value in parameters.items()}
        moved[name][index] += side
        losses.append(float(subject(moved, batch)["loss"]))
    return (losses[0] - losses[1]) / (2 * h)
