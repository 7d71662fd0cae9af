"""Subjects that keep a state, or show no more of their gradients than a step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from backproof.implementations.subject.declaration import Adapted
from backproof.mathematics.checking import checked
from backproof.mathematics.errors import EvaluationError, UsageError

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
