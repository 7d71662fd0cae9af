"""Index notation: each product is an einsum that also sums over the batch, with three or four operands at once."""

import numpy as np

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing


def subject(p, batch):
    x, y = batch.inputs, batch.targets
    w1, w2, w3 = (p[f"dense_{k}/kernel"] for k in (1, 2, 3))
    es = np.einsum
    h = np.tanh(es("si,ij->sj", x, w1) + p["dense_1/bias"])
    g = np.tanh(es("sj,jk->sk", h, w2) + p["dense_2/bias"])
    o = es("sk,kl->sl", g, w3) + p["dense_3/bias"]
    e = (o - y) * (2 / y.size)
    sh, sg = 1 - h**2, 1 - g**2
    return {
        "activation/dense_1": h,
        "activation/dense_2": g,
        "activation/dense_3": o,
        "loss": es("sl,sl,->", o - y, o - y, 1 / y.size),
        "gradient/dense_3/kernel": es("sk,sl->kl", g, e),
        "gradient/dense_3/bias": es("sl->l", e),
        "gradient/dense_2/kernel": es("sj,sk,kl,sl->jk", h, sg, w3, e),
        "gradient/dense_2/bias": es("sk,kl,sl->k", sg, w3, e),
        "gradient/dense_1/kernel": es("si,sj,jk,sk,kl,sl->ij", x, sh, w2, sg, w3, e, optimize=True),
        "gradient/dense_1/bias": es("sj,jk,sk,kl,sl->j", sh, w2, sg, w3, e),
    }


def data():
    rng = np.random.default_rng(591)
    return Batch(rng.normal(size=(18, 3)), rng.normal(size=(18, 2)))


def initial():
    rng = np.random.default_rng(592)
    p = {}
    for k, s in enumerate(((3, 5), (5, 4), (4, 2)), 1):
        p[f"dense_{k}/kernel"] = rng.normal(size=s)
        p[f"dense_{k}/bias"] = rng.normal(size=s[1])
    return p


PAIRING = Pairing(
    name="einsum_index_notation",
    network=Network(
        (Dense(3, 5, "tanh"), Dense(5, 4, "tanh"), Dense(4, 2)),
        Loss("squared_error", outputs="mean"),
    ),
    subject=subject,
    data=data,
    initial=initial,
    optimizer=GradientDescent(0.1),
    partial=True,
)
