"""Recurrent cells by hand, in float32 too; both ways at once; other people's modules; bad input."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from backproof import (
    GRU,
    LSTM,
    Branches,
    Concatenate,
    Dense,
    Embedding,
    Loss,
    Network,
    Node,
    SimpleRNN,
    UsageError,
    verify,
)
from backproof.mathematics.arithmetic.floating import Float
from backproof.mathematics.network.parameters import Batch, Parameters
from tests.mathematics.layers.around import Alone, Case, point

STEPS, UNITS, CLASSES = 6, 5, 3


def network(cell: Any) -> Network:
    layers = (cell, Dense(UNITS, CLASSES, "softmax"))
    return Network(layers, Loss("categorical_cross_entropy"), inputs=(STEPS, 4))


def sigmoid(z: Any) -> Any:
    return np.asarray(0.5 * (1 + np.tanh(0.5 * z)))


def head(p: Parameters, batch: Batch, hs: Any) -> tuple[dict[str, Any], Any]:
    """The dense layer on the states (samples, steps, units), and what comes back to them."""
    w, b = p["dense_1/kernel"], p["dense_1/bias"]
    z = hs @ w + b
    z = z - z.max(axis=-1, keepdims=True)
    total = np.exp(z).sum(axis=-1, keepdims=True)
    rows = z.dtype.type(z.shape[0] * z.shape[1])
    dz = (np.exp(z) / total - batch.targets) / rows
    found = {
        "loss": -(batch.targets * (z - np.log(total))).sum() / rows,
        "gradient/dense_1/kernel": np.einsum("nth,ntc->hc", hs, dz),
        "gradient/dense_1/bias": dz.sum(axis=(0, 1)),
    }
    return found, dz @ w.T


def rnn_by_hand(p: Parameters, batch: Batch, carried: float = 1.0) -> dict[str, Any]:
    """As in the course of Karpathy: one step at a time, the gradients added up in place."""
    w, u, b = (p[f"simple_rnn_1/{n}"] for n in ("kernel", "recurrent_kernel", "bias"))
    x = batch.inputs
    h = [np.zeros((len(x), UNITS), x.dtype)]
    for t in range(STEPS):
        h.append(np.tanh(x[:, t] @ w + h[-1] @ u + b))
    found, dhs = head(p, batch, np.stack(h[1:], axis=1))
    dw, du, db, later = np.zeros_like(w), np.zeros_like(u), np.zeros_like(b), np.zeros_like(h[0])
    for t in reversed(range(STEPS)):
        dz = (dhs[:, t] + w.dtype.type(carried) * later) * (1 - h[t + 1] ** 2)
        dw += x[:, t].T @ dz
        du += h[t].T @ dz
        db += dz.sum(axis=0)
        later = dz @ u.T
    names = ("kernel", "recurrent_kernel", "bias")
    return found | {
        f"gradient/simple_rnn_1/{n}": g for n, g in zip(names, (dw, du, db), strict=True)
    }


def gru_by_hand(p: Parameters, batch: Batch) -> dict[str, Any]:
    """Reset after the product, r before z, two biases, h = n + z (h − n): as PyTorch computes."""
    names = ("kernel", "recurrent_kernel", "bias", "recurrent_bias")
    w, u, b, c = (p[f"gru_1/{name}"] for name in names)
    x, k = batch.inputs, UNITS
    h, kept = [np.zeros((len(x), k), x.dtype)], []
    for t in range(STEPS):
        own, other = x[:, t] @ w + b, h[-1] @ u + c
        r, z = sigmoid(own[:, :k] + other[:, :k]), sigmoid(own[:, k:-k] + other[:, k:-k])
        n = np.tanh(own[:, -k:] + r * other[:, -k:])
        kept.append((r, z, n, other[:, -k:]))
        h.append(n + z * (h[-1] - n))
    found, dhs = head(p, batch, np.stack(h[1:], axis=1))
    grads, later = [np.zeros_like(a) for a in (w, u, b, c)], np.zeros_like(h[0])
    for t in reversed(range(STEPS)):
        r, z, n, inner = kept[t]
        dh = dhs[:, t] + later
        dn = (dh - dh * z) * (1 - n * n)
        dr = dn * inner * r * (1 - r)
        dz = dh * (h[t] - n) * z * (1 - z)
        own, other = np.hstack([dr, dz, dn]), np.hstack([dr, dz, dn * r])
        grads[0] += x[:, t].T @ own
        grads[1] += h[t].T @ other
        grads[2] += own.sum(axis=0)
        grads[3] += other.sum(axis=0)
        later = dh * z + other @ u.T
    return found | {f"gradient/gru_1/{n}": g for n, g in zip(names, grads, strict=True)}


BY_HAND = {
    "rnn": (network(SimpleRNN(UNITS)), rnn_by_hand),
    "gru": (network(GRU(UNITS, biases=2, order="rzn")), gru_by_hand),
}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", BY_HAND)
def test_right_code_matches(name: str, dtype: Any) -> None:
    of, subject = BY_HAND[name]
    report = verify(of, subject, references=["torch"], dtype=dtype)
    assert str(report.status) == "MATCH", report.cause


def test_a_state_that_is_not_carried_back_is_named() -> None:
    of, _ = BY_HAND["rnn"]
    report = verify(of, lambda p, b: rnn_by_hand(p, b, 0.0), references=["torch"])
    assert str(report.status) == "MISMATCH"
    assert "what goes back to the state of the step before is lost" in report.cause


def test_the_columns_of_other_gates_are_told() -> None:
    of = network(GRU(UNITS, biases=2, order="zrn"))
    report = verify(of, gru_by_hand, references=["torch"])
    assert str(report.status) == "MISMATCH"
    assert "the columns stand in the order reset, update, new" in report.cause


def test_both_ways_at_once() -> None:
    """Of a sequence that reads the same both ways, so do the states."""
    both = Branches(Concatenate(), LSTM(2), LSTM(2, reverse=True))
    of = Network((Embedding(4, 3), both), Loss("squared_error"), inputs=(5,))
    assert of.output_shape == (5, 4)
    forwards, backwards = (LSTM(2, reverse=reverse) for reverse in (False, True))
    at = point(Case(forwards, ((4, 3),)))
    at.inputs[0] = np.concatenate([at.inputs[0], at.inputs[0][:, ::-1]], axis=1)
    given = [Alone(Float(), each, at).forward() for each in (forwards, backwards)]
    assert np.allclose(given[0], given[1][:, ::-1], rtol=1e-14)


def test_the_last_state_of_the_other_way_is_that_of_the_first_step() -> None:
    at = point(Case(GRU(2), ((4, 3),)))
    whole = Alone(Float(), GRU(2, reverse=True), at).forward()
    last = Alone(Float(), GRU(2, reverse=True, sequences=False), at).forward()
    assert (whole[:, 0] == last).all()


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: LSTM(0), r"LSTM\(units=0\): give a whole number of at least 1"),
        (lambda: LSTM(2, order="ifgg"), "give the letters of 'ifgo', input, forget, candidate"),
        (lambda: LSTM(2, biases=3), r"LSTM\(biases=3\): choose of 0, 1, 2"),
        (lambda: LSTM(2, biases="stacked"), r"choose of 0, 1, 2"),
        (lambda: LSTM(2, sequences=1), r"LSTM\(sequences=1\): give True or False"),
        (lambda: GRU(2, order="zr"), "give the letters of 'zrn', update, reset and new"),
        (lambda: GRU(2, reset="never"), "choose 'after' or 'before'"),
        (lambda: SimpleRNN(2, "tanhh"), "no activation 'tanhh'"),
        (
            lambda: Network((Dense(3, 2), LSTM(2)), Loss("squared_error")),
            r"lstm takes one input \(steps, features\)",
        ),
        (
            lambda: Network(
                (
                    Node("x", Dense(3, 3), "inputs"),
                    Node("cell", LSTM(2, states=True), ("x", "x", "x")),
                ),
                Loss("squared_error"),
                inputs=(4, 3),
            ),
            r"and its first states \(2,\) twice",
        ),
    ],
)
def test_bad_input_is_told(make: Any, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        make()
