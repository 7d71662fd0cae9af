import numpy as np

NETWORK = {
    "sizes": [8, 10, 4],
    "activations": ["relu", "softmax"],
    "loss": "categorical_crossentropy",
    "l2": 0.0,
    "optimizer": {
        "name": "adam",
        "learning_rate": 0.01,
        "beta_1": 0.9,
        "beta_2": 0.999,
        "epsilon": 1e-8,
    },
}
TRUTH = (
    "Adam's step counter is advanced inside the loop over the parameters, so the k-th array is bias-corrected with a t too great by k-1, "
    "and the counter grows by the number of arrays in every step. It should advance once per step, before the loop."
)


class Adam:
    def __init__(self, state, learning_rate, beta_1, beta_2, epsilon, **_):
        self.lr, self.b1, self.b2, self.eps = learning_rate, beta_1, beta_2, epsilon
        self.state = dict(state)
        self.t = state.get("step", 0)

    def update(self, params, grads):
        out = {}
        for name in params:
            self.t += 1
            g = grads[name]
            m = self.b1 * self.state.get("m." + name, 0) + (1 - self.b1) * g
            v = self.b2 * self.state.get("v." + name, 0) + (1 - self.b2) * g**2
            mhat = m / (1 - self.b1**self.t)
            vhat = v / (1 - self.b2**self.t)
            out[name] = params[name] - self.lr * mhat / (np.sqrt(vhat) + self.eps)
            self.state["m." + name], self.state["v." + name] = m, v
        self.state["step"] = self.t
        return out, self.state


def loss_and_gradients(parameters, x, y):
    W1, b1, W2, b2 = (
        parameters[k] for k in ("dense_1.kernel", "dense_1.bias", "dense_2.kernel", "dense_2.bias")
    )
    z1 = x @ W1 + b1
    h = z1 * (z1 > 0)
    z2 = h @ W2 + b2
    z2 -= z2.max(axis=1, keepdims=True)
    logp = z2 - np.log(np.exp(z2).sum(axis=1, keepdims=True))
    loss = -np.sum(logp[y.astype(bool)]) / len(x)
    d2 = (np.exp(logp) - y) / len(x)
    d1 = (d2 @ W2.T) * (z1 > 0)
    return loss, {
        "dense_1.kernel": x.T @ d1,
        "dense_1.bias": d1.sum(0),
        "dense_2.kernel": h.T @ d2,
        "dense_2.bias": d2.sum(0),
    }


def step(parameters, gradients, state):
    return Adam(state, **NETWORK["optimizer"]).update(parameters, gradients)
