"""What probes are made of: parameters, slots, targets and batches, drawn to be ordinary."""

from __future__ import annotations

import zlib
from contextvars import ContextVar
from dataclasses import replace
from math import prod

import numpy as np
from numpy.random import Generator

from backproof.mathematics.network.masks import masked
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.node import INPUTS
from backproof.mathematics.network.parameters import Batch, Parameters
from backproof.mathematics.optimizers import STEP_COUNT, Optimizer, slot_shapes

SAMPLES = 7
# Inputs and outputs of all nodes in one batch: what an evaluation of it takes up stays some MB.
MOST_NUMBERS = 1_000_000
# Multiplications of a forward pass, likewise: a fraction of a second in any arithmetic.
MOST_PRODUCTS = 10_000_000


# A probe is drawn from its name, so that two runs have the same; and from this too, where a run has
# a seed of its own. Probes are made of each other in many places: all of one list have the same.
SEED: ContextVar[int | None] = ContextVar("SEED", default=None)


def drawn_from(name: str) -> Generator:
    """The random numbers of that name, and of the run's own seed, if it has one."""
    known, seed = zlib.crc32(name.encode()), SEED.get()
    return np.random.default_rng(known if seed is None else [known, seed])


def drawn_parameters(network: Network, stream: Generator, *, biases: bool = True) -> Parameters:
    """Kernels of variance 1/fan_in, so that units are neither dead nor saturated; biases of ½."""
    return {
        name: stream.normal(0, parameter.fan_in**-0.5, parameter.shape)
        if parameter.role == "kernel"
        else 0.5 * stream.normal(size=parameter.shape) * (biases or parameter.role != "bias")
        for name, parameter in network.parameters.items()
    }


def drawn_slots(
    network: Network, optimizer: Optimizer, name: str, steps: int = 3, size: float = 1.0
) -> dict[str, np.ndarray]:
    """What the optimizer may hold in the middle of a run, after so many steps.

    ``size``: of the gradients that it has met.
    """
    stream = drawn_from(f"{name} slots")
    drawn = {
        key: stream.normal(size=shape)
        for key, shape in slot_shapes(network, optimizer).items()
        if key not in network.buffers
    }
    for key in drawn:
        drawn[key] *= size
        if key.split("/")[0] in optimizer.SQUARES:
            drawn[key] **= 2
    for parameter in network.shapes():
        of_it = {slot: drawn[f"{slot}/{parameter}"] for slot in optimizer.SLOTS}
        for slot, value in optimizer.possible(of_it).items():
            drawn[f"{slot}/{parameter}"] = value
    made = np.asarray(float(optimizer.possible_steps(steps)))
    return drawn | drawn_buffers(network, stream) | ({STEP_COUNT: made} if optimizer.COUNTS else {})


def drawn_buffers(network: Network, stream: Generator) -> Parameters:
    """What layers may keep in the middle of a run: means of either sign, variances of about 1."""
    return {
        name: stream.uniform(0.25, 2, each.shape)
        if each.positive
        else 0.5 * stream.normal(size=each.shape)
        for name, each in network.buffers.items()
    }


def drawn_targets(network: Network, stream: Generator, samples: int) -> np.ndarray:
    """Targets that the network's loss takes, every class among them if samples suffice."""
    no, yes = labels(network)
    rows, outputs = network.rows(samples), network.outputs
    classes = stream.permutation(rows) % max(outputs, 2)
    if outputs > 1 and network.decision == "argmax":
        drawn = np.asarray(np.where(np.eye(outputs)[classes], yes, no))
    elif network.decision is not None:
        flips = stream.permutation(rows * outputs) % 2
        drawn = np.asarray(np.where(flips, yes, no))
    else:
        drawn = stream.normal(size=(rows, outputs))
    if network.loss_function.IGNORES:
        ignored = stream.random(rows) < 0.25
        ignored[stream.integers(rows)] = False
        drawn[ignored] = 0
    return some_valid(network, drawn).reshape(samples, *network.output_shape)


def labelled(network: Network, classes: np.ndarray) -> np.ndarray:
    """Targets of these classes, one for each row; of one output or several labels: no, or yes.

    Where the loss knows no classes, the same numbers one quarter higher.
    """
    outputs = network.outputs
    no, yes = labels(network)
    rows = np.repeat(classes[:, None], outputs, axis=1)
    if outputs > 1 and network.decision == "argmax":
        given = np.where(rows == np.arange(outputs), yes, no)
    elif network.decision is not None:
        given = np.where(rows > 0, yes, no)
    else:
        given = rows + 0.25
    return some_valid(network, np.asarray(given)).reshape(-1, *network.output_shape)


def some_valid(network: Network, rows: np.ndarray) -> np.ndarray:
    """The rows of targets; of a single class, where all would be ignored, the first is not."""
    if network.loss_function.IGNORES and not rows.any():
        rows.flat[0] = 1  # of one output they are a row themselves
    return rows


def labels(network: Network) -> tuple[float, float]:
    """The targets that say no, and yes."""
    signed = network.decision == "sign"
    return network.loss_function.LABELS or ((-1.0, 1.0) if signed else (0.0, 1.0))


def drawn_batch(network: Network, stream: Generator, samples: int = SAMPLES) -> Batch:
    """Normal inputs and targets that fit the loss."""
    inputs = stream.normal(size=(samples, *network.input_shape))
    batch = Batch(inputs, drawn_targets(network, stream, samples))
    return masked(network, admitted(network, batch), str(samples))


def admitted(network: Network, batch: Batch) -> Batch:
    """The batch, with indices for inputs where the network takes those."""
    given = network.admitted(batch.inputs)
    if given is batch.inputs:
        return batch
    return replace(batch, inputs=given)


def kernels(network: Network) -> list[str]:
    """The parameters of that role, in the order of computation."""
    return [name for name, each in network.parameters.items() if each.role == "kernel"]


def of_inputs(network: Network) -> list[str]:
    """The matrices that the inputs themselves are multiplied with."""
    takers = {node.name for node in network.consumers[INPUTS]}
    return [
        name
        for name in kernels(network)
        if name.partition("/")[0] in takers and len(network.parameters[name].shape) == 2
    ]


def bias_beside(network: Network, kernel: str) -> str:
    """The bias of the same node; "" where it has none."""
    node = kernel.partition("/")[0]
    return next(
        (
            name
            for name, each in network.parameters.items()
            if each.role == "bias" and name.startswith(f"{node}/")
        ),
        "",
    )


def at_most(network: Network, samples: int) -> int:
    """So many samples, or fewer, where a sample of this network is large."""
    numbers = prod(network.input_shape) + sum(map(prod, network.output_shapes.values()))
    most = min(MOST_NUMBERS // numbers, MOST_PRODUCTS // max(network.products, 1))
    return min(samples, max(most, SAMPLES))
