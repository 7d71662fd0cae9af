"""What a fault is: an entry of the catalogue, and the entry planted in one network."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any

from backproof.mathematics.definition.sites import Scope
from backproof.mathematics.functions import Activation
from backproof.mathematics.layers.layer import Layer, Parameter, Role
from backproof.mathematics.losses import LossFunction
from backproof.mathematics.network.around import site_of
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.penalty import NONE, Penalty
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
class Place:
    """A node that faults are planted in: one with a kernel (fan_in, fan_out).

    Faults go by the roles of its parameters and by its sites (``z``, ``delta``), not by its kind.
    """

    name: str
    layer: Layer
    incoming: str
    """The site of what comes in: ``inputs``, or the activation of the node below."""
    parameters: Mapping[str, Parameter]
    """Its own parameters, by their full names."""

    @property
    def f(self) -> Activation:
        assert self.layer.function is not None
        return self.layer.function

    @property
    def fan_in(self) -> int:
        return self.parameters[self.kernel].shape[0]

    @property
    def fan_out(self) -> int:
        return self.parameters[self.kernel].shape[1]

    @property
    def square(self) -> bool:
        return self.fan_in == self.fan_out

    def of_role(self, role: Role) -> str:
        """The full name of its parameter of that role; "" where it has none."""
        return next((n for n, each in self.parameters.items() if each.role == role), "")

    @property
    def kernel(self) -> str:
        return self.of_role("kernel")

    @property
    def bias(self) -> str:
        return self.of_role("bias")

    @property
    def biases(self) -> int:
        """How many biases it has."""
        return self.parameters[self.bias].size if self.bias else 0

    @property
    def unitwise(self) -> bool:
        """Whether it has a bias for each unit, not one for all."""
        return bool(self.bias) and self.parameters[self.bias].shape == (self.fan_out,)


@dataclass(frozen=True)
class Target:
    """What a fault is planted in."""

    network: Network
    optimizer: Optimizer
    saturates: bool = True
    """Whether there are points with saturated units."""

    @cached_property
    def layers(self) -> tuple[Place, ...]:
        """All nodes with a kernel and a function, in the order of computation."""
        found = []
        for node in self.network.nodes:
            uses = self.network.uses[node.name].values()
            own = {u.parameter: self.network.parameters[u.parameter] for u in uses}
            kernels = [each for each in own.values() if each.role == "kernel"]
            held = all(name.startswith(f"{node.name}/") for name in own)
            plain = [len(kernel.shape) for kernel in kernels] == [2]
            came = self.network.shapes_into(node)
            flat = [len(shape) for shape in came] == [1]
            if plain and held and flat and node.layer.function is not None:
                found.append(Place(node.name, node.layer, site_of(node.inputs[0]), own))
        return tuple(found)

    @property
    def hidden(self) -> tuple[Place, ...]:
        """Those with another one directly above: what comes back to them is one product."""
        return tuple(layer for layer in self.layers if self._above(layer) is not None)

    @property
    def ends(self) -> bool:
        """Whether the last node is one of them."""
        return bool(self.layers) and self.layers[-1].name == self.network.last.name

    @property
    def last(self) -> Place:
        return self.layers[-1]

    @property
    def biased(self) -> tuple[Place, ...]:
        """The layers with a bias."""
        return tuple(layer for layer in self.layers if layer.bias)

    @property
    def unitwise(self) -> tuple[Place, ...]:
        """The layers with a bias for each unit."""
        return tuple(layer for layer in self.layers if layer.unitwise)

    @property
    def penalty(self) -> Penalty:
        """The penalty that is on all nodes alike; one of nothing where each has its own."""
        penalty = self.network.penalty
        return penalty if isinstance(penalty, Penalty) else NONE

    @property
    def head(self) -> LossFunction:
        return self.network.loss_function

    @property
    def fused(self) -> bool:
        """Whether the loss is taken of the logits, together with the last activation."""
        return self.ends and self.network.loss_of == "fused"

    @property
    def plain(self) -> bool:
        """Whether the optimizer is gradient descent, which keeps nothing beside the parameters."""
        return self.optimizer.name == "gradient_descent"

    def above(self, layer: Place) -> Place:
        """The layer that follows a hidden one."""
        found = self._above(layer)
        assert found is not None
        return found

    def _above(self, layer: Place) -> Place | None:
        """The one layer that takes what this one gives, if it is one of them."""
        takers = [node.name for node in self.network.consumers[layer.name]]
        return next((x for x in self.layers if [x.name] == takers), None)


@dataclass(frozen=True)
class Plant:
    """A place where a fault applies, and its changes there.

    ``moot`` says why it does nothing there, where mathematics says so; that is still proven.
    ``roundings``: by how many unit roundoffs of itself right code may be off what it changes.
    ``at_ties``: what it changes is another only where numbers are equal.
    """

    where: str
    changes: Changes
    moot: str = ""
    roundings: float = 0.0
    at_ties: bool = False


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
        return [
            Planted(self, each.where, each.changes, each.moot, each.roundings, each.at_ties)
            for each in self.places(target)
        ]


@dataclass(frozen=True, eq=False)
class Planted:
    """A fault at one place of one network, with which the definition is evaluated."""

    fault: Fault
    where: str
    changes: Changes
    moot: str = ""
    roundings: float = 0.0
    at_ties: bool = False

    def intervene(self, name: str, value: Any, scope: Scope[Any]) -> Any:
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
