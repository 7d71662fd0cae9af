"""Batch norm, layer norm and dropout as a course teaches them: right, and wrong as people are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backproof.comparison.judging.rows import Row, Status
from backproof.comparison.pairing.pairing import Pairing
from backproof.comparison.run import Judged, verify
from backproof.mathematics.layers.activation import Activation
from backproof.mathematics.layers.batch_norm import BatchNorm
from backproof.mathematics.layers.dense import Dense
from backproof.mathematics.layers.dropout import Dropout
from backproof.mathematics.layers.layer_norm import LayerNorm
from backproof.mathematics.network.loss import Loss
from backproof.mathematics.network.network import Network
from backproof.mathematics.optimizers.gradient_descent import GradientDescent
from backproof.mathematics.probes.drawn import drawn_batch, drawn_parameters
from tests.gauging.gate.conftest import TODAY
from tests.halves import slow_but
from tests.workers import Shared

PROGRAM = Path(__file__).with_name("norms_by_hand.py")
TEXT = PROGRAM.read_text(encoding="utf-8")
NETWORK = Network(
    (
        *(Dense(3, 5), BatchNorm(0.9), Activation("relu"), Dropout(0.3)),
        *(Dense(5, 4), LayerNorm(), Activation("relu"), Dense(4, 3, "softmax")),
    ),
    Loss("categorical_cross_entropy"),
)
MOVED_MEAN = (
    '    bn_param["running_mean"] = momentum * bn_param["running_mean"] + (1 - momentum) * mu\n'
)
MOVED_VARIANCE = 'momentum * bn_param["running_var"] + (1 - momentum) * var'
# What stands in the program, what stands there instead, and what has to be said of it.
EDITS = {
    "mean forgotten": ("dx = dxc - dmu / N", "dx = dxc", "the mean is taken for given"),
    "variance forgotten": (
        "    dxc += (2.0 / N) * xc * dvar\n",
        "",
        "the deviation is taken for given",
    ),
    "sign of the variance": ("dstd = -np.sum(", "dstd = np.sum(", "has the other sign"),
    "half forgotten": ("dvar = 0.5 * dstd", "dvar = dstd", "by way of the variance is there twice"),
    "mean not divided": ("dmu / N", "dmu", "sum is taken off where its mean belongs"),
    "scale forgotten": ("dxn = gamma * dout", "dxn = dout", "goes back without γ"),
    "scale of what is centred": (
        "dgamma = np.sum(xn * dout",
        "dgamma = np.sum(xc * dout",
        "taken with x − μ, not divided by s",
    ),
    "momentum": (
        MOVED_VARIANCE,
        '(1 - momentum) * bn_param["running_var"] + momentum * var',
        "the momentum of the running variance alone",
    ),
    "unbiased running variance": (
        MOVED_VARIANCE,
        f"{MOVED_VARIANCE} * len(x) / (len(x) - 1)",
        "the running variance is fed with the unbiased variance",
    ),
    "running deviation": (MOVED_VARIANCE, MOVED_VARIANCE[:-3] + "std", "fed with the deviation s"),
    "running mean": (MOVED_MEAN, "", "the running mean stays as it is"),
    "layer norm, scale": ("dxhat = dout * gamma", "dxhat = dout", "goes back without γ"),
    "layer norm, mean": (
        "        - dxhat.sum(axis=1, keepdims=True)\n",
        "",
        "the mean is taken for given",
    ),
    "layer norm, number": ("/ (D * std)", "/ std", "its division by N is missing"),
    "layer norm, root": (
        "std = np.sqrt(var + eps)\n    xhat",
        "std = var + eps\n    xhat",
        "without a root",
    ),
    "layer norm, ε": ('"layer_norm_1/bias"], 1e-5', '"layer_norm_1/bias"], 1e-3', "ε is 0.001"),
    "mask forgotten": ("return dout * mask", "return dout", "without mask and factor"),
    "factor forgotten": (
        "dropout_backward(dd1, mask)",
        "dropout_backward(dd1, mask > 0)",
        "goes back without the factor 1/(1 − p)",
    ),
    "p for 1 − p": ("mask / (1 - p)", "mask / p", "divided by p, the chance to drop"),
    "not divided": ("mask / (1 - p)", "mask * 1.0", "is not divided by 1 − p"),
    "the other mask": ("mask / (1 - p)", "(1 - mask) / (1 - p)", "the other way round"),
}


def rows_of(text: str, shared: Shared) -> list[Row]:
    stream = np.random.default_rng(0)
    batch, parameters = drawn_batch(NETWORK, stream, 12), drawn_parameters(NETWORK, stream)
    program: dict[str, Any] = {}
    exec(compile(text, str(PROGRAM), "exec"), program)
    pairing = Pairing(
        name="norms_by_hand",
        network=NETWORK,
        subject=program["train_step"],
        data=lambda: batch,
        initial=lambda: parameters,
        optimizer=GradientDescent(0.1),
        references={"torch": None},
        steps=3,
        quantities=("activation", "loss", "gradient", "updated"),
    )
    (judged,) = verify([pairing], shared("torch"), TODAY, certified=False)
    assert isinstance(judged, Judged)
    return list(judged.rows)


def test_the_program_is_right(shared: Shared) -> None:
    """With a bias before a batch norm, whose gradient is 0."""
    rows = rows_of(TEXT, shared)
    assert {row.status for row in rows} == {Status.MATCH}
    assert {row.tensor for row in rows} >= {"batch_norm_1/running_mean", "dense_1/bias"}
    powers = [row.power for row in rows if row.point == "data" and row.quantity == "gradient"]
    assert max(power for power in powers if power is not None) < 1e-9


@pytest.mark.parametrize("name", slow_but(["mean forgotten", "momentum"], EDITS, 2))
def test_an_edit_is_caught_and_named(name: str, shared: Shared) -> None:
    before, after, said = EDITS[name]
    assert before in TEXT
    wrong = [
        row
        for row in rows_of(TEXT.replace(before, after, 1), shared)
        if row.status is Status.MISMATCH
    ]
    assert wrong
    assert said in wrong[0].cause
