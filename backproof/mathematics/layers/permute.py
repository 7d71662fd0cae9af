"""permute: the axes of a sample in another order, as (height, width, channels) → channels first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import permutations
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from backproof.mathematics.checking import fits
from backproof.mathematics.errors import UsageError
from backproof.mathematics.layers.layer import (
    Choose,
    Example,
    Formulas,
    Layer,
    Shape,
    Symbols,
    fitting,
)
from backproof.mathematics.layers.own import At, Change, LayerFault
from backproof.mathematics.layers.port import Port, as_module

if TYPE_CHECKING:
    from backproof.mathematics.layers.here import Here

T = TypeVar("T")


@dataclass(frozen=True)
class Permute(Layer):
    """The axes of a sample, counted from 0, in another order: as NumPy's transpose.

    ``Permute((2, 0, 1))`` takes (height, width, channels) to (channels, height, width).
    """

    axes: tuple[int, ...]

    kind: ClassVar[str] = "permute"
    faults: ClassVar[tuple[LayerFault, ...]] = (
        LayerFault(
            "reshaped",
            "the sample is reshaped where its axes should be exchanged, forwards alone",
            "the axes in another order: transpose, not reshape",
            lambda at: {f"activation/{at.name}": reshaped_from(at.sources[0])} if moves(at) else {},
        ),
        LayerFault(
            "reshaped_backwards",
            "the cotangent is reshaped where its axes should be brought back",
            "x̄ = ḡ with its axes in the inverse order",
            lambda at: {at.back[0]: reshaped_from(at.arriving)} if at.back[0] and moves(at) else {},
        ),
        LayerFault(
            "not_inverted_backwards",
            "the cotangent's axes are put in the same order again, not in the inverse one",
            "x̄ = ḡ with its axes in the inverse order",
            lambda at: {at.back[0]: again(at)} if at.back[0] and turns(at) else {},
        ),
    )

    def __init__(self, axes: tuple[int, ...]) -> None:
        if not fits(axes, tuple[int, ...]) or sorted(axes) != list(range(len(axes))) or not axes:
            raise UsageError(
                f"Permute({axes!r}): give the axes of a sample, counted from 0, each once, as in "
                "Permute((2, 0, 1))"
            )
        object.__setattr__(self, "axes", tuple(int(axis) for axis in axes))

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return ((cls((1, 0)), ((2, 3),)), (cls((1, 2, 0)), ((2, 2, 2),)))

    @classmethod
    def drawn(cls, choose: Choose, *came: Shape) -> Permute | None:
        if len(came) != 1 or len(came[0]) < 2:
            return None
        return cls(choose(list(permutations(range(len(came[0]))))[1:]))

    @property
    def inverse(self) -> tuple[int, ...]:
        """The order that brings the axes back."""
        return tuple(self.axes.index(axis) for axis in range(len(self.axes)))

    def output(self, *inputs: Shape) -> Shape:
        if len(inputs) != 1 or len(inputs[0]) != len(self.axes):
            raise fitting(self.kind, f"one input of {len(self.axes)} axes", *inputs)
        return tuple(inputs[0][axis] for axis in self.axes)

    def forward(self, here: Here[T], *inputs: T) -> T:
        return here.ops.transpose(inputs[0], of_batch(self.axes))

    def backward(self, here: Here[T], cotangent: T, *inputs: T) -> tuple[T | None, ...]:
        """x̄ = ḡ with its axes in the inverse order: exact."""
        return (here.passed(here.ops.transpose(cotangent, of_batch(self.inverse))),)

    def summary(self) -> str:
        return f"permute {self.axes}"

    def latex(self, symbols: Symbols) -> Formulas:
        x, i = symbols.inputs[0], symbols.number
        order, back = (", ".join(map(str, each)) for each in (self.axes, self.inverse))
        return Formulas(
            forward=rf"A_{{{i}}} = \mathrm{{perm}}_{{{order}}}({x})",
            delta="",
            cotangents=(rf"\mathrm{{perm}}_{{{back}}}({symbols.arriving})",),
            gradients={},
        )

    def keras(self, *inputs: Shape) -> Port:
        import keras

        def make(bare: bool, regularizers: Mapping[str, Any]) -> Any:
            return keras.layers.Permute(tuple(axis + 1 for axis in self.axes))

        return Port(make)

    def torch(self, *inputs: Shape) -> Port:
        return Port(lambda bare: as_module(lambda x: x.permute(of_batch(self.axes))))

    def jax(self, *inputs: Shape) -> Port:
        return Port(lambda bare: lambda parameters, x: x.transpose(of_batch(self.axes)))


def of_batch(axes: tuple[int, ...]) -> tuple[int, ...]:
    """The order of a batch's axes, whose first stays."""
    return (0, *(axis + 1 for axis in axes))


def moves(at: At) -> bool:
    """Whether another order of the axes is another order of the elements."""
    layer: Any = at.layer
    long = [axis for axis in layer.axes if at.inputs[0][axis] > 1]
    return long != sorted(long)


def turns(at: At) -> bool:
    """Whether the inverse order is another one, and the same order again gives as good a shape."""
    layer: Any = at.layer
    out = tuple(at.inputs[0][axis] for axis in layer.axes)
    again = tuple(out[axis] for axis in layer.axes)
    return layer.inverse != layer.axes and again == at.inputs[0] and moves(at)


def reshaped_from(site: str) -> Change:
    """The elements of another value in their order there."""
    return lambda value, s: s.ops.reshaped(s.values[site], value.shape)


def again(at: At) -> Change:
    """What arrives, with its axes in the same order again."""
    layer: Any = at.layer
    return lambda value, s: s.ops.transpose(s.values[at.arriving], of_batch(layer.axes))


PART = Permute
