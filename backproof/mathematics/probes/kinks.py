"""Kinks: units at the exact point where code takes another branch, and close to it."""

from __future__ import annotations

from dataclasses import replace

from numpy.random import Generator

from backproof.mathematics.network.network import Network
from backproof.mathematics.network.parameters import Batch, Parameters
from backproof.mathematics.probes.drawn import (
    SAMPLES,
    at_most,
    bias_beside,
    drawn_batch,
    drawn_parameters,
    kernels,
    of_inputs,
)


def near_kink(network: Network, stream: Generator) -> tuple[Parameters, Batch]:
    """Inputs such that a first unit's pre-activation is close to 0, on either side.

    The sample is moved along the unit's kernel until z is ±2⁻¹² of it: outside of any doubt in
    float64 and float32, inside of a sloppy threshold.
    """
    parameters, batch = drawn_parameters(network, stream), drawn_batch(network, stream)
    inputs = batch.inputs.copy()
    flat = len(network.input_shape) == 1
    for name in of_inputs(network)[:1] if flat else ():
        kernel = parameters[name][:, 0]
        held = parameters.get(bias_beside(network, name))
        bias = 0.0 if held is None else held[0]
        for row, side in ((0, 2.0**-12), (1, -(2.0**-12))):
            z = inputs[row] @ kernel + bias
            inputs[row] -= (z - side) * kernel / (kernel @ kernel)
    return parameters, replace(batch, inputs=inputs)


def exact_kink(network: Network, stream: Generator) -> tuple[Parameters, Batch]:
    """The first unit of every hidden layer has zero weights: z is exactly 0, whatever comes in."""
    parameters = drawn_parameters(network, stream)
    for name in kernels(network):
        if not name.startswith(f"{network.last.name}/"):
            parameters[name][..., 0] = 0
            bias = bias_beside(network, name)
            if bias in parameters:
                parameters[bias][0] = 0
    return parameters, drawn_batch(network, stream)


def close_kinks(network: Network, stream: Generator) -> tuple[Parameters, Batch]:
    """Units of every hidden layer 2⁻¹² from their kink, on either side, whatever comes in."""
    return beside_kinks(network, stream, 12)


def closer_kinks(network: Network, stream: Generator) -> tuple[Parameters, Batch]:
    """Likewise 2⁻²⁴ from it; eleven samples."""
    return beside_kinks(network, stream, 24, samples=11)


def closest_kinks(network: Network, stream: Generator) -> tuple[Parameters, Batch]:
    """Likewise 2⁻³⁶ from it; 97 samples."""
    return beside_kinks(network, stream, 36, samples=97)


def merest_kinks(network: Network, stream: Generator) -> tuple[Parameters, Batch]:
    """Likewise 2⁻⁵² from it: less than the rounding of what is near 1."""
    return beside_kinks(network, stream, 52)


def beside_kinks(
    network: Network, stream: Generator, exponent: int, samples: int = SAMPLES
) -> tuple[Parameters, Batch]:
    """Zero weights, and biases of ±2^-exponent: z is exactly that, in any arithmetic.

    At most half of a layer's units, for the rest have to carry what goes on; of a single one the
    side alternates with the exponent. A kink that is not at 0 has no number as close to it in
    float32: there it is 2⁻¹². The samples are odd in number: of two classes, as many of either
    would cancel where all outputs are alike.
    """
    parameters = drawn_parameters(network, stream)
    for place, node in enumerate(network.nodes[:-1]):
        function = node.layer.function
        bias = next((n for n in parameters if n == bias_beside(network, f"{node.name}/")), "")
        kernel = next((n for n in kernels(network) if n.startswith(f"{node.name}/")), "")
        if function is None or not bias or not kernel:
            continue
        sides = [
            kink + sign * 2.0 ** -(exponent if kink == 0 else 12)
            for kink in function.branches()
            for sign in (1, -1)
        ]
        units = parameters[kernel].shape[-1]
        first = (place + exponent // 4) % len(sides)
        for unit in range(min(max(units // 2, 1), len(sides), parameters[bias].size)):
            parameters[kernel][..., unit] = 0
            parameters[bias][unit] = sides[(first + unit) % len(sides)]
    return parameters, drawn_batch(network, stream, at_most(network, samples))
