"""The loss is log(1 + exp(s f)). It should be log(1 + exp(-s f))."""

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing, Penalty, adapters

MISTAKES: tuple[str, ...] = ("The loss is log(1 + exp(s f)).",)

ETA, DECAY = 0.25, 0.01


def relu6ish(z):
    return np.maximum(z, 0)


def train_step(net, batch):
    """Logistic loss of labels -1 and 1; the weights are changed in place."""
    X, s = batch.inputs, batch.targets
    A1, c1 = net["dense_1/kernel"], net["dense_1/bias"]
    A2, c2 = net["dense_2/kernel"], net["dense_2/bias"]
    A3, c3 = net["dense_3/kernel"], net["dense_3/bias"]
    n = X.shape[0]
    h1 = relu6ish(X @ A1 + c1)
    h2 = relu6ish(h1 @ A2 + c2)
    f = h2 @ A3 + c3
    loss = np.mean(np.logaddexp(0, s * f))  # mistake
    loss += DECAY * sum(np.sum(A * A) for A in (A1, A2, A3))
    g3 = -s / (1 + np.exp(s * f)) / n
    g2 = g3 @ A3.T * (h2 > 0)
    g1 = g2 @ A2.T * (h1 > 0)
    for A, c, h, g in ((A1, c1, X, g1), (A2, c2, h1, g2), (A3, c3, h2, g3)):
        A -= ETA * (h.T @ g + 2 * DECAY * A)
        c -= ETA * g.sum(axis=0)
    new = {f"updated/{name}": value for name, value in net.items()}
    return new | {"loss": loss}


def data():
    rng = np.random.default_rng(180)
    X = rng.normal(size=(37, 3))
    return Batch(X, (X.prod(axis=1, keepdims=True) > 0).astype(float))


def initial():
    rng = np.random.default_rng(181)
    out = {}
    for i, (m, n) in enumerate([(3, 6), (6, 6), (6, 1)], start=1):
        out[f"dense_{i}/kernel"] = 0.8 * rng.normal(size=(m, n))
        out[f"dense_{i}/bias"] = 0.1 * rng.normal(size=n)
    return out


PAIRING = Pairing(
    name="logistic_loss_without_sign",
    network=Network(
        (Dense(3, 6, "relu"), Dense(6, 6, "relu"), Dense(6, 1, "sigmoid")),
        Loss("binary_cross_entropy"),
        Penalty(l2=DECAY),
    ),
    subject=adapters.from_step(adapters.signed_labels(train_step), learning_rate=ETA),
    data=data,
    initial=initial,
    optimizer=GradientDescent(ETA),
    quantities=("loss", "gradient", "updated"),
    steps=15,
)
