"""Subjects that keep a state, or show no more of their gradients than a step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from backproof.implementations.subject.declaration import Adapted
from backproof.mathematics.checking import checked
from backproof.mathematics.errors import EvaluationError, UsageError
from backproof.mathematics.optimizers import STEP_COUNT

Subject = Callable[..., Any]

# The learning rate of a step that is made for its gradient alone. (W − updated W)/η errs by about
# u·|W|/η for the rounding of updated W, and by 3u of the gradient itself for the product, the
# difference and the quotient. With η = 2⁴⁰ the first is below u of every gradient that is larger
# than 2⁻⁴⁰ of its parameter; a power of two, η rounds nothing itself.
RATE = 2.0**40


@checked
def anew(make: Callable[[], Subject]) -> Adapted:
    """For a subject with a state: ``make()`` builds it anew for each call."""

    def call(parameters: Any, batch: Any) -> Mapping[str, Any]:
        results: Mapping[str, Any] = make()(parameters, batch)
        return results

    return Adapted(make, call)


@checked
def stateful(
    make: Callable[[], Any],
    state: Mapping[str, str],
    run: Callable[[Any, Any], Mapping[str, Any] | None],
) -> Adapted:
    """For an object that keeps its parameters, and what its optimizer keeps, in itself.

    ``make()`` builds it anew for each call. ``state``: where each part of the state is in it, as an
    expression behind its dot: {"dense_1/kernel": "layers[0].W", "first_moment/dense_1/kernel":
    "optimizer.m['W']", "step_count": "optimizer.t"}. What is compared is put there, ``run(made,
    batch)`` makes a step or computes what it returns, and what is there afterwards is taken for
    ``updated/…``; what ``run`` returns goes beside it. An array that is there already is written
    into, so that who shares it sees it; ``step_count`` is a whole number. Raises `UsageError` for
    what is no expression.
    """
    places = {name: place(name, path) for name, path in state.items()}

    def call(parameters: Any, batch: Any) -> Mapping[str, Any]:
        made = make()
        for name, (get, put) in places.items():
            if name not in parameters:
                raise EvaluationError(
                    f"stateful(state=…) names {name!r}, which is no part of the state; there are "
                    f"{', '.join(parameters)}"
                )
            value = int(parameters[name]) if name == STEP_COUNT else np.array(parameters[name])
            there = found(get, made)
            if isinstance(there, np.ndarray) and there.shape == np.shape(value) != ():
                there[...] = value
            else:
                exec(put, {"made": made, "value": value})
        results = dict(run(made, batch) or {})
        after = {name: get for name, (get, _) in places.items() if name != STEP_COUNT}
        for name, get in after.items():
            results.setdefault(f"updated/{name}", np.array(eval(get, {"made": made})))
        return results

    return Adapted(make, call)


def place(name: str, path: str) -> tuple[Any, Any]:
    """How a part of the state is read behind ``made.``, and how it is put there."""
    try:
        get = compile(f"made.{path}", f"<{name}>", "eval")
        return get, compile(f"made.{path} = value", f"<{name}>", "exec")
    except SyntaxError as error:
        raise UsageError(
            f"stateful: {name!r} is at {path!r}, which is no place in an object; write it as in "
            "\"optimizer.m['W']\""
        ) from error


def found(get: Any, made: Any) -> Any:
    """What is at a place; None where nothing is yet."""
    try:
        return eval(get, {"made": made})
    except (AttributeError, LookupError):
        return None


@checked
def from_step(step: Subject, learning_rate: float | None = None) -> Adapted:
    """For code that hides its gradients in a step of gradient descent: (W − updated W)/η.

    With a ``learning_rate`` of its own, ``step(parameters, batch)`` returns ``updated/…``, which
    are compared too. Without, it is called as ``step(parameters, batch, learning_rate)`` with one
    for which the rounding is small, 2⁴⁰: of a gradient larger than 2⁻⁴⁰ of its parameter that
    leaves all but the last two bits or so. What it leaves in each case is in the bound, and in the
    power that the report states.
    """
    if learning_rate is not None and (learning_rate == 0 or not np.isfinite(learning_rate)):
        raise UsageError(f"from_step(learning_rate={learning_rate}): give a number other than 0")
    rate = RATE if learning_rate is None else float(learning_rate)

    def call(parameters: Any, batch: Any) -> Mapping[str, Any]:
        given = {name: np.array(array) for name, array in parameters.items()}
        results = dict(step(given, batch, rate) if learning_rate is None else step(given, batch))
        stepped = {n.removeprefix("updated/"): n for n in results if n.startswith("updated/")}
        if not stepped:
            raise EvaluationError(
                "the step gave no updated/…: return the parameters after it, as in "
                "{'updated/NODE/kernel': W}"
            )
        for name, key in stepped.items():
            if name not in parameters:
                raise EvaluationError(f"the step gave {key}, which is no parameter")
            results[f"gradient/{name}"] = (parameters[name] - np.asarray(results[key])) / rate
            if learning_rate is None:  # a step as large as that is no training step
                del results[key]
        return results

    return Adapted(step, call, rate=rate)
