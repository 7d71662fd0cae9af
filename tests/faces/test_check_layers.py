"""check on layers as people write them by hand: each with one real bug, caught and named."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

from backproof import (
    BatchNorm,
    Conv2D,
    Dropout,
    Embedding,
    LayerNorm,
    MaxPool2D,
    check,
)
from backproof.comparison.judging.rows import Status

Array = Any


def layer_norm(x: Array, gamma: Array, beta: Array, eps: float = 1e-5) -> Any:
    centred = x - x.mean(axis=1, keepdims=True)
    inverse = 1 / np.sqrt(x.var(axis=1, keepdims=True) + eps)
    return gamma * centred * inverse + beta, (centred * inverse, inverse, gamma)


def layer_norm_back(dout: Array, cache: Any, *, bug: bool = False) -> Any:
    hat, inverse, gamma = cache
    g = dout if bug else dout * gamma
    inner = g - g.mean(axis=1, keepdims=True) - hat * (g * hat).mean(axis=1, keepdims=True)
    return inverse * inner, (dout * hat).sum(axis=0), dout.sum(axis=0)


def batch_norm(x: Array, gamma: Array, beta: Array, eps: float = 1e-3) -> Any:
    inverse = 1 / np.sqrt(x.var(axis=0) + eps)
    hat = (x - x.mean(axis=0)) * inverse
    return gamma * hat + beta, (hat, inverse, gamma)


def batch_norm_back(dout: Array, cache: Any, *, bug: bool = False) -> Any:
    hat, inverse, gamma = cache
    g = dout * gamma
    inner = g - (0 if bug else g.mean(axis=0)) - hat * (g * hat).mean(axis=0)
    return inverse * inner, (dout * hat).sum(axis=0), dout.sum(axis=0)


def conv(x: Array, w: Array, b: Array, stride: int = 2, pad: int = 1) -> Any:
    """Channels first, as a course has it."""
    count, _, height, width = x.shape
    filters, _, across, along = w.shape
    padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    shape = (1 + (height + 2 * pad - across) // stride, 1 + (width + 2 * pad - along) // stride)
    out = np.zeros((count, filters, *shape), x.dtype)
    for i, j in np.ndindex(shape):
        seen = padded[:, :, i * stride : i * stride + across, j * stride : j * stride + along]
        out[:, :, i, j] = np.tensordot(seen, w, ([1, 2, 3], [1, 2, 3])) + b
    return out, (w, padded, stride, pad)


def conv_back(dout: Array, cache: Any, *, bug: bool = False) -> Any:
    w, padded, stride, pad = cache
    across, along = w.shape[2:]
    dx, dw = np.zeros_like(padded), np.zeros_like(w)
    for i, j in np.ndindex(dout.shape[2:]):
        at = np.s_[:, :, i * stride : i * stride + across, j * stride : j * stride + along]
        dw += np.tensordot(dout[:, :, i, j], padded[at], ([0], [0]))
        back = np.tensordot(dout[:, :, i, j], w, ([1], [0]))
        dx[at] = back if bug else dx[at] + back
    return dx[:, :, pad:-pad, pad:-pad], dw, dout.sum(axis=(0, 2, 3))


def pool(x: Array) -> Any:
    count, height, width, channels = x.shape
    blocks = x.reshape(count, height // 2, 2, width // 2, 2, channels)
    flat = blocks.transpose(0, 1, 3, 5, 2, 4).reshape(count, height // 2, width // 2, channels, 4)
    return flat.max(axis=-1), (flat, x.shape)


def pool_back(dout: Array, cache: Any, *, bug: bool = False) -> Any:
    flat, shape = cache
    chosen = flat == flat.max(axis=-1, keepdims=True)
    if not bug:  # one of several that are equal
        chosen &= np.cumsum(chosen, axis=-1) == 1
    back = (chosen * dout[..., None]).reshape(*flat.shape[:-1], 2, 2)
    return back.transpose(0, 1, 4, 2, 5, 3).reshape(shape)


def embedding(x: Array, table: Array) -> Any:
    return table[x], (x, table)


def embedding_back(dout: Array, cache: Any, *, bug: bool = False) -> Any:
    x, table = cache
    gradient = np.zeros_like(table)
    if bug:
        gradient[x] += dout
    else:
        np.add.at(gradient, x, dout)
    return {"dtable": gradient}


def dropout(x: Array, mask: Array) -> Any:
    return x * mask / 0.5, mask


def dropout_back(dout: Array, mask: Array, *, bug: bool = False) -> Any:
    return dout if bug else dout * mask / 0.5


FIRST = {"inputs": (0, 3, 1, 2), "outputs": (0, 3, 1, 2), "kernel": (3, 2, 0, 1)}
CASES: dict[str, tuple[Any, Callable[..., Any], Callable[..., Any], dict[str, Any], str]] = {
    "layer norm": (
        LayerNorm(),
        layer_norm,
        layer_norm_back,
        {"inputs": (6,)},
        "the cotangent goes back without γ",
    ),
    "batch norm": (
        BatchNorm(epsilon=1e-3),
        batch_norm,
        batch_norm_back,
        {"inputs": (4,)},
        "the mean is taken for given on the way back",
    ),
    "convolution": (
        Conv2D(2, 3, 3, stride=2, padding=1),
        conv,
        conv_back,
        {"inputs": (5, 7, 2), "axes": FIRST},
        "the last one overwrites what the others give back",
    ),
    "pooling": (
        MaxPool2D(2),
        pool,
        pool_back,
        {"inputs": (4, 6, 2)},
        "of equal maxima each gets the whole",
    ),
    "embedding": (
        Embedding(5, 3),
        embedding,
        embedding_back,
        {"inputs": (4,)},
        "gets the gradient of its last place alone",
    ),
    "dropout": (
        Dropout(0.5),
        dropout,
        dropout_back,
        {"inputs": (4,)},
        "the cotangent goes back as it comes, without mask and factor",
    ),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_right_code_passes(name: str, dtype: Any) -> None:
    layer, forward, backward, more, _ = CASES[name]
    check(layer, forward=forward, backward=backward, dtype=dtype, **more).assert_match()


@pytest.mark.parametrize("name", CASES)
def test_one_real_bug_is_caught_and_named(name: str) -> None:
    layer, forward, backward, more, named = CASES[name]
    report = check(layer, forward=forward, backward=partial(backward, bug=True), **more)
    assert report.status is Status.MISMATCH
    assert named in report.cause


def test_the_layout_of_all_three_is_found() -> None:
    layer, forward, backward, _, _ = CASES["convolution"]
    report = check(layer, forward=forward, backward=backward, inputs=(5, 7, 2))
    for tensor, axes in FIRST.items():
        assert f"{tensor!r}: {axes}" in report.cause


def test_a_mask_is_recorded() -> None:
    rng = np.random.default_rng(0)
    x, dout = rng.normal(size=(5, 4)), rng.normal(size=(5, 4))
    mask = (rng.random((5, 4)) < 0.5).astype(float)
    given = {"inputs": x, "upstream": dout, "outputs": 2 * x * mask}
    right = {"inputs": 2 * dout * mask}
    check.recorded(Dropout(0.5), **given, mask=mask, gradients=right).assert_match()
    wrong = {"inputs": dout * mask}
    report = check.recorded(Dropout(0.5), **given, mask=mask, gradients=wrong)
    assert "the cotangent goes back without the factor" in report.cause


@pytest.mark.slow(6)
def test_an_embedding_of_a_framework_passes() -> None:
    import jax.numpy as jnp
    import torch

    def of_torch(x: Any, table: Any) -> Any:
        return torch.nn.functional.embedding(x, table)

    check(Embedding(5, 3), of_torch, arrays="torch", inputs=(4,)).assert_match()

    def of_jax(x: Any, table: Any) -> Any:
        return jnp.take(table, x, axis=0)

    check(Embedding(5, 3), of_jax, arrays="jax", inputs=(4,)).assert_match()
