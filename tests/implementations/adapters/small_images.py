"""A convolutional network as courses write it: NCHW, im2col and col2im, a pooling by argmax."""

from __future__ import annotations

from typing import Any

import numpy as np


def size_of(length: int, kernel: int, stride: int, pad: int) -> int:
    return (length + 2 * pad - kernel) // stride + 1


def im2col(x: Any, k: int, stride: int, pad: int) -> Any:
    n, c, h, w = x.shape
    oh, ow = size_of(h, k, stride, pad), size_of(w, k, stride, pad)
    x = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    cols = np.zeros((n, c, k, k, oh, ow), x.dtype)
    for i in range(k):
        for j in range(k):
            cols[:, :, i, j] = x[:, :, i : i + stride * oh : stride, j : j + stride * ow : stride]
    return cols.transpose(0, 4, 5, 1, 2, 3).reshape(n * oh * ow, -1)


def col2im(cols: Any, shape: Any, k: int, stride: int, pad: int) -> Any:
    n, c, h, w = shape
    oh, ow = size_of(h, k, stride, pad), size_of(w, k, stride, pad)
    cols = cols.reshape(n, oh, ow, c, k, k).transpose(0, 3, 4, 5, 1, 2)
    x = np.zeros((n, c, h + 2 * pad, w + 2 * pad), cols.dtype)
    for i in range(k):
        for j in range(k):
            x[:, :, i : i + stride * oh : stride, j : j + stride * ow : stride] += cols[:, :, i, j]
    return x[:, :, pad : pad + h, pad : pad + w]


def conv_forward(x: Any, w: Any, b: Any, stride: int, pad: int) -> Any:
    f, k = w.shape[0], w.shape[2]
    cols = im2col(x, k, stride, pad)
    out = cols @ w.reshape(f, -1).T + b
    oh, ow = (size_of(length, k, stride, pad) for length in x.shape[2:])
    return out.reshape(len(x), oh, ow, f).transpose(0, 3, 1, 2), cols


def conv_backward(dout: Any, x: Any, cols: Any, w: Any, stride: int, pad: int) -> Any:
    f, k = w.shape[0], w.shape[2]
    d = dout.transpose(0, 2, 3, 1).reshape(-1, f)
    dw = (d.T @ cols).reshape(w.shape)
    db = d.sum(axis=0)
    dx = col2im(d @ w.reshape(f, -1), x.shape, k, stride, pad)
    return dx, dw, db


def pool_forward(x: Any, k: int) -> Any:
    n, c, h, w = x.shape
    cols = im2col(x.reshape(n * c, 1, h, w), k, k, 0)
    arg = cols.argmax(axis=1)
    out = cols[np.arange(len(cols)), arg]
    return out.reshape(n, c, h // k, w // k), arg


def pool_backward(dout: Any, arg: Any, shape: Any, k: int) -> Any:
    n, c, h, w = shape
    cols = np.zeros((dout.size, k * k), dout.dtype)
    cols[np.arange(dout.size), arg] = dout.reshape(-1)
    return col2im(cols, (n * c, 1, h, w), k, k, 0).reshape(shape)


def subject(parameters: Any, batch: Any) -> Any:
    """Convolution, pooling, convolution with a stride, dense; softmax and cross-entropy."""
    w1, b1 = parameters["conv2d_1/kernel"], parameters["conv2d_1/bias"]
    w2, b2 = parameters["conv2d_2/kernel"], parameters["conv2d_2/bias"]
    w3, b3 = parameters["dense_1/kernel"], parameters["dense_1/bias"]
    x, y = batch.inputs, batch.targets
    z1, cols1 = conv_forward(x, w1, b1, 1, 1)
    a1 = np.maximum(z1, 0)
    p1, arg = pool_forward(a1, 2)
    z2, cols2 = conv_forward(p1, w2, b2, 2, 1)
    a2 = np.maximum(z2, 0)
    flat = a2.reshape(len(x), -1)
    logits = flat @ w3 + b3
    shifted = logits - logits.max(axis=1, keepdims=True)
    logs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    d = (np.exp(logs) - y) / len(x)
    da2 = (d @ w3.T).reshape(a2.shape)
    dz2 = da2 * (z2 > 0)
    dp1, dw2, db2 = conv_backward(dz2, p1, cols2, w2, 2, 1)
    da1 = pool_backward(dp1, arg, a1.shape, 2)
    dz1 = da1 * (z1 > 0)
    _, dw1, db1 = conv_backward(dz1, x, cols1, w1, 1, 1)
    return {
        "activation/conv2d_1": a1,
        "activation/max_pool2d_1": p1,
        "activation/conv2d_2": a2,
        "activation/flatten_1": flat,
        "activation/dense_1": np.exp(logs),
        "loss": -(y * logs).sum(axis=1).mean(),
        "gradient/conv2d_1/kernel": dw1,
        "gradient/conv2d_1/bias": db1,
        "gradient/conv2d_2/kernel": dw2,
        "gradient/conv2d_2/bias": db2,
        "gradient/dense_1/kernel": flat.T @ d,
        "gradient/dense_1/bias": d.sum(axis=0),
    }
