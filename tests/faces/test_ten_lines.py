"""The ten-line way: four layers by hand, in NumPy, as PyTorch's Function and JAX's custom_vjp.

Each matches; each with one real bug is caught, and the bug is named.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

from backproof import (
    Activation,
    Conv2D,
    LayerNorm,
    Loss,
    MaxPool2D,
    Network,
    Report,
    SelfAttention,
    check,
    verify,
)
from backproof.comparison.record import subject_run

Array = Any
EPSILON, HEADS = 1e-5, 2


def module(x: Array) -> Any:
    """The package that an array is of."""
    name = type(x).__module__.partition(".")[0]
    if name == "torch":
        import torch

        return torch
    if name.startswith("jax"):
        import jax.numpy

        return jax.numpy
    return np


def turned(x: Array, *axes: int) -> Array:
    return x.permute(*axes) if hasattr(x, "permute") else x.transpose(*axes)


def added(x: Array, at: Any, value: Array) -> Array:
    """x[at] += value."""
    if hasattr(x, "at"):
        return x.at[at].add(value)
    x[at] += value
    return x


def layer_norm(x: Array, gamma: Array, beta: Array) -> Any:
    centred = x - x.mean(axis=-1, keepdims=True)
    inverse = ((centred**2).mean(axis=-1, keepdims=True) + EPSILON) ** -0.5
    return centred * inverse * gamma + beta, (centred * inverse, inverse, gamma)


def layer_norm_back(dout: Array, cache: Any, *, bug: bool = False) -> Any:
    hat, inverse, gamma = cache
    g = dout if bug else dout * gamma
    along = (g * hat).mean(axis=-1, keepdims=True)
    inner = g - g.mean(axis=-1, keepdims=True) - hat * along
    return inner * inverse, (dout * hat).sum(axis=0), dout.sum(axis=0)


def windows(w: Array) -> list[tuple[int, int]]:
    return list(np.ndindex(*w.shape[:2]))


def conv_pool(x: Array, w: Array, b: Array) -> Any:
    """3×3, valid, then the largest of 2×2; channels last."""
    height, width = x.shape[1] - 2, x.shape[2] - 2
    z = sum(
        module(x).einsum("nhwc,co->nhwo", x[:, i : i + height, j : j + width], w[i, j])
        for i, j in windows(w)
    )
    blocks = (z + b).reshape(len(x), height // 2, 2, width // 2, 2, -1)
    blocks = turned(blocks, 0, 1, 3, 5, 2, 4)
    flat = blocks.reshape(*blocks.shape[:4], 4)
    return module(x).amax(flat, axis=-1), (x, w, flat)


def conv_pool_back(dout: Array, cache: Any, *, bug: bool = False) -> Any:
    x, w, flat = cache
    height, width = x.shape[1] - 2, x.shape[2] - 2
    largest = flat == module(x).amax(flat, axis=-1)[..., None]
    first = largest & (module(x).cumsum(largest, axis=-1) == 1)
    back = (dout[..., None] * first).reshape(*flat.shape[:4], 2, 2)
    dz = turned(back, 0, 1, 4, 2, 5, 3).reshape(len(x), height, width, -1)
    dx, dw = module(x).zeros_like(x), module(x).zeros_like(w)
    for i, j in windows(w):
        at = np.s_[:, i : i + height, j : j + width]
        k = w[-1 - i, -1 - j] if bug else w[i, j]  # turned, as that of a true convolution
        dx = added(dx, at, module(x).einsum("nhwo,co->nhwc", dz, k))
        dw = added(dw, (i, j), module(x).einsum("nhwc,nhwo->co", x[at], dz))
    return dx, dw, dz.sum(axis=(0, 1, 2))


def in_heads(x: Array) -> Array:
    return x.reshape(*x.shape[:2], HEADS, -1)


def attention(
    x: Array, query_kernel: Array, key_kernel: Array, value_kernel: Array, output_kernel: Array
) -> Any:
    einsum, kernels = module(x).einsum, (query_kernel, key_kernel, value_kernel, output_kernel)
    q, k, v = (in_heads(x @ kernel) for kernel in kernels[:3])
    scores = einsum("nthd,nshd->nhts", q, k) / q.shape[-1] ** 0.5
    seen = module(x).tril(module(x).ones_like(scores[0, 0])) > 0
    scores = module(x).where(seen, scores, -np.inf)
    shifted = module(x).exp(scores - module(x).amax(scores, axis=-1)[..., None])
    p = shifted / shifted.sum(axis=-1, keepdims=True)
    heads = einsum("nhts,nshd->nthd", p, v).reshape(x.shape)
    return heads @ output_kernel, (x, q, k, v, p, heads, kernels)


def attention_back(dout: Array, cache: Any, *, bug: bool = False) -> Any:
    x, q, k, v, p, heads, kernels = cache
    einsum, to_kernel = module(x).einsum, partial(module(x).einsum, "nti,nto->io")
    back = in_heads(einsum("nto,io->nti", dout, kernels[3]))
    dp = einsum("nthd,nshd->nhts", back, v)
    inner = 0 if bug else (dp * p).sum(axis=-1, keepdims=True)
    ds = p * (dp - inner) / q.shape[-1] ** 0.5
    dq, dk = einsum("nhts,nshd->nthd", ds, k), einsum("nhts,nthd->nshd", ds, q)
    dv = einsum("nhts,nthd->nshd", p, back)
    given = [each.reshape(x.shape) for each in (dq, dk, dv)]
    dx = sum(einsum("nto,io->nti", d, w) for d, w in zip(given, kernels[:3], strict=True))
    return dx, *(to_kernel(x, d) for d in given), to_kernel(heads, dout)


LAYERS: dict[str, tuple[Any, Any, Any, tuple[int, ...], str]] = {
    "layer norm": (
        LayerNorm(epsilon=EPSILON),
        layer_norm,
        layer_norm_back,
        (6,),
        "the cotangent goes back without γ",
    ),
    "convolution and pooling": (
        (Conv2D(2, 3, 3), MaxPool2D(2)),
        conv_pool,
        conv_pool_back,
        (6, 8, 2),
        "as it goes back, without turning it",
    ),
    "attention": (
        SelfAttention(4, heads=HEADS, causal=True, bias=False),
        attention,
        attention_back,
        (5, 4),
        "softmax",
    ),
}


def as_function(forward: Any, backward: Any) -> Any:
    """The same as PyTorch's autograd.Function."""
    import torch

    class Function(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, *given: Any) -> Any:
            out, ctx.cache = forward(*given)
            return out

        @staticmethod
        def backward(ctx: Any, dout: Any) -> Any:
            return tuple(backward(dout, ctx.cache))

    return Function


def as_custom_vjp(forward: Any, backward: Any) -> Any:
    """The same as JAX's custom_vjp."""
    import jax

    layer = jax.custom_vjp(lambda *given: forward(*given)[0])
    layer.defvjp(forward, lambda cache, dout: tuple(backward(dout, cache)))
    return layer


MADE: dict[str, Callable[..., Any]] = {"torch": as_function, "jax": as_custom_vjp}


def checked(name: str, kind: str, *, bug: bool = False) -> Report:
    layer, forward, backward, inputs, _ = LAYERS[name]
    back = partial(backward, bug=bug)
    if kind == "numpy":
        return check(layer, forward=forward, backward=back, inputs=inputs)
    names = forward.__code__.co_varnames[: forward.__code__.co_argcount]
    known = {"x": "inputs", "w": "kernel", "b": "bias", "gamma": "scale", "beta": "bias"}
    arguments = [known.get(each, each) for each in names]
    return check(layer, MADE[kind](forward, back), inputs=inputs, arguments=arguments)


@pytest.fixture(autouse=True)
def few_points(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """JAX compiles for each shape: there a few of the points do."""
    if "jax" in request.node.name:
        every = subject_run.probes
        monkeypatch.setattr(subject_run, "probes", lambda *asked: every(*asked)[:4])


KINDS = ["numpy", *(pytest.param(kind, marks=pytest.mark.slow(8)) for kind in MADE)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_by_hand_matches_and_its_bug_is_named(name: str, kind: str) -> None:
    checked(name, kind).assert_match()
    assert LAYERS[name][-1] in checked(name, kind, bug=True).cause


def cross_entropy(z: Array, labels: Array) -> Any:
    """The mean over the labels that are not ignored, which are rows of zeros."""
    shifted = z - module(z).amax(z, axis=-1)[..., None]
    log_p = shifted - module(z).log(module(z).exp(shifted).sum(axis=-1, keepdims=True))
    count = labels.sum()
    return -(labels * log_p).sum() / count, (module(z).exp(log_p), labels, count)


def cross_entropy_back(dout: Array, cache: Any, *, bug: bool = False) -> Any:
    p, labels, count = cache
    valid = 1 if bug else labels.sum(axis=-1, keepdims=True)
    return dout * (p * valid - labels) / count, None


CROSS_ENTROPY = Network(
    (Activation("softmax"),),
    Loss("masked_categorical_cross_entropy", batch="valid"),
    inputs=(5, 4),
    input_gradient=True,
)


def loss_by(kind: str, back: Any) -> Any:
    """The loss and its gradient, as a subject."""

    def subject(parameters: Any, batch: Any) -> Any:
        if kind == "numpy":
            loss, cache = cross_entropy(batch.inputs, batch.targets)
            return {"loss": loss, "input_gradient": back(1.0, cache)[0]}
        if kind == "torch":
            import torch

            z = torch.tensor(batch.inputs, requires_grad=True)
            loss = as_function(cross_entropy, back).apply(z, torch.tensor(batch.targets))
            return {"loss": loss.detach(), "input_gradient": torch.autograd.grad(loss, z)[0]}
        import jax

        def back_to_both(dout: Any, cache: Any) -> Any:
            return back(dout, cache)[0], jax.numpy.zeros_like(cache[1])

        with jax.enable_x64(True):
            function = jax.value_and_grad(as_custom_vjp(cross_entropy, back_to_both))
            loss, gradient = function(*map(jax.numpy.asarray, (batch.inputs, batch.targets)))
            return {"loss": np.asarray(loss), "input_gradient": np.asarray(gradient)}

    return subject


@pytest.mark.parametrize("kind", KINDS)
def test_a_loss_with_ignored_labels_matches_and_its_bug_is_named(kind: str) -> None:
    right = loss_by(kind, cross_entropy_back)
    verify(CROSS_ENTROPY, right, references=["definition"]).assert_match()
    wrong = loss_by(kind, partial(cross_entropy_back, bug=True))
    report = verify(CROSS_ENTROPY, wrong, references=["definition"])
    assert "ignored" in report.cause
