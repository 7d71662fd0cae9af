"""Ordinary points: nothing extreme, and what a call may remember of the one before."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.random import Generator

from backproof.mathematics.network.network import Network
from backproof.mathematics.network.parameters import Batch, Parameters
from backproof.mathematics.probes.drawn import (
    SAMPLES,
    drawn_batch,
    drawn_from,
    drawn_parameters,
    drawn_targets,
    labelled,
)


def general(network: Network, stream: Generator) -> tuple[Parameters, Batch]:
    """Several samples, biases that are not zero, nothing extreme."""
    return drawn_parameters(network, stream), drawn_batch(network, stream)


def one_sample(network: Network, stream: Generator) -> tuple[Parameters, Batch]:
    """A batch of one: shapes that only fit by accident, means that are sums."""
    return drawn_parameters(network, stream), drawn_batch(network, stream, 1)


def zero_row(network: Network, stream: Generator) -> tuple[Parameters, Batch]:
    """Zero biases and a sample of zeros: every pre-activation of that sample is exactly 0."""
    batch = drawn_batch(network, stream)
    inputs = batch.inputs.copy()
    inputs[2] = 0
    return drawn_parameters(network, stream, biases=False), replace(batch, inputs=inputs)


def stream_of(probe: str) -> Generator:
    """The random numbers of a probe."""
    return drawn_from(probe)


def other_batch(network: Network, stream: Generator) -> tuple[Parameters, Batch]:
    """The parameters of `general`, another batch as large; of several classes the first lacks."""
    outputs = network.outputs
    inputs = stream.normal(size=(SAMPLES, *network.input_shape))
    if network.decision is None:
        targets = drawn_targets(network, stream, SAMPLES)
    else:
        others = outputs - 1 if network.decision == "argmax" else 1
        targets = labelled(network, 1 + np.arange(network.rows(SAMPLES)) % max(others, 1))
    return drawn_parameters(network, stream_of("general")), Batch(inputs, targets)


def other_parameters(network: Network, stream: Generator) -> tuple[Parameters, Batch]:
    """The batch of `other_batch`, other parameters."""
    return drawn_parameters(network, stream), other_batch(network, stream_of("other_batch"))[1]
