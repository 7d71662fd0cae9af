import numpy as np

NETWORK = {
    "sizes": [4, 8, 8, 2],
    "activations": ["tanh", "tanh", "linear"],
    "loss": "mean_squared_error",
    "loss_note": "half: 1/(2n) sum of squares over samples and outputs",
    "l2": 0,
    "optimizer": {"name": "sgd", "learning_rate": 0.01},
}
TRUTH = (
    "1) tanh's derivative in terms of the output is coded as 1 - a; it should be 1 - a**2. "
    "2) All gradients are clipped to [-1, 1] before they are returned, a leftover against exploding gradients which the network does not state; they should be returned unclipped."
)


class RegressionNet:
    def __init__(self, parameters):
        self.layers = []
        for i in range(1, len(NETWORK["sizes"])):
            self.layers.append(
                {
                    "i": i,
                    "W": parameters[f"dense_{i}.kernel"],
                    "b": parameters[f"dense_{i}.bias"],
                    "act": NETWORK["activations"][i - 1],
                }
            )

    @staticmethod
    def _activate(z, kind):
        return np.tanh(z) if kind == "tanh" else z

    @staticmethod
    def _derivative(a, kind):
        return 1 - a if kind == "tanh" else 1.0

    def forward(self, x):
        for layer in self.layers:
            layer["in"] = x
            x = layer["out"] = self._activate(x @ layer["W"] + layer["b"], layer["act"])
        return x

    def backward(self, error):
        grads = {}
        for layer in reversed(self.layers):
            error = error * self._derivative(layer["out"], layer["act"])
            grads[f"dense_{layer['i']}.kernel"] = layer["in"].T @ error
            grads[f"dense_{layer['i']}.bias"] = error.sum(axis=0)
            error = error @ layer["W"].T
        for g in grads.values():
            np.clip(g, -1.0, 1.0, out=g)
        return grads


def loss_and_gradients(parameters, x, y):
    net = RegressionNet(parameters)
    error = net.forward(x) - y
    return float(np.sum(error**2)) / (2 * len(x)), net.backward(error / len(x))
