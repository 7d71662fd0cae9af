"""One node in one evaluation: what a layer's forward and backward pass may ask for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from backproof.mathematics.arithmetic.operations import Ops
    from backproof.mathematics.functions import Activation

T = TypeVar("T")


@dataclass(eq=False)
class Here(Generic[T]):
    """Where a layer stands: its parameters, its sites, and the sums that it is part of.

    A *site* is a named value that faults and conventions may replace (``z/dense_1``).
    """

    ops: Ops[T]
    node: str
    site_at: Callable[[str, T], T]
    values: Mapping[str, T]
    load: Callable[[str], T]
    further: Mapping[str, int]
    below: Sequence[int]
    wanted: Sequence[bool]
    take_gradient: Callable[[str, T], None]
    by_preactivation: bool = False
    """Whether the cotangent that arrives is that of z already: the loss is fused with it."""

    load_buffer: Callable[[str], T] | None = None
    load_mask: Callable[[], T] | None = None
    take_moved: Callable[[str, T], None] | None = None

    def buffer(self, name: str) -> T:
        """State of this layer before the step."""
        assert self.load_buffer is not None
        return self.load_buffer(name)

    def move(self, name: str, value: T) -> None:
        """Give that state as the step leaves it."""
        assert self.take_moved is not None
        self.take_moved(name, self.site_at(f"updated/{self.node}/{name}", value))

    def mask(self) -> T:
        """The mask that comes with the batch, of zeros and ones."""
        assert self.load_mask is not None
        return self.load_mask()

    def parameter(self, name: str) -> T:
        """A parameter of this layer, by its name inside of it."""
        return self.site_at(f"{name}/{self.node}", self.load(name))

    def site(self, what: str, value: T) -> T:
        """The value at a site of this node, which may be another one from here on."""
        return self.site_at(f"{what}/{self.node}", value)

    def value(self, what: str) -> T:
        """What was at a site of this node in the forward pass."""
        return self.values[f"{what}/{self.node}"]

    def gradient(self, name: str, value: T) -> None:
        """Give the gradient of a parameter."""
        self.take_gradient(name, self.site_at(f"data_gradient/{self.node}/{name}", value))

    def further_terms(self, name: str) -> int:
        """How many more terms code may add into the sum that a parameter's gradient is."""
        return self.further[name]

    def further_terms_below(self, index: int = 0) -> int:
        """How many more terms code may add into the cotangent of an input: other consumers'."""
        return self.below[index]

    def wants(self, index: int = 0) -> bool:
        """Whether the cotangent of that input is wanted."""
        return self.wanted[index]

    def passed(self, value: T, index: int = 0) -> T | None:
        """A cotangent that is no sum of its own, as a term of that of the input."""
        if not self.wants(index):
            return None
        times = self.further_terms_below(index)
        return self.ops.as_summand(value, times) if times else value

    def activated(self, f: Activation, z: T) -> T:
        """f of the pre-activation z, which is a site."""
        z = self.site("z", z)
        return in_rows(self.ops, lambda rows: self.ops.activate(f, rows), z)

    def pulled(self, f: Activation, cotangent: T) -> T:
        """δ, the cotangent of z, from that of f(z); a site."""
        if not self.by_preactivation:
            ops = self.ops
            cotangent = in_rows(
                ops,
                lambda z, a, g: ops.vjp(f, z, a, g),
                self.value("z"),
                self.value("activation"),
                cotangent,
            )
        return self.site("delta", cotangent)


def in_rows(ops: Ops[T], function: Callable[..., T], *given: T) -> T:
    """The function of arrays as (rows, units), whatever axes they have before the last."""
    shape: tuple[int, ...] = given[0].shape  # type: ignore[attr-defined] # every arithmetic has it
    if len(shape) == 2:
        return function(*given)
    flat = (prod(shape[:-1]), shape[-1])
    return ops.reshaped(function(*(ops.reshaped(each, flat) for each in given)), shape)
