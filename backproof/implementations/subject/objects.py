"""Objects with ``forward`` and ``backward`` that hold parameters and gradients as attributes."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backproof.implementations.subject.arrays import as_numpy
from backproof.implementations.subject.binding import (
    Named,
    gradients_by_name,
    listed,
    plainly,
    without_d,
)
from backproof.implementations.subject.passes import OUTPUTS, Passes, parts_of
from backproof.mathematics.errors import EvaluationError, UsageError
from backproof.mathematics.network.node import INPUTS
from backproof.mathematics.network.parameters import Batch, Parameters

# Mappings in which code keeps its parameters, or its gradients.
HOLDERS = ("params", "parameters", "weights", "state", "grads", "gradients", "grad")


@dataclass(frozen=True)
class Place:
    """Where an object keeps something: in an attribute, or under a key of one that is a dict."""

    attribute: str
    key: str | None = None

    @property
    def name(self) -> str:
        """What it is called there."""
        return self.attribute if self.key is None else self.key

    def get(self, holder: Any) -> Any:
        """What is there."""
        value = getattr(holder, self.attribute)
        return value if self.key is None else value[self.key]

    def put(self, holder: Any, value: Any) -> None:
        """Put something there."""
        if self.key is None:
            setattr(holder, self.attribute, value)
        else:
            getattr(holder, self.attribute)[self.key] = value


def places(holder: Any) -> Iterator[Place]:
    """Everything that an object keeps, under its names."""
    for attribute, value in vars(holder).items():
        if isinstance(value, Mapping) and plainly(attribute) in HOLDERS:
            yield from (Place(attribute, str(key)) for key in value)
        else:
            yield Place(attribute)


@dataclass(frozen=True, eq=False)
class Held(Passes):
    """A fresh object at each call: parameters are put in, gradients are taken out."""

    make: Callable[[], Any] = object

    def __call__(self, parameters: Parameters, batch: Batch) -> dict[str, Any]:
        """Output and gradients by name."""
        with self.arrays.wide():
            held = self.make()
            homes = homes_of(held, self.tensors)
            for name, place in homes.items():
                place.put(held, self.arrays.of(self.theirs(name, parameters[name])))
            known = self.arrays_of(parameters, batch)
            inputs = self.arrays.of(self.theirs(INPUTS, known[INPUTS]))
            output, cache = parts_of(held.forward(inputs))
            upstream = self.arrays.of(self.theirs(OUTPUTS, batch.targets))
            returned = self._asked_back(held, upstream, cache)
            return self.results(output, self._taken(held, returned, homes, len(batch.inputs)))

    def _asked_back(self, held: Any, upstream: Any, cache: Any) -> Any:
        return held.backward(upstream) if cache is None else held.backward(upstream, cache)

    def _taken(
        self, held: Any, returned: Any, homes: Mapping[str, Place], samples: int
    ) -> dict[str, Any]:
        """The gradients that backward returned, and those that it left in attributes."""
        several = isinstance(returned, tuple | list | Mapping)
        if returned is None:
            found: dict[str, Any] = {}
        elif several:
            found = gradients_by_name(returned, self.tensors, samples, as_numpy)
        else:
            found = {INPUTS: as_numpy(returned)}
        there = list(places(held))
        for name, home in homes.items():
            kept = [p for p in there if p != home and without_d(p.name) == plainly(home.name)]
            kept += [p for p in there if p != home and p.name == home.name]  # grads["W"]
            if name not in found and kept:
                found[name] = as_numpy(kept[0].get(held))
        return found


@dataclass(frozen=True, eq=False)
class Module(Held):
    """A module of PyTorch, whose own graph goes back."""

    def __call__(self, parameters: Parameters, batch: Batch) -> dict[str, Any]:
        """Output and gradients by name."""
        held = self.make()
        homes = dict(held.named_parameters())
        found = module_homes(held, self.tensors)
        for name, home in found.items():
            homes[home].data = self.arrays.of(self.theirs(name, parameters[name]))
            homes[home].grad = None
        known = self.arrays_of(parameters, batch)
        inputs = self.arrays.of(self.theirs(INPUTS, known[INPUTS]))
        inputs.requires_grad_(self.network.input_gradient)
        output, _ = parts_of(held(inputs))
        output.backward(self.arrays.of(self.theirs(OUTPUTS, batch.targets)).to(output.device))
        gradients = {name: homes[home].grad for name, home in found.items()} | {INPUTS: inputs.grad}
        return self.results(output, {n: as_numpy(g) for n, g in gradients.items() if g is not None})


def module_homes(held: Any, tensors: Sequence[Named]) -> dict[str, str]:
    """The name under which a module keeps each parameter: by its last part, or by their order."""
    names = [name for name, _ in held.named_parameters()]
    wanted = [tensor for tensor in tensors if tensor.learned and tensor.full != INPUTS]
    by_name = {
        tensor.full: [name for name in names if tensor.is_called(name.rpartition(".")[2])]
        for tensor in wanted
    }
    if all(len(found) == 1 for found in by_name.values()):
        return {full: found[0] for full, found in by_name.items()}
    if len(names) != len(wanted):
        raise EvaluationError(
            f"the module has parameters {', '.join(names) or 'none'}; the layer has "
            f"{listed(wanted) or 'none'}"
        )
    return {tensor.full: name for tensor, name in zip(wanted, names, strict=True)}


def homes_of(held: Any, tensors: Sequence[Named]) -> dict[str, Place]:
    """Where an object keeps each parameter; raises `EvaluationError` with what it has."""
    there = [place for place in places(held) if plainly(place.attribute) not in HOLDERS[4:]]
    found: dict[str, Place] = {}
    for tensor in tensors:
        if not tensor.learned or tensor.full == INPUTS:
            continue
        homes = [place for place in there if tensor.is_called(place.name)]
        if not homes:
            names = ", ".join(place.name for place in there) or "nothing"
            raise EvaluationError(
                f"the {type(held).__name__} keeps no {tensor.told}; it has {names}: call it "
                f"{tensor.others[0] if tensor.others else tensor.own!r}, as it is kept before "
                f"forward is called, of {listed(tensors)}"
            )
        found[tensor.full] = homes[0]
    return found


def maker(code: Any) -> Callable[[], Any]:
    """What makes a fresh object: a class or factory, or copies of an instance."""
    if callable(getattr(code, "forward", None)) and not isinstance(code, type):
        return lambda: copy.deepcopy(code)
    return code  # type: ignore[no-any-return] # a class or a factory


def trial(make: Callable[[], Any]) -> Any:
    """One such object, to look at; raises `UsageError` where none can be made."""
    try:
        made = make()
    except TypeError as error:
        raise UsageError(
            f"it cannot be made without arguments ({error}): give an instance, or a function that "
            "makes one, as in lambda: Layer(3, 2)"
        ) from error
    if not all(callable(getattr(made, name, None)) for name in ("forward", "backward")):
        raise UsageError(
            f"a {type(made).__name__} has no forward and backward: give an object that has both, "
            "or functions, as forward=… and backward=…"
        )
    return made
