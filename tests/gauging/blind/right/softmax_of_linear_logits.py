"""The network's last layer is linear, its outputs are logits; the loss applies log-softmax itself (as PyTorch users do)."""

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing, adapters


def log_softmax(z):
    z = z - z.max(-1)[..., None]
    return z - np.log(np.exp(z).sum(-1))[..., None]


def nll(logp, labels):
    return -logp[np.arange(len(labels)), labels].mean()


def subject(p, batch):
    x, labels = batch.inputs, batch.targets
    a1 = np.maximum(x @ p["dense_1/kernel"] + p["dense_1/bias"], 0)
    a2 = np.maximum(a1 @ p["dense_2/kernel"] + p["dense_2/bias"], 0)
    logits = a2 @ p["dense_3/kernel"] + p["dense_3/bias"]
    logp = log_softmax(logits)
    g = np.exp(logp)
    g[np.arange(len(g)), labels] -= 1
    g /= len(g)
    g2 = (a2 > 0) * (g @ p["dense_3/kernel"].T)
    g1 = (a1 > 0) * (g2 @ p["dense_2/kernel"].T)
    grads = [x.T @ g1, g1.sum(0), a1.T @ g2, g2.sum(0), a2.T @ g, g.sum(0)]
    return {
        "activation/dense_1": a1,
        "activation/dense_2": a2,
        "activation/dense_3": logits,
        "loss": nll(logp, labels),
        **{f"gradient/{k}": v for k, v in zip(p, grads)},
    }


def data():
    rng = np.random.default_rng(341)
    return Batch(rng.normal(size=(50, 6)), np.eye(5)[rng.integers(0, 5, 50)])


def initial():
    rng = np.random.default_rng(342)
    p = {}
    for i, (a, b) in enumerate(((6, 10), (10, 8), (8, 5)), 1):
        p[f"dense_{i}/kernel"] = rng.uniform(-1, 1, (a, b)) / np.sqrt(a)
        p[f"dense_{i}/bias"] = rng.uniform(-1, 1, b) / np.sqrt(a)
    return p


PAIRING = Pairing(
    name="softmax_of_linear_logits",
    network=Network(
        (Dense(6, 10, "relu"), Dense(10, 8, "relu"), Dense(8, 5)), Loss("categorical_cross_entropy")
    ),
    subject=adapters.integer_labels(subject),
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.1),
    partial=True,
)
