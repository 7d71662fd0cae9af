import numpy as np

NETWORK = {
    "sizes": [6, 7, 5, 1],
    "activations": ["tanh", "sigmoid", "sigmoid"],
    "loss": "binary_crossentropy",
    "l2": 0,
    "optimizer": {"name": "sgd", "learning_rate": 0.1},
}
TRUTH = (
    "1) The last delta uses the thresholded decision (p > 0.5) in place of the probability, as in the perceptron rule; it should be (p - y)/n. "
    "2) The bias gradients are summed with keepdims and come out as (1, units) rather than (units,), after which updated biases change shape."
)


class Layer:
    def __init__(self, kernel, bias):
        self.kernel, self.bias = kernel, bias

    def forward(self, inputs):
        self.inputs = inputs
        self.outputs = self.f(inputs @ self.kernel + self.bias)
        return self.outputs

    def backward(self, d_outputs, through_activation=True):
        dz = d_outputs * self.df(self.outputs) if through_activation else d_outputs
        self.d_kernel = self.inputs.T @ dz
        self.d_bias = np.sum(dz, axis=0, keepdims=True)
        return dz @ self.kernel.T


class TanhLayer(Layer):
    f = staticmethod(np.tanh)
    df = staticmethod(lambda a: 1 - a * a)


class SigmoidLayer(Layer):
    f = staticmethod(lambda z: 0.5 + 0.5 * np.tanh(0.5 * z))
    df = staticmethod(lambda a: a * (1 - a))


def loss_and_gradients(parameters, x, y):
    kinds = {"tanh": TanhLayer, "sigmoid": SigmoidLayer}
    layers = [
        kinds[name](parameters[f"dense_{i}.kernel"], parameters[f"dense_{i}.bias"])
        for i, name in enumerate(NETWORK["activations"], 1)
    ]
    p = x
    for layer in layers:
        p = layer.forward(p)
    eps = 1e-15
    q = np.clip(p, eps, 1 - eps)
    loss = -np.sum(y * np.log(q) + (1 - y) * np.log(1 - q)) / len(x)

    prediction = (p > 0.5).astype(float)
    d = layers[-1].backward((prediction - y) / len(x), through_activation=False)
    for layer in layers[-2::-1]:
        d = layer.backward(d)
    grads = {}
    for i, layer in enumerate(layers, 1):
        grads[f"dense_{i}.kernel"], grads[f"dense_{i}.bias"] = layer.d_kernel, layer.d_bias
    return loss, grads
