import numpy as np

NETWORK = {
    "sizes": [4, 6, 5, 2],
    "activations": ["tanh", "leaky_relu", "softmax"],
    "leaky_slope": 0.2,
    "loss": "categorical_crossentropy",
    "l2": 0.01,
    "optimizer": {"name": "sgd", "learning_rate": 0.1},
}
TRUTH = (
    "The network object lives on between calls and its Parameter.grad arrays are only ever added to; they are never zeroed. The first call "
    "is right, from the second on the gradients of all earlier calls are included. grad must be reset at the start of each call."
)


class Parameter:
    def __init__(self, name):
        self.name, self.value, self.grad = name, None, None

    def load(self, value):
        self.value = value
        if self.grad is None:
            self.grad = np.zeros_like(value, dtype=float)


class Network:
    def __init__(self, n_layers):
        self.kernels = [Parameter(f"dense_{i + 1}.kernel") for i in range(n_layers)]
        self.biases = [Parameter(f"dense_{i + 1}.bias") for i in range(n_layers)]

    def load(self, parameters):
        for q in self.kernels + self.biases:
            q.load(parameters[q.name])

    def run(self, x, y):
        n, slope = len(x), NETWORK["leaky_slope"]
        W, b = self.kernels, self.biases
        h1 = np.tanh(x @ W[0].value + b[0].value)
        z2 = h1 @ W[1].value + b[1].value
        h2 = np.where(z2 >= 0, z2, slope * z2)
        z3 = h2 @ W[2].value + b[2].value
        z3 = z3 - z3.max(axis=1, keepdims=True)
        p = np.exp(z3) / np.exp(z3).sum(axis=1, keepdims=True)
        loss = -np.sum(y * np.log(np.maximum(p, 1e-300))) / n

        d = (p - y) / n
        W[2].grad += h2.T @ d
        b[2].grad += d.sum(axis=0)
        d = (d @ W[2].value.T) * np.where(z2 >= 0, 1.0, slope)
        W[1].grad += h1.T @ d
        b[1].grad += d.sum(axis=0)
        d = (d @ W[1].value.T) * (1 - h1**2)
        W[0].grad += x.T @ d
        b[0].grad += d.sum(axis=0)
        for q in W:
            loss += NETWORK["l2"] / 2 * np.sum(q.value**2)
            q.grad += NETWORK["l2"] * q.value
        return loss


net = Network(len(NETWORK["activations"]))


def loss_and_gradients(parameters, x, y):
    net.load(parameters)
    loss = net.run(x, y)
    return loss, {q.name: q.grad.copy() for q in net.kernels + net.biases}
