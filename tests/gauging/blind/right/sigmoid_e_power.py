"""The sigmoid as 1/(1 + e**(−z)) with the rounded constant math.e and the power operator, xor network."""

from math import e

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing

np.seterr(over="ignore")


def nonlin(x, deriv=False):
    if deriv:
        return x * (1 - x)
    return 1 / (1 + e ** (-x))


def subject(weights, batch):
    syn0, syn1 = weights["dense_1/kernel"], weights["dense_2/kernel"]
    l0 = batch.inputs
    l1 = nonlin(l0 @ syn0)
    l2 = nonlin(l1 @ syn1)
    l2_error = batch.targets - l2
    l2_delta = l2_error * nonlin(l2, deriv=True)
    l1_delta = l2_delta.dot(syn1.T) * nonlin(l1, deriv=True)
    return {
        "activation/dense_1": l1,
        "activation/dense_2": l2,
        "gradient/dense_1/kernel": -l0.T.dot(l1_delta),
        "gradient/dense_2/kernel": -l1.T.dot(l2_delta),
        "updated/dense_1/kernel": syn0 + l0.T.dot(l1_delta),
        "updated/dense_2/kernel": syn1 + l1.T.dot(l2_delta),
    }


def data():
    x = np.array([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]], float)
    return Batch(x, np.array([[0.0], [1], [1], [0]]))


def initial():
    np.random.seed(1)
    return {
        "dense_1/kernel": 2 * np.random.random((3, 4)) - 1,
        "dense_2/kernel": 2 * np.random.random((4, 1)) - 1,
    }


PAIRING = Pairing(
    name="sigmoid_e_power",
    network=Network(
        (Dense(3, 4, "sigmoid", bias=False), Dense(4, 1, "sigmoid", bias=False)),
        Loss("squared_error", batch="sum", scale=0.5),
    ),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=GradientDescent(1.0),
    partial=True,
)
