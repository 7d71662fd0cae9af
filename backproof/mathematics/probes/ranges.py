"""Ranges: pre-activations of every size in every layer, and probabilities that are small."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.random import Generator

from backproof.mathematics.arithmetic.floating import Float
from backproof.mathematics.definition.evaluate import Evaluation
from backproof.mathematics.definition.sites import unchanged
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.node import INPUTS, Node
from backproof.mathematics.network.parameters import Array, Batch, Parameters
from backproof.mathematics.probes.drawn import (
    bias_beside,
    drawn_batch,
    drawn_parameters,
    kernels,
    labelled,
)

# How far the first units of a layer reach: as far as a function is still told from its limit. The
# others stay ordinary, or float32 loses what goes on through a hundred such units.
REACHES = (40.0, 1.0, 12.0, 4.0, 25.0, 0.1, 1e-2, 1e-3, 1e-4)
# The first of them by dtype: where 1 − a keeps some digits, of a near 1.
WIDEST = {"float64": 40.0, "float32": 12.0, "bfloat16": 4.0, "float16": 4.0}
# How large a pre-activation may be for its exponential, and what that is divided by, to be numbers.
FARTHEST = {"float64": 40.0, "float32": 40.0, "bfloat16": 40.0, "float16": 6.0}
# The logit of the largest probability: 1 − p keeps most of its digits, in float32 too.
LIKELY = 2.0


def wide_range(
    network: Network, stream: Generator, farthest: float = WIDEST["float64"]
) -> tuple[Parameters, Batch]:
    """Pre-activations from 0.1 to 40 (12 in float32) of both signs, in every hidden layer."""
    parameters, batch = drawn_parameters(network, stream), drawn_batch(network, stream, 67)
    reaches = np.array(REACHES) * (farthest / REACHES[0])
    for node, kernel, inputs in multiplied(network, parameters, batch):
        if node is not network.last:
            most = np.abs(inputs @ parameters[kernel]).max(axis=0)
            wanted = np.append(reaches, most)[: most.size]
            parameters[kernel] *= wanted / np.where(most > 0, most, wanted)
            bias = parameters.get(bias_beside(network, kernel))
            if bias is not None and bias.size == most.size:
                bias *= np.append(np.minimum(reaches, 1), np.ones_like(most))[: most.size]
    return parameters, batch


def improbable(
    network: Network, stream: Generator, farthest: float = FARTHEST["float64"]
) -> tuple[Parameters, Batch] | None:
    """Probabilities down to e⁻⁴⁰, some of them of the right class; of a sigmoid none near 1."""
    probabilities = network.loss.function.ACTIVATION
    if probabilities is None or network.loss_of == "outputs":
        return None
    parameters, batch = drawn_parameters(network, stream), drawn_batch(network, stream, 16)
    layers = {node: (kernel, x) for node, kernel, x in multiplied(network, parameters, batch)}
    if network.last not in layers:
        return None
    kernel, inputs = layers[network.last]
    products = inputs @ parameters[kernel]
    bias = parameters.get(bias_beside(network, kernel))
    if probabilities == "sigmoid":
        low, high = products.min(axis=0), products.max(axis=0)
        if bias is not None and bias.size == low.size:
            scale = (farthest + LIKELY) / np.where(high > low, high - low, 1)
            bias[:] = LIKELY - scale * high
        else:
            low, high = np.maximum(-low, 1e-3), np.maximum(high, 1e-3)
            scale = np.minimum(farthest / low, LIKELY / high)
        parameters[kernel] *= scale
        return parameters, batch
    parameters[kernel] *= farthest / 2 / (np.abs(products).max() or 1)
    classes = products.argmin(axis=-1)
    classes[::2] = stream.integers(network.outputs, size=classes[::2].size)
    return parameters, replace(batch, targets=labelled(network, classes))


def multiplied(
    network: Network, parameters: Parameters, batch: Batch
) -> Iterator[tuple[Node, str, Array]]:
    """Each node with a matrix of its own, that matrix's name, and what is multiplied with it.

    What is made of the matrix meanwhile counts for the nodes that follow.
    """
    owned = {name.partition("/")[0]: name for name in kernels(network)}
    evaluation = Evaluation(Float(), network, parameters, batch, unchanged, ())
    evaluation.outputs[INPUTS] = batch.inputs
    evaluation.values[INPUTS] = batch.inputs
    for node in network.nodes:
        inputs = evaluation.inputs_of(node)
        kernel = owned.get(node.name)
        wanted = parameters[kernel].shape[:1] if kernel is not None else ()
        if kernel is not None and [each.shape[1:] for each in inputs] == [wanted]:
            yield node, kernel, inputs[0]
        evaluation.outputs[node.name] = node.layer.forward(evaluation.here(node), *inputs)
        evaluation.values[f"activation/{node.name}"] = evaluation.outputs[node.name]
