"""Adam with ε inside the root and the corrected moments kept as running powers β₁ᵗ, β₂ᵗ rather than computed from t."""

import numpy as np

from backproof import Adam, Batch, Dense, Loss, Network, Pairing


class Adam2:
    """Keeps the powers of the betas, multiplied on at each step."""

    def __init__(self, t):
        self.p1 = self.p2 = 1.0
        for _ in range(t):
            self.p1 *= 0.9
            self.p2 *= 0.999

    def __call__(self, w, g, m, v):
        self.p1 *= 0.9
        self.p2 *= 0.999
        m = 0.9 * m + 0.1 * g
        v = 0.999 * v + 0.001 * np.square(g)
        return w - 0.01 * (m / (1 - self.p1)) / np.sqrt(v / (1 - self.p2) + 1e-6), m, v


def subject(state, batch):
    X, y = batch.inputs, batch.targets
    k = "dense_1/kernel"
    g = X.T @ (X @ state[k] - y) / len(X)
    w, m, v = Adam2(int(state["step_count"]))(
        state[k], g, state[f"first_moment/{k}"], state[f"second_moment/{k}"]
    )
    return {
        "loss": np.mean((X @ state[k] - y) ** 2) / 2,
        f"gradient/{k}": g,
        f"updated/{k}": w,
        f"updated/first_moment/{k}": m,
        f"updated/second_moment/{k}": v,
    }


def data():
    rng = np.random.default_rng(771)
    X = rng.normal(size=(64, 6))
    return Batch(X, X @ rng.normal(size=(6, 1)))


def initial():
    return {"dense_1/kernel": np.linspace(-1, 1, 6)[:, None]}


PAIRING = Pairing(
    name="adam_epsilon_inside",
    network=Network((Dense(6, 1, bias=False),), Loss("squared_error", scale=0.5)),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=Adam(0.01, epsilon=1e-6, epsilon_at="inside"),
    partial=True,
)
