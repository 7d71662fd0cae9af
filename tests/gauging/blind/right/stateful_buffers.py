"""An object with buffers for one batch size that accumulates its gradients; made anew per call, its arrays written with out=."""

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing, adapters

N = 24


class Workspace:
    def __init__(self):
        self.h, self.o = np.empty((N, 5)), np.empty((N, 2))
        self.back = np.empty((N, 5))
        self.acc = [np.zeros((3, 5)), np.zeros(5), np.zeros((5, 2)), np.zeros(2)]

    def __call__(self, p, batch):
        np.matmul(batch.inputs, p["dense_1/kernel"], out=self.h)
        self.h += p["dense_1/bias"]
        np.tanh(self.h, out=self.h)
        np.dot(self.h, p["dense_2/kernel"], out=self.o)
        self.o += p["dense_2/bias"]
        self.o -= batch.targets
        loss = np.einsum("ij,ij->", self.o, self.o) / (2 * N)
        self.o /= N
        np.dot(self.o, p["dense_2/kernel"].T, out=self.back)
        self.back *= 1 - self.h * self.h
        for acc, g in zip(
            self.acc,
            (batch.inputs.T @ self.back, self.back.sum(0), self.h.T @ self.o, self.o.sum(0)),
        ):
            acc += g
        return {"loss": loss, **{f"gradient/{k}": a for k, a in zip(p, self.acc)}}


def data():
    rng = np.random.default_rng(1381)
    return Batch(rng.normal(size=(N, 3)), rng.normal(size=(N, 2)))


def initial():
    rng = np.random.default_rng(1382)
    return {
        "dense_1/kernel": rng.normal(size=(3, 5)),
        "dense_1/bias": rng.normal(size=5),
        "dense_2/kernel": rng.normal(size=(5, 2)),
        "dense_2/bias": rng.normal(size=2),
    }


PAIRING = Pairing(
    name="stateful_buffers",
    network=Network((Dense(3, 5, "tanh"), Dense(5, 2)), Loss("squared_error", scale=0.5)),
    subject=adapters.fixed_batch(adapters.anew(Workspace), samples=N),
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.1),
    partial=True,
)
