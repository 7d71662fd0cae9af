"""The hidden layer is z times its sigmoid, with the slope of ReLU. It should be ReLU."""

import numpy as np

from backproof import Batch, Dense, Form, GradientDescent, Loss, Network, Pairing, Penalty

MISTAKES: tuple[str, ...] = ("The hidden layer applies z * sigmoid(z), with the slope of ReLU.",)

LAMBDA = 0.03


class Classifier:
    """One hidden layer of ReLU, a softmax, a ridge."""

    def __init__(self, v, c, u, d):
        self.v, self.c, self.u, self.d = v, c, u, d

    def scores(self, rows):
        self.rows = rows
        self.pre = rows @ self.v + self.c
        self.hid = self.pre / (1 + np.exp(-self.pre))
        self.out = self.hid @ self.u + self.d
        e = np.exp(self.out - self.out.max(axis=1, keepdims=True))
        self.prob = e / e.sum(axis=1, keepdims=True)
        return self.prob

    def cost(self, onehot):
        return -np.sum(onehot * np.log(self.prob)) / len(onehot) + LAMBDA * (
            np.sum(self.v**2) + np.sum(self.u**2)
        )

    def back(self, onehot):
        err = (self.prob - onehot) / len(onehot)
        down = err @ self.u.T * (self.pre > 0)
        return {
            "dense_1/kernel": self.rows.T @ down + 2 * LAMBDA * self.v,
            "dense_1/bias": down.sum(0),
            "dense_2/kernel": self.hid.T @ err + 2 * LAMBDA * self.u,
            "dense_2/bias": err.sum(0),
        }

    def score(self, onehot):
        picked, truth = self.prob.argmax(1), onehot.argmax(1)
        return np.mean(picked == truth)


def subject(state, batch):
    keys = ("dense_1/kernel", "dense_1/bias", "dense_2/kernel", "dense_2/bias")
    model = Classifier(*(state[key] for key in keys))
    model.scores(batch.inputs)
    grads = {f"gradient/{k}": g for k, g in model.back(batch.targets).items()}
    return grads | {"loss": model.cost(batch.targets), "accuracy": model.score(batch.targets)}


def data():
    rng = np.random.default_rng(328)
    rows = rng.normal(size=(44, 6))
    return Batch(rows, np.eye(4)[np.argmax(rows[:, :4] + rows[:, 2:], axis=1)])


def initial():
    rng = np.random.default_rng(328 + 1)
    return {
        "dense_1/kernel": 0.5 * rng.normal(size=(6, 10)),
        "dense_1/bias": 0.1 * rng.normal(size=10),
        "dense_2/kernel": 0.5 * rng.normal(size=(10, 4)),
        "dense_2/bias": 0.1 * rng.normal(size=4),
    }


PAIRING = Pairing(
    name="swish_for_relu",
    network=Network(
        (Dense(6, 10, "relu"), Dense(10, 4, "softmax")),
        Loss("categorical_cross_entropy"),
        Penalty(l2=LAMBDA),
    ),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.1),
    quantities=("loss", "gradient", "accuracy"),
    forms={"subject": Form("probabilities")},
    steps=8,
)
