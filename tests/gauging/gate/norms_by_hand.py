"""A small network in NumPy as a course teaches it: batch norm, layer norm, dropout, by hand.

Each layer has a forward function that returns a cache, and a backward function that takes it.
"""

import numpy as np


def affine_forward(x, w, b):
    out = x @ w + b
    return out, (x, w)


def affine_backward(dout, cache):
    x, w = cache
    dx = dout @ w.T
    dw = x.T @ dout
    db = dout.sum(axis=0)
    return dx, dw, db


def relu_forward(x):
    return np.maximum(x, 0), x


def relu_backward(dout, cache):
    return dout * (cache > 0)


def batchnorm_forward(x, gamma, beta, bn_param):
    eps, momentum = bn_param["eps"], bn_param["momentum"]
    mu = x.mean(axis=0)
    xc = x - mu
    var = np.mean(xc**2, axis=0)
    std = np.sqrt(var + eps)
    xn = xc / std
    out = gamma * xn + beta
    bn_param["running_mean"] = momentum * bn_param["running_mean"] + (1 - momentum) * mu
    bn_param["running_var"] = momentum * bn_param["running_var"] + (1 - momentum) * var
    return out, (gamma, xc, std, xn)


def batchnorm_backward(dout, cache):
    gamma, xc, std, xn = cache
    N = len(dout)
    dbeta = dout.sum(axis=0)
    dgamma = np.sum(xn * dout, axis=0)
    dxn = gamma * dout
    dxc = dxn / std
    dstd = -np.sum((dxn * xc) / (std * std), axis=0)
    dvar = 0.5 * dstd / std
    dxc += (2.0 / N) * xc * dvar
    dmu = np.sum(dxc, axis=0)
    dx = dxc - dmu / N
    return dx, dgamma, dbeta


def layernorm_forward(x, gamma, beta, eps):
    mu = x.mean(axis=1, keepdims=True)
    var = x.var(axis=1, keepdims=True)
    std = np.sqrt(var + eps)
    xhat = (x - mu) / std
    return gamma * xhat + beta, (xhat, gamma, std)


def layernorm_backward(dout, cache):
    xhat, gamma, std = cache
    D = dout.shape[1]
    dbeta = dout.sum(axis=0)
    dgamma = np.sum(dout * xhat, axis=0)
    dxhat = dout * gamma
    dx = (
        D * dxhat
        - dxhat.sum(axis=1, keepdims=True)
        - xhat * np.sum(dxhat * xhat, axis=1, keepdims=True)
    ) / (D * std)
    return dx, dgamma, dbeta


def dropout_forward(x, mask, p):
    mask = mask / (1 - p)
    return x * mask, mask


def dropout_backward(dout, mask):
    return dout * mask


def softmax_loss(z, y):
    z = z - z.max(axis=1, keepdims=True)
    p = np.exp(z)
    p /= p.sum(axis=1, keepdims=True)
    logp = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    loss = -np.sum(y * logp) / len(y)
    return loss, (p - y) / len(y), p


def train_step(params, batch, rate=0.1):
    """One step of gradient descent; what everything is before and after it."""
    g = {}
    bn_param = {
        "eps": 1e-5,
        "momentum": 0.9,
        "running_mean": params["batch_norm_1/running_mean"],
        "running_var": params["batch_norm_1/running_variance"],
    }
    h1, c1 = affine_forward(batch.inputs, params["dense_1/kernel"], params["dense_1/bias"])
    n1, cn1 = batchnorm_forward(
        h1, params["batch_norm_1/scale"], params["batch_norm_1/bias"], bn_param
    )
    r1, cr1 = relu_forward(n1)
    d1, mask = dropout_forward(r1, batch.masks["dropout_1"], 0.3)
    h2, c2 = affine_forward(d1, params["dense_2/kernel"], params["dense_2/bias"])
    n2, cn2 = layernorm_forward(h2, params["layer_norm_1/scale"], params["layer_norm_1/bias"], 1e-5)
    r2, cr2 = relu_forward(n2)
    z, c3 = affine_forward(r2, params["dense_3/kernel"], params["dense_3/bias"])
    loss, dz, p = softmax_loss(z, batch.targets)

    dr2, g["dense_3/kernel"], g["dense_3/bias"] = affine_backward(dz, c3)
    dn2 = relu_backward(dr2, cr2)
    dh2, g["layer_norm_1/scale"], g["layer_norm_1/bias"] = layernorm_backward(dn2, cn2)
    dd1, g["dense_2/kernel"], g["dense_2/bias"] = affine_backward(dh2, c2)
    dr1 = dropout_backward(dd1, mask)
    dn1 = relu_backward(dr1, cr1)
    dh1, g["batch_norm_1/scale"], g["batch_norm_1/bias"] = batchnorm_backward(dn1, cn1)
    _, g["dense_1/kernel"], g["dense_1/bias"] = affine_backward(dh1, c1)

    found = {"loss": loss}
    acts = {
        "dense_1": h1,
        "batch_norm_1": n1,
        "activation_1": r1,
        "dropout_1": d1,
        "dense_2": h2,
        "layer_norm_1": n2,
        "activation_2": r2,
        "dense_3": p,
    }
    found |= {f"activation/{name}": a for name, a in acts.items()}
    found |= {f"gradient/{name}": v for name, v in g.items()}
    found |= {f"updated/{name}": params[name] - rate * v for name, v in g.items()}
    found["updated/batch_norm_1/running_mean"] = bn_param["running_mean"]
    found["updated/batch_norm_1/running_variance"] = bn_param["running_var"]
    return found
