"""ReLU written in place through boolean masks (z[z < 0] = 0, d[a <= 0] = 0); softmax of labels by fancy indexing."""

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing, Penalty, adapters


def subject(p, batch):
    X, y = batch.inputs, batch.targets
    num = X.shape[0]
    hidden = X @ p["dense_1/kernel"] + p["dense_1/bias"]
    hidden[hidden < 0] = 0
    scores = hidden @ p["dense_2/kernel"] + p["dense_2/bias"]
    scores -= np.max(scores, axis=1, keepdims=True)
    exp_scores = np.exp(scores)
    probs = exp_scores / exp_scores.sum(axis=1, keepdims=True)
    log_likelihood = np.log(exp_scores.sum(axis=1)) - scores[range(num), y]
    reg = 1e-3
    loss = log_likelihood.sum() / num + 0.5 * reg * (
        np.sum(p["dense_1/kernel"] ** 2) + np.sum(p["dense_2/kernel"] ** 2)
    )
    dscores = probs.copy()
    dscores[range(num), y] -= 1
    dscores /= num
    dhidden = dscores @ p["dense_2/kernel"].T
    dhidden[hidden <= 0] = 0
    return {
        "loss": loss,
        "activation/dense_1": hidden,
        "activation/dense_2": probs,
        "gradient/dense_2/kernel": hidden.T @ dscores + reg * p["dense_2/kernel"],
        "gradient/dense_2/bias": dscores.sum(axis=0),
        "gradient/dense_1/kernel": X.T @ dhidden + reg * p["dense_1/kernel"],
        "gradient/dense_1/bias": dhidden.sum(axis=0),
    }


def data():
    N, D, K = 20, 2, 3
    rng = np.random.default_rng(0)
    X, y = np.zeros((N * K, D)), np.zeros(N * K, dtype=int)
    for j in range(K):
        r, t = (
            np.linspace(0.05, 1, N),
            np.linspace(j * 4, (j + 1) * 4, N) + rng.normal(size=N) * 0.2,
        )
        X[N * j : N * (j + 1)] = np.c_[r * np.sin(t), r * np.cos(t)]
        y[N * j : N * (j + 1)] = j
    return Batch(X, np.eye(K)[y])


def initial():
    rng = np.random.default_rng(192)
    return {
        "dense_1/kernel": rng.normal(size=(2, 20)),
        "dense_1/bias": np.zeros(20),
        "dense_2/kernel": rng.normal(size=(20, 3)),
        "dense_2/bias": np.zeros(3),
    }


PAIRING = Pairing(
    name="relu_masks_in_place",
    network=Network(
        (Dense(2, 20, "relu"), Dense(20, 3, "softmax")),
        Loss("categorical_cross_entropy"),
        Penalty(l2=0.5e-3),
    ),
    subject=adapters.integer_labels(subject),
    data=data,
    initial=initial,
    optimizer=GradientDescent(1.0),
    partial=True,
)
