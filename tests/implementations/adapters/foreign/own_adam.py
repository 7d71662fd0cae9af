"""A regression with leaky units and an Adam of its own, which keeps its moments by name."""

import numpy as np


class Adam:
    def __init__(self, lr, beta1, beta2, eps, m, v, t):
        self.lr, self.beta1, self.beta2, self.eps = lr, beta1, beta2, eps
        self.m, self.v, self.t = m, v, t

    def update(self, params, grads):
        self.t += 1
        for key in params:
            self.m[key] = self.beta1 * self.m[key] + (1 - self.beta1) * grads[key]
            self.v[key] = self.beta2 * self.v[key] + (1 - self.beta2) * grads[key] ** 2
            m_hat = self.m[key] / (1 - self.beta1**self.t)
            v_hat = self.v[key] / (1 - self.beta2**self.t)
            params[key] = params[key] - self.lr * m_hat / (np.sqrt(v_hat) + self.eps)


def gradients(params, X, Y):
    z = X @ params["W1"] + params["b1"]
    a = np.where(z > 0, z, 0.1 * z)
    error = a @ params["W2"] + params["b2"] - Y
    dz = (error @ params["W2"].T) * np.where(z > 0, 1.0, 0.1)
    return {
        "W1": X.T @ dz / len(X),
        "b1": dz.mean(axis=0),
        "W2": a.T @ error / len(X),
        "b2": error.mean(axis=0),
    }
