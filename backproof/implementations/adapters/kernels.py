"""How a subject keeps its kernels and biases."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any, Literal

import numpy as np

from backproof.implementations.subject.declaration import Adapted
from backproof.mathematics.checking import checked
from backproof.mathematics.errors import EvaluationError

Subject = Callable[..., Any]
Where = Literal["first row", "last row", "first column", "last column"]


@checked
def transposed(subject: Subject) -> Adapted:
    """For kernels (fan_out, fan_in): they are handed over so, and what comes back is turned."""

    def call(parameters: Any, batch: Any) -> Mapping[str, Any]:
        results = subject({name: turned(name, a) for name, a in parameters.items()}, batch)
        return {name: turned(name, result) for name, result in results.items()}

    return Adapted(subject, call)


def turned(name: str, array: Any) -> Any:
    """A kernel's transpose, laid out row by row as compiled code expects it."""
    return np.ascontiguousarray(np.transpose(array)) if name.endswith("/kernel") else array


@checked
def bias_in_kernel(subject: Subject, where: Where) -> Adapted:
    """For biases that are a row of the kernel, (fan_in + 1, fan_out), or a column of a turned one.

    A column goes with kernels (fan_out, fan_in + 1): put `transposed` around this. A layer without
    a bias keeps its kernel as it is.
    """
    first, axis = where.startswith("first"), 0 if where.endswith("row") else 1

    def call(parameters: Any, batch: Any) -> Mapping[str, Any]:
        given = {name: a for name, a in parameters.items() if not name.endswith("/bias")}
        for name in list(given):
            bias = parameters.get(bias_of(name))
            if name.endswith("/kernel") and bias is not None:
                line = np.expand_dims(bias, axis)
                parts = [line, given[name]] if first else [given[name], line]
                given[name] = np.concatenate(parts, axis=axis)
        results = dict(subject(given, batch))
        for name in [n for n in results if n.endswith("/kernel")]:
            if bias_of("/".join(name.split("/")[-2:])) in parameters:
                whole = np.asarray(results[name])
                last = whole.shape[axis] - 1
                results[bias_of(name)] = whole.take(0 if first else last, axis=axis)
                results[name] = whole.take(range(first, last + first), axis=axis)
        return results

    return Adapted(subject, call)


def bias_of(kernel: str) -> str:
    """``dense_1/bias`` for ``dense_1/kernel``."""
    return kernel.removesuffix("kernel") + "bias"


@checked
def thresholds(subject: Subject) -> Adapted:
    """For biases that are subtracted, z = inputs · W − θ: negated on the way in and out."""
    return on_biases(subject, lambda bias: -np.asarray(bias), lambda bias: -np.asarray(bias))


@checked
def scalar_biases(subject: Subject) -> Adapted:
    """For one scalar bias a layer, a plain number: with layers ``Dense(…, bias="scalar")``."""
    return on_biases(
        subject,
        lambda bias: np.asarray(bias).reshape(())[()],
        lambda bias: np.reshape(bias, (1,)),
    )


def on_biases(subject: Subject, there: Callable[[Any], Any], back: Callable[[Any], Any]) -> Adapted:
    """Change each bias on its way there, and what belongs to one on its way back."""

    def call(parameters: Any, batch: Any) -> Mapping[str, Any]:
        given = {n: there(a) if n.endswith("/bias") else a for n, a in parameters.items()}
        results = subject(given, batch)
        return {n: back(r) if n.endswith("/bias") else r for n, r in results.items()}

    return Adapted(subject, call)


@checked
def zero_biases(subject: Subject) -> Adapted:
    """For code with biases where the network has none: it gets zeros, and theirs are left out."""

    def call(parameters: Any, batch: Any) -> Mapping[str, Any]:
        given, added = dict(parameters), set()
        for name, kernel in parameters.items():
            bias = bias_of(name)
            if name.endswith("/kernel") and bias not in parameters:
                given[bias] = np.zeros(kernel.shape[-1], kernel.dtype)
                added.add(bias)
        results = subject(given, batch)
        return {n: r for n, r in results.items() if "/".join(n.split("/")[-2:]) not in added}

    return Adapted(subject, call)


@checked
def vector(
    subject: Subject, names: Sequence[str] | None = None, order: Literal["C", "F"] = "C"
) -> Adapted:
    """For all parameters in one flat vector, as optimizers of SciPy want them.

    ``names``: the order of the parameters in it, by default kernel and bias of each layer in turn;
    ``order``: whether a kernel is flattened row by row or column by column. The subject returns
    ``gradient`` and ``updated`` as such vectors, beside what else it gives; or a pair, loss and
    gradient. Around it put what a kernel goes through before it is flattened.
    """

    def call(parameters: Any, batch: Any) -> Mapping[str, Any]:
        if names is not None and sorted(names) != sorted(parameters):
            raise EvaluationError(
                f"vector(names={list(names)}) does not name the parameters "
                f"{', '.join(parameters)}; name each once"
            )
        chosen = list(names or parameters)
        flat = np.concatenate([np.ravel(parameters[name], order) for name in chosen])
        given = subject(flat, batch)
        if isinstance(given, tuple):
            if len(given) != 2:
                raise EvaluationError(f"{len(given)} results; return loss and gradient, or a dict")
            given = {"loss": given[0], "gradient": given[1]}
        results: dict[str, Any] = {}
        for key, value in given.items():
            if key not in ("gradient", "updated"):
                results[key] = value
                continue
            whole = np.asarray(value)
            if whole.shape != flat.shape:
                raise EvaluationError(
                    f"{key} has shape {whole.shape}, but the vector of parameters {flat.shape}"
                )
            at = 0
            for name in chosen:
                shape = np.shape(parameters[name])
                part = whole[at : at + prod(shape)]
                results[f"{key}/{name}"] = part.reshape(shape, order=order)
                at += prod(shape)
        return results

    return Adapted(subject, call)


@checked
def lists(subject: Subject) -> Adapted:
    """For code without NumPy: nested lists of floats, in and out."""
    from backproof.implementations.adapters.batches import shown

    def call(parameters: Any, batch: Any) -> Mapping[str, Any]:
        given = {name: np.asarray(a).tolist() for name, a in parameters.items()}
        view = shown(batch, lambda array: np.asarray(array).tolist())
        return {name: np.asarray(result) for name, result in subject(given, view).items()}

    return Adapted(subject, call)
