"""The probes reach what they are made for."""

from __future__ import annotations

import numpy as np
import pytest

from backproof import Dense, GradientDescent, Loss, Network
from backproof.mathematics.arithmetic.floating import Float
from backproof.mathematics.definition.evaluate import evaluate
from backproof.mathematics.probes.probes import probes


def network(inputs: int, hidden: int, classes: int) -> Network:
    if classes == 1:
        last = Dense(hidden, 1, "sigmoid")
        return Network((Dense(inputs, hidden, "relu"), last), Loss("binary_cross_entropy"))
    last = Dense(hidden, classes, "softmax")
    return Network((Dense(inputs, hidden, "relu"), last), Loss("categorical_cross_entropy"))


@pytest.mark.parametrize("inputs", [2, 3, 4])
@pytest.mark.parametrize("hidden", [1, 2, 3, 5, 8])
@pytest.mark.parametrize("classes", [1, 2, 3, 10])
def test_an_error_of_huge_outputs_reaches_the_kernels(
    inputs: int, hidden: int, classes: int
) -> None:
    """A sample whose hidden units are all dead is not the only one that is misread.

    Else nothing but the tails of exp would reach them, of which no bound says anything.
    """
    every = probes(network(inputs, hidden, classes), GradientDescent(0.1), "float64")
    (probe,) = (each for each in every if each.name == "huge_outputs")
    found = evaluate(Float(), network(inputs, hidden, classes), probe.parameters, probe.batch)
    dead = not found["activation/dense_1"].any()
    assert not dead or hidden == 1  # which then is a unit that nothing reaches, whatever is misread
    for name in ("gradient/dense_1/kernel", "gradient/dense_2/kernel"):
        assert np.abs(found[name]).max() == 0 if dead else np.abs(found[name]).max() > 1e-3
