"""The weight decay is not multiplied by the learning rate. It should be lr * wd * theta."""

import numpy as np

from backproof import AdamW, Batch, Dense, Form, Loss, Network, Pairing

MISTAKES: tuple[str, ...] = ("The weight decay is not multiplied by the learning rate.",)

HP = {"lr": 0.005, "b1": 0.9, "b2": 0.99, "eps": 1e-8, "wd": 0.1}


def softmax(s):
    s = s - s.max(axis=1, keepdims=True)
    return np.exp(s) / np.exp(s).sum(axis=1, keepdims=True)


def gradients(p, X, Y):
    z1 = X @ p["dense_1/kernel"] + p["dense_1/bias"]
    a1 = np.maximum(z1, 0)
    probs = softmax(a1 @ p["dense_2/kernel"] + p["dense_2/bias"])
    loss = -np.sum(Y * np.log(probs)) / len(X)
    ds = (probs - Y) / len(X)
    da = ds @ p["dense_2/kernel"].T * (z1 > 0)
    grads = {
        "dense_1/kernel": X.T @ da,
        "dense_1/bias": da.sum(0),
        "dense_2/kernel": a1.T @ ds,
        "dense_2/bias": ds.sum(0),
    }
    return loss, probs, grads


def adamw(theta, grad, m, v, t, lr, b1, b2, eps, wd):
    m = b1 * m + (1 - b1) * grad
    v = b2 * v + (1 - b2) * grad * grad
    mhat = m / (1 - b1**t)
    vhat = v / (1 - b2**t)
    theta = theta - lr * mhat / (np.sqrt(vhat) + eps) - wd * theta  # mistake
    return theta, m, v


def subject(state, batch):
    names = [n for n in state if n.startswith("dense_")]
    t = int(state["step_count"]) + 1
    loss, probs, grads = gradients(state, batch.inputs, batch.targets)
    hits = np.argmax(probs, axis=1) == np.argmax(batch.targets, axis=1)
    out = {"loss": loss, "accuracy": np.mean(hits)}
    for n in names:
        m, v = state["first_moment/" + n], state["second_moment/" + n]
        new, m, v = adamw(state[n], grads[n], m, v, t, **HP)
        out[f"gradient/{n}"] = grads[n]
        out[f"updated/{n}"] = new
        out[f"updated/first_moment/{n}"] = m
        out[f"updated/second_moment/{n}"] = v
    return out


def data():
    rng = np.random.default_rng(130)
    X = rng.normal(size=(42, 4))
    return Batch(X, np.eye(3)[np.argmax(X[:, :3], axis=1)])


def initial():
    rng = np.random.default_rng(131)
    return {
        "dense_1/kernel": 0.6 * rng.normal(size=(4, 9)),
        "dense_1/bias": 0.1 * rng.normal(size=9),
        "dense_2/kernel": 0.6 * rng.normal(size=(9, 3)),
        "dense_2/bias": 0.1 * rng.normal(size=3),
    }


PAIRING = Pairing(
    name="adamw_decay_without_rate",
    network=Network(
        (Dense(4, 9, "relu"), Dense(9, 3, "softmax")), Loss("categorical_cross_entropy")
    ),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=AdamW(HP["lr"], HP["b1"], HP["b2"], HP["eps"], weight_decay=HP["wd"]),
    quantities=("loss", "gradient", "updated", "accuracy"),
    forms={"subject": Form("probabilities")},
    steps=20,
)
