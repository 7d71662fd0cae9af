"""Every argument of every adapter, with values of every wrong type: said at once, by its name."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any, get_type_hints

import pytest

from backproof import adapters
from backproof.mathematics.checking import fits
from backproof.mathematics.errors import UsageError

SCRIPT = Path(__file__).parent / "foreign" / "training.ipynb"
WRONG = {
    "None": None,
    "string": "text",
    "number": 1.5,
    "list": [1],
    "object": object(),
    "nan": float("nan"),
}


def subject(parameters: Any, batch: Any) -> dict[str, Any]:
    return {}


# What each argument may be, by its name.
GOOD: dict[str, Any] = {
    "subject": subject,
    "step": subject,
    "make": lambda: subject,
    "given": lambda parameters, batch: {},
    "results": {"loss": "loss"},
    "path": SCRIPT,
    "state": {"dense_1/kernel": "W"},
    "run": lambda made, batch: {},
    "where": "first row",
    "samples": 4,
    "axes": {"dense_1/kernel": (1, 0)},
    "shapes": {"dense_1/bias": (1, 2)},
}
ADAPTERS = [name for name in adapters.__all__ if name != "View"]
ARGUMENTS = [
    (name, argument)
    for name in ADAPTERS
    for argument, parameter in inspect.signature(getattr(adapters, name)).parameters.items()
    if parameter.kind is not parameter.VAR_KEYWORD
]


def called(name: str, /, **given: Any) -> Any:
    adapter = getattr(adapters, name)
    needed = {
        argument: GOOD[argument]
        for argument, parameter in inspect.signature(adapter).parameters.items()
        if parameter.default is parameter.empty and parameter.kind is not parameter.VAR_KEYWORD
    }
    return adapter(**{**needed, **given})


@pytest.mark.parametrize("name", ADAPTERS)
def test_right_arguments_are_taken(name: str) -> None:
    called(name)


@pytest.mark.parametrize(("name", "argument"), ARGUMENTS)
@pytest.mark.parametrize("wrong", WRONG)
def test_wrong_types_are_refused_by_name(name: str, argument: str, wrong: str) -> None:
    value = WRONG[wrong]
    hint = get_type_hints(getattr(adapters, name))[argument]
    try:
        called(name, **{argument: value})
    except UsageError as error:
        said = str(error)
        assert argument in said or repr(value) in said or str(value) in said
        assert "give" in said or "choose" in said or "cannot be read" in said or "is no" in said
    else:
        assert fits(value, hint)
        assert wrong != "nan"


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("printed", {"pattern": "("}, "no regular expression"),
        ("printed", {"decimals": -1}, "0 or more"),
        ("from_step", {"learning_rate": 0}, "other than 0"),
        ("from_step", {"learning_rate": float("inf")}, "other than 0"),
        ("fixed_batch", {"samples": 0}, "at least 1"),
        ("integer_labels", {"first": True}, "first is a bool"),
        ("declared", {"accuracy": {"sigmoid": "small"}}, "accuracy"),
    ],
)
def test_wrong_values_are_refused(name: str, given: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        called(name, **given)
