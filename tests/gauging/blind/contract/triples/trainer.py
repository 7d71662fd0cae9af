import numpy as np

NETWORK = {
    "sizes": [9, 8, 7, 6, 3],
    "activations": ["relu", "tanh", "sigmoid", "softmax"],
    "loss": "categorical_crossentropy",
    "l2": 0,
    "optimizer": {
        "name": "adam",
        "learning_rate": 0.001,
        "beta_1": 0.9,
        "beta_2": 0.999,
        "epsilon": 1e-8,
    },
}
TRUTH = (
    "1) prepare_batch permutes x but leaves y in the old order: samples get other samples' labels. Both need the same permutation (or none). "
    "2) backward(): the delta that arrives at layer i's output is multiplied by the derivative of the activation of layer i-1 (wrong offset in the list of names); "
    "for the first layer the index is -1 and wraps to the last. It should be the layer's own activation. "
    "3) Adam unpacks the two betas in exchanged order: the first moment uses 0.999 and the second 0.9."
)


class Trainer:
    def __init__(self, config):
        self.names = config["activations"]
        opt = config["optimizer"]
        self.lr, self.eps = opt["learning_rate"], opt["epsilon"]
        self.betas = (opt["beta_1"], opt["beta_2"])
        self.rng = np.random.default_rng(0)

    def prepare_batch(self, x, y):
        order = np.random.default_rng(len(x)).permutation(len(x))
        return x[order], y

    def act(self, name, z):
        if name == "relu":
            return np.where(z > 0, z, 0.0)
        if name == "tanh":
            return np.tanh(z)
        if name == "sigmoid":
            return 1.0 / (1.0 + np.exp(-z))
        e = np.exp(z - z.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)

    def dact(self, name, a):
        return {
            "relu": lambda: 1.0 * (a > 0),
            "tanh": lambda: 1.0 - a**2,
            "sigmoid": lambda: a * (1.0 - a),
            "softmax": lambda: np.ones_like(a),
        }[name]()

    def forward(self, params, x):
        self.a = [x]
        for i, name in enumerate(self.names):
            self.a.append(
                self.act(
                    name,
                    self.a[-1] @ params[f"dense_{i + 1}.kernel"] + params[f"dense_{i + 1}.bias"],
                )
            )
        return self.a[-1]

    def backward(self, params, y):
        grads, n = {}, len(self.names)
        delta = (self.a[-1] - y) / len(y)
        for i in range(n, 0, -1):
            if i < n:
                delta = delta * self.dact(self.names[i - 2], self.a[i])
            grads[f"dense_{i}.kernel"] = self.a[i - 1].T @ delta
            grads[f"dense_{i}.bias"] = np.add.reduce(delta, axis=0)
            delta = delta @ params[f"dense_{i}.kernel"].T
        return grads

    def update(self, params, grads, state):
        b2, b1 = self.betas
        t = state.get("step", 0) + 1
        new, slots = {}, {"step": t}
        for k in params:
            m = b1 * state.get("m." + k, 0.0) + (1 - b1) * grads[k]
            v = b2 * state.get("v." + k, 0.0) + (1 - b2) * grads[k] ** 2
            slots["m." + k], slots["v." + k] = m, v
            new[k] = params[k] - self.lr * (m / (1 - b1**t)) / (np.sqrt(v / (1 - b2**t)) + self.eps)
        return new, slots


def loss_and_gradients(parameters, x, y):
    trainer = Trainer(NETWORK)
    x, y = trainer.prepare_batch(x, y)
    p = trainer.forward(parameters, x)
    loss = -np.sum(y * np.log(p + 1e-300)) / len(y)
    return loss, trainer.backward(parameters, y)


def step(parameters, gradients, state):
    return Trainer(NETWORK).update(parameters, gradients, state)
