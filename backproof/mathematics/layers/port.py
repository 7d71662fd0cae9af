"""A layer in a framework."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Axes = tuple[int, ...]


@dataclass(frozen=True)
class Port:
    """How a framework has a layer.

    ``make``: the idiomatic one. In Keras ``make(bare, regularizers)`` gives a layer, with a
    callable or None for each parameter; in PyTorch ``make(bare)`` gives a module; in JAX a function
    of the parameters by name and the inputs. ``bare``: without the function that it applies last,
    which is left to the loss. ``kind``: the type by which the part that holds the parameters is
    found, in a user's own model too; None where there are no parameters. ``weights``: ours →
    the name of theirs, with the permutation of axes that takes theirs to ours. ``apply(bare)``:
    the layer as a function of the parameters by name, in our layout, and of the inputs, for a node
    that shares some of them. ``layout``: whether its channels come first, or last as ours do.
    ``around``: the zeros by axis that a model may put around the input in a layer before.
    ``buffers``: ours → the name of theirs. ``masked``: what it makes of its mask and its input, in
    the place of random numbers of its own. ``moved``: in JAX, its buffers after a step, by name, of
    parameters and buffers by name and of the input. ``seen``: whether what comes into that part is
    what comes into the node.
    """

    make: Callable[..., Any]
    kind: type | None = None
    weights: Mapping[str, tuple[str, Axes]] = field(default_factory=dict)
    apply: Callable[..., Any] | None = None
    layout: Literal["last", "first"] = "last"
    around: tuple[tuple[int, int], ...] = ()
    buffers: Mapping[str, str] = field(default_factory=dict)
    masked: Callable[[Any, Any], Any] | None = None
    moved: Callable[[Mapping[str, Any], Any], dict[str, Any]] | None = None
    seen: bool = True


def without_zeros(port: Port, x: Any, lengths: tuple[int, ...]) -> Any:
    """What comes into a layer, channels last, without the zeros that a layer before put around."""
    if x.shape[1:-1] == lengths or not port.around:
        return x
    cut = (slice(before, before + n) for (before, _), n in zip(port.around, lengths, strict=True))
    return x[(slice(None), *cut)]


def as_module(function: Any) -> Any:
    """A function of a tensor as a PyTorch module; a module as it is."""
    from torch import nn

    class Applied(nn.Module):  # type: ignore[misc]  # PyTorch is Any here
        def forward(self, z: Any) -> Any:
            return function(z)

    return function if isinstance(function, nn.Module) else Applied()
