"""Andrew Ng's nnCostFunction: one unrolled vector in column-major order, Theta of shape (out, 1 + in), sigmoid by a where, λ/(2m)."""

import numpy as np

from backproof import Batch, Dense, Form, GradientDescent, Loss, Network, Pairing, Penalty, adapters

IN, HID, OUT, LAM = 4, 5, 3, 1.0


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


def nn_cost_function(nn_params, batch):
    X, y = batch.inputs, batch.targets
    m = X.shape[0]
    Theta1 = nn_params[: HID * (IN + 1)].reshape(HID, IN + 1, order="F")
    Theta2 = nn_params[HID * (IN + 1) :].reshape(OUT, HID + 1, order="F")
    a1 = np.c_[np.ones(m), X]
    a2 = np.c_[np.ones(m), sigmoid(a1 @ Theta1.T)]
    h = sigmoid(a2 @ Theta2.T)
    J = np.sum(-y * np.log(h) - (1 - y) * np.log(1 - h)) / m
    J += LAM / (2 * m) * (np.sum(Theta1[:, 1:] ** 2) + np.sum(Theta2[:, 1:] ** 2))
    d3 = h - y
    d2 = (d3 @ Theta2)[:, 1:] * a2[:, 1:] * (1 - a2[:, 1:])
    G1, G2 = d2.T @ a1 / m, d3.T @ a2 / m
    G1[:, 1:] += LAM / m * Theta1[:, 1:]
    G2[:, 1:] += LAM / m * Theta2[:, 1:]
    return J, np.concatenate([G1.ravel(order="F"), G2.ravel(order="F")])


def data():
    rng = np.random.default_rng(1151)
    return Batch(rng.normal(size=(30, IN)), np.eye(OUT)[rng.integers(0, OUT, 30)])


def initial():
    rng = np.random.default_rng(1152)
    draw = lambda *s: rng.uniform(-0.5, 0.5, s)
    return {
        "dense_1/kernel": draw(IN, HID),
        "dense_1/bias": draw(HID),
        "dense_2/kernel": draw(HID, OUT),
        "dense_2/bias": draw(OUT),
    }


unrolled = adapters.vector(nn_cost_function, order="F")
PAIRING = Pairing(
    name="vector_fortran_scipy",
    network=Network(
        (Dense(IN, HID, "sigmoid"), Dense(HID, OUT, "sigmoid")),
        Loss("binary_cross_entropy"),
        Penalty(l2=LAM / 2, batch="mean"),
    ),
    subject=adapters.transposed(adapters.bias_in_kernel(unrolled, "first column")),
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.1),
    forms={"subject": Form("probabilities")},
    partial=True,
)
