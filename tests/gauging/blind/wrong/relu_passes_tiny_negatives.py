"""ReLU's backward pass lets through where its input is above -1e-6, in all hidden layers. It
should where it is above 0.
"""

import numpy as np

from backproof import Batch, Dense, Form, GradientDescent, Loss, Network, Pairing, Penalty, adapters

MISTAKES: tuple[str, ...] = (
    "ReLU's backward pass lets through where its input is above -1e-6, in all hidden layers.",
)

reg = 0.05
DIMS = [7, 12, 9, 5]


def affine_forward(x, w, b):
    return x.dot(w) + b, (x, w, b)


def affine_backward(dout, cache):
    x, w, b = cache
    dx = dout.dot(w.T)
    dw = x.T.dot(dout)
    db = np.sum(dout, axis=0)
    return dx, dw, db


def relu_forward(x):
    return np.maximum(0, x), x


def relu_backward(dout, cache):
    return dout * (cache > -1e-6)  # mistake


def softmax_loss(x, y):
    N = x.shape[0]
    shifted = x - np.max(x, axis=1, keepdims=True)
    Z = np.sum(np.exp(shifted), axis=1, keepdims=True)
    log_probs = shifted - np.log(Z)
    probs = np.exp(log_probs)
    loss = -np.sum(log_probs[np.arange(N), y]) / N
    dx = probs.copy()
    dx[np.arange(N), y] -= 1
    dx /= N
    return loss, dx


class FullyConnectedNet:
    def __init__(self, params):
        self.params = params
        self.num_layers = len(params) // 2

    def loss(self, X, y):
        caches = {}
        out = X
        L = self.num_layers
        for i in range(1, L):
            out, fc = affine_forward(out, self.params[f"W{i}"], self.params[f"b{i}"])
            out, rc = relu_forward(out)
            caches[i] = (fc, rc)
        scores, fc = affine_forward(out, self.params[f"W{L}"], self.params[f"b{L}"])
        loss, dscores = softmax_loss(scores, y)
        grads = {}
        dout, grads[f"W{L}"], grads[f"b{L}"] = affine_backward(dscores, fc)
        for i in range(L - 1, 0, -1):
            fc, rc = caches[i]
            dout = relu_backward(dout, rc)
            dout, grads[f"W{i}"], grads[f"b{i}"] = affine_backward(dout, fc)
        for i in range(1, L + 1):
            w = self.params[f"W{i}"]
            loss += 0.5 * reg * np.sum(w * w)
            grads[f"W{i}"] = grads[f"W{i}"] + reg * w
        return loss, grads


def subject(parameters, batch):
    params = {}
    for i in range(1, len(DIMS)):
        params[f"W{i}"] = parameters[f"dense_{i}/kernel"]
        params[f"b{i}"] = parameters[f"dense_{i}/bias"]
    loss, grads = FullyConnectedNet(params).loss(batch.inputs, batch.targets)
    out = {"loss": loss}
    for i in range(1, len(DIMS)):
        out[f"gradient/dense_{i}/kernel"] = grads[f"W{i}"]
        out[f"gradient/dense_{i}/bias"] = grads[f"b{i}"]
    return out


def data():
    rng = np.random.default_rng(231)
    X = rng.normal(size=(64, DIMS[0]))
    return Batch(X, np.eye(DIMS[-1])[rng.integers(DIMS[-1], size=64)])


def initial():
    rng = np.random.default_rng(7)
    out = {}
    for i in range(1, len(DIMS)):
        out[f"dense_{i}/kernel"] = 0.4 * rng.normal(size=(DIMS[i - 1], DIMS[i]))
        out[f"dense_{i}/bias"] = 0.1 * rng.normal(size=DIMS[i])
    return out


PAIRING = Pairing(
    name="relu_passes_tiny_negatives",
    network=Network(
        (
            Dense(DIMS[0], DIMS[1], "relu"),
            Dense(DIMS[1], DIMS[2], "relu"),
            Dense(DIMS[2], DIMS[3], "softmax"),
        ),
        Loss("categorical_cross_entropy"),
        Penalty(l2=reg / 2),
    ),
    subject=adapters.integer_labels(subject),
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.1),
    quantities=("loss", "gradient"),
    forms={"subject": Form("probabilities")},
    steps=5,
)
