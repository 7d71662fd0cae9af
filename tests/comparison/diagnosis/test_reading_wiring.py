"""Branches, shared kernels and other layers: where what arrives comes from."""

from __future__ import annotations

import numpy as np
import pytest

from backproof.mathematics.layers.blocks import Branches, Residual
from backproof.mathematics.layers.concatenate import Concatenate
from backproof.mathematics.layers.dense import Dense
from backproof.mathematics.network.loss import Loss
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.node import Node, Shared
from tests.comparison.diagnosis.by_hand import by_hand, chain, said

FOUR = chain((5, 6, 6, 6, 3))
BLOCK = Network(
    (Dense(4, 5, "tanh"), Residual(Dense(5, 7, "tanh"), Dense(7, 5)), Dense(5, 2)),
    Loss("squared_error"),
)


def block(skip=1.0, branch=1.0, bias=lambda dy, dx: dy):
    """A residual block by hand: how often each share counts, what its last bias is summed of."""

    def subject(p, batch):
        x, n = batch.inputs, len(batch.inputs)
        (w1, b1), (w2, b2), (w3, b3), (w4, b4) = (
            (p[f"dense_{i}/kernel"], p[f"dense_{i}/bias"]) for i in (1, 2, 3, 4)
        )
        h = np.tanh(x @ w1 + b1)
        u = np.tanh(h @ w2 + b2)
        s = h + u @ w3 + b3
        d4 = 2 * (s @ w4 + b4 - batch.targets) / n
        dy = d4 @ w4.T
        d2 = dy @ w3.T * (1 - u**2)
        dx = skip * dy + branch * d2 @ w2.T
        d1 = dx * (1 - h**2)
        grads = {
            1: (x.T @ d1, d1),
            2: (h.T @ d2, d2),
            3: (u.T @ dy, bias(dy, dx)),
            4: (s.T @ d4, d4),
        }
        return {
            f"gradient/dense_{i}/{own}": g if own == "kernel" else g.sum(axis=0)
            for i, pair in grads.items()
            for own, g in zip(("kernel", "bias"), pair, strict=True)
        }

    return subject


@pytest.mark.parametrize(
    ("subject", "told"),
    [
        (block(skip=2), "in add_1, the last input of the sum gets twice what comes back"),
        (block(skip=0.5), "(what dense_2 gives back) + 0.5 * (what add_1 gives back)"),
        (block(branch=0), "what arrives is (what add_1 gives back) alone"),
        (
            block(bias=lambda dy, dx: dx),
            "in dense_3: the gradient of the bias is (what arrives at dense_1).sum(axis=0)",
        ),
    ],
)
def test_the_shares_of_a_skip_and_its_branch_are_told(subject, told: str) -> None:
    assert told in said(BLOCK, subject)


def test_a_delta_through_the_kernel_of_another_branch_is_told() -> None:
    network = Network(
        (Dense(4, 5, "tanh"), Branches(Concatenate(), Dense(5, 3), Dense(5, 3)), Dense(6, 2)),
        Loss("squared_error"),
    )

    def subject(p, batch):
        x, n = batch.inputs, len(batch.inputs)
        w, b = ([p[f"dense_{i}/{own}"] for i in (1, 2, 3, 4)] for own in ("kernel", "bias"))
        h = np.tanh(x @ w[0] + b[0])
        c = np.hstack([h @ w[1] + b[1], h @ w[2] + b[2]])
        d4 = 2 * (c @ w[3] + b[3] - batch.targets) / n
        left, right = np.hsplit(d4 @ w[3].T, 2)
        d1 = (left @ w[2].T + right @ w[2].T) * (1 - h**2)
        pairs = [(x, d1), (h, left), (h, right), (c, d4)]
        found = {f"gradient/dense_{i}/kernel": a.T @ d for i, (a, d) in enumerate(pairs, 1)}
        return found | {f"gradient/dense_{i}/bias": d.sum(0) for i, (_, d) in enumerate(pairs, 1)}

    assert "((delta of dense_2) @ (W of dense_3).T) * (1 - a**2)" in said(network, subject)


@pytest.mark.parametrize(
    ("encoder", "decoder", "told"),
    [
        (0, 1, "the gradient of the kernel is (the share of decoder) alone"),
        (1, 0.5, "(the share of encoder) + 0.5 * (the share of decoder)"),
    ],
)
def test_the_uses_of_a_shared_kernel_are_told(encoder: float, decoder: float, told: str) -> None:
    network = Network(
        (
            Node("encoder", Dense(5, 3, "tanh")),
            Node("decoder", Dense(3, 5), shared={"kernel": Shared("encoder/kernel", True)}),
        ),
        Loss("squared_error"),
    )

    def subject(p, batch):
        x, w = batch.inputs, p["encoder/kernel"]
        h = np.tanh(x @ w + p["encoder/bias"])
        d2 = 2 * (h @ w.T + p["decoder/bias"] - batch.targets) / len(x)
        d1 = d2 @ w * (1 - h**2)
        return {
            "gradient/encoder/kernel": encoder * x.T @ d1 + decoder * d2.T @ h,
            "gradient/encoder/bias": d1.sum(axis=0),
            "gradient/decoder/bias": d2.sum(axis=0),
        }

    assert told in said(network, subject)


def test_another_input_a_part_of_the_units_and_another_sample_are_told() -> None:
    last = by_hand(back={3: lambda d, w: d[:, -1:] @ w[:, -1:].T})
    assert "the delta is (delta_above[:, -1:] @ W_above[:, -1:].T) * (1 - a**2)" in said(FOUR, last)
    rolled = by_hand(slopes={2: lambda z, a, n: 1 - np.roll(a, 1, axis=0) ** 2})
    assert "in dense_2: the slope is f'(z), of the sample before" in said(FOUR, rolled)
    power = by_hand(slopes={2: lambda z, a, n: 1 - a**4})
    assert "the slope is 1 - a**4; it should be 1 - a**2" in said(FOUR, power)
