"""The residual network: its windows, their way back, and what it learns."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import correlate

from comparisons.digits_residual import data
from scratch import digits_residual as scratch
from scratch.digits_residual import ResidualDigits, initial_parameters, put_back, train, windows


def whole_numbers(*shape: int) -> scratch.Array:
    """Sums and products of them are exact."""
    return np.random.default_rng(3).integers(-4, 5, shape).astype(float)


def test_rows_times_a_kernel_are_a_convolution() -> None:
    x, kernel = whole_numbers(2, 8, 8, 3), whole_numbers(3, 3, 3, 5)
    found = (windows(x) @ kernel.reshape(-1, 5)).reshape(2, 8, 8, 5)
    for picture, image in zip(found, x, strict=True):
        for filtered in range(5):
            channels = [
                correlate(image[..., c], kernel[..., c, filtered], "same", "direct")
                for c in range(3)
            ]
            np.testing.assert_array_equal(picture[..., filtered], sum(channels))


def test_rows_go_back_to_where_they_came_from() -> None:
    """The transpose: ⟨C(x), r⟩ = ⟨x, Cᵀ(r)⟩ for every x and r."""
    x, rows = whole_numbers(2, 8, 8, 3), whole_numbers(2 * 64, 27)
    assert (windows(x) * rows).sum() == (x * put_back(rows, 2)).sum()


def test_parameters_of_other_shapes_are_refused() -> None:
    parameters = initial_parameters(np.random.default_rng(0))
    parameters["dense_1/kernel"] = parameters["dense_1/kernel"].T
    with pytest.raises(ValueError, match="should have"):
        ResidualDigits(parameters)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_everything_keeps_the_dtype(dtype: str) -> None:
    network = ResidualDigits(initial_parameters(np.random.default_rng(0), dtype))
    batch = data().astype(dtype)
    network.step(batch.inputs[:5], batch.targets[:5])
    arrays = [*network.parameters.values(), *network.velocity.values()]
    assert {array.dtype.name for array in arrays} == {dtype}


@pytest.mark.slow(8)
def test_it_learns_to_read() -> None:
    """Of 360 pictures that it has not seen, nine of ten."""
    whole = data()
    network = ResidualDigits(initial_parameters(np.random.default_rng(scratch.SEED)))
    losses: list[float] = []
    train(
        network,
        whole.inputs[:-360],
        whole.targets[:-360],
        stream=np.random.default_rng(scratch.SEED),
        on_step=lambda _, loss: losses.append(float(loss)),
    )
    assert np.mean(losses[-20:]) < np.mean(losses[:20]) / 4
    right = network.predict(whole.inputs[-360:]) == whole.targets[-360:].argmax(axis=1)
    assert right.mean() > 0.9
