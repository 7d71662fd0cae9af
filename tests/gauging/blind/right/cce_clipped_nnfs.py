"""Categorical cross-entropy of clipped confidences, clip 1e-7 as in "Neural Networks from Scratch"; delta p − y, layers as objects."""

import numpy as np

from backproof import Batch, Dense, Form, GradientDescent, Loss, Network, Pairing, adapters


class Layer_Dense:
    def __init__(self, weights, biases):
        self.weights, self.biases = weights, biases.reshape(1, -1)

    def forward(self, inputs):
        self.inputs = inputs
        self.output = np.dot(inputs, self.weights) + self.biases

    def backward(self, dvalues):
        self.dweights = np.dot(self.inputs.T, dvalues)
        self.dbiases = np.sum(dvalues, axis=0, keepdims=True)
        self.dinputs = np.dot(dvalues, self.weights.T)


class Activation_ReLU:
    def forward(self, inputs):
        self.inputs = inputs
        self.output = np.maximum(0, inputs)

    def backward(self, dvalues):
        self.dinputs = dvalues.copy()
        self.dinputs[self.inputs <= 0] = 0


class Activation_Softmax_Loss:
    def forward(self, inputs, y_true):
        exp_values = np.exp(inputs - np.max(inputs, axis=1, keepdims=True))
        self.output = exp_values / np.sum(exp_values, axis=1, keepdims=True)
        clipped = np.clip(self.output, 1e-7, 1 - 1e-7)
        return np.mean(-np.log(np.sum(clipped * y_true, axis=1)))

    def backward(self, y_true):
        labels = np.argmax(y_true, axis=1)
        self.dinputs = self.output.copy()
        self.dinputs[range(len(labels)), labels] -= 1
        self.dinputs = self.dinputs / len(labels)


def subject(p, batch):
    dense1, dense2 = (Layer_Dense(p[f"dense_{i}/kernel"], p[f"dense_{i}/bias"]) for i in (1, 2))
    relu, head = Activation_ReLU(), Activation_Softmax_Loss()
    dense1.forward(batch.inputs)
    relu.forward(dense1.output)
    dense2.forward(relu.output)
    loss = head.forward(dense2.output, batch.targets)
    head.backward(batch.targets)
    dense2.backward(head.dinputs)
    relu.backward(dense2.dinputs)
    dense1.backward(relu.dinputs)
    return {
        "loss": loss,
        "activation/dense_1": relu.output,
        "activation/dense_2": head.output,
        "gradient/dense_1/kernel": dense1.dweights,
        "gradient/dense_1/bias": dense1.dbiases[0],
        "gradient/dense_2/kernel": dense2.dweights,
        "gradient/dense_2/bias": dense2.dbiases[0],
    }


def data():
    rng = np.random.default_rng(1331)
    k = rng.integers(0, 3, 60)
    return Batch(
        rng.normal(size=(60, 2)) * 0.3 + np.array([[0, 1], [1, 0], [-1, -1]])[k], np.eye(3)[k]
    )


def initial():
    rng = np.random.default_rng(1332)
    return {
        "dense_1/kernel": rng.normal(size=(2, 16)) * 0.5,
        "dense_1/bias": np.zeros(16),
        "dense_2/kernel": rng.normal(size=(16, 3)) * 0.5,
        "dense_2/bias": np.zeros(3),
    }


PAIRING = Pairing(
    name="cce_clipped_nnfs",
    network=Network(
        (Dense(2, 16, "relu"), Dense(16, 3, "softmax")), Loss("categorical_cross_entropy")
    ),
    subject=adapters.classes(subject),
    data=data,
    initial=initial,
    optimizer=GradientDescent(1.0),
    forms={"subject": Form("probabilities", clip=1e-7)},
    partial=True,
)
