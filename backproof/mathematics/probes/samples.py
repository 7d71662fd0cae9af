"""Samples: how many there are, which of them are alike, and what their targets are."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.random import Generator

from backproof.mathematics.network.network import Network
from backproof.mathematics.network.parameters import Batch, Parameters
from backproof.mathematics.probes.drawn import (
    SAMPLES,
    at_most,
    bias_beside,
    drawn_batch,
    drawn_parameters,
    drawn_targets,
    kernels,
    labelled,
    labels,
)

MANY = 257
LONG = 4096
# How the names of probes begin that have so many samples as a layer units.
SO_MANY = "samples_"
# A size is drawn from as many; all these are beyond what the other batches have.
DRAWN = range(1025, 2049)
# Shares are so many sixteenths, which every dtype holds exactly.
PARTS = 16


def one_class(network: Network, stream: Generator) -> tuple[Parameters, Batch]:
    """Two samples of the first class (or both say no), of whole numbers, and the first alike.

    An upstream gradient has no classes, and of equal numbers a norm would give nothing back.
    """
    inputs = stream.integers(-9, 10, size=(2, *network.input_shape)).astype(float)
    inputs[1, ..., 0] = inputs[0, ..., 0]
    parameters = drawn_parameters(network, stream)
    if network.decision is None:
        return parameters, Batch(inputs, drawn_targets(network, stream, 2))
    return parameters, Batch(inputs, labelled(network, np.zeros(network.rows(2), dtype=int)))


def one_label(network: Network, stream: Generator) -> tuple[Parameters, Batch] | None:
    """All labels but one are ignored."""
    if not network.loss_function.IGNORES:
        return None
    batch = drawn_batch(network, stream)
    rows = batch.targets.reshape(-1, network.outputs).copy()
    kept = np.flatnonzero(rows.any(axis=1))
    rows[np.delete(np.arange(len(rows)), kept[len(kept) // 2])] = 0
    return drawn_parameters(network, stream), replace(
        batch, targets=rows.reshape(batch.targets.shape)
    )


def long_sums(network: Network, stream: Generator) -> tuple[Parameters, Batch]:
    """Up to 4,096 samples of numbers above 0, tokens as in Zipf's law: sums that only grow.

    Accumulated in a half precision, such a sum stands still where half an ulp of it is more than a
    term: in bfloat16 from 256 terms on.
    """
    samples = at_most(network, LONG)
    inputs = stream.uniform(1, 2, (samples, *network.input_shape))
    if network.indices is not None:
        inputs = np.minimum(stream.zipf(1.5, inputs.shape), network.indices) - 1.0
    if network.decision is None:
        targets = stream.uniform(0.5, 1, (samples, *network.output_shape))
    else:
        targets = drawn_targets(network, stream, samples)
    return drawn_parameters(network, stream), Batch(inputs, targets)


def repeated_rows(network: Network, stream: Generator) -> tuple[Parameters, Batch]:
    """64 samples, of which eight are alike each time, with other targets; two outputs are equal."""
    samples = at_most(network, 64)
    parameters = drawn_parameters(network, stream)
    inputs = np.repeat(stream.normal(size=(8, *network.input_shape)), 8, axis=0)[:samples]
    last = f"{network.last.name}/"
    for kernel in (name for name in kernels(network) if name.startswith(last)):
        bias = parameters.get(bias_beside(network, kernel))
        for held in (parameters[kernel], bias):
            if held is not None and held.shape[-1] > 1:
                held[..., 1] = held[..., 0]
    return parameters, Batch(inputs, drawn_targets(network, stream, samples))


def shares(network: Network, stream: Generator) -> tuple[Parameters, Batch] | None:
    """Targets between the classes, as shares; where the loss takes any number, −10 to 10."""
    samples = 12
    rows, outputs = network.rows(samples), network.outputs
    even = np.full(outputs, 1 / outputs)
    candidates = (
        10 * stream.uniform(-1, 1, size=(rows, outputs)),
        stream.integers(PARTS + 1, size=(rows, outputs)) / PARTS,
        stream.multinomial(PARTS, even, size=rows) / PARTS,
    )
    fitting = [
        y
        for y in candidates
        if network.loss_function.check_targets(y) is None and not np.isin(y, labels(network)).all()
    ]
    parameters = drawn_parameters(network, stream)
    if not fitting or (len(fitting) < len(candidates) and not evened(network, parameters)):
        return None
    inputs = stream.normal(size=(samples, *network.input_shape))
    return parameters, Batch(inputs, fitting[0].reshape(samples, *network.output_shape))


def evened(network: Network, parameters: Parameters) -> bool:
    """Make all outputs equal, by zero weights in the last layer, if it has its own.

    Then −log Σ y·p, and the logarithm of the probability of one class, are what Σ −y·log p is:
    they are other ways to write the loss of a class. What is taken of shares shows in the gradient.
    """
    used = [use.parameter for use in network.uses[network.last.name].values()]
    own = [name for name in used if name.startswith(f"{network.last.name}/")]
    for name in own:
        parameters[name][...] = 0
    return bool(own) and own == used


def many_samples(network: Network, stream: Generator) -> tuple[Parameters, Batch]:
    """257 samples in the order of their classes, inputs between 0 and 1."""
    samples = at_most(network, MANY)
    inputs = stream.uniform(size=(samples, *network.input_shape))
    return drawn_parameters(network, stream), Batch(inputs, unbalanced(network, stream, samples))


def drawn_samples(network: Network, stream: Generator) -> tuple[Parameters, Batch]:
    """1025 to 2048 samples, as is drawn from the network itself, inputs between −1 and 0."""
    known = zlib.crc32(json.dumps(network.to_json(), sort_keys=True).encode())
    samples = at_most(network, DRAWN[known % len(DRAWN)])
    inputs = -stream.uniform(size=(samples, *network.input_shape))
    targets = stream.permutation(unbalanced(network, stream, samples))
    return drawn_parameters(network, stream), Batch(inputs, targets)


def unbalanced(network: Network, stream: Generator, samples: int) -> np.ndarray:
    """Targets of all classes, in order, the first of them more often.

    Of so many samples the errors of all classes alike add up to nearly 0, of which no bound says
    anything in float32.
    """
    rows = np.arange(network.rows(samples))
    if network.decision is None:
        return np.sort(1 + drawn_targets(network, stream, samples), axis=0)
    if network.decision == "argmax" and network.outputs > 1:
        return labelled(network, np.sort(rows % (network.outputs + 1) % network.outputs))
    return labelled(network, np.sort(rows % 4 == 3))


def so_many(samples: int, network: Network, stream: Generator) -> tuple[Parameters, Batch]:
    """As many samples as the network has inputs, or a layer units."""
    return drawn_parameters(network, stream), drawn_batch(network, stream, samples)


def of_widths(network: Network) -> Iterator[tuple[str, partial[tuple[Parameters, Batch]]]]:
    """A probe for each width of the network: an axis that is guessed by its size is another one."""
    widths = {network.input_shape[-1], *(shape[-1] for shape in network.output_shapes.values())}
    for width in sorted(widths - {1, 2, SAMPLES}):
        if at_most(network, width) == width:
            yield f"{SO_MANY}{width}", partial(so_many, width)
