"""Traits: what a subject declares of itself beside its results, as an adapter has said it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from backproof.mathematics.arithmetic.rounding.forms import LOGITS, Form


@dataclass(frozen=True)
class Traits:
    """What bears on how a subject is called and judged.

    ``dtype``: the precision it computes in, where it knows only one. ``samples``: the batch size
    that it is written for. ``rate``: the learning rate of the step that it hides its gradients in.
    ``form``: that of its cross-entropy. ``saturates``: whether it bears saturated units.
    ``hard``: whether its targets are classes, without shares. ``recorded``: whether its numbers
    were computed elsewhere, so that nothing can be asked but what was.
    ``accuracy``: by name of a function ("sigmoid", or "sigmoid'" for its derivative) or of a
    quantity ("loss"), the absolute error that it declares, beyond rounding.
    """

    dtype: str | None = None
    samples: int | None = None
    rate: float | None = None
    form: Form = LOGITS
    saturates: bool = True
    hard: bool = False
    recorded: bool = False
    accuracy: Mapping[str, float] = field(default_factory=dict)


PLAIN = Traits()


def traits_of(subject: object) -> Traits:
    """What the subject declares; of one that declares nothing, `PLAIN`."""
    found = getattr(subject, "traits", PLAIN)
    return found if isinstance(found, Traits) else PLAIN


class Adapted:
    """A subject seen through an adapter, which changes what goes in and what comes out.

    It passes on what the subject declares, and is called like it in reports.
    """

    def __init__(
        self,
        inner: Callable[..., Any],
        call: Callable[[Any, Any], Mapping[str, Any]],
        **declared: Any,
    ) -> None:
        self.inner = inner
        self.call = call
        self.traits = replace(traits_of(inner), **declared)
        self.__module__ = getattr(inner, "__module__", type(inner).__module__)
        self.__qualname__ = getattr(inner, "__qualname__", type(inner).__qualname__)

    def __call__(self, parameters: Any, batch: Any) -> Mapping[str, Any]:
        return self.call(parameters, batch)

    def open(self, *described: Any) -> None:
        """Hand on what a subject may want to know before it is called (see `conduct`)."""
        if callable(opening := getattr(self.inner, "open", None)):
            opening(*described)

    def close(self) -> None:
        """Hand on that a subject is not called again."""
        if callable(closing := getattr(self.inner, "close", None)):
            closing()


def innermost(subject: Callable[..., Any]) -> Callable[..., Any]:
    """The subject without its adapters."""
    while isinstance(subject, Adapted):
        subject = subject.inner
    return subject


def written(subject: Callable[..., Any]) -> Callable[..., Any]:
    """What the user has written of a subject: where reports and errors point."""
    inner = innermost(subject)
    found: Callable[..., Any] = getattr(inner, "written", inner)
    return found
