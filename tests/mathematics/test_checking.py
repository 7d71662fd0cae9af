"""Arguments of a wrong type: a sentence that names them, and never a TypeError from inside."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np
import pytest

import backproof
from backproof import (
    Adam,
    AdamW,
    Batch,
    Dense,
    Form,
    GradientDescent,
    Loss,
    Momentum,
    Network,
    Pairing,
    Penalty,
    RMSprop,
    UsageError,
    Waiver,
)
from backproof.mathematics import optimizers
from backproof.mathematics.network import parameters as weights

NETWORK = Network((Dense(2, 1, "sigmoid"),), Loss("binary_cross_entropy"))
NAN, INFINITY = float("nan"), float("inf")


def subject(parameters, batch):
    return {}


def verify(**options: Any) -> Any:
    return backproof.verify(**{"network": NETWORK, "subject": subject, **options})


def pairing(**options: Any) -> Pairing:
    usual = {"data": subject, "initial": subject, "optimizer": GradientDescent(0.1)}
    return Pairing(**{"name": "a", "network": NETWORK, "subject": subject, **usual, **options})


def optimizer(**described: Any) -> Any:
    return optimizers.from_json(described)


# What is called, the argument, what is given, and what must be said of it.
WRONG: list[tuple[Any, str, Any, str]] = [
    (Penalty, "l2", {"a": 1}, "l2 is a dict, {'a': 1}; give a number"),
    (Penalty, "l1", None, "l1 is None; give a number"),
    (Penalty, "l1", INFINITY, "l1 is inf; give a finite number"),
    (Penalty, "biases", "no", "biases is a str, 'no'; give True or False"),
    (GradientDescent, "learning_rate", lambda step: 0.1, "learning_rate is a function; give"),
    (GradientDescent, "learning_rate", "0.1", "learning_rate is a str, '0.1'; give a number"),
    (GradientDescent, "learning_rate", True, "learning_rate is a bool, True; give a number"),
    (GradientDescent, "learning_rate", NAN, "learning_rate is nan; give a number"),
    (GradientDescent, "learning_rate", INFINITY, "learning_rate is inf; give a finite number"),
    (GradientDescent, "learning_rate", np.zeros(2), "learning_rate is a ndarray"),
    (Adam, "learning_rate", [0.1], "learning_rate is a list"),
    (Adam, "beta_1", "0.9", "beta_1 is a str"),
    (Adam, "epsilon_at", "out", "choose 'corrected', 'raw' or 'inside'"),
    (Adam, "epsilon_at", 3, "epsilon_at is an int, 3; give 'corrected'"),
    (AdamW, "weight_decay", None, "weight_decay is None; give a number"),
    (AdamW, "weight_decay", INFINITY, "weight_decay is inf"),
    (RMSprop, "rho", None, "rho is None; give a number"),
    (RMSprop, "inside", 1, "inside is an int, 1; give True or False"),
    (Form, "of", "chances", "choose 'logits' or 'probabilities'"),
    (Form, "of", None, "of is None; give 'logits' or 'probabilities'"),
    (Form, "clip", "1e-7", "clip is a str"),
    (Form, "clip", NAN, "clip is nan"),
    (verify, "network", None, "network is None; give a Network"),
    (verify, "network", Network, "network is the class Network itself; give a Network"),
    (verify, "subject", None, "give a subject, or recorded=… in its place"),
    (verify, "parameters", [1], "parameters is a list, [1]; give a dict"),
    (verify, "batch", 3, "batch is an int, 3; give a Batch"),
    (verify, "batch", (1, 2, 3), "batch is a tuple"),
    (verify, "references", "torch", "references is a str, 'torch'; give a list of strings"),
    (verify, "references", 3, "references is an int"),
    (verify, "references", {"torch": 3}, "references is a dict"),
    (verify, "optimizer", GradientDescent, "the class GradientDescent itself; give an optimizer"),
    (verify, "optimizer", 0.1, "optimizer is a float, 0.1; give an optimizer"),
    (verify, "dtype", np.float32, "dtype is the class float32 itself; give a string"),
    (verify, "steps", "3", "steps is a str, '3'; give a whole number"),
    (verify, "steps", 2.5, "steps is a float, 2.5; give a whole number"),
    (verify, "steps", 0, "steps is 0; give at least 1"),
    (verify, "forms", {"subject": "probabilities"}, "forms is a dict"),
    (verify, "points", [1], "points is a list"),
    (verify, "certified", "yes", "certified is a str"),
    (verify, "time_limit", NAN, "time_limit is nan; give a number"),
    (verify, "time_limit", None, "time_limit is None; give a number"),
    (verify, "time_limit", 0, "give a number of seconds above 0"),
    (verify, "time_limit", INFINITY, "give a number of seconds above 0"),
    (verify, "name", None, "name is None; give a string"),
    (verify, "root", 3, "root is an int, 3; give a string, a path or None"),
    (pairing, "name", 3, "name is an int"),
    (pairing, "network", None, "network is None"),
    (pairing, "subject", "subject", "subject is a str"),
    (pairing, "data", Batch([[1.0]], [[1.0]]), "data is a Batch"),
    (pairing, "initial", None, "initial is None; give something to call or a string"),
    (pairing, "optimizer", None, "optimizer is None; give an optimizer"),
    (pairing, "references", ["torch"], "references is a list"),
    (pairing, "steps", -1, "steps is -1; give at least 1"),
    (pairing, "quantities", "loss", "quantities is a str, 'loss'; give a tuple of strings"),
    (pairing, "waivers", ("a",), "waivers is a tuple, ('a',); give a tuple of Waivers"),
    (pairing, "minibatch", 32, "minibatch is an int, 32; give something to call or None"),
    (pairing, "points", {}, "points is a dict"),
    (pairing, "recovered", "yes", "recovered is a str"),
]


@pytest.mark.parametrize(
    ("function", "name", "value", "message"),
    WRONG,
    ids=[f"{function.__name__}-{name}-{i}" for i, (function, name, *_) in enumerate(WRONG)],
)
def test_what_came_and_what_is_wanted_is_said(function, name, value, message):
    with pytest.raises(UsageError) as refused:
        function(**{name: value})
    assert message in str(refused.value)
    assert " at 0x" not in str(refused.value)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Loss(3), "Loss(kind=3): give a name"),
        (
            lambda: Loss("squared_error", batch="sums"),
            "Loss(batch='sums'): choose 'mean', 'sum', 'samples' or 'valid'",
        ),
        (lambda: Loss("squared_error", scale=None), "scale is None; give a number"),
        (lambda: Momentum(0.1, nesterov="yes"), "nesterov is a str"),
        (lambda: Momentum(0.1, momentum=INFINITY), "momentum is inf"),
        (lambda: Waiver("a", "b", "2030-01-31"), "expires is a str, '2030-01-31'; give a date"),
        (lambda: Waiver("a", "b", datetime.datetime(2030, 1, 31)), "expires is a datetime"),
        (lambda: Waiver(None, "b", datetime.date(2030, 1, 31)), "comparison is None"),
        (lambda: Batch([[1], [1, 2]], [[1]]), "batch inputs: no array of numbers can be made"),
        (lambda: Batch([[None, 1.0]], [[1]]), "batch inputs: None at (0, 0) is among its values"),
        (lambda: Batch([[1.0]], [["a"]]), "batch targets: it holds <U1 values; give numbers"),
        (lambda: Batch(None, [[1]]), "batch inputs: None is among its values"),
        (
            lambda: optimizer(name="adam", learning_rate="0.1"),
            "learning_rate is a str, '0.1'; give a number",
        ),
        (
            lambda: weights.check([1], NETWORK, source="here"),
            "here: the parameters are a list, [1]; give a dict of arrays by name",
        ),
        (
            lambda: weights.check(
                {"dense_1/kernel": [[1.0], [None]], "dense_1/bias": [1.0]}, NETWORK, source="here"
            ),
            "here: dense_1/kernel: None at (1, 0) is among its values",
        ),
        (
            lambda: pairing(points=lambda: [1]).further("float64"),
            "points() returned a list, [1]; return a dict of parameters by name",
        ),
    ],
)
def test_what_is_inside_is_looked_at_too(make, message):
    with pytest.raises(UsageError) as refused:
        make()
    assert message in str(refused.value)


def test_an_object_that_cannot_show_itself_is_named_by_its_type():
    class Odd:
        def __repr__(self) -> str:
            raise ZeroDivisionError

    with pytest.raises(UsageError, match="l2 is an Odd; give a number"):
        Penalty(l2=Odd())


def test_what_is_as_good_is_taken():
    assert GradientDescent(np.float32(0.5)) == GradientDescent(0.5)
    assert type(GradientDescent(np.float64(0.5)).learning_rate) is float
    assert Penalty(l2=1, biases=np.True_) == Penalty(1.0, 0.0, True)
    assert pairing(quantities=["loss"]).quantities == ("loss",)
    assert pairing(steps=np.int64(3)).steps == 3
    assert Form("probabilities", log_floor=-INFINITY).log_floor == -INFINITY
