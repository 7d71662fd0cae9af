import numpy as np

NETWORK = {
    "sizes": [8, 10, 6, 5],
    "activations": ["relu", "tanh", "softmax"],
    "loss": "categorical_crossentropy",
    "l2": 1e-3,
    "optimizer": {
        "name": "momentum",
        "learning_rate": 0.05,
        "momentum": 0.9,
        "note": "v = mu*v - lr*g; w += v (no dampening)",
    },
}
TRUTH = (
    "1) The last delta subtracts 1 with probs[:, labels], i.e. in every row for every class that occurs in the batch; it should be "
    "probs[arange(n), labels]. 2) step() mixes the gradient in with (1 - mu): v = mu*v - (1-mu)*lr*g; it should be v = mu*v - lr*g."
)


class TwoHiddenNet(object):
    def __init__(self, params, reg):
        self.params, self.reg = params, reg

    def loss(self, X, labels):
        P, reg = self.params, self.reg
        N = X.shape[0]
        Z1 = X.dot(P["dense_1.kernel"]) + P["dense_1.bias"]
        H1 = np.maximum(Z1, 0)
        H2 = np.tanh(H1.dot(P["dense_2.kernel"]) + P["dense_2.bias"])
        scores = H2.dot(P["dense_3.kernel"]) + P["dense_3.bias"]
        scores -= scores.max(axis=1, keepdims=True)
        log_probs = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
        data_loss = -log_probs[np.arange(N), labels].mean()
        reg_loss = 0.5 * reg * sum(np.sum(P[k] ** 2) for k in P if k.endswith("kernel"))

        dscores = np.exp(log_probs)
        dscores[:, labels] -= 1
        dscores /= N
        grads = {"dense_3.kernel": H2.T.dot(dscores), "dense_3.bias": dscores.sum(axis=0)}
        dH2 = dscores.dot(P["dense_3.kernel"].T)
        dZ2 = dH2 * (1 - H2**2)
        grads["dense_2.kernel"], grads["dense_2.bias"] = H1.T.dot(dZ2), dZ2.sum(axis=0)
        dZ1 = dZ2.dot(P["dense_2.kernel"].T)
        dZ1[Z1 <= 0] = 0
        grads["dense_1.kernel"], grads["dense_1.bias"] = X.T.dot(dZ1), dZ1.sum(axis=0)
        for k in grads:
            if k.endswith("kernel"):
                grads[k] += reg * P[k]
        return data_loss + reg_loss, grads


def loss_and_gradients(parameters, x, y):
    return TwoHiddenNet(parameters, NETWORK["l2"]).loss(x, np.argmax(y, axis=1))


def step(parameters, gradients, state):
    lr, mu = NETWORK["optimizer"]["learning_rate"], NETWORK["optimizer"]["momentum"]
    new_state = {"step": state.get("step", 0) + 1}
    new_params = {}
    for k in parameters:
        v = state.get("v." + k)
        if v is None:
            v = np.zeros_like(parameters[k])
        v = mu * v - (1 - mu) * lr * gradients[k]
        new_params[k] = parameters[k] + v
        new_state["v." + k] = v
    return new_params, new_state
