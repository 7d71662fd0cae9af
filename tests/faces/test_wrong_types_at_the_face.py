"""Every argument of what `backproof` offers, with values of every wrong type: said, by its name."""

from __future__ import annotations

import datetime
import inspect
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
import pytest

import backproof
from backproof import Add, Dense, GradientDescent, Loss, Network, UsageError, activations

WRONG: dict[str, Any] = {
    "None": None,
    "string": "text",
    "number": 1.5,
    "negative": -1,
    "infinite": float("inf"),
    "nan": float("nan"),
    "list": [1],
    "dict": {1: 2},
    "empty": (),
    "object": object(),
    "class": Dense,
    "bytes": b"x",
    "generator": (each for each in ()),
    "truth": True,
    "complex": 1j,
    "array": np.ones(2),
}
NETWORK = Network((Dense(2, 1),), Loss("squared_error"))
# What each argument may be, by its name.
GOOD: dict[str, Any] = {
    "learning_rate": 0.1,
    "inputs": np.ones((2, 2)),
    "targets": np.ones((2, 1)),
    "optimizer": GradientDescent(0.1),
    "layers": (Dense(2, 1),),
    "loss": Loss("squared_error"),
    "name": "leaky_relu",
    "layer": Dense(2, 1),
    "network": NETWORK,
    "subject": lambda parameters, batch: {},
    "data": lambda: None,
    "initial": dict,
    "parameter": "dense_1/kernel",
    "comparison": "keras/loss",
    "reason": "known",
    "expires": datetime.date(2030, 1, 1),
    "command": ["./mynet"],
    "sort": "activation",
    "activation": activations.named("relu"),
    "join": Add(),
    "fan_in": 2,
    "fan_out": 1,
    "described": "relu",
    "channels": 2,
    "filters": 2,
    "kernel": 2,
    "groups": 2,
    "vocabulary": 5,
    "width": 2,
    "axes": (1, 0),
    "heads": 2,
    "storage": "bfloat16",
    "units": 2,
}
# Of no arguments that a user gives: types, modules, what is given back.
NOT_CALLED = ("Decision", "Parameters", "Report", "UsageError", "activations", "adapters")
FACE: dict[str, Callable[..., Any]] = {
    **{name: getattr(backproof, name) for name in backproof.__all__ if name not in NOT_CALLED},
    **{name: getattr(activations, name) for name in ("from_json", "named", "to_json")},
}
RUN = ("verify", "assert_equivalent", "check")
BLOCKS = ("Branches", "Residual", "Sequential")  # of any number of parts, by their place
ARGUMENTS = [
    (name, argument)
    for name, called in FACE.items()
    for argument in inspect.signature(called).parameters
    # What `replace` gives in the place of the kind; without a kind, it is asked for.
    if (name, argument) != ("Loss", "function")
]


def arguments(name: str) -> dict[str, Any]:
    """Good ones, of those that are needed; and no reference, so that nothing is run."""
    needed = {
        argument: GOOD[argument]
        for argument, parameter in inspect.signature(FACE[name]).parameters.items()
        if parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL)
    }
    more = {"Loss": {"kind": "squared_error"}, "Clipped": {"value": 0.5}}
    more["check"] = {"forward": lambda x, w, b: x, "backward": lambda dout, cache: dout}
    return {**more.get(name, {}), **needed}


def given(name: str, argument: str, value: Any) -> None:
    called, good = FACE[name], arguments(name)
    kind = inspect.signature(called).parameters[argument].kind
    if name in RUN:
        good["references"] = ()
    if kind is inspect.Parameter.VAR_POSITIONAL:
        called(*good.values(), value)
    elif kind is inspect.Parameter.VAR_KEYWORD:
        options = {"assert_equivalent": "steps"}
        called(**good, **{options.get(name, "alpha"): value})
    else:
        called(**{**good, argument: value})


@pytest.mark.parametrize("name", [name for name in FACE if name not in RUN + BLOCKS])
def test_right_arguments_are_taken(name: str) -> None:
    FACE[name](**arguments(name))


@pytest.mark.parametrize(("name", "argument"), ARGUMENTS)
def test_whatever_is_given_nothing_but_a_sentence_is_raised(name: str, argument: str) -> None:
    """Or it is taken, where it is of the type: a bare TypeError would end the test."""
    for value in WRONG.values():
        with suppress(UsageError):
            given(name, argument, value)


@pytest.mark.parametrize(
    ("name", "argument", "wrong", "said"),
    [
        ("Node", "shared", "number", "shared=1.5; give the layer's own name"),
        ("Node", "name", "None", "node None: name it by letters"),
        ("Shared", "transposed", "string", "transposed is a str, 'text'; give True or False"),
        ("external", "command", "list", "command is a list, [1]; give a list of strings or paths"),
        ("external", "command", "number", "command is a float, 1.5"),
        ("external", "folder", "dict", "folder is a dict"),
        ("external", "time_limit", "negative", "give a number of seconds above 0"),
        ("external", "time_limit", "nan", "time_limit is nan"),
        ("register", "sort", "list", "sort is a list, [1]; give a string"),
        ("named", "name", "list", "name is a list, [1]; give a string"),
        ("named", "fields", "list", "leaky_relu(alpha=[1]): give a finite number"),
        ("to_json", "activation", "string", "activation is a str, 'text'; give an Activation"),
        ("Loss", "batch", "array", "choose 'mean', 'sum', 'samples' or 'valid'"),
        ("Form", "of", "array", "of is a ndarray"),
        ("Dense", "bias", "array", "choose True, False or 'scalar'"),
    ],
)
def test_it_is_said_which_and_what_is_wanted(
    name: str, argument: str, wrong: str, said: str
) -> None:
    with pytest.raises(UsageError) as raised:
        given(name, argument, WRONG[wrong])
    assert said in str(raised.value)
