"""The convolutional network: its windows, its two ways to normalise, and what it learns."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import correlate

from comparisons.digits_conv import data
from scratch import digits_conv as scratch
from scratch.digits_conv import (
    ConvDigits,
    as_pictures,
    as_rows,
    col2im,
    im2col,
    initial_parameters,
    mask,
    train,
)

WINDOWS = [(3, 1, 1), (3, 2, 1), (2, 2, 0), (1, 3, 2)]  # size, stride, border


def whole_numbers(*shape: int) -> scratch.Array:
    """Sums and products of them are exact."""
    return np.random.default_rng(3).integers(-4, 5, shape).astype(float)


@pytest.mark.parametrize(("size", "stride", "pad"), WINDOWS)
def test_rows_times_a_kernel_are_a_convolution(size: int, stride: int, pad: int) -> None:
    x, kernel = whole_numbers(2, 3, 7, 5), whole_numbers(4, 3, size, size)
    around = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    wanted = np.array(
        [
            [
                sum(correlate(c, k, "valid", "direct") for c, k in zip(p, f, strict=True))
                for f in kernel
            ]
            for p in around
        ]
    )[:, :, ::stride, ::stride]
    found = im2col(x, size, stride, pad) @ kernel.reshape(4, -1).T
    np.testing.assert_array_equal(as_pictures(found, 2, *wanted.shape[2:]), wanted)


@pytest.mark.parametrize(("size", "stride", "pad"), WINDOWS)
def test_rows_go_back_to_where_they_came_from(size: int, stride: int, pad: int) -> None:
    """The transpose: ⟨C(x), r⟩ = ⟨x, Cᵀ(r)⟩ for every x and r."""
    x = whole_numbers(2, 3, 7, 5)
    seen = im2col(x, size, stride, pad)
    rows = whole_numbers(*seen.shape)
    assert (seen * rows).sum() == (x * col2im(rows, x.shape, size, stride, pad)).sum()


def test_pictures_as_rows_come_back() -> None:
    x = whole_numbers(2, 3, 4, 5)
    np.testing.assert_array_equal(as_pictures(as_rows(x), 2, 4, 5), x)


def pictures(samples: int) -> tuple[scratch.Array, scratch.Array]:
    """The first so many, channels first, with their targets."""
    whole = data()
    return whole.inputs[:samples].transpose(0, 3, 1, 2), whole.targets[:samples]


def test_running_values_and_the_batch_give_the_same_where_they_are_equal() -> None:
    x, _ = pictures(40)
    network = ConvDigits(initial_parameters(np.random.default_rng(0)))
    seen = network.forward(x, np.full((40, scratch.FEATURES), 1 - scratch.DROPPED))
    for name, value in zip(scratch.RUNNING, (seen.mean, seen.variance), strict=True):
        network.running[name] = value.ravel()
    np.testing.assert_allclose(network.forward(x).logits, seen.logits, rtol=1e-12)


def test_a_step_moves_the_running_values() -> None:
    x, y = pictures(40)
    network = ConvDigits(initial_parameters(np.random.default_rng(0)))
    seen = network.forward(x, mask(np.random.default_rng(0), 40))
    network.step(x, y, mask(np.random.default_rng(0), 40))
    moved = network.running["batch_norm_1/running_variance"]
    np.testing.assert_allclose(moved, 0.875 + 0.125 * seen.variance.ravel(), rtol=1e-12)


def test_parameters_of_other_shapes_are_refused() -> None:
    parameters = initial_parameters(np.random.default_rng(0))
    parameters["dense_1/kernel"] = parameters["dense_1/kernel"].T
    with pytest.raises(ValueError, match="should have"):
        ConvDigits(parameters)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_everything_keeps_the_dtype(dtype: str) -> None:
    network = ConvDigits(initial_parameters(np.random.default_rng(0), dtype))
    x, y = (array.astype(dtype) for array in pictures(5))
    network.step(x, y, mask(np.random.default_rng(0), 5))
    arrays = [*network.parameters.values(), *network.velocity.values(), *network.running.values()]
    assert {array.dtype.name for array in arrays} == {dtype}


def test_it_learns_to_read() -> None:
    """Of 360 pictures that it has not seen, more than nine of ten, by the running values."""
    x, y = pictures(1797)
    network = ConvDigits(initial_parameters(np.random.default_rng(scratch.SEED)))
    losses: list[float] = []
    train(
        network,
        x[:-360],
        y[:-360],
        stream=np.random.default_rng(scratch.SEED),
        on_step=lambda _, loss: losses.append(float(loss)),
    )
    assert np.mean(losses[-20:]) < np.mean(losses[:20]) / 4
    assert (network.predict(x[-360:]) == y[-360:].argmax(axis=1)).mean() > 0.9
