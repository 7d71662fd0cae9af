"""What a layer kind provides."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from backproof.mathematics.checking import came
from backproof.mathematics.errors import UsageError
from backproof.mathematics.layers.here import Here
from backproof.mathematics.layers.own import LayerFault, LayerProbe
from backproof.mathematics.layers.own import Shape as Shape
from backproof.mathematics.layers.port import Port

if TYPE_CHECKING:
    from backproof.mathematics.functions import Activation

T = TypeVar("T")

Role = Literal["kernel", "bias", "scale", "table"]
"""By which penalties, probes, faults and adapters know a parameter; no name's ending decides."""


@dataclass(frozen=True)
class Parameter:
    """A parameter of a layer. ``fan_in``: how many terms a sum over it has, for its variance."""

    shape: Shape
    role: Role
    fan_in: int = 1

    @property
    def size(self) -> int:
        """How many numbers it has."""
        return prod(self.shape)


@dataclass(frozen=True)
class Buffer:
    """State of a layer that a step moves, without a gradient; ``start``: before the first step.

    ``positive``: it is never negative, as a variance.
    """

    shape: Shape
    start: float = 0.0
    positive: bool = False


class Choose(Protocol):
    """What random layers are drawn by: a call picks one of the options, the simplest first.

    ``widths`` and ``functions``: numbers of units, and activations, to draw from.
    """

    @property
    def widths(self) -> Sequence[int]: ...

    @property
    def functions(self) -> Sequence[Activation]: ...

    def __call__(self, options: Sequence[T], /) -> T: ...


class Layer(ABC):
    """A layer kind: a frozen dataclass, with its fields as its only state.

    Shapes are those of one sample. A layer with several inputs gets them all, in the order of its
    node. Raises `UsageError` for shapes that do not fit: what came, and what would fit.
    """

    kind: ClassVar[str]
    """The name of its file; its nodes are called ``kind_1``, ``kind_2``, …"""

    several: ClassVar[bool] = False
    """Whether it joins several inputs."""

    shares: ClassVar[bool] = True
    """Whether a node of it can take parameters of others: whether its ports have an ``apply``."""

    couples: ClassVar[bool] = False
    """Whether what it gives for a sample depends on the others of the batch."""

    compares: ClassVar[bool] = False
    """Whether what it gives back rests on how its positions differ: of none that hardly do, no
    implementation knows anything."""

    faults: ClassVar[tuple[LayerFault, ...]] = ()
    """What only this kind gets wrong."""

    hostile: ClassVar[tuple[LayerProbe, ...]] = ()
    """Its own probes: inputs that expose what others hide."""

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        """Small instances, each with the shapes of its inputs: what every test of a kind tries.

        Every fault of the kind applies to one of them at least.
        """
        return ()

    @classmethod
    def drawn(cls, choose: Choose, *came: Shape) -> Layer | None:
        """A random layer that takes what came; None where none of this kind does.

        Without it, `backproof fuzz --graphs` draws none of this kind.
        """
        return None

    @property
    def indices(self) -> int | None:
        """Of how many things an input holds indices; None where all may be any numbers.

        Indices are whole numbers from 0, as tokens are. The network's inputs alone can be some.
        """
        return None

    @property
    def indices_at(self) -> int:
        """Which of its inputs holds them."""
        return 0

    def admitted(self, inputs: NDArray[Any]) -> NDArray[Any]:
        """Indices that it takes, in the place of some that it cannot take together: see `asks`."""
        return inputs

    @property
    def asks(self) -> str:
        """What it asks of indices together, in words."""
        return ""

    @property
    def accepts(self) -> Shape | None:
        """The shape of its input, where its fields tell it."""
        return None

    @property
    def function(self) -> Activation | None:
        """What it applies last (see `Here.activated`), or None: a loss may be fused with it."""
        return None

    @property
    def functions(self) -> tuple[Activation, ...]:
        """All that it applies, as far as what right code may do at their kinks goes."""
        return () if self.function is None else (self.function,)

    @abstractmethod
    def output(self, *inputs: Shape) -> Shape:
        """The shape that comes out."""

    def parameters(self, *inputs: Shape) -> dict[str, Parameter]:
        """Its parameters, by their names inside of the layer."""
        return {}

    def buffers(self, *inputs: Shape) -> dict[str, Buffer]:
        """State that a step moves, without a gradient: `Here.buffer`, `Here.move`."""
        return {}

    def mask(self, *inputs: Shape) -> Shape | None:
        """The shape of the mask that comes with the batch for each sample, if it takes one."""
        return None

    @property
    def kept(self) -> float:
        """The share of ones in a mask that is drawn for it."""
        return 1.0

    def ignores_shifts(self, index: int = 0) -> bool:
        """Whether it gives the same of what comes in with a number added to each channel."""
        return False

    def least_samples(self, *inputs: Shape) -> int:
        """How many samples it needs: more than one where it compares them."""
        return 1

    @abstractmethod
    def forward(self, here: Here[T], *inputs: T) -> T:
        """What comes out of (samples, *shape) each."""

    @abstractmethod
    def backward(self, here: Here[T], cotangent: T, *inputs: T) -> tuple[T | None, ...]:
        """The cotangent of each input; None for one that `Here.wants` says is not wanted.

        Gradients of parameters are given to `Here.gradient`.
        """

    def summands(self, *inputs: Shape) -> tuple[int, ...]:
        """How many terms each element of an input's cotangent is the sum of."""
        return tuple(1 for _ in inputs)

    def gradient_summands(self, rows: int, *inputs: Shape) -> dict[str, int]:
        """How many terms each element of a parameter's gradient sums over ``rows`` samples."""
        return dict.fromkeys(self.parameters(*inputs), rows)

    def vanishing(self, *inputs: Shape) -> dict[str, str]:
        """The parameters whose gradient is 0 whatever comes in, with another of its size.

        What rounding leaves of such a gradient is held against the size of that other one's.
        """
        return {}

    def sums(self, *inputs: Shape) -> dict[str, int]:
        """How many terms the sums at its own sites of the forward pass have: ``{"z": fan_in}``."""
        return {}

    def products(self, *inputs: Shape) -> int:
        """How many products the forward pass of one sample takes: what certified values cost."""
        return sum(parameter.size for parameter in self.parameters(*inputs).values())

    @abstractmethod
    def latex(self, symbols: Symbols) -> Formulas:
        """Its formulas, for `backproof explain`."""

    def summary(self) -> str:
        """A few characters for the report's table."""
        return self.kind

    def keras(self, *inputs: Shape) -> Port:
        """Its twin in Keras; the framework is imported inside, in its worker alone."""
        raise UsageError(f"no Keras twin for layer {self.kind!r}: give a model of your own")

    def torch(self, *inputs: Shape) -> Port:
        """Its twin in PyTorch, likewise."""
        raise UsageError(f"no PyTorch twin for layer {self.kind!r}: give a model of your own")

    def jax(self, *inputs: Shape) -> Port:
        """Its twin in JAX, likewise."""
        raise UsageError(f"no JAX twin for layer {self.kind!r}: give a model of your own")


Example = tuple[Layer, tuple[Shape, ...]]
"""A layer, with the shapes of what comes in."""


@dataclass(frozen=True)
class Symbols:
    """How the derivation calls what a layer has, as LaTeX.

    ``inputs``, the layer's ``output``, its ``number`` (the index of Z, A, Δ) and ``parameters`` by
    name; ``arriving``: the cotangent of the output; ``by_preactivation``: it is that of Z already.
    """

    inputs: tuple[str, ...]
    number: int
    parameters: Mapping[str, str]
    arriving: str
    by_preactivation: bool = False


@dataclass(frozen=True)
class Formulas:
    """A layer's formulas as LaTeX.

    ``forward``; ``delta``, where it has a pre-activation, else ""; ``cotangents`` of the inputs;
    ``gradients`` of the parameters by name.
    """

    forward: str
    delta: str
    cotangents: tuple[str, ...]
    gradients: Mapping[str, str]


def fitting(kind: str, wanted: str, *came: Shape) -> UsageError:
    """The error of shapes that do not fit."""
    told = " and ".join(str(shape) for shape in came) or "nothing"
    return UsageError(f"{kind} takes {wanted}, but gets {told}")


def alike(kind: str, inputs: tuple[Shape, ...]) -> Shape:
    """The one shape that all inputs of a joining layer have."""
    if len(inputs) < 2:
        raise fitting(kind, "two inputs or more", *inputs)
    if len(set(inputs)) > 1:
        raise fitting(kind, f"inputs of one shape, such as {inputs[0]}", *inputs)
    return inputs[0]


def is_length(given: object) -> bool:
    """Whether it can be the length of an axis: a whole number of at least 1."""
    whole = isinstance(given, int | np.integer) and not isinstance(given, bool)
    return whole and given >= 1  # type: ignore[operator] # a number


def described(given: object) -> str:
    """The kind of a layer; of anything else that was given for one, what it is."""
    return given.kind if isinstance(given, Layer) else came(given)
