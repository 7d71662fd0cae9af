"""Layers of images by themselves: right code of every convention matches when that is declared.

When it is not, it is told as right by another convention. The code of a convention is played by the
definition of it; what comes from above is random.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from backproof.comparison.judging.rows import Row, Status
from backproof.comparison.pairing.pairing import Pairing
from backproof.comparison.run import Judged, Workers, verify
from backproof.faces.check import QUANTITIES, of_layer
from backproof.mathematics.faults.evaluation import computed
from backproof.mathematics.layers.average_pool2d import AveragePool2D
from backproof.mathematics.layers.batch_norm import BatchNorm
from backproof.mathematics.layers.conv1d import Conv1D
from backproof.mathematics.layers.conv2d import Conv2D
from backproof.mathematics.layers.dropout import Dropout
from backproof.mathematics.layers.global_max_pool import GlobalMaxPool
from backproof.mathematics.layers.group_norm import GroupNorm
from backproof.mathematics.layers.instance_norm import InstanceNorm
from backproof.mathematics.layers.layer import Layer
from backproof.mathematics.layers.layer_norm import LayerNorm
from backproof.mathematics.layers.max_pool1d import MaxPool1D
from backproof.mathematics.layers.max_pool2d import MaxPool2D
from backproof.mathematics.layers.rms_norm import RMSNorm
from backproof.mathematics.optimizers.gradient_descent import GradientDescent
from backproof.mathematics.probes.drawn import drawn_batch, drawn_parameters
from tests.gauging.gate.conftest import TODAY
from tests.halves import slow_but
from tests.project import ROOT

STEP = GradientDescent(0.125)
# What the code computes, what is declared for it, the shape of a sample, and what has to be said.
CONVENTIONS: dict[str, tuple[Layer, Layer, tuple[int, ...], str]] = {
    "zeros of the border as PyTorch has them": (
        Conv2D(2, 3, 3, 2, padding="same_torch"),
        Conv2D(2, 3, 3, 2, padding="same"),
        (6, 8, 2),
        "zeros that belong after the input stand before it",
    ),
    "a kernel that is turned": (
        Conv2D(2, 3, (3, 2), turned=True),
        Conv2D(2, 3, (3, 2)),
        (6, 5, 2),
        "the kernel is turned by half a circle",
    ),
    "a kernel that is turned, over a sequence": (
        Conv1D(2, 3, 3, turned=True),
        Conv1D(2, 3, 3),
        (7, 2),
        "the kernel is turned by half a circle",
    ),
    "zeros among the largest": (
        MaxPool2D(2, 2, 1, zeros=True),
        MaxPool2D(2, 2, 1),
        (4, 6, 2),
        "the zeros around the input take part where they should not",
    ),
    "zeros in the mean": (
        AveragePool2D(2, 2, 1),
        AveragePool2D(2, 2, 1, zeros=True),
        (4, 6, 2),
        "the zeros around the input take part where they should not",
    ),
    "the last of equal maxima": (
        MaxPool2D(2, ties="last"),
        MaxPool2D(2),
        (4, 6, 2),
        "of equal maxima the last gets the cotangent",
    ),
    "equal maxima that share": (
        MaxPool1D(3, 1, ties="shared"),
        MaxPool1D(3, 1),
        (6, 2),
        "equal maxima share the cotangent",
    ),
    "equal maxima that each get all": (
        GlobalMaxPool(ties="all"),
        GlobalMaxPool(),
        (3, 4, 2),
        "of equal maxima each gets the whole cotangent",
    ),
    "batch norm by the unbiased variance": (
        BatchNorm(unbiased=True),
        BatchNorm(),
        (3, 2),
        "the variance is divided by N − 1",
    ),
    "batch norm with ε outside": (
        BatchNorm(inside=False),
        BatchNorm(),
        (3, 2),
        "ε stands outside of the root",
    ),
    "batch norm with another ε": (BatchNorm(epsilon=1e-3), BatchNorm(), (3, 2), "ε is 0.001"),
    "momentum of the new value": (
        BatchNorm(0.9, of="new"),
        BatchNorm(0.9),
        (3, 2),
        "the momentum is taken for the share of the new value",
    ),
    "a running variance that is unbiased": (
        BatchNorm(running="unbiased"),
        BatchNorm(),
        (3, 2),
        "the running variance is fed with the unbiased variance",
    ),
    "layer norm by the unbiased variance": (
        LayerNorm(unbiased=True),
        LayerNorm(),
        (5,),
        "the variance is divided by N − 1",
    ),
    "layer norm with ε outside": (
        LayerNorm(inside=False),
        LayerNorm(),
        (5,),
        "ε stands outside of the root",
    ),
    "group norm by the unbiased variance": (
        GroupNorm(2, unbiased=True),
        GroupNorm(2),
        (3, 4),
        "the variance is divided by N − 1",
    ),
    "instance norm by the unbiased variance": (
        InstanceNorm(unbiased=True),
        InstanceNorm(),
        (5, 2),
        "the variance is divided by N − 1",
    ),
    "RMS norm with ε outside": (
        RMSNorm(inside=False),
        RMSNorm(),
        (5,),
        "ε stands outside of the root",
    ),
    "RMS norm with another ε": (RMSNorm(epsilon=1e-3), RMSNorm(), (5,), "ε is 0.001"),
    "dropout by p to keep": (
        Dropout(0.3, "keep"),
        Dropout(0.3),
        (5,),
        "what is kept is divided by p",
    ),
    "dropout that scales nothing": (
        Dropout(0.3, inverted=False),
        Dropout(0.3),
        (5,),
        "what is kept is not divided by 1 − p",
    ),
}


def rows_of(code: Layer, declared: Layer, shape: tuple[int, ...]) -> list[Row]:
    """The rows of right code of one convention where this one or another is declared."""
    computes, network = of_layer(code, shape), of_layer(declared, shape)
    stream = np.random.default_rng(0)
    batch, parameters = drawn_batch(network, stream), drawn_parameters(network, stream)
    moves = ("updated",) if network.buffers else ()
    pairing = Pairing(
        name="convention",
        network=network,
        subject=lambda parameters, batch: computed(computes, STEP, parameters, batch),
        data=lambda: batch,
        initial=lambda: parameters,
        optimizer=STEP,
        references={"definition": None},
        steps=1,
        quantities=(*QUANTITIES, *moves),
    )
    (found,) = verify([replace(pairing)], Workers((), "float64", ROOT), TODAY, certified=False)
    assert isinstance(found, Judged)
    return found.rows


QUICK = (
    "zeros of the border as PyTorch has them",
    "equal maxima that share",
    "dropout by p to keep",
)


@pytest.mark.parametrize("name", slow_but(QUICK, tuple(CONVENTIONS), 1))
def test_a_convention_matches_when_declared_and_is_told_when_not(name: str) -> None:
    code, declared, shape, said = CONVENTIONS[name]
    told = [row for row in rows_of(code, code, shape) if row.status is not Status.MATCH]
    assert [(row.name, row.point, row.cause) for row in told] == []
    wrong = [row for row in rows_of(code, declared, shape) if row.status is Status.MISMATCH]
    assert wrong
    for row in wrong:
        assert row.cause.startswith("right by another convention: "), row.cause
        assert said in row.cause
