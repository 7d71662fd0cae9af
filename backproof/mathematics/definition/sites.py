"""Sites: the named values of an evaluation, at which a change may be planted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from backproof.mathematics.arithmetic.operations import Ops
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.parameters import Array, Batch

T = TypeVar("T")


@dataclass(frozen=True)
class Scope(Generic[T]):
    """What a change at a site may look at."""

    ops: Ops[T]
    network: Network
    parameters: Mapping[str, Array]
    batch: Batch | None
    values: dict[str, T]
    before: Sequence[Mapping[str, T]] = ()
    """What the definition gave at the calls before this one, oldest first: for changes that
    remember."""


Intervention = Callable[[str, Any, Scope[Any]], Any]
"""What stands at a site, by its name, in place of the value there."""


def unchanged(name: str, value: Any, scope: Scope[Any]) -> Any:
    """The intervention that changes nothing."""
    return value
