"""What a fault is: an entry of the catalogue, and the entry planted in one network."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any

from backproof.mathematics.definition.definition import Scope
from backproof.mathematics.functions import Activation
from backproof.mathematics.losses import LossFunction
from backproof.mathematics.network.network import Dense, Network
from backproof.mathematics.optimizers import Optimizer

Change = Callable[[Any, Scope[Any]], Any]
"""What stands at a site instead of the value there, which may look at the scope."""

Changes = Mapping[str, Change]
"""A change for each site that a fault concerns, by the site's name."""


class Kind(StrEnum):
    """What a fault is wrong about.

    A convention is the right gradient of another loss or network than the one declared. A numerical
    fault is right in exact arithmetic; floating point alone can show it.
    """

    MATHEMATICAL = "mathematical"
    CONVENTION = "convention"
    NUMERICAL = "numerical"


@dataclass(frozen=True)
class Layer:
    """One layer of the network that a fault is planted in."""

    name: str
    dense: Dense
    incoming: str
    """The site of what comes in: ``inputs``, or the activation of the layer below."""

    @property
    def f(self) -> Activation:
        return self.dense.activation

    @property
    def square(self) -> bool:
        return self.dense.fan_in == self.dense.fan_out

    @property
    def kernel(self) -> str:
        return f"{self.name}/kernel"

    @property
    def bias(self) -> str:
        return f"{self.name}/bias"


@dataclass(frozen=True)
class Target:
    """What a fault is planted in."""

    network: Network
    optimizer: Optimizer
    saturates: bool = True
    """Whether there are points with saturated units."""

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """All layers, in the order of computation."""
        named = list(self.network.named_layers())
        incoming = ["inputs", *(f"activation/{name}" for name, _ in named)]
        return tuple(
            Layer(name, dense, site) for (name, dense), site in zip(named, incoming, strict=False)
        )

    @property
    def hidden(self) -> tuple[Layer, ...]:
        return self.layers[:-1]

    @property
    def last(self) -> Layer:
        return self.layers[-1]

    @property
    def biased(self) -> tuple[Layer, ...]:
        """The layers with a bias."""
        return tuple(layer for layer in self.layers if layer.dense.bias)

    @property
    def unitwise(self) -> tuple[Layer, ...]:
        """The layers with a bias for each unit."""
        return tuple(layer for layer in self.layers if layer.dense.bias is True)

    @property
    def head(self) -> LossFunction:
        return self.network.loss.function

    @property
    def fused(self) -> bool:
        """Whether the loss is taken of the logits, together with the last activation."""
        return self.head.ACTIVATION is not None

    @property
    def plain(self) -> bool:
        """Whether the optimizer is gradient descent, which keeps nothing beside the parameters."""
        return self.optimizer.name == "gradient_descent"

    def above(self, layer: Layer) -> Layer:
        """The layer that follows a hidden one."""
        return self.layers[self.layers.index(layer) + 1]


@dataclass(frozen=True)
class Plant:
    """A place where a fault applies, and its changes there.

    ``moot`` says why it does nothing there, where mathematics says so; that is still proven.
    """

    where: str
    changes: Changes
    moot: str = ""


@dataclass(frozen=True, eq=False)
class Fault:
    """An entry of the catalogue.

    ``sentence`` says what is wrong, ``formula`` what should stand there. ``places`` finds where it
    applies in a network. One that ``remembers`` looks at the calls before.
    """

    family: str
    name: str
    kind: Kind
    sentence: str
    formula: str
    places: Callable[[Target], Iterator[Plant]]
    remembers: bool = False

    def planted(self, target: Target) -> list[Planted]:
        """The fault at every place where it applies."""
        return [Planted(self, each.where, each.changes, each.moot) for each in self.places(target)]


@dataclass(frozen=True, eq=False)
class Planted:
    """A fault at one place of one network: its `at` is what the definition is evaluated with."""

    fault: Fault
    where: str
    changes: Changes
    moot: str = ""

    def at(self, name: str, value: Any, scope: Scope[Any]) -> Any:
        """The value at a site, changed if the fault concerns it."""
        change = self.changes.get(name)
        return value if change is None else change(value, scope)

    @property
    def name(self) -> str:
        """``derivative/missing (dense_1)``."""
        place = f" ({self.where})" if self.where else ""
        return f"{self.fault.family}/{self.fault.name}{place}"

    @property
    def told(self) -> str:
        """What is wrong and where, as a clause."""
        return f"in {self.where}, {self.fault.sentence}" if self.where else self.fault.sentence


@dataclass
class Family:
    """Faults of one sort; a file of this package defines one."""

    module: str
    faults: list[Fault] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.module.rsplit(".", 1)[-1]

    def fault(
        self, kind: Kind, formula: str, *, remembers: bool = False
    ) -> Callable[[Callable[[Target], Iterator[Plant]]], Fault]:
        """Enter a function into the catalogue: it yields the places; its docstring is told."""

        def enter(places: Callable[[Target], Iterator[Plant]]) -> Fault:
            sentence = " ".join((places.__doc__ or "").split()).rstrip(".")
            sentence = sentence[:1].lower() + sentence[1:]
            entry = Fault(self.name, places.__name__, kind, sentence, formula, places, remembers)
            self.faults.append(entry)
            return entry

        return enter
