"""Convolutions: held against loops as people write them; and what does not fit is told."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

from backproof import Conv1D, Conv2D, Conv2DTranspose, Loss, Network, Permute, UsageError
from backproof.mathematics.arithmetic.floating import Float
from tests.mathematics.layers.around import Alone, Case, point

LAYERS = [
    Case(Conv2D(3, 4, (3, 2), (2, 1), "same"), ((5, 4, 3),)),
    Case(Conv2D(4, 6, 2, 2, "same_torch", groups=2), ((5, 6, 4),)),
    Case(Conv2D(2, 2, (2, 3), (1, 2), ((1, 0), (2, 1)), dilation=(1, 2)), ((4, 7, 2),)),
    Case(Conv2D(3, 6, (2, 1), dilation=(3, 1), groups=3, bias=False, turned=True), ((5, 2, 3),)),
    Case(Conv2D(1, 2, 1, 3), ((4, 5, 1),)),
    Case(Conv1D(3, 4, 3, 2, "same"), ((7, 3),)),
    Case(Conv1D(4, 4, 3, 1, 2, dilation=2, groups=4, turned=True), ((6, 4),)),
]


def looped(layer: Any, x: Any, kernel: Any, bias: Any, upstream: Any) -> dict[str, Any]:
    """Forwards and backwards, a window after the other: ``dx[window] += …``."""
    if layer.turned:
        kernel = kernel[tuple(slice(None, None, -1) for _ in range(layer.axes))]
    sides = layer.windows(x.shape[1:]).padding
    padded = np.pad(x, ((0, 0), *sides, (0, 0)))
    out, back, gradient = np.zeros_like(upstream), np.zeros_like(padded), np.zeros_like(kernel)
    each_in, each_out = layer.channels // layer.groups, layer.filters // layer.groups
    for n, k in product(range(len(x)), range(layer.filters)):
        first = k // each_out * each_in
        for at in np.ndindex(upstream.shape[1:-1]):
            places = (
                slice(q * s, q * s + d * (size - 1) + 1, d)
                for q, s, d, size in zip(at, layer.stride, layer.dilation, layer.kernel)
            )
            window = (n, *places, slice(first, first + each_in))
            out[(n, *at, k)] = (padded[window] * kernel[..., k]).sum() + bias[k]
            back[window] += kernel[..., k] * upstream[(n, *at, k)]
            gradient[..., k] += padded[window] * upstream[(n, *at, k)]
    inner = tuple(slice(b, b + n) for (b, _), n in zip(sides, x.shape[1:-1]))
    if layer.turned:
        gradient = gradient[tuple(slice(None, None, -1) for _ in range(layer.axes))]
    return {
        "out": out,
        "input 0": back[(slice(None), *inner)],
        "gradient kernel": gradient,
        "gradient bias": upstream.sum(axis=tuple(range(upstream.ndim - 1))),
    }


@pytest.mark.parametrize("case", LAYERS, ids=str)
def test_it_is_what_loops_give(case: Case) -> None:
    at = point(case)
    found = Alone(Float(), case.layer, at).all()
    bias = at.parameters.get("bias", np.zeros(case.layer.output(*case.shapes)[-1]))
    wanted = looped(case.layer, at.inputs[0], at.parameters["kernel"], bias, at.arriving)
    for name, value in found.items():
        np.testing.assert_allclose(value, wanted[name], rtol=1e-12, atol=1e-12, err_msg=name)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: Conv2D(0, 2, 3), "channels=0): give a whole number of at least 1"),
        (lambda: Conv2D(4, 6, 3, groups=4), "the groups must divide both; 1, 2 would"),
        (lambda: Conv2D(3, 2, (3, 3, 3)), "or a tuple of 2 of them, one for each axis"),
        (lambda: Conv1D(3, 2, 0), "Conv1D(kernel=0): give a whole number of at least 1"),
        (lambda: Conv2D(3, 2, 3, stride=0.5), "Conv2D(stride=0.5): give a whole number"),
        (lambda: Conv2D(3, 2, 3, padding="full"), "choose 'valid', 'same', 'same_torch'"),
        (lambda: Conv2D(3, 2, 3, padding=-1), "Conv2D(padding=-1)"),
        (lambda: Conv2D(3, 2, 3, padding=((1, 2, 3), 0)), "((top, bottom), (left, right))"),
        (lambda: Conv2D(3, 2, 3, bias="no"), "give True or False"),
        (lambda: Conv2D(3, 2, 3, activation=3), "give a name, such as 'relu'"),
        (lambda: Conv2DTranspose(3, 2, 3, 2, 1, extra=2), "give 0, or less than the stride (2, 2)"),
        (lambda: Conv2DTranspose(3, 2, 3, 2, "same", extra=1), "give numbers of zeros"),
        (lambda: Conv2DTranspose(3, 2, 3, padding="same_torch"), "'valid', 'same' or numbers"),
        (lambda: Permute((1, 2)), "give the axes of a sample, counted from 0, each once"),
    ],
)
def test_wrong_fields_are_told(make: Any, told: str) -> None:
    with pytest.raises(UsageError) as error:
        make()
    assert told in str(error.value)


@pytest.mark.parametrize(
    ("layer", "shape", "told"),
    [
        (
            Conv2D(3, 2, 3),
            (3, 8, 8),
            "conv2d takes one input (height, width, 3), its channels last, but gets (3, 8, 8)",
        ),
        (Conv2D(3, 2, 3), (8, 3), "but gets (8, 3)"),
        (Conv2D(3, 2, 5), (8, 4, 3), "at least 5 along axis 1 (a window reaches over 5"),
        (Conv1D(1, 2, 3, dilation=3), (6, 1), "at least 7 along axis 0"),
        (
            Conv2DTranspose(3, 2, 3, padding=2),
            (1, 4, 3),
            "conv2d_transpose takes more along axis 0",
        ),
        (Permute((1, 0)), (2, 3, 4), "permute takes one input of 2 axes, but gets (2, 3, 4)"),
        (Conv2D(3, 2, 2, padding=2), (8, 8, 3), "2 zeros on a side of an axis of 8, but a window"),
    ],
)
def test_inputs_that_do_not_fit_are_told_with_their_node(layer: Any, shape: Any, told: str) -> None:
    with pytest.raises(UsageError) as error:
        Network((layer,), Loss("squared_error"), inputs=shape)
    assert told in str(error.value)
    assert f"{layer.kind}_1" in str(error.value)
