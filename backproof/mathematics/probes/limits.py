"""Limits: units and numbers as large, or as small, as correct code bears."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.random import Generator

from backproof.mathematics.arithmetic.floating import Float
from backproof.mathematics.definition.evaluate import evaluate
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.node import INPUTS
from backproof.mathematics.network.parameters import Batch, Parameters
from backproof.mathematics.probes.drawn import (
    at_most,
    drawn_batch,
    drawn_parameters,
    kernels,
    of_inputs,
)

# How much larger a row is made for its exponential to overflow: some six times the logarithm of the
# largest number.
BEYOND = {"float64": 4000.0, "float32": 500.0, "bfloat16": 500.0, "float16": 60.0}
# How much larger inputs are made: their squares are still numbers.
FAR = {"float64": 1e8, "float32": 1e8, "bfloat16": 1e8, "float16": 64.0}


def saturated(network: Network, stream: Generator) -> tuple[Parameters, Batch]:
    """The first kernel eight times as large: many units near their limits."""
    parameters = drawn_parameters(network, stream)
    for name in kernels(network)[:1]:
        parameters[name] = 8 * parameters[name]
    return parameters, drawn_batch(network, stream)


def large_logits(
    network: Network, stream: Generator, beyond: float = BEYOND["float64"]
) -> tuple[Parameters, Batch] | None:
    """A row 4000 times as large, and its opposite: exp overflows, a global maximum loses rows.

    ``beyond``: how much larger; in narrower dtypes less overflows, and more is lost. Both are
    misread: of a row that is read rightly, beyond doubt, the gradient is a difference of nearly
    equal numbers, times inputs as large, and nothing could be said of it. As
    little can be of what multiplies such rows with each other: None.
    """
    if any(node.layer.compares for node in network.nodes):
        return None
    parameters, batch = drawn_parameters(network, stream), drawn_batch(network, stream)
    inputs = batch.inputs.copy()
    inputs[1] *= beyond
    inputs[4] = -inputs[1]
    return parameters, misread(network, parameters, replace(batch, inputs=inputs), [1, 4])


def huge_outputs(
    network: Network, stream: Generator, beyond: float = BEYOND["float64"]
) -> tuple[Parameters, Batch]:
    """The last kernel 4000 times as large: outputs at their limits, whatever the hidden layers are.

    For losses of logits. If no logit of the first output is positive, where exp overflows, its
    sign is turned. All targets are alike and none of them is the first sample's output, as errors
    of whole numbers may otherwise add up to 0. A sample whose hidden units are all dead counts for
    neither: its outputs are those of the bias, and were every other sample right, no error would be
    left that reaches a kernel. ``beyond``: see `large_logits`.
    """
    parameters, batch = drawn_parameters(network, stream), drawn_batch(network, stream)
    above = {"sign": 0.0}.get(network.decision or "", 0.5)

    def outputs(given: Parameters) -> np.ndarray:
        found = evaluate(Float(), network, given, batch)[f"activation/{network.last.name}"]
        return np.asarray(found).reshape(-1, network.outputs)

    reached = slice(None)
    for name in kernels(network)[-1:]:
        parameters[name] *= beyond
        found = outputs(parameters)
        differ = (found != outputs({**parameters, name: 0 * parameters[name]})).any(axis=-1)
        if differ.any():
            reached = differ
        if (found[reached, 0] < above).all():
            parameters[name] *= -1
    targets = np.zeros_like(batch.targets)
    if network.decision == "argmax":
        first = outputs(parameters)[reached][0]
        targets[..., (first.argmax() + 1) % network.outputs] = 1
    return parameters, replace(batch, targets=targets)


def misread(network: Network, parameters: Parameters, batch: Batch, rows: list[int]) -> Batch:
    """The batch with other targets for these samples than what the network makes of them."""
    if network.decision is None:
        return batch
    last = network.last.name
    with np.errstate(all="ignore"):
        outputs = evaluate(Float(), network, parameters, batch)[f"activation/{last}"][rows]
    targets = batch.targets.copy()
    no, yes = targets.min(), targets.max()
    if network.decision == "argmax":
        others = (outputs.argmax(axis=-1) + 1) % network.outputs
        targets[rows] = np.where(np.arange(network.outputs) == others[..., None], yes, no)
    else:
        above = {"sign": 0.0}.get(network.decision, 0.5)
        targets[rows] = np.where(outputs > above, no, yes)
    return replace(batch, targets=targets)


def large_inputs(network: Network, stream: Generator) -> tuple[Parameters, Batch]:
    """Inputs 100 times as large, the kernels that take them 100 times smaller: large gradients."""
    parameters, batch = drawn_parameters(network, stream), drawn_batch(network, stream)
    for name in of_inputs(network):
        parameters[name] = parameters[name] / 100
    return parameters, replace(batch, inputs=100 * batch.inputs)


def far_inputs(
    network: Network, stream: Generator, far: float = FAR["float64"]
) -> tuple[Parameters, Batch] | None:
    """101 inputs 10⁸ times as large, the kernels that take them as much smaller: huge gradients."""
    takers = {node.name for node in network.consumers[INPUTS]}
    if {name.partition("/")[0] for name in of_inputs(network)} != takers:
        return None  # something else takes them as they are
    parameters = drawn_parameters(network, stream)
    batch = drawn_batch(network, stream, at_most(network, 101))
    for name in of_inputs(network):
        parameters[name] = parameters[name] / far
    return parameters, replace(batch, inputs=far * batch.inputs)


def tiny_inputs(
    network: Network, stream: Generator, far: float = FAR["float64"]
) -> tuple[Parameters, Batch] | None:
    """100 inputs 10⁸ times as small: the gradients of the first kernels are tiny."""
    if any(node.layer.compares or node.layer.couples for node in network.nodes):
        return None  # samples, or positions, would hardly differ
    batch = drawn_batch(network, stream, at_most(network, 100))
    return drawn_parameters(network, stream), replace(batch, inputs=batch.inputs / far)
