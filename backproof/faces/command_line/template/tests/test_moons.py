"""Tests of the network itself, beside what the comparisons prove."""

from comparisons.moons import PAIRING, subject

from backproof import assert_equivalent
from scratch import moons


def test_it_learns():
    inputs, labels = moons.crescents(200)
    parameters = moons.initial_parameters()
    for _ in range(1000):
        _, gradients = moons.loss_and_gradients(parameters, inputs, labels)
        parameters = moons.step(parameters, gradients)
    assert moons.accuracy(parameters, inputs, labels) > 0.95


def test_gradients_in_single_precision():
    """The same comparison, from a test function: twins are built from the network."""
    only = ("loss", "gradient")

    def loss_and_gradients(parameters, batch):
        results = subject(parameters, batch)
        return {name: value for name, value in results.items() if name.split("/")[0] in only}

    assert_equivalent(PAIRING.network, loss_and_gradients, dtype="float32")
