"""Recorded numbers: what was computed elsewhere, under the names of what is compared."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import permutations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backproof.implementations.subject.arrays import BFLOAT16, as_numpy
from backproof.implementations.subject.declaration import Traits
from backproof.mathematics.arithmetic.rounding.model import HALF, Rounding, held_in, round_to
from backproof.mathematics.checking import odd_element
from backproof.mathematics.errors import UsageError
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.parameters import MASK
from backproof.mathematics.network.quantities import INPUT_GRADIENT
from backproof.mathematics.optimizers import STEP_COUNT

# How people call the groups of arrays, and the arrays that stand alone.
GROUPS = {
    "parameters": ("parameters", "parameter", "params", "param", "weights_before", "state"),
    "activation": ("activation", "activations"),
    "gradient": ("gradient", "gradients", "grad", "grads"),
    "updated": ("updated", "updated_parameters", "after", "new", "stepped"),
}
ALONE = {
    "inputs": ("inputs", "input", "x"),
    "targets": ("targets", "target", "y", "labels", "upstream", "dout", "cotangent"),
    "weights": ("weights", "sample_weights"),
    "outputs": ("outputs", "output", "out"),
    "loss": ("loss",),
    "accuracy": ("accuracy",),
    INPUT_GRADIENT: (INPUT_GRADIENT, "dx", "inputs_gradient"),
}
NEEDED = "inputs"


@dataclass(frozen=True, eq=False)
class Recorded:
    """A subject that is known at one point alone.

    ``batch``: inputs, and targets and weights where there are some; ``parameters`` by name;
    ``results`` by the names of what is compared; ``dtype``: the precision they were computed in;
    ``stored``: by name, what storing the results in a narrower type may have rounded.
    """

    batch: Mapping[str, NDArray[Any]]
    parameters: Mapping[str, NDArray[Any]]
    results: Mapping[str, NDArray[Any]]
    dtype: str
    stored: Mapping[str, float] = field(default_factory=dict)
    name: str = "recorded"
    state: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    """What the optimizer kept before the step, by name: ``velocity/dense_1/kernel``."""

    def __post_init__(self) -> None:
        self.__dict__["__module__"], self.__dict__["__qualname__"] = "recorded", self.name
        self.__dict__["__name__"] = self.name

    @property
    def traits(self) -> Traits:
        """What it declares: that nobody can ask it anything."""
        return Traits(dtype=self.dtype, recorded=True, accuracy=self.stored)

    def __call__(self, parameters: Any, batch: Any) -> Mapping[str, NDArray[Any]]:
        """What was recorded."""
        return self.results


def recorded(
    given: Mapping[str, Any], network: Network, *, dtype: str | None = None, name: str = "recorded"
) -> Recorded:
    """Recorded arrays by name, as a subject; raises `UsageError` for what is missing, or unknown.

    ``inputs``; ``targets``, or ``upstream``; ``parameters/dense_1/kernel`` and so on; and results,
    any of them: ``outputs`` or ``activation/…``, ``loss``, ``gradient/…``, ``input_gradient``,
    ``updated/…``, ``accuracy``. Groups may be dicts. Of a single layer, parameters may have its own
    names: ``gradient/kernel``.
    """
    batch: dict[str, NDArray[Any]] = {}
    parameters: dict[str, NDArray[Any]] = {}
    results: dict[str, NDArray[Any]] = {}
    narrow: dict[str, str] = {}
    for path, value in flattened(given):
        full = full_name(path, network)
        array = numbers(path, value)
        if narrow_type := stored_in(value):
            narrow[full] = narrow_type
        if full in ("inputs", "targets", "weights") or full.startswith(MASK):
            batch[full] = array
        elif full.startswith("parameters/"):
            parameters[full.removeprefix("parameters/")] = array
        else:
            results[full] = array
    if "inputs" not in batch:
        raise UsageError(
            f"{name} holds no inputs, and so nothing is known that its numbers follow from: record "
            f"inputs and parameters/… ({', '.join(network.parameters) or 'there are none'}) too"
        )
    if not results:
        raise UsageError(
            f"{name} holds nothing to compare: record outputs, loss, gradient/…, input_gradient or "
            "updated/…"
        )
    state = {n: parameters.pop(n) for n in list(parameters) if n not in network.parameters}
    for own, shape in network.shapes().items():
        if own in parameters:
            parameters[own] = fitting(f"{name}: parameters/{own}", parameters[own], shape)
    precision = dtype or precision_of(name, {**results, **parameters, "inputs": batch["inputs"]})
    if precision in HALF:  # it is declared, and so is what storing rounds
        results = {full: in_float32(array) for full, array in results.items()}
        narrow = {}
    stored = {
        full: float(np.abs(results[full]).max(initial=0.0)) * Rounding.of(kind).unit
        for full, kind in narrow.items()
        if full in results and results[full].dtype.kind == "f"
    }
    check_held(name, {**parameters, **batch}, precision)
    state = {full: array.astype(held_in(precision)) for full, array in state.items()}
    return Recorded(batch, parameters, results, precision, stored, name, state)


def flattened(given: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Every array of nested dicts, under its path."""
    if not isinstance(given, Mapping):
        raise UsageError(f"recorded is a {type(given).__name__}; give a dict of arrays by name")
    for key, value in given.items():
        path = f"{above}/{key}" if above else str(key)
        if isinstance(value, Mapping):
            yield from flattened(value, path)
        elif value is not None:
            yield path, value


def full_name(path: str, network: Network) -> str:
    """What an array is of, by the names that are compared; raises `UsageError` if nobody knows."""
    head, _, rest = path.partition("/")
    plain = head.lower()
    for full, names in ALONE.items():
        if not rest and plain in names:
            return f"activation/{network.last.name}" if full == "outputs" else full
    for group, names in GROUPS.items():
        if plain in names and rest:
            known = network.node_names if group == "activation" else tuple(network.parameters)
            if found := of_network(rest, known):
                return f"{group}/{found}"
            kept = "/" in rest or rest == STEP_COUNT  # what the optimizer keeps
            if group in ("parameters", "updated") and kept:
                return path if head == group else f"{group}/{rest}"
    if plain in ("mask", "masks") and network.masks:
        if rest not in network.masks and (rest or len(network.masks) > 1):
            raise UsageError(f"{path}: there are masks of {', '.join(network.masks)}")
        return f"{MASK}{rest or next(iter(network.masks))}"
    if plain.startswith("parameter_count"):
        return path
    if found := of_network(path, tuple(network.parameters)):
        return f"parameters/{found}"
    known = (
        *ALONE,
        *(f"{group}/{name}" for group in ("parameters", "gradient") for name in network.parameters),
    )
    near = difflib.get_close_matches(path, known, n=1)
    raise UsageError(
        f"nobody knows what {path!r} is of"
        + (f"; did you mean {near[0]!r}?" if near else f"; there are {', '.join(known)}")
    )


def of_network(name: str, known: tuple[str, ...]) -> str:
    """The full name of a parameter or node, which may be given by its own; "" if there is none."""
    plain = name.replace(".", "/")
    if plain in known:
        return plain
    own = [each for each in known if each.partition("/")[2] == plain]
    return own[0] if len(own) == 1 else ""


def numbers(path: str, value: Any) -> NDArray[Any]:
    """An array of numbers; raises `UsageError` for anything else."""
    try:
        array = as_numpy(value)
    except (ValueError, TypeError, RuntimeError, BufferError) as error:
        raise UsageError(f"{path}: no array of numbers can be made of it ({error})") from error
    if array.dtype.kind == "O":
        raise UsageError(f"{path}: {odd_element(array)} is among its values; give numbers")
    if array.dtype.kind not in "fiub":
        raise UsageError(f"{path}: it holds {array.dtype} values; give numbers")
    return array.astype(np.float32) if array.dtype == np.float16 else array


def stored_in(value: Any) -> str:
    """The half precision that an array is stored in; "" where it is none."""
    name = str(getattr(value, "dtype", "")).rpartition(".")[2]
    return name if name in (BFLOAT16, "float16") else ""


def fitting(what: str, array: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """An array of that shape, if axes of length 1 in front are all that is too many."""
    ones = array.ndim - len(shape)
    if array.shape == (1,) * max(ones, 0) + shape:
        return array.reshape(shape)
    turned = [
        order
        for order in permutations(range(array.ndim))
        if array.ndim == len(shape) and tuple(array.shape[axis] for axis in order) == shape
    ]
    hint = f": array.transpose{turned[0]} would fit" if turned else ""
    raise UsageError(f"{what} has shape {array.shape}, but should be {shape}{hint}")


def precision_of(name: str, arrays: Mapping[str, NDArray[Any]]) -> str:
    """The precision that results were computed in: the one that they all have."""
    kinds = {
        array.dtype.name for array in arrays.values() if array.dtype.kind == "f" and array.shape
    }
    kinds = {"float32" if kind == "float16" else kind for kind in kinds}
    if len(kinds) > 1:
        own = {kind: next(n for n, a in arrays.items() if a.dtype.name == kind) for kind in kinds}
        told = ", ".join(f"{own[kind]} is {kind}" for kind in sorted(kinds))
        raise UsageError(
            f"{name}: {told}; say in which precision it was computed, with dtype='float32' or "
            "'float64'"
        )
    return next(iter(kinds), "float64")


def in_float32(array: NDArray[Any]) -> NDArray[Any]:
    """Numbers of half precision as they are compared."""
    return array.astype(np.float32) if array.dtype.kind == "f" else array


def check_held(name: str, arrays: Mapping[str, NDArray[Any]], dtype: str) -> None:
    """Raise `UsageError` where what went in is not what code of that precision can have had."""
    for what, array in arrays.items():
        if array.dtype.kind != "f" or array.dtype == dtype:
            continue
        with np.errstate(over="ignore"):
            rounded = round_to(array, dtype)
        if not np.array_equal(rounded.astype(array.dtype), array, equal_nan=True):
            raise UsageError(
                f"{name}: {what} holds {array.dtype} numbers that {dtype} has not: it is not what "
                f"code in {dtype} computed with; record it as the code had it"
            )
