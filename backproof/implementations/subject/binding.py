"""Binding: which argument of people's code is which tensor of a layer, by name, order and shape."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any

from backproof.mathematics.errors import EvaluationError, UsageError
from backproof.mathematics.layers.layer import Role
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.node import INPUTS
from backproof.mathematics.network.parameters import MASK

# How people call what has a role, beside the layer's own name of it.
ALIASES: Mapping[Role, tuple[str, ...]] = {
    "kernel": ("w", "weight", "weights", "kernel", "kernels", "filter", "filters"),
    "bias": ("b", "bias", "biases", "beta"),
    "scale": ("gamma", "g", "scale", "weight", "weights", "w"),
    "table": ("table", "embeddings", "emb", "weight", "weights", "w", "e"),
}
OF_INPUTS = ("x", "inputs", "input", "inp", "xs", "h", "a")
# One argument for all parameters, by the layer's own names.
ALL_AT_ONCE = ("params", "parameters", "p", "theta", "weights_and_biases")
EVERYTHING = "parameters"


@dataclass(frozen=True)
class Named:
    """A tensor that goes into code: its full name, the layer's own, its role and shape.

    ``others``: what else it may be called. ``learned``: whether it has a gradient; ``needed``:
    whether code has to take it.
    """

    full: str
    own: str
    shape: tuple[int, ...]
    others: tuple[str, ...]
    learned: bool = True
    needed: bool = True

    def is_called(self, name: str) -> bool:
        """Whether an argument of that name may be it."""
        plain = plainly(name)
        return plain in (plainly(self.full), plainly(self.own)) or plain in self.others

    @property
    def told(self) -> str:
        """Its name and shape."""
        of_samples = self.full == INPUTS or self.full.startswith(MASK)
        shape = ("samples", *self.shape) if of_samples else self.shape
        return f"{self.own} ({', '.join(map(str, shape))}{',' * (len(shape) == 1)})"


def tensors_of(network: Network) -> tuple[Named, ...]:
    """What goes into a network's forward pass: the inputs, then its parameters in their order.

    Then masks, and what the layers keep beside parameters, which code may take or not.
    """
    kept = {**network.parameters, **network.buffers}
    single = len({name.partition("/")[0] for name in kept}) < 2
    found = [Named(INPUTS, INPUTS, network.input_shape, OF_INPUTS, learned=network.input_gradient)]
    kinds = {node.name: node.layer.kind for node in network.nodes}
    roles = [parameter.role for parameter in network.parameters.values()]
    for name, parameter in network.parameters.items():
        own = name.partition("/")[2] if single else name
        # Two of one role are told apart by the layer's own names, or by their order.
        others = ALIASES[parameter.role] if roles.count(parameter.role) == 1 else ()
        if others and parameter.role == "table":  # people call a table after its layer
            others = (*others, kinds[name.partition("/")[0]])
        found.append(Named(name, own, parameter.shape, others))
    for node, shape in network.masks.items():
        own = "mask" if len(network.masks) == 1 else f"mask/{node}"
        found.append(Named(f"{MASK}{node}", own, shape, ("mask", "m", "keep"), learned=False))
    for name, buffer in network.buffers.items():
        own = name.partition("/")[2] if single else name
        found.append(Named(name, own, buffer.shape, (), learned=False, needed=False))
    return tuple(found)


def plainly(name: str) -> str:
    """A name without what people decorate it with."""
    return name.lower().replace("/", "_").strip("_")


def without_d(name: str) -> str:
    """The name of what a gradient is of: ``dw``, ``grad_w``, ``w_grad``, ``gW`` as ``w``."""
    plain = plainly(name)
    for mark in ("gradient_", "grad_", "d_", "g_"):
        if plain.startswith(mark) and len(plain) > len(mark):
            return plain.removeprefix(mark)
    for mark in ("_gradient", "_grad", "_bar"):
        if plain.endswith(mark):
            return plain.removesuffix(mark)
    return plain[1:] if plain[0] in "dg" and len(plain) > 1 else plain


def arguments_of(function: Callable[..., Any], without: Iterable[str] = ()) -> list[str]:
    """The names of the arguments that it needs, by place, but those named."""
    try:
        known = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # a builtin, or a compiled function
        return []
    places = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [
        each.name
        for each in known
        if each.kind in places and each.default is each.empty and each.name not in without
    ]


def bound(
    what: str,
    function: Callable[..., Any],
    tensors: Sequence[Named],
    given: Sequence[str] | None = None,
    without: Iterable[str] = (),
) -> tuple[str, ...]:
    """The full names of what a function takes, in the order of its arguments.

    ``given``: as the user has said it. ``without``: arguments that are not the user's to give.
    Raises `UsageError`: what it takes, what there is, and how to say which is which.
    """
    if given is not None:
        return tuple(named_by(each, tensors) for each in given)
    names = arguments_of(function, without)
    least = [each for each in tensors if each.needed]
    if not names:  # it takes whatever comes: *args, or nobody knows
        return tuple(each.full for each in least)
    by_name = {name: [each.full for each in tensors if each.is_called(name)] for name in names}
    if all(len(found) == 1 for found in by_name.values()):
        chosen = tuple(found[0] for found in by_name.values())
        if len(set(chosen)) == len(chosen) and {each.full for each in least} <= set(chosen):
            return chosen
    if len(names) == 2 and len(tensors) > 1:
        for place, name in enumerate(names):
            if plainly(name) in ALL_AT_ONCE:
                return (EVERYTHING, INPUTS) if place == 0 else (INPUTS, EVERYTHING)
    for among in (least, tensors):
        if len(names) == len(among):
            return in_order(by_name, among)
    odd = [name for name, found in by_name.items() if not found]
    raise UsageError(
        f"{what} takes ({', '.join(names)}); there are {listed(tensors)}"
        + (f": {', '.join(odd)} fits none" if odd and len(names) > len(tensors) else "")
        + f"; say which is which with arguments={tuple(each.own for each in tensors)!r}, and give "
        "it what else it needs with functools.partial"
    )


def in_order(by_name: Mapping[str, list[str]], tensors: Sequence[Named]) -> tuple[str, ...]:
    """Those that a name tells, and the rest in their order."""
    sure = {name: found[0] for name, found in by_name.items() if len(found) == 1}
    if len(set(sure.values())) < len(sure):
        sure = {}
    rest = iter([each.full for each in tensors if each.full not in sure.values()])
    return tuple(sure[name] if name in sure else next(rest) for name in by_name)


def named_by(given: str, tensors: Sequence[Named]) -> str:
    """The full name of a tensor that the user names by its own."""
    for each in tensors:
        if given in (each.full, each.own):
            return each.full
    if given == EVERYTHING:
        return EVERYTHING
    raise UsageError(f"there is no {given!r} among {listed(tensors)}")


def listed(tensors: Sequence[Named]) -> str:
    """Names and shapes, for an error."""
    return ", ".join(each.told for each in tensors)


def gradients_by_name(
    returned: object, order: Sequence[Named], samples: int, to_array: Callable[[Any], Any]
) -> dict[str, Any]:
    """What backward returned, by the full names of what each is the gradient of.

    ``order``: the tensors in the order in which forward takes them. Raises `EvaluationError` with
    what came and what would fit.
    """
    if isinstance(returned, Mapping):
        found = {}
        for key, value in returned.items():
            names = [
                each.full
                for each in order
                if each.is_called(str(key)) or each.is_called(without_d(str(key)))
            ]
            if len(names) != 1:
                raise EvaluationError(
                    f"backward returned {str(key)!r}, which is none of {wanted(order)}"
                )
            if value is not None:
                found[names[0]] = to_array(value)
        return {
            each.full: found[each.full] for each in order if each.learned and each.full in found
        }
    # Of what is not learned, code gives None, or a gradient that nobody asks for.
    learned = [each for each in order if each.learned]
    parts = list(returned) if isinstance(returned, tuple | list) else [returned]
    arrays = [None if part is None else to_array(part) for part in parts]
    while len(arrays) > len(order) and arrays[-1] is None:  # autograd: of arguments without one
        arrays.pop()
    for among in (order, learned, [each for each in learned if each.full != INPUTS]):
        if len(arrays) != len(among):
            continue
        placed = by_shape(arrays, among, samples)
        return {
            each.full: value
            for each, value in zip(placed, arrays, strict=True)
            if value is not None and each.learned
        }
    came = ", ".join("None" if each is None else str(each.shape) for each in arrays)
    raise EvaluationError(
        f"backward returned {len(arrays)} arrays ({came}); return {wanted(order)}"
    )


def by_shape(arrays: Sequence[Any], among: Sequence[Named], samples: int) -> Sequence[Named]:
    """The tensors in the order of the arrays: as they stand, or as their shapes alone allow."""

    def fits(order: Sequence[Named]) -> bool:
        return all(
            value is None or value.shape == ((samples,) * (each.full == INPUTS) + each.shape)
            for value, each in zip(arrays, order, strict=True)
        )

    if fits(among) or len(among) > MOST_ORDERED:
        return among
    possible = [order for order in permutations(among) if fits(order)]
    return possible[0] if len(possible) == 1 else among


# Of more than so many tensors, their orders are not tried.
MOST_ORDERED = 6


def wanted(order: Sequence[Named]) -> str:
    """What backward is to return."""
    learned = [each for each in order if each.learned]
    return f"the gradients of {listed(learned)}, in this order or by name"
