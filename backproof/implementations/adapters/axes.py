"""How a subject lays out its images, and any array whose axes are in another order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from typing import Any

import numpy as np

from backproof.implementations.adapters.batches import shown
from backproof.implementations.subject.declaration import Adapted
from backproof.mathematics.checking import checked
from backproof.mathematics.errors import EvaluationError
from backproof.mathematics.network.parameters import MASK
from backproof.mathematics.network.quantities import INPUT_GRADIENT

Subject = Callable[..., Any]
Axes = tuple[int, ...]
Shape = tuple[int, ...]

INPUTS = "inputs"


@checked
def permuted(subject: Subject, axes: Mapping[str, tuple[int, ...]]) -> Adapted:
    """For arrays whose axes are in another order: the subject gets ``np.transpose(ours, axes)``.

    By name: a parameter (``conv2d_1/kernel``), with its gradient and what a step makes of it; an
    activation (``activation/conv2d_1``); a mask (``mask/dropout_1``); or ``inputs``, with the
    gradient of them. The axis of the samples counts.
    """

    def axes_of(name: str, array: Any) -> Axes | None:
        wanted = axes.get(name)
        if wanted is not None and sorted(wanted) != list(range(np.ndim(array))):
            raise EvaluationError(
                f"permuted: {name} has {np.ndim(array)} axes, of which {tuple(wanted)} is no order"
            )
        return wanted

    return Adapted(subject, with_axes(subject, axes_of))


@checked
def channels_first(
    subject: Subject, flattened: Mapping[str, tuple[int, ...]] | None = None
) -> Adapted:
    """For images (samples, channels, height, width) and kernels (filters, channels, height, width).

    All arrays of three axes or more are handed over so, and what comes back is turned; sequences
    (samples, channels, length) likewise. ``flattened``: kernels (h·w·c, units) behind an image that
    is flattened, and activations that are such vectors, with the image's shape, channels last:
    ``{"dense_1/kernel": (4, 4, 8), "activation/flatten_1": (4, 4, 8)}``. Their rows are handed over
    in the order of channels first. None is needed where the network says so itself, by a `Permute`
    before it flattens.
    """
    images = dict(flattened or {})

    def axes_of(name: str, array: Any) -> Axes | None:
        many = np.ndim(array)
        if many < 3 or name in images:
            return None
        if name == INPUTS or name.startswith(("activation/", MASK)):
            return (0, many - 1, *range(1, many - 1))
        return (many - 1, many - 2, *range(many - 2))

    def flat_there(name: str, array: Any) -> Any:
        return reordered(name, array, images[name], back=False) if name in images else array

    def flat_back(name: str, array: Any) -> Any:
        return reordered(name, array, images[name], back=True) if name in images else array

    inner = with_axes(subject, axes_of)

    def call(parameters: Any, batch: Any) -> Mapping[str, Any]:
        results = inner({name: flat_there(name, a) for name, a in parameters.items()}, batch)
        return {name: flat_back(own_name(name), result) for name, result in results.items()}

    return Adapted(subject, call)


@checked
def shaped(subject: Subject, shapes: Mapping[str, tuple[int, ...]]) -> Adapted:
    """For parameters in another shape of as many elements: (1, C, 1, 1) or (1, D) for (C,), (D,).

    By name, ``batch_norm_1/scale`` or a running value, with its gradient, what an optimizer keeps
    for it and what a step makes of it. The elements stand in the same order, row by row.
    """

    def shape_of(name: str) -> Shape | None:
        return shapes.get(own_name(name))

    def reshaped(name: str, array: Any, wanted: Shape) -> Any:
        if np.size(array) != prod(wanted):
            raise EvaluationError(
                f"shaped: {name} has {np.size(array)} elements, and {tuple(wanted)} {prod(wanted)}"
            )
        return np.reshape(array, wanted)

    def call(parameters: Any, batch: Any) -> Mapping[str, Any]:
        given = {
            name: array if (wanted := shape_of(name)) is None else reshaped(name, array, wanted)
            for name, array in parameters.items()
        }
        ours = {own_name(name): np.shape(array) for name, array in parameters.items()}
        return {
            name: result
            if shape_of(name) is None or name.startswith("parameter_count")
            else reshaped(name, result, ours[own_name(name)])
            for name, result in subject(given, batch).items()
        }

    return Adapted(subject, call)


def with_axes(subject: Subject, axes_of: Callable[[str, Any], Axes | None]) -> Subject:
    """The subject, with arrays turned on their way there and back."""

    def call(parameters: Any, batch: Any) -> Mapping[str, Any]:
        given = {name: there(a, axes_of(name, a)) for name, a in parameters.items()}
        masks = {n: there(m, axes_of(f"{MASK}{n}", m)) for n, m in batch.masks.items()}
        inputs = there(batch.inputs, axes_of(INPUTS, batch.inputs))
        view = shown(batch, inputs=inputs, masks=masks)
        return {
            name: back(result, axes_of(own_name(name), result))
            for name, result in subject(given, view).items()
        }

    return call


def there(array: Any, axes: Axes | None) -> Any:
    """Laid out row by row, as compiled code expects it."""
    return array if axes is None else np.ascontiguousarray(np.transpose(array, axes))


def back(array: Any, axes: Axes | None) -> Any:
    """What `there` has turned, as it was."""
    return array if axes is None else np.transpose(array, np.argsort(axes))


def own_name(name: str) -> str:
    """The parameter that a result is about; an activation's name, and "inputs", as they are."""
    if name.startswith("activation/"):
        return name
    return INPUTS if name == INPUT_GRADIENT else "/".join(name.split("/")[-2:])


def reordered(name: str, array: Any, image: Shape, *, back: bool) -> Any:
    """Rows in the order of channels first, of those of channels last; or the reverse.

    Of a kernel the rows are its first axis, of an activation its last.
    """
    found = np.asarray(array)
    axis = -1 if name.startswith("activation/") else 0
    if found.shape[axis] != prod(image):
        raise EvaluationError(
            f"channels_first: {name} has {found.shape[axis]} rows, the image {image} {prod(image)}"
        )
    order = np.moveaxis(np.arange(prod(image)).reshape(image), -1, 0).ravel()
    return found.take(np.argsort(order) if back else order, axis=axis)
