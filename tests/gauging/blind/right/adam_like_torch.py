"""Adam in PyTorch's order of operations: denom = √v/√(1−β₂ᵗ) + ε, addcdiv with step size lr/(1−β₁ᵗ); addcmul for v."""

import numpy as np

from backproof import Adam, Batch, Dense, Loss, Network, Pairing

LR, B1, B2, EPS = 0.005, 0.8, 0.99, 1e-8


def adam(w, g, m, v, t):
    m = m + (g - m) * (1 - B1)
    v = v * B2 + (1 - B2) * g * g
    step_size = LR / (1 - B1**t)
    denom = np.sqrt(v) / np.sqrt(1 - B2**t) + EPS
    return w + -step_size * (m / denom), m, v


def subject(s, batch):
    n = len(batch.inputs)
    h = np.tanh(batch.inputs @ s["dense_1/kernel"])
    z = h @ s["dense_2/kernel"]
    q = np.exp(z - np.max(z, 1)[:, None])
    q = q / np.sum(q, 1)[:, None]
    dz = (q - batch.targets) / n
    dh = dz @ s["dense_2/kernel"].T * (1 - h * h)
    out = {}
    for k, g in (("dense_1/kernel", batch.inputs.T @ dh), ("dense_2/kernel", h.T @ dz)):
        out[f"gradient/{k}"] = g
        w, m, v = adam(
            s[k], g, s[f"first_moment/{k}"], s[f"second_moment/{k}"], s["step_count"] + 1
        )
        out |= {f"updated/{k}": w, f"updated/first_moment/{k}": m, f"updated/second_moment/{k}": v}
    return out


def data():
    rng = np.random.default_rng(761)
    return Batch(rng.normal(size=(30, 4)), np.eye(3)[rng.integers(0, 3, 30)])


def initial():
    rng = np.random.default_rng(762)
    return {"dense_1/kernel": rng.normal(size=(4, 7)), "dense_2/kernel": rng.normal(size=(7, 3))}


PAIRING = Pairing(
    name="adam_like_torch",
    network=Network(
        (Dense(4, 7, "tanh", bias=False), Dense(7, 3, "softmax", bias=False)),
        Loss("categorical_cross_entropy"),
    ),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=Adam(LR, B1, B2, EPS),
    partial=True,
)
