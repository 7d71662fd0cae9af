"""torch.autograd with ReLU by torch.maximum(z, 0); torch halves the slope of maximum where both are equal."""

import numpy as np
import torch

from backproof import Adam, Batch, Dense, Loss, Network, Pairing


def subject(state, batch):
    names = list(initial())
    w = {k: torch.tensor(state[k], requires_grad=True) for k in names}
    x, y = torch.tensor(batch.inputs), torch.tensor(batch.targets)
    h = torch.maximum(x @ w["dense_1/kernel"] + w["dense_1/bias"], torch.tensor(0.0, dtype=x.dtype))
    z = h @ w["dense_2/kernel"] + w["dense_2/bias"]
    loss = (torch.logsumexp(z, dim=1) - (z * y).sum(dim=1)).mean()
    opt = torch.optim.Adam(w.values(), lr=0.01)
    t = torch.tensor(float(state["step_count"]))
    for k in names:
        opt.state[w[k]] = {
            "step": t.clone(),
            "exp_avg": torch.tensor(state[f"first_moment/{k}"]),
            "exp_avg_sq": torch.tensor(state[f"second_moment/{k}"]),
        }
    loss.backward()
    opt.step()
    out = {"loss": loss.item()}
    for k in names:
        out[f"gradient/{k}"] = w[k].grad.numpy()
        out[f"updated/{k}"] = w[k].detach().numpy()
        out[f"updated/first_moment/{k}"] = opt.state[w[k]]["exp_avg"].numpy()
        out[f"updated/second_moment/{k}"] = opt.state[w[k]]["exp_avg_sq"].numpy()
    return out


def data():
    rng = np.random.default_rng(961)
    return Batch(rng.normal(size=(32, 4)), np.eye(3)[rng.integers(0, 3, 32)])


def initial():
    rng = np.random.default_rng(962)
    return {
        "dense_1/kernel": rng.normal(size=(4, 6)),
        "dense_1/bias": rng.normal(size=6),
        "dense_2/kernel": rng.normal(size=(6, 3)),
        "dense_2/bias": rng.normal(size=3),
    }


PAIRING = Pairing(
    name="torch_maximum_relu",
    network=Network(
        (Dense(4, 6, "relu"), Dense(6, 3, "softmax")), Loss("categorical_cross_entropy")
    ),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=Adam(0.01),
    partial=True,
)
