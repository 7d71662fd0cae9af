import numpy as np

NETWORK = {
    "sizes": [5, 9, 4, 1],
    "activations": ["tanh", "tanh", "linear"],
    "loss": "mean_squared_error",
    "loss_note": "half: 1/(2n) sum of squares",
    "l2": 0.001,
    "optimizer": {"name": "rmsprop", "learning_rate": 0.01, "rho": 0.95, "epsilon": 1e-8},
}
TRUTH = (
    "The targets are flattened to (n,) while the predictions stay (n, 1): the residual broadcasts to an (n, n) matrix of all pairs. "
    "The backward pass takes its row means, i.e. prediction minus mean target; loss likewise. Prediction and target need one shape."
)


def predict(parameters, x):
    h1 = np.tanh(x @ parameters["dense_1.kernel"] + parameters["dense_1.bias"])
    h2 = np.tanh(h1 @ parameters["dense_2.kernel"] + parameters["dense_2.bias"])
    return h1, h2, h2 @ parameters["dense_3.kernel"] + parameters["dense_3.bias"]


def loss_and_gradients(parameters, x, y):
    n = x.shape[0]
    y = np.asarray(y).ravel()
    h1, h2, y_hat = predict(parameters, x)
    residual = y_hat - y
    loss = 0.5 * np.mean(residual**2)
    delta = residual.mean(axis=1).reshape(n, 1) / n
    d2 = delta @ parameters["dense_3.kernel"].T * (1 - h2**2)
    d1 = d2 @ parameters["dense_2.kernel"].T * (1 - h1**2)
    grads = {}
    for i, inp, d in ((1, x, d1), (2, h1, d2), (3, h2, delta)):
        w = parameters["dense_%d.kernel" % i]
        loss += 0.5 * NETWORK["l2"] * np.sum(w**2)
        grads["dense_%d.kernel" % i] = inp.T @ d + NETWORK["l2"] * w
        grads["dense_%d.bias" % i] = d.sum(axis=0)
    return loss, grads


def step(parameters, gradients, state):
    o = NETWORK["optimizer"]
    nxt, s = {}, {"step": state.get("step", 0) + 1}
    for k, w in parameters.items():
        s["v." + k] = o["rho"] * state.get("v." + k, 0.0) + (1 - o["rho"]) * np.square(gradients[k])
        nxt[k] = w - o["learning_rate"] * gradients[k] / (np.sqrt(s["v." + k]) + o["epsilon"])
    return nxt, s
