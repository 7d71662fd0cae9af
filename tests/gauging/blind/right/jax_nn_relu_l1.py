"""The same with jax.nn.relu (slope 0 at 0) and smooth last layer; only the L1 penalty's jnp.abs has a kink of its own."""

import jax
import jax.numpy as jnp
import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing, Penalty

jax.config.update("jax_enable_x64", True)


def loss(p, x, y):
    h = jax.nn.relu(x @ p["dense_1/kernel"] + p["dense_1/bias"])
    z = h @ p["dense_2/kernel"] + p["dense_2/bias"]
    nll = -jnp.mean(jnp.sum(y * jax.nn.log_softmax(z), axis=1))
    return nll + 0.02 * sum(jnp.sum(jnp.abs(p[f"dense_{i}/kernel"])) for i in (1, 2))


def subject(p, batch):
    value, grads = jax.value_and_grad(loss)(dict(p), batch.inputs, batch.targets)
    return {"loss": value, **{f"gradient/{k}": g for k, g in grads.items()}}


def data():
    rng = np.random.default_rng(943)
    return Batch(rng.normal(size=(32, 3)), np.eye(3)[rng.integers(0, 3, 32)])


def initial():
    rng = np.random.default_rng(944)
    return {
        "dense_1/kernel": rng.normal(size=(3, 5)),
        "dense_1/bias": rng.normal(size=5),
        "dense_2/kernel": rng.normal(size=(5, 3)),
        "dense_2/bias": rng.normal(size=3),
    }


PAIRING = Pairing(
    name="jax_nn_relu_l1",
    network=Network(
        (Dense(3, 5, "relu"), Dense(5, 3, "softmax")),
        Loss("categorical_cross_entropy"),
        Penalty(l1=0.02),
    ),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.1),
    partial=True,
)
