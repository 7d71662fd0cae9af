"""What only one kind of layer gets wrong, and what hides in it: its own faults and probes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np

if TYPE_CHECKING:
    from numpy.random import Generator

    from backproof.mathematics.functions import Activation

Shape = tuple[int, ...]
"""The shape of one sample, channels last."""

Change = Callable[[Any, Any], Any]
"""What stands at a site instead of the value there: of the value, and of the scope (its ops, its
values by site)."""


class Applying(Protocol):
    """A layer, as far as its own faults look at it."""

    @property
    def function(self) -> Activation | None:
        """What it applies last."""


@dataclass(frozen=True)
class At:
    """A node that a fault or a probe is about.

    ``sources``: the sites of what it takes; ``back``: the sites of what it gives back to each, ""
    where that is the network's inputs; ``arriving``: where what arrives at it is found, ""
    where the loss is fused with its function. ``parameters``: the layer's own name of each → its
    full name, which is another node's where it is shared.
    """

    name: str
    layer: Applying
    inputs: tuple[Shape, ...]
    sources: tuple[str, ...]
    back: tuple[str, ...]
    arriving: str
    parameters: Mapping[str, str]


@dataclass(frozen=True)
class LayerFault:
    """A fault of one kind: its name, what is wrong as a clause, and the formula that should stand.

    ``changes`` at a node: by site, empty where it does nothing there. ``sort``: a convention is the
    right gradient of another layer than the one declared. ``at_ties``: it is another only where
    numbers are equal, of which right code that rounds may take either for the larger.
    """

    name: str
    sentence: str
    formula: str
    changes: Callable[[At], Mapping[str, Change]]
    sort: Literal["mathematical", "convention", "numerical"] = "mathematical"
    at_ties: bool = False


@dataclass(frozen=True)
class LayerProbe:
    """A hostile input of one kind: it changes drawn parameters and inputs in place.

    ``change(node, parameters, inputs, stream)``: parameters by their full names, inputs
    (samples, *shape). ``mask``: what stands in the place of the node's mask, where it has one.
    """

    name: str
    change: Callable[[At, dict[str, Any], Any, Generator], None]
    mask: Callable[[Any], Any] | None = None


def zeros(value: Any, scope: Any) -> Any:
    """Exact zeros."""
    return scope.ops.exact(np.zeros(value.shape))


def instead(site: str) -> Change:
    """The value of another site."""
    return lambda value, scope: scope.values[site]
