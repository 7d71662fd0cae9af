"""The hidden slope is taken of the sample before, an index off by one. It should be of the
same sample.
"""

import numpy as np

from backproof import Batch, Dense, Form, GradientDescent, Loss, Network, Pairing, Penalty, adapters

MISTAKES: tuple[str, ...] = (
    "The hidden slope is taken of the sample before, an index off by one.",
)

input_layer_size, hidden_layer_size, num_labels = 6, 5, 3
Lambda = 0.8
SAMPLES = 40


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def sigmoidGradient(z):
    g = sigmoid(z)
    return g * (1 - g)


def nnCostFunction(nn_params, X, Y):
    m = X.shape[0]
    w1 = input_layer_size * hidden_layer_size
    end1 = w1 + hidden_layer_size
    w2 = end1 + hidden_layer_size * num_labels
    Theta1 = np.vstack(
        [nn_params[w1:end1], nn_params[:w1].reshape(input_layer_size, hidden_layer_size)]
    ).T
    Theta2 = np.vstack(
        [nn_params[w2:], nn_params[end1:w2].reshape(hidden_layer_size, num_labels)]
    ).T
    a1 = np.hstack([np.ones((m, 1)), X])
    z2 = a1 @ Theta1.T
    a2 = np.hstack([np.ones((m, 1)), sigmoid(z2)])
    a3 = sigmoid(a2 @ Theta2.T)
    J = np.sum(-Y * np.log(a3) - (1 - Y) * np.log(1 - a3)) / m
    J += Lambda / (2 * m) * (np.sum(Theta1[:, 1:] ** 2) + np.sum(Theta2[:, 1:] ** 2))
    Theta1_grad = np.zeros(Theta1.shape)
    Theta2_grad = np.zeros(Theta2.shape)
    for t in range(m):
        delta3 = a3[t] - Y[t]
        delta2 = (Theta2.T @ delta3)[1:] * sigmoidGradient(z2[t - 1])  # mistake
        Theta1_grad += np.outer(delta2, a1[t])
        Theta2_grad += np.outer(delta3, a2[t])
    Theta1_grad /= m
    Theta2_grad /= m
    Theta1_grad[:, 1:] += Lambda / m * Theta1[:, 1:]
    Theta2_grad[:, 1:] += Lambda / m * Theta2[:, 1:]
    grad = [Theta1_grad[:, 1:].T, Theta1_grad[:, 0], Theta2_grad[:, 1:].T, Theta2_grad[:, 0]]
    return J, np.concatenate([g.ravel() for g in grad])


def subject(theta, batch):
    return nnCostFunction(theta, batch.inputs, batch.targets)


def data():
    rng = np.random.default_rng(90)
    X = rng.normal(size=(SAMPLES, input_layer_size))
    return Batch(X, np.eye(num_labels)[rng.integers(num_labels, size=SAMPLES)])


def initial():
    rng = np.random.default_rng(91)
    return {
        "dense_1/kernel": rng.normal(size=(input_layer_size, hidden_layer_size)),
        "dense_1/bias": rng.normal(size=hidden_layer_size),
        "dense_2/kernel": rng.normal(size=(hidden_layer_size, num_labels)),
        "dense_2/bias": rng.normal(size=num_labels),
    }


PAIRING = Pairing(
    name="delta_of_previous_sample",
    network=Network(
        (
            Dense(input_layer_size, hidden_layer_size, "sigmoid"),
            Dense(hidden_layer_size, num_labels, "sigmoid"),
        ),
        Loss("binary_cross_entropy"),
        Penalty(l2=Lambda / 2, batch="mean"),
    ),
    subject=adapters.vector(subject),
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.1),
    quantities=("loss", "gradient"),
    forms={"subject": Form("probabilities")},
    steps=5,
)
