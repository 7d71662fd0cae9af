"""The subject is jax.grad of a loss with jnp.maximum and an L1 penalty by jnp.abs, in float64."""

import jax
import jax.numpy as jnp
import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing, Penalty

jax.config.update("jax_enable_x64", True)
RATE, L1 = 0.1, 0.01


def loss(p, x, y):
    h = jnp.maximum(x @ p["dense_1/kernel"] + p["dense_1/bias"], 0)
    o = h @ p["dense_2/kernel"] + p["dense_2/bias"]
    penalty = jnp.abs(p["dense_1/kernel"]).sum() + jnp.abs(p["dense_2/kernel"]).sum()
    return jnp.mean((o - y) ** 2) + L1 * penalty


both = jax.jit(jax.value_and_grad(loss))


def subject(p, batch):
    p = {k: jnp.asarray(v) for k, v in p.items()}
    value, grads = both(p, batch.inputs, batch.targets)
    new = jax.tree.map(lambda w, g: w - RATE * g, p, grads)
    return {
        "loss": value,
        **{f"gradient/{k}": g for k, g in grads.items()},
        **{f"updated/{k}": w for k, w in new.items()},
    }


def data():
    rng = np.random.default_rng(941)
    return Batch(rng.normal(size=(32, 4)), rng.normal(size=(32, 2)))


def initial():
    rng = np.random.default_rng(942)
    return {
        "dense_1/kernel": rng.normal(size=(4, 6)),
        "dense_1/bias": rng.normal(size=6),
        "dense_2/kernel": rng.normal(size=(6, 2)),
        "dense_2/bias": rng.normal(size=2),
    }


PAIRING = Pairing(
    name="jax_grad_l1",
    network=Network(
        (Dense(4, 6, "relu"), Dense(6, 2)), Loss("squared_error", outputs="mean"), Penalty(l1=L1)
    ),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=GradientDescent(RATE),
    partial=True,
)
