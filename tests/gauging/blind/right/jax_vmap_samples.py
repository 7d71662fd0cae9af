"""Per-sample gradients by jax.vmap(jax.grad), averaged after; the sigmoid loss by jax.nn.softplus."""

import jax
import jax.numpy as jnp
import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing

jax.config.update("jax_enable_x64", True)


def one(p, x, y):
    h = jnp.tanh(x @ p["dense_1/kernel"] + p["dense_1/bias"])
    z = h @ p["dense_2/kernel"] + p["dense_2/bias"]
    return jnp.sum(jax.nn.softplus(z) - y * z), (h, jax.nn.sigmoid(z))


per_sample = jax.vmap(jax.value_and_grad(one, has_aux=True), in_axes=(None, 0, 0))


def subject(p, batch):
    (losses, (h, s)), grads = per_sample(dict(p), batch.inputs, batch.targets)
    return {
        "loss": losses.mean(),
        "activation/dense_1": h,
        "activation/dense_2": s,
        **{f"gradient/{k}": g.mean(axis=0) for k, g in grads.items()},
    }


def data():
    rng = np.random.default_rng(951)
    return Batch(rng.normal(size=(32, 4)), rng.integers(0, 2, (32, 1)).astype(float))


def initial():
    rng = np.random.default_rng(952)
    return {
        "dense_1/kernel": rng.normal(size=(4, 5)),
        "dense_1/bias": rng.normal(size=5),
        "dense_2/kernel": rng.normal(size=(5, 1)),
        "dense_2/bias": rng.normal(size=1),
    }


PAIRING = Pairing(
    name="jax_vmap_samples",
    network=Network((Dense(4, 5, "tanh"), Dense(5, 1, "sigmoid")), Loss("binary_cross_entropy")),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.1),
    partial=True,
)
