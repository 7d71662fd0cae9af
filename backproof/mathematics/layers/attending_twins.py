"""Attention in each framework, which is imported inside, in its worker alone."""

from __future__ import annotations

from typing import Any

import numpy as np

from backproof.mathematics.layers.attending import Heads


def in_torch(of: Heads, q: Any, k: Any, v: Any, live: Any) -> Any:
    """F.scaled_dot_product_attention; ``live``: None, or a mask that broadcasts to the scores."""
    import torch
    from torch.nn import functional

    def heads(x: Any, many: int) -> Any:
        parts = x.unflatten(-1, (many, x.shape[-1] // many)).transpose(1, 2)
        return parts.repeat_interleave(of.heads // many, dim=1) if many < of.heads else parts

    mask = torch.as_tensor(live) if isinstance(live, np.ndarray) else live
    attended = functional.scaled_dot_product_attention(
        heads(q, of.heads),
        heads(k, of.groups),
        heads(v, of.groups),
        attn_mask=mask,
        scale=None if of.scaled else 1.0,
    )
    return attended.transpose(1, 2).flatten(2)


def in_keras(of: Heads, q: Any, k: Any, v: Any, live: Any) -> Any:
    """Keras's operations, as its own MultiHeadAttention calls them."""
    from keras import ops

    def heads(x: Any, many: int) -> Any:
        _, positions, width = x.shape
        parts = ops.reshape(x, (-1, positions, many, width // many))
        parts = ops.transpose(parts, (0, 2, 1, 3))
        return ops.repeat(parts, of.heads // many, axis=1) if many < of.heads else parts

    q, k, v = heads(q, of.heads), heads(k, of.groups), heads(v, of.groups)
    scores = ops.matmul(q, ops.transpose(k, (0, 1, 3, 2)))
    if of.scaled:
        # A Python number takes the tensor's dtype; Keras's own cast would go through float32.
        scores = scores / float(q.shape[-1]) ** 0.5
    if live is not None:
        scores = ops.where(live, scores, ops.cast(-1e9, scores.dtype))
    attended = ops.transpose(ops.matmul(ops.softmax(scores, axis=-1), v), (0, 2, 1, 3))
    return ops.reshape(attended, (-1, attended.shape[1], attended.shape[2] * attended.shape[3]))


def in_jax(of: Heads, q: Any, k: Any, v: Any, live: Any) -> Any:
    """Plain array code."""
    import jax
    import jax.numpy as jnp

    def heads(x: Any, many: int) -> Any:
        parts = x.reshape(*x.shape[:2], many, -1).transpose(0, 2, 1, 3)
        return jnp.repeat(parts, of.heads // many, axis=1) if many < of.heads else parts

    q, k, v = heads(q, of.heads), heads(k, of.groups), heads(v, of.groups)
    scores = q @ k.swapaxes(-1, -2)
    if of.scaled:
        scores = scores / float(q.shape[-1]) ** 0.5
    if live is not None:
        scores = jnp.where(live, scores, -jnp.inf)
    attended = (jax.nn.softmax(scores, axis=-1) @ v).transpose(0, 2, 1, 3)
    return attended.reshape(*attended.shape[:2], -1)
