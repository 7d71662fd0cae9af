"""tanh through expm1 of −2|z| with the sign put back by copysign; slope as (1 − a)(1 + a)."""

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing


def tanh(z):
    e = np.expm1(-2 * np.abs(z))
    return np.copysign(e / (e + 2), z)


def subject(p, batch):
    a = [batch.inputs]
    for i in (1, 2, 3, 4):
        a.append(tanh(a[-1] @ p[f"dense_{i}/kernel"] + p[f"dense_{i}/bias"]))
    out = {f"activation/dense_{i}": a[i] for i in (1, 2, 3, 4)}
    diff = a[4] - batch.targets
    out["loss"] = np.sum(diff**2)
    da = 2 * diff
    for i in (4, 3, 2, 1):
        dz = da * (1 - a[i]) * (1 + a[i])
        out[f"gradient/dense_{i}/kernel"] = a[i - 1].T @ dz
        out[f"gradient/dense_{i}/bias"] = dz.sum(axis=0)
        da = dz @ p[f"dense_{i}/kernel"].T
    out.update({f"updated/{k}": v - 0.01 * out[f"gradient/{k}"] for k, v in p.items()})
    return out


def data():
    rng = np.random.default_rng(141)
    x = rng.normal(size=(22, 4))
    return Batch(x, np.tanh(x[:, :2] - x[:, 2:]))


def initial():
    rng = np.random.default_rng(142)
    p, sizes = {}, (4, 7, 6, 5, 2)
    for i in range(4):
        p[f"dense_{i + 1}/kernel"] = rng.normal(size=sizes[i : i + 2]) / np.sqrt(sizes[i])
        p[f"dense_{i + 1}/bias"] = np.zeros(sizes[i + 1])
    return p


PAIRING = Pairing(
    name="tanh_expm1",
    network=Network(
        (Dense(4, 7, "tanh"), Dense(7, 6, "tanh"), Dense(6, 5, "tanh"), Dense(5, 2, "tanh")),
        Loss("squared_error", batch="sum"),
    ),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.01),
    partial=True,
)
