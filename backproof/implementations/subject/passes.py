"""A forward and a backward pass as people write them, as a subject of one layer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import permutations, product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backproof.implementations.subject.arrays import Arrays, as_numpy
from backproof.implementations.subject.binding import (
    EVERYTHING,
    Named,
    arguments_of,
    bound,
    gradients_by_name,
    plainly,
    tensors_of,
    without_d,
)
from backproof.mathematics.errors import EvaluationError
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.node import INPUTS
from backproof.mathematics.network.parameters import MASK, Batch, Parameters

Axes = Mapping[str, tuple[int, ...]]
OUTPUTS = "outputs"
OF_CACHE = ("cache", "ctx", "context", "saved", "tape", "memory", "residuals", "res")
OF_OUTPUTS = ("out", "y", "output", "outputs", "activation")
OF_UPSTREAM = ("upstream", "delta", "cotangent", "g", "grad", "gradient")


@dataclass(frozen=True, eq=False)
class Passes:
    """Functions ``out, cache = forward(x, w, b)`` and ``dx, dw, db = backward(dout, cache)``.

    ``backward``: None where the framework of its arrays differentiates forward. ``axes``: by name
    of a tensor, the order in which code has its axes: theirs = ours.transpose(axes).
    """

    network: Network
    forward: Callable[..., Any]
    backward: Callable[..., Any] | None
    arrays: Arrays
    order: tuple[str, ...]
    """The full names of what forward takes, in the order of its arguments."""
    axes: Axes
    named: Callable[..., Any]
    """What a report names: the code as the user has written it."""

    def __post_init__(self) -> None:
        self.__dict__["__module__"] = getattr(self.named, "__module__", type(self.named).__module__)
        self.__dict__["__qualname__"] = getattr(
            self.named, "__qualname__", type(self.named).__qualname__
        )

    @property
    def written(self) -> Callable[..., Any]:
        """The code as the user has written it: where errors and reports point."""
        return self.named

    @property
    def tensors(self) -> tuple[Named, ...]:
        """What goes in, in the order of the arguments, with shapes as the code has them."""
        known = {each.full: each for each in tensors_of(self.network)}
        names = [
            name for each in self.order for name in (self.owned if each == EVERYTHING else [each])
        ]
        return tuple(replace(known[name], shape=self._shape(known[name])) for name in names)

    @property
    def owned(self) -> list[str]:
        """The parameters, and what the layers keep beside them."""
        return [*self.network.parameters, *self.network.buffers]

    def _shape(self, tensor: Named) -> tuple[int, ...]:
        axes = self.axes_of(tensor.full)
        if axes is None:
            return tensor.shape
        if tensor.full != INPUTS:
            return tuple(tensor.shape[axis] for axis in axes)
        return tuple((0, *tensor.shape)[axis] for axis in axes)[1:]

    def axes_of(self, full: str) -> tuple[int, ...] | None:
        """The order of axes that the code has for a tensor, if it is another."""
        own = full.partition("/")[2]
        return self.axes.get(full) or self.axes.get(own)

    def theirs(self, full: str, array: NDArray[Any]) -> NDArray[Any]:
        """An array as the code has it."""
        axes = self.axes_of(full)
        return array if axes is None else np.ascontiguousarray(array.transpose(axes))

    def ours(self, full: str, value: Any) -> NDArray[Any]:
        """What the code gave, in our order of axes."""
        array, axes = as_numpy(value), self.axes_of(full)
        if axes is None or array.ndim != len(axes):
            return array
        return array.transpose(np.argsort(axes))

    def __call__(self, parameters: Parameters, batch: Batch) -> dict[str, Any]:
        """Output and gradients by name."""
        with self.arrays.wide():
            given = {
                name: self.arrays.of(self.theirs(name, array))
                for name, array in self.arrays_of(parameters, batch).items()
            }
            upstream = self.theirs(OUTPUTS, batch.targets)
            if self.backward is None:
                output, returned = self._differentiated(given, upstream)
            else:
                passed = [self._argument(name, given) for name in self.order]
                output, cache = parts_of(self.forward(*passed))
                returned = self._back(self.arrays.of(upstream), output, cache, given)
            gradients = gradients_by_name(returned, self.tensors, len(batch.inputs), as_numpy)
            found = self.results(output, gradients)
            if self.arrays.half:  # float32 holds what is compared
                found = {name: value.astype(np.float32) for name, value in found.items()}
            return found

    def arrays_of(self, parameters: Parameters, batch: Batch) -> dict[str, NDArray[Any]]:
        """All that the code may take, by full name; indices are whole numbers."""
        inputs = batch.inputs if self.network.indices is None else batch.inputs.astype(np.int64)
        masks = {f"{MASK}{node}": mask for node, mask in batch.masks.items()}
        return {INPUTS: inputs, **parameters, **masks}

    def _differentiated(self, given: Mapping[str, Any], upstream: Any) -> tuple[Any, Any]:
        names = [each.full for each in self.tensors if each.learned]

        def function(*values: Any) -> Any:
            known = {**given, **dict(zip(names, values, strict=True))}
            return parts_of(self.forward(*[self._argument(n, known) for n in self.order]))[0]

        output, found = self.arrays.pulled_back(function, [given[n] for n in names], upstream)
        return output, dict(zip(names, found, strict=True))

    def _argument(self, name: str, given: Mapping[str, Any]) -> Any:
        if name != EVERYTHING:
            return given[name]
        return {each.own: given[each.full] for each in self.tensors if each.full in self.owned}

    def _back(self, upstream: Any, output: Any, cache: Any, given: Mapping[str, Any]) -> Any:
        """Call backward: with what its arguments are called after, or by their places."""
        assert self.backward is not None
        names = arguments_of(self.backward)
        known = [self._value_of(name, upstream, output, cache, given) for name in names]
        if names and all(found for found in known) and any(v[0] is upstream for v in known):
            return self.backward(*[found[0] for found in known])
        if len(names) == 1:
            return self.backward(upstream)
        return self.backward(upstream, cache)

    def _value_of(
        self, name: str, upstream: Any, output: Any, cache: Any, given: Mapping[str, Any]
    ) -> tuple[Any, ...]:
        """What an argument of backward is, as a tuple of one; empty if its name does not tell."""
        plain = plainly(name)
        if plain in OF_CACHE:
            return (cache,)
        if plain in OF_UPSTREAM or (
            plain[0] == "d" and without_d(plain) in (*OF_OUTPUTS, "a", "z")
        ):
            return (upstream,)
        if without_d(plain) in OF_OUTPUTS and plain not in OF_OUTPUTS:
            return (upstream,)
        if plain in OF_OUTPUTS:
            return (output,)
        found = [each.full for each in self.tensors if each.is_called(name)]
        return (given[found[0]],) if len(found) == 1 else ()

    def results(self, output: Any, gradients: Mapping[str, Any]) -> dict[str, Any]:
        """By the names of what is compared."""
        found = {f"activation/{self.network.last.name}": self.ours(OUTPUTS, output)}
        for name, value in gradients.items():
            what = "input_gradient" if name == INPUTS else f"gradient/{name}"
            found[what] = self.ours(name, value)
        return found

    def layouts(self) -> Iterator[tuple[str, Passes]]:
        """The same code with its axes in other orders, the simplest first, each as it is said."""
        choices: dict[str, list[tuple[int, ...] | None]] = {}
        for name, parameter in self.network.parameters.items():
            if 1 < len(parameter.shape) <= MOST_AXES:
                choices[name.partition("/")[2] if len(self.network.nodes) == 1 else name] = list(
                    permutations(range(len(parameter.shape)))
                )
        for name, shape in (
            (INPUTS, self.network.input_shape),
            (OUTPUTS, self.network.output_shape),
        ):
            if len(shape) > 1:
                choices[name] = [None, (0, len(shape), *range(1, len(shape)))]
        found: list[dict[str, tuple[int, ...]]] = []
        for each in product(*choices.values()):
            turned = {
                name: order
                for name, order in zip(choices, each, strict=True)
                if order is not None and order != tuple(range(len(order)))
            }
            if turned and len(found) < MOST_LAYOUTS:
                found.append(turned)
        for axes in sorted(found, key=len):
            yield f"axes={axes!r}", replace(self, axes={**self.axes, **axes})


# Parameters of more axes are not turned; and so many layouts are tried.
MOST_AXES, MOST_LAYOUTS = 4, 200


def parts_of(returned: Any) -> tuple[Any, Any]:
    """Output and cache of a forward pass, which may give the output alone, or several caches."""
    if not isinstance(returned, tuple | list):
        return returned, None
    if not returned:
        raise EvaluationError(
            "forward returned nothing; return the output, or the output and a cache"
        )
    output, *cache = returned
    return output, cache[0] if len(cache) == 1 else tuple(cache)


def passes(
    network: Network,
    forward: Callable[..., Any],
    backward: Callable[..., Any] | None,
    arrays: Arrays,
    *,
    arguments: Sequence[str] | None = None,
    axes: Axes | None = None,
    named: Callable[..., Any] | None = None,
    signature: Callable[..., Any] | None = None,
    without: Sequence[str] = (),
) -> Passes:
    """The subject that two functions are, or one; raises `UsageError` where they do not fit.

    ``signature``: the function whose arguments tell, where forward has none of its own.
    """
    if backward is None:
        arrays.check_differentiates()
    tensors = tensors_of(network)
    order = bound("forward", signature or forward, tensors, arguments, without)
    return Passes(network, forward, backward, arrays, order, dict(axes or {}), named or forward)
