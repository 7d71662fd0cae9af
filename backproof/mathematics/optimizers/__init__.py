"""Optimizers, one file each: how a gradient changes the parameters, over any arithmetic.

An optimizer keeps arrays of its own beside each parameter, its *slots*: ``velocity/dense_1/kernel``
and so on. Parameters, slots and the number of steps made before, ``step_count``, are the *state* of
a training run; it is one mapping by name, and goes to every implementation alike.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from backproof.mathematics.errors import UsageError
from backproof.mathematics.registry import Registry, name_and_fields

if TYPE_CHECKING:
    from backproof.mathematics.arithmetic.operations import Ops
    from backproof.mathematics.network.network import Network

T = TypeVar("T")

STEP_COUNT = "step_count"


class Optimizer(ABC):
    """What a file of this package provides, as a frozen dataclass: its ``PART``.

    Its twins are methods too, which import their framework inside and are called in its worker
    alone; one that is missing is refused there. ``keras()``: an optimizer of Keras's, not yet
    built; ``keras_slots()``: by slot, the attribute that it keeps it in, and the factor that it has
    there. ``torch(parameters)``: an optimizer of PyTorch's; ``torch_slots()``: by slot, what it is
    called in its state, with a factor where it has one there. ``jax(w, gradient, slots, t)``: what
    step t, counted from 1, takes off, and the new slots. ``keras_step(w, gradient)`` and
    ``torch_step(w, gradient)``: the parameter after a step, for whole trainings; of an optimizer
    without slots alone.
    """

    learning_rate: float
    name: ClassVar[str]
    SLOTS: ClassVar[tuple[str, ...]] = ()
    """Kept for each parameter, in its shape; zero before the first step."""
    SQUARES: ClassVar[tuple[str, ...]] = ()
    """Those of the slots that hold means of squares, and are never negative."""
    COUNTS: ClassVar[bool] = False
    """Whether the number of steps made before matters."""
    AHEAD: ClassVar[bool] = False
    """Whether its gradients are those at other parameters, ahead of W: see `ahead`."""

    @abstractmethod
    def latex(self) -> list[str]:
        """The formulas of a step, for `backproof explain`."""

    @abstractmethod
    def change(
        self, ops: Ops[T], w: T, gradient: T, slots: Mapping[str, T], count: int
    ) -> tuple[T, dict[str, T]]:
        """What a step takes off the parameter w, and the new slots."""

    def prepared(self, ops: Ops[T], gradients: Mapping[str, T]) -> dict[str, T]:
        """All gradients by parameter, as the steps take them: clipped, say."""
        return dict(gradients)

    def jax_prepared(self, gradients: dict[str, Any]) -> dict[str, Any]:
        """Likewise in JAX's twin; the others have that in their optimizers."""
        return gradients

    def ahead(self, ops: Ops[T], w: T, slots: Mapping[str, T]) -> T:
        """Where the gradient of a step is taken: at W, unless it is `AHEAD`."""
        return w

    def ahead_in_twin(self, w: Any, slots: Mapping[str, Any]) -> Any:
        """The same in the arrays of a framework."""
        return w

    def possible(self, slots: dict[str, Any]) -> dict[str, Any]:
        """Drawn slots of one parameter, as a training may have left them."""
        return slots

    def possible_steps(self, steps: int) -> int:
        """So many steps made before, or fewer, where a step as late does nothing any more."""
        return steps

    def rest(self, slot: str) -> float:
        """What fills a slot before the first step."""
        return 0.0

    def torch_counted(self, made: Any, count: int) -> None:
        """Tell PyTorch's optimizer how many steps were made before."""
        import torch

        for group in made.param_groups:
            for parameter in group["params"]:
                made.state[parameter]["step"] = torch.tensor(float(count))


OPTIMIZERS: Registry[type[Optimizer]] = Registry(
    "optimizer", __name__, besides=("around", "written")
)


def names() -> list[str]:
    """All optimizers there are."""
    return OPTIMIZERS.names()


def having(method: str) -> list[str]:
    """The optimizers that have a method beside those of all."""
    return [name for name in names() if hasattr(OPTIMIZERS.get(name), method)]


def to_json(optimizer: Optimizer) -> dict[str, Any]:
    """Name and fields, as `from_json` takes them."""
    described = {
        field.name: getattr(optimizer, field.name)
        for field in fields(optimizer)  # type: ignore[arg-type]
    }
    inner = {n: to_json(v) for n, v in described.items() if isinstance(v, Optimizer)}
    return {"name": optimizer.name, **described, **inner}


def from_json(described: Mapping[str, Any]) -> Optimizer:
    """The optimizer that `to_json` described; a `UsageError` says what it should have been."""
    given = name_and_fields("optimizer", described)
    name = given.pop("name")
    kind = OPTIMIZERS.get(name)
    known = {field.name: field.default for field in fields(kind)}  # type: ignore[arg-type]
    for field in given:
        if field not in known:
            offered = ", ".join(known)
            raise UsageError(f"optimizer {name!r} has no field {field!r}; it has {offered}")
    for field, default in known.items():
        if default is MISSING and field not in given:
            raise UsageError(f"optimizer {name!r} needs its {field}")
    inner = given.get("optimizer")
    if isinstance(inner, Mapping):
        given["optimizer"] = from_json(inner)
    return kind(**given)


def slot_shapes(network: Network, optimizer: Optimizer) -> dict[str, tuple[int, ...]]:
    """The shape of every slot, by name: ``velocity/dense_1/kernel`` has that of its parameter.

    And of what layers keep beside their parameters, such as running means.
    """
    slots = {
        f"{slot}/{name}": shape
        for slot in optimizer.SLOTS
        for name, shape in network.shapes().items()
    }
    return slots | {name: buffer.shape for name, buffer in network.buffers.items()}


def state_names(network: Network, optimizer: Optimizer) -> list[str]:
    """Parameters, slots and the step count where it matters: what a state consists of."""
    counted = [STEP_COUNT] if optimizer.COUNTS else []
    return [*network.shapes(), *slot_shapes(network, optimizer), *counted]
