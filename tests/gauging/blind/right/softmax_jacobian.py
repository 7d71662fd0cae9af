"""The softmax layer is differentiated by its whole Jacobian, diag(p) − p pᵀ, sample by sample, times −y/p."""

import numpy as np

from backproof import Batch, Dense, Form, GradientDescent, Loss, Network, Pairing


class Softmax:
    def forward(self, z):
        e = np.exp(z - np.max(z, axis=1, keepdims=True))
        self.output = e / np.sum(e, axis=1, keepdims=True)
        return self.output

    def backward(self, dvalues):
        dz = np.empty_like(dvalues)
        for index, (single, dvalue) in enumerate(zip(self.output, dvalues)):
            single = single.reshape(-1, 1)
            jacobian = np.diagflat(single) - np.dot(single, single.T)
            dz[index] = np.dot(jacobian, dvalue)
        return dz


def subject(p, batch):
    x, y = batch.inputs, batch.targets
    soft = Softmax()
    out = soft.forward(x @ p["dense_1/kernel"] + p["dense_1/bias"])
    samples = len(out)
    dvalues = -y / out / samples
    dz = soft.backward(dvalues)
    return {
        "activation/dense_1": out,
        "loss": np.mean(-np.log(np.sum(out * y, axis=1))),
        "gradient/dense_1/kernel": x.T @ dz,
        "gradient/dense_1/bias": dz.sum(axis=0),
    }


def data():
    rng = np.random.default_rng(321)
    return Batch(rng.normal(size=(30, 4)), np.eye(3)[rng.integers(0, 3, 30)])


def initial():
    rng = np.random.default_rng(322)
    return {"dense_1/kernel": rng.normal(size=(4, 3)), "dense_1/bias": rng.normal(size=3)}


PAIRING = Pairing(
    name="softmax_jacobian",
    network=Network((Dense(4, 3, "softmax"),), Loss("categorical_cross_entropy")),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.1),
    forms={"subject": Form("probabilities")},
    partial=True,
)
