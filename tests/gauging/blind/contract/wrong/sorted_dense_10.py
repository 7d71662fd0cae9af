import numpy as np

NETWORK = {
    "sizes": [5] * 11 + [2],
    "activations": ["tanh"] * 10 + ["linear"],
    "loss": "mean_squared_error",
    "loss_note": "half",
}
TRUTH = (
    "wrong: the layer order comes from sorted() on the kernel names; as strings dense_10 and dense_11 sort before dense_2, so with eleven "
    "layers the chain is applied in the wrong order; the output layer (5 -> 2) is moved to the end, which hides it: 1, 10, 2, 3, ..., 9, 11. "
    "Must sort by the number: key=lambda s: int(s.split('_')[1])."
)


def layer_names(parameters):
    names = [k[: -len(".kernel")] for k in parameters if k.endswith(".kernel")]
    names = sorted(names)
    # the output layer is the one with the odd width
    out = [s for s in names if parameters[s + ".bias"].shape[0] == NETWORK["sizes"][-1]]
    return [s for s in names if s not in out] + out


def loss_and_gradients(parameters, x, y):
    order = layer_names(parameters)
    acts = [x]
    for s in order:
        z = acts[-1] @ parameters[s + ".kernel"] + parameters[s + ".bias"]
        acts.append(z if s == order[-1] else np.tanh(z))
    n = len(x)
    d = (acts[-1] - y) / n
    g = {}
    for i in range(len(order) - 1, -1, -1):
        s = order[i]
        if i != len(order) - 1:
            d = d * (1 - acts[i + 1] ** 2)
        g[s + ".kernel"] = acts[i].T @ d
        g[s + ".bias"] = d.sum(0)
        d = d @ parameters[s + ".kernel"].T
    return 0.5 * np.sum((acts[-1] - y) ** 2) / n, g
