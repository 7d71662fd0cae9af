import numpy as np

NETWORK = {
    "sizes": [9, 7, 5, 2],
    "activations": ["sigmoid", "tanh", "linear"],
    "loss": "mean_squared_error",
    "loss_note": "half of the sum of squares over the outputs, mean over samples",
    "l2": 0.0,
    "optimizer": {
        "name": "nesterov",
        "learning_rate": 0.01,
        "momentum": 0.95,
        "note": "v = mu*v - lr*g; w += mu*v - lr*g",
    },
}
TRUTH = (
    "step(): the update adds the velocity itself (plain momentum); the look-ahead of Nesterov is missing. "
    "It should be w + mu*v - lr*g with the new v."
)


class MLP:
    def __init__(self, params):
        self.W = [params["dense_1.kernel"], params["dense_2.kernel"], params["dense_3.kernel"]]
        self.b = [params["dense_1.bias"], params["dense_2.bias"], params["dense_3.bias"]]

    def feedforward(self, a):
        self.activations = [a]
        for i, (w, b) in enumerate(zip(self.W, self.b)):
            z = np.dot(a, w) + b
            a = (lambda t: 1 / (1 + np.exp(-t)), np.tanh, lambda t: t)[i](z)
            self.activations.append(a)
        return a

    def cost(self, y):
        return 0.5 * np.mean(np.linalg.norm(self.activations[-1] - y, axis=1) ** 2)

    def backprop(self, y):
        nabla_w, nabla_b = [None] * 3, [None] * 3
        delta = (self.activations[-1] - y) / y.shape[0]
        nabla_b[-1], nabla_w[-1] = delta.sum(axis=0), np.dot(self.activations[-2].T, delta)
        for l in range(2, 4):
            a = self.activations[-l]
            sp = (1 - a * a) if l == 2 else a * (1 - a)
            delta = np.dot(delta, self.W[-l + 1].T) * sp
            nabla_b[-l], nabla_w[-l] = delta.sum(axis=0), np.dot(self.activations[-l - 1].T, delta)
        return nabla_w, nabla_b


def loss_and_gradients(parameters, x, y):
    net = MLP(parameters)
    net.feedforward(x)
    nw, nb = net.backprop(y)
    return net.cost(y), {
        **{f"dense_{i + 1}.kernel": w for i, w in enumerate(nw)},
        **{f"dense_{i + 1}.bias": b for i, b in enumerate(nb)},
    }


def step(parameters, gradients, state):
    lr, mu = NETWORK["optimizer"]["learning_rate"], NETWORK["optimizer"]["momentum"]
    new_p, new_s = {}, {"step": state.get("step", 0) + 1}
    for k in parameters:
        g = gradients[k]
        velocity = mu * state.get("v." + k, np.zeros_like(g)) - lr * g
        new_p[k] = parameters[k] + velocity
        new_s["v." + k] = velocity
    return new_p, new_s
