"""Optimizers, one file each: how a gradient changes the parameters, over any arithmetic.

An optimizer keeps arrays of its own beside each parameter, its *slots*: ``velocity/dense_1/kernel``
and so on. Parameters, slots and the number of steps made before, ``step_count``, are the *state* of
a training run; it is one mapping by name, and goes to every implementation alike.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from dataclasses import MISSING, asdict, fields
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar

from backproof.mathematics.errors import UsageError

if TYPE_CHECKING:
    from backproof.mathematics.arithmetic.operations import Ops
    from backproof.mathematics.network.network import Network

T = TypeVar("T")

STEP_COUNT = "step_count"


class Optimizer(Protocol):
    """What a file of this package provides, as a frozen dataclass called ``OPTIMIZER``."""

    name: ClassVar[str]
    SLOTS: ClassVar[tuple[str, ...]]
    """Kept for each parameter, in its shape; zero before the first step."""
    SQUARES: ClassVar[tuple[str, ...]]
    """Those of the slots that hold means of squares, and are never negative."""
    COUNTS: ClassVar[bool]
    """Whether the number of steps made before matters."""

    def __hash__(self) -> int: ...

    @property
    def learning_rate(self) -> float: ...

    def latex(self) -> list[str]:
        """The formulas of a step, for `backproof explain`."""

    def change(
        self, ops: Ops[T], w: T, gradient: T, slots: Mapping[str, T], count: int
    ) -> tuple[T, dict[str, T]]:
        """What a step takes off the parameter w, and the new slots."""


def names() -> list[str]:
    """All optimizers there are."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def to_json(optimizer: Optimizer) -> dict[str, Any]:
    """Name and fields, as `from_json` takes them."""
    return {"name": optimizer.name, **asdict(optimizer)}  # type: ignore[call-overload]


def from_json(described: Mapping[str, Any]) -> Optimizer:
    """The optimizer that `to_json` described; a `UsageError` says what it should have been."""
    given = dict(described)
    name = given.pop("name")
    if name not in names():
        raise UsageError(f"no optimizer {name!r}; there are {', '.join(names())}")
    kind = importlib.import_module(f"{__name__}.{name}").OPTIMIZER
    known = {field.name: field.default for field in fields(kind)}
    for field in given:
        if field not in known:
            offered = ", ".join(known)
            raise UsageError(f"optimizer {name!r} has no field {field!r}; it has {offered}")
    for field, default in known.items():
        if default is MISSING and field not in given:
            raise UsageError(f"optimizer {name!r} needs its {field}")
    optimizer: Optimizer = kind(**given)
    return optimizer


def slot_shapes(network: Network, optimizer: Optimizer) -> dict[str, tuple[int, ...]]:
    """The shape of every slot, by name: ``velocity/dense_1/kernel`` has that of its parameter."""
    return {
        f"{slot}/{name}": shape
        for slot in optimizer.SLOTS
        for name, shape in network.shapes().items()
    }


def state_names(network: Network, optimizer: Optimizer) -> list[str]:
    """Parameters, slots and the step count where it matters: what a state consists of."""
    counted = [STEP_COUNT] if optimizer.COUNTS else []
    return [*network.shapes(), *slot_shapes(network, optimizer), *counted]
