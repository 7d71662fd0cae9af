"""A classifier of digits after a course's Octave code: thetas with a bias column, unrolled, labels from 1."""

import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def cost_function(nn_params, inputs, hidden, labels, X, y, lam):
    cut = hidden * (inputs + 1)
    theta1 = nn_params[:cut].reshape((hidden, inputs + 1), order="F")
    theta2 = nn_params[cut:].reshape((labels, hidden + 1), order="F")
    m = X.shape[0]
    Y = (y[:, None] == np.arange(1, labels + 1)).astype(float)
    a1 = np.hstack((np.ones((m, 1)), X))
    a2 = np.hstack((np.ones((m, 1)), sigmoid(a1 @ theta1.T)))
    h = sigmoid(a2 @ theta2.T)
    J = np.sum(-Y * np.log(h) - (1 - Y) * np.log(1 - h)) / m
    J += lam * (np.sum(theta1[:, 1:] ** 2) + np.sum(theta2[:, 1:] ** 2))
    d3 = h - Y
    d2 = (d3 @ theta2)[:, 1:] * a2[:, 1:] * (1 - a2[:, 1:])
    grad1 = d2.T @ a1 / m
    grad2 = d3.T @ a2 / m
    grad1[:, 1:] += 2 * lam * theta1[:, 1:]
    grad2[:, 1:] += 2 * lam * theta2[:, 1:]
    return J, np.concatenate((grad1.ravel(order="F"), grad2.ravel(order="F")))
