"""nabla_w of the hidden layers uses the layer's own activation, an index off by one. It should
use the activation of the layer before.
"""

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing, adapters

MISTAKES: tuple[str, ...] = (
    "nabla_w of the hidden layers uses the layer's own activation, an index off by one.",
)

sizes = [5, 5, 5, 5]
eta = 0.5


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


def sigmoid_prime(z):
    return sigmoid(z) * (1 - sigmoid(z))


class Neural:
    def __init__(self, weights, biases):
        self.num_layers = len(sizes)
        self.weights, self.biases = weights, biases

    def cost_derivative(self, output_activations, y):
        return output_activations - y

    def backprop(self, x, y):
        nabla_b = [np.zeros(b.shape) for b in self.biases]
        nabla_w = [np.zeros(w.shape) for w in self.weights]
        activation, activations, zs = x, [x], []
        for b, w in zip(self.biases, self.weights):
            z = np.dot(w, activation) + b
            zs.append(z)
            activation = sigmoid(z)
            activations.append(activation)
        delta = self.cost_derivative(activations[-1], y) * sigmoid_prime(zs[-1])
        nabla_b[-1] = delta
        nabla_w[-1] = np.dot(delta, activations[-2].T)
        for l in range(2, self.num_layers):
            sp = sigmoid_prime(zs[-l])
            delta = np.dot(self.weights[-l + 1].T, delta) * sp
            nabla_b[-l] = delta
            nabla_w[-l] = np.dot(delta, activations[-l].T)  # mistake
        return nabla_b, nabla_w, 0.5 * np.sum((activations[-1] - y) ** 2)

    def update_mini_batch(self, mini_batch):
        self.nabla_b = [np.zeros(b.shape) for b in self.biases]
        self.nabla_w = [np.zeros(w.shape) for w in self.weights]
        self.cost = 0.0
        for x, y in mini_batch:
            delta_nabla_b, delta_nabla_w, c = self.backprop(x, y)
            self.nabla_b = [nb + dnb for nb, dnb in zip(self.nabla_b, delta_nabla_b)]
            self.nabla_w = [nw + dnw for nw, dnw in zip(self.nabla_w, delta_nabla_w)]
            self.cost += c
        m = len(mini_batch)
        self.nabla_b = [nb / m for nb in self.nabla_b]
        self.nabla_w = [nw / m for nw in self.nabla_w]
        self.cost /= m
        self.weights = [w - eta * nw for w, nw in zip(self.weights, self.nabla_w)]
        self.biases = [b - eta * nb for b, nb in zip(self.biases, self.nabla_b)]


def train(parameters, batch):
    layers = range(1, len(sizes))
    net = Neural(
        [parameters[f"dense_{i}/kernel"] for i in layers],
        [parameters[f"dense_{i}/bias"][:, None] for i in layers],
    )
    net.update_mini_batch([(x[:, None], y[:, None]) for x, y in zip(batch.inputs, batch.targets)])
    out = {"loss": net.cost}
    for i in layers:
        out[f"gradient/dense_{i}/kernel"] = net.nabla_w[i - 1]
        out[f"gradient/dense_{i}/bias"] = net.nabla_b[i - 1][:, 0]
        out[f"updated/dense_{i}/kernel"] = net.weights[i - 1]
        out[f"updated/dense_{i}/bias"] = net.biases[i - 1][:, 0]
    return out


def data():
    rng = np.random.default_rng(4)
    X = rng.uniform(size=(20, sizes[0]))
    return Batch(X, np.eye(sizes[-1])[rng.integers(sizes[-1], size=20)])


def initial():
    rng = np.random.default_rng(5)
    both = {}
    for i, (m, n) in enumerate(zip(sizes, sizes[1:]), start=1):
        both[f"dense_{i}/kernel"] = rng.normal(size=(m, n))
        both[f"dense_{i}/bias"] = rng.normal(size=n)
    return both


PAIRING = Pairing(
    name="kernel_gradient_from_own_activation",
    network=Network(
        tuple(Dense(m, n, "sigmoid") for m, n in zip(sizes, sizes[1:])),
        Loss("squared_error", scale=0.5),
    ),
    subject=adapters.transposed(train),
    data=data,
    initial=initial,
    optimizer=GradientDescent(eta),
    quantities=("loss", "gradient", "updated"),
    steps=12,
)
