"""What a subject says of its own precision: how it is judged, not how it is called."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from backproof.implementations.adapters.batches import shown
from backproof.implementations.subject.calling import screen
from backproof.implementations.subject.declaration import Adapted, traits_of
from backproof.mathematics.arithmetic.rounding.forms import Form
from backproof.mathematics.checking import checked
from backproof.mathematics.errors import EvaluationError, UsageError

Subject = Callable[..., Any]


@checked
def declared(
    subject: Subject, accuracy: Mapping[str, float] | None = None, form: Form | None = None
) -> Adapted:
    """For code that is less accurate than rounding makes it, and knows it.

    ``accuracy``: absolute errors, by name of an activation (of the table that a sigmoid is read
    from; "sigmoid'" for one of its derivative), or of a quantity ("loss", "activation/dense_1").
    ``form``: how its cross-entropy is computed, where it is one of probabilities: with an ε in the
    logarithm, say. It is judged within that: every comparison is as much weaker, and its power
    says how much.
    """
    known = traits_of(subject)
    errors = {**known.accuracy, **(accuracy or {})}
    for name, error in errors.items():
        if not (np.isfinite(error) and error >= 0):
            raise UsageError(
                f"declared accuracy of {name!r} is {error}; give an error of 0 or more"
            )
    return Adapted(subject, subject, accuracy=errors, form=form or known.form)


@checked
def unsaturated(subject: Subject) -> Adapted:
    """For code that overflows where units are saturated: the probes that do so are left out.

    The report says that they were. A loss of probabilities leaves them out by itself.
    """
    return Adapted(subject, subject, saturates=False)


@checked
def float32(subject: Subject) -> Adapted:
    """For code in single precision: all is compared in float32, and what it gives is rounded so."""

    def call(parameters: Any, batch: Any) -> Mapping[str, Any]:
        given = {name: np.asarray(a, np.float32) for name, a in parameters.items()}
        view = shown(batch, lambda array: np.asarray(array, np.float32))
        results = {name: np.asarray(result) for name, result in subject(given, view).items()}
        return {n: r.astype(np.float32) if r.dtype.kind == "f" else r for n, r in results.items()}

    return Adapted(subject, call, dtype="float32")


@checked
def printed(
    subject: Subject,
    pattern: str = r"loss\s*[:=]?\s*([-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?)",
    name: str = "loss",
    decimals: int | None = None,
) -> Adapted:
    """For a loss that is only printed: the number that ``pattern`` catches last is its value.

    ``decimals``: how many are printed after the point, so that it is known to half of the last
    one; without, it is printed in full, as Python prints a float. What the subject returns beside
    (or None) is kept.
    """
    try:
        search = re.compile(pattern, re.IGNORECASE)
    except re.error as error:
        raise UsageError(
            f"printed(pattern={pattern!r}) is no regular expression: {error}"
        ) from error
    if decimals is not None and decimals < 0:
        raise UsageError(f"printed(decimals={decimals}): give 0 or more")

    def call(parameters: Any, batch: Any) -> Mapping[str, Any]:
        with screen() as shown:
            results = dict(subject(parameters, batch) or {})
        found = search.findall(shown.getvalue())
        if not found:
            last = (shown.getvalue().strip().splitlines() or ["nothing"])[-1]
            raise EvaluationError(f"it printed no {name} that fits {pattern!r}; its last: {last}")
        text = found[-1] if isinstance(found[-1], str) else found[-1][0]
        if decimals is not None and len(text.partition(".")[2]) < decimals:
            raise EvaluationError(f"it printed {name} {text}, not with {decimals} decimals")
        return {**results, name: float(text)}

    known = dict(traits_of(subject).accuracy)
    if decimals is not None:
        # Half a unit of the last decimal, and what the decimal rounds as a binary number.
        known[name] = 0.5 * 10.0**-decimals * (1 + 2.0**-40)
    return Adapted(subject, call, accuracy=known)
