"""The subject is torch.autograd in float64 with logsigmoid for the loss, leaky_relu from torch and per-tensor SGD by hand."""

import numpy as np
import torch
import torch.nn.functional as F

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing, activations


def subject(p, batch):
    w = {k: torch.from_numpy(v.copy()).requires_grad_() for k, v in p.items()}
    x, y = torch.tensor(batch.inputs), torch.tensor(batch.targets)
    h = F.leaky_relu(F.linear(x, w["dense_1/kernel"].T, w["dense_1/bias"]), 0.2)
    z = F.linear(h, w["dense_2/kernel"].T, w["dense_2/bias"])
    loss = -(y * F.logsigmoid(z) + (1 - y) * F.logsigmoid(-z)).sum() / len(x)
    grads = dict(zip(w, torch.autograd.grad(loss, list(w.values()))))
    return {
        "loss": loss.detach(),
        "activation/dense_1": h.detach(),
        "activation/dense_2": torch.sigmoid(z).detach(),
        **{f"gradient/{k}": g for k, g in grads.items()},
        **{f"updated/{k}": (w[k] - 0.1 * g).detach() for k, g in grads.items()},
    }


def data():
    rng = np.random.default_rng(1371)
    return Batch(rng.normal(size=(32, 4)), rng.integers(0, 2, (32, 3)).astype(float))


def initial():
    rng = np.random.default_rng(1372)
    return {
        "dense_1/kernel": rng.normal(size=(4, 6)),
        "dense_1/bias": rng.normal(size=6),
        "dense_2/kernel": rng.normal(size=(6, 3)),
        "dense_2/bias": rng.normal(size=3),
    }


PAIRING = Pairing(
    name="torch_functional_logsigmoid",
    network=Network(
        (Dense(4, 6, activations.named("leaky_relu", alpha=0.2)), Dense(6, 3, "sigmoid")),
        Loss("binary_cross_entropy"),
    ),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.1),
    partial=True,
)
