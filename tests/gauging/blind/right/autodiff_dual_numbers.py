"""Forward mode: dual numbers carry a derivative by all parameters at once, in the last axis of an array."""

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing, adapters


class Dual:
    def __init__(self, v, d):
        self.v, self.d = v, d  # (...), (..., parameters)

    def affine(self, w, b):
        v = self.v @ w.v + b.v
        d = np.einsum("nip,io->nop", self.d, w.v) + np.einsum("ni,iop->nop", self.v, w.d) + b.d
        return Dual(v, d)

    def tanh(self):
        t = np.tanh(self.v)
        return Dual(t, (1 - t * t)[..., None] * self.d)


def parts(theta, shapes):
    eye, at = np.eye(theta.size), 0
    for s in shapes:
        size = int(np.prod(s))
        yield Dual(theta[at : at + size].reshape(s), eye[at : at + size].reshape(*s, -1))
        at += size


def subject(theta, batch):
    w1, b1, w2, b2 = parts(theta, [(2, 4), (4,), (4, 2), (2,)])
    x = Dual(batch.inputs, np.zeros((*batch.inputs.shape, theta.size)))
    o = x.affine(w1, b1).tanh().affine(w2, b2)
    e = o.v - batch.targets
    return {"loss": np.mean(e * e), "gradient": 2 * np.einsum("no,nop->p", e, o.d) / e.size}


def data():
    rng = np.random.default_rng(921)
    return Batch(rng.normal(size=(20, 2)), rng.normal(size=(20, 2)))


def initial():
    rng = np.random.default_rng(922)
    return {
        "dense_1/kernel": rng.normal(size=(2, 4)),
        "dense_1/bias": rng.normal(size=4),
        "dense_2/kernel": rng.normal(size=(4, 2)),
        "dense_2/bias": rng.normal(size=2),
    }


PAIRING = Pairing(
    name="autodiff_dual_numbers",
    network=Network((Dense(2, 4, "tanh"), Dense(4, 2)), Loss("squared_error", outputs="mean")),
    subject=adapters.vector(subject),
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.1),
    partial=True,
)
