import numpy as np

NETWORK = {
    "sizes": [6, 9, 7, 2],
    "activations": ["leaky_relu", "leaky_relu", "linear"],
    "leaky_slope": 0.05,
    "loss": "mean_squared_error",
    "loss_note": "half: 1/(2n) sum of squares",
    "l2": 0,
    "optimizer": {
        "name": "adam",
        "learning_rate": 0.005,
        "beta_1": 0.9,
        "beta_2": 0.999,
        "epsilon": 1e-3,
    },
}
TRUTH = (
    "1) leaky_relu's forward gives the constant slope for negative z in place of slope*z (the derivative is that of the right function). "
    "2) step(): epsilon is added inside the square root, sqrt(vhat + eps); it should be sqrt(vhat) + eps."
)
ALPHA = NETWORK["leaky_slope"]


def leaky_relu(z):
    return np.where(z > 0, z, ALPHA)


def leaky_relu_grad(z):
    g = np.full_like(z, ALPHA)
    g[z > 0] = 1
    return g


def loss_and_gradients(parameters, x, y):
    P = parameters
    z1 = x @ P["dense_1.kernel"] + P["dense_1.bias"]
    a1 = leaky_relu(z1)
    z2 = a1 @ P["dense_2.kernel"] + P["dense_2.bias"]
    a2 = leaky_relu(z2)
    out = a2 @ P["dense_3.kernel"] + P["dense_3.bias"]
    n = len(out)
    loss = np.square(out - y).sum() / (2 * n)
    g3 = (out - y) / n
    g2 = g3 @ P["dense_3.kernel"].T * leaky_relu_grad(z2)
    g1 = g2 @ P["dense_2.kernel"].T * leaky_relu_grad(z1)
    return loss, {
        "dense_1.kernel": x.T @ g1,
        "dense_1.bias": g1.sum(0),
        "dense_2.kernel": a1.T @ g2,
        "dense_2.bias": g2.sum(0),
        "dense_3.kernel": a2.T @ g3,
        "dense_3.bias": g3.sum(0),
    }


def step(parameters, gradients, state):
    c = NETWORK["optimizer"]
    t = state.get("step", 0) + 1
    P, S = {}, {"step": t}
    for k in parameters:
        g = gradients[k]
        m = S["m." + k] = (
            c["beta_1"] * state.get("m." + k, np.zeros_like(g)) + (1 - c["beta_1"]) * g
        )
        v = S["v." + k] = (
            c["beta_2"] * state.get("v." + k, np.zeros_like(g)) + (1 - c["beta_2"]) * g**2
        )
        m_hat = m / (1 - c["beta_1"] ** t)
        v_hat = v / (1 - c["beta_2"] ** t)
        P[k] = parameters[k] - c["learning_rate"] * m_hat / np.sqrt(v_hat + c["epsilon"])
    return P, S
