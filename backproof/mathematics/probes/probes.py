"""Probe points: parameters and batches that expose what one data set and its start weights hide.

Zero biases, one sample, one output, or a comfortable range of values each hide faults. A probe is
small, drawn from a fixed seed, and belongs to a network alone, not to its data.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.random import Generator

from backproof.mathematics.arithmetic.floating import Float
from backproof.mathematics.arithmetic.rounding.model import round_to
from backproof.mathematics.definition.evaluate import evaluate
from backproof.mathematics.layers.kinds import LAYERS
from backproof.mathematics.layers.own import LayerProbe
from backproof.mathematics.network.around import at
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.node import INPUTS
from backproof.mathematics.network.parameters import Batch, Parameters
from backproof.mathematics.optimizers import STEP_COUNT, Optimizer, slot_shapes

SAMPLES = 7
# How much larger a row is made for its exponential to overflow: some six times the logarithm of the
# largest number.
BEYOND = {"float64": 4000.0, "float32": 500.0, "bfloat16": 500.0, "float16": 60.0}

Make = Callable[..., tuple[Parameters, Batch]]
"""Of a network and a stream of random numbers."""


@dataclass(frozen=True, eq=False)
class Probe:
    """A named point at which every implementation is evaluated."""

    name: str
    parameters: Parameters
    batch: Batch


def probes(
    network: Network,
    optimizer: Optimizer,
    dtype: str,
    *,
    saturates: bool = True,
    samples: int | None = None,
) -> list[Probe]:
    """All probes of a network, in a fixed order; those that saturate its units only if wanted.

    ``samples``: the size of every batch, for a subject that takes no other.
    """
    return [
        Probe(
            name,
            {key: round_to(value, dtype) for key, value in {**parameters, **slots}.items()},
            (batch if samples is None else repeated(batch, samples)).astype(dtype),
        )
        for name, make in (*PROBES.items(), *of_layers(network))
        if saturates or make not in SATURATING
        if make is not huge_outputs or network.loss_of in ("fused", "logits")
        for stream in [np.random.default_rng(zlib.crc32(name.encode()))]
        for parameters, batch in [
            make(network, stream, BEYOND[dtype])
            if make in (large_logits, huge_outputs)
            else make(network, stream)
        ]
        for slots in [drawn_slots(network, optimizer, name)]
    ]


def of_layers(network: Network) -> Iterator[tuple[str, Make]]:
    """The probes of the kinds that the network has, at all nodes of each: ``multiply_zeros``."""
    for kind in dict.fromkeys(node.layer.kind for node in network.nodes):
        for own in LAYERS.get(kind).hostile:
            yield f"{kind}_{own.name}", partial(hostile, kind, own)


def hostile(
    kind: str, own: LayerProbe, network: Network, stream: Generator
) -> tuple[Parameters, Batch]:
    """Drawn parameters and a batch, changed at each node of that kind."""
    parameters, batch = drawn_parameters(network, stream), drawn_batch(network, stream)
    inputs = batch.inputs.copy()
    for node in network.nodes:
        if node.layer.kind == kind:
            own.change(at(network, node), parameters, inputs, stream)
    return parameters, Batch(inputs, batch.targets)


def repeated(batch: Batch, samples: int) -> Batch:
    """So many samples: the batch's own, again and again."""
    chosen = np.arange(samples) % len(batch.inputs)
    return Batch(batch.inputs[chosen], batch.targets[chosen])


def drawn_parameters(network: Network, stream: Generator, *, biases: bool = True) -> Parameters:
    """Kernels of variance 1/fan_in, so that units are neither dead nor saturated; biases of ½."""
    return {
        name: stream.normal(0, parameter.fan_in**-0.5, parameter.shape)
        if parameter.role == "kernel"
        else 0.5 * stream.normal(size=parameter.shape) * biases
        for name, parameter in network.parameters.items()
    }


def drawn_slots(network: Network, optimizer: Optimizer, name: str) -> dict[str, np.ndarray]:
    """What the optimizer may hold in the middle of a run, after three steps."""
    stream = np.random.default_rng(zlib.crc32(f"{name} slots".encode()))
    drawn = {
        key: stream.normal(size=shape) for key, shape in slot_shapes(network, optimizer).items()
    }
    for key in drawn:
        if key.split("/")[0] in optimizer.SQUARES:
            drawn[key] **= 2
    for parameter in network.shapes():
        of_it = {slot: drawn[f"{slot}/{parameter}"] for slot in optimizer.SLOTS}
        for slot, value in optimizer.possible(of_it).items():
            drawn[f"{slot}/{parameter}"] = value
    return drawn | ({STEP_COUNT: np.asarray(3.0)} if optimizer.COUNTS else {})


def drawn_targets(network: Network, stream: Generator, samples: int) -> np.ndarray:
    """Targets that the network's loss takes, every class among them if samples suffice."""
    no, yes = network.loss_function.LABELS or (
        (-1.0, 1.0) if network.decision == "sign" else (0.0, 1.0)
    )
    rows, outputs = network.rows(samples), network.outputs
    classes = stream.permutation(rows) % max(outputs, 2)
    if outputs > 1 and network.decision == "argmax":
        drawn = np.asarray(np.where(np.eye(outputs)[classes], yes, no))
    elif network.decision is not None:
        flips = stream.permutation(rows * outputs) % 2
        drawn = np.asarray(np.where(flips, yes, no))
    else:
        drawn = stream.normal(size=(rows, outputs))
    return drawn.reshape(samples, *network.output_shape)


def drawn_batch(network: Network, stream: Generator, samples: int = SAMPLES) -> Batch:
    """Normal inputs and targets that fit the loss."""
    return Batch(
        stream.normal(size=(samples, *network.input_shape)),
        drawn_targets(network, stream, samples),
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
    return drawn_parameters(network, stream, biases=False), Batch(inputs, batch.targets)


def saturated(network: Network, stream: Generator) -> tuple[Parameters, Batch]:
    """The first kernel eight times as large: many units near their limits."""
    parameters = drawn_parameters(network, stream)
    for name in kernels(network)[:1]:
        parameters[name] = 8 * parameters[name]
    return parameters, drawn_batch(network, stream)


def large_logits(
    network: Network, stream: Generator, beyond: float = BEYOND["float64"]
) -> tuple[Parameters, Batch]:
    """A row 4000 times as large, and its opposite: exp overflows, a global maximum loses rows.

    ``beyond``: how much larger; in narrower dtypes less overflows, and more is lost. Both are
    misread: of a row that is read rightly, beyond doubt, the gradient is a difference of nearly
    equal numbers, times inputs as large, and nothing could be said of it.
    """
    parameters, batch = drawn_parameters(network, stream), drawn_batch(network, stream)
    inputs = batch.inputs.copy()
    inputs[1] *= beyond
    inputs[4] = -inputs[1]
    return parameters, misread(network, parameters, Batch(inputs, batch.targets), [1, 4])


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
    return parameters, Batch(batch.inputs, targets)


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
    return Batch(batch.inputs, targets)


def large_inputs(network: Network, stream: Generator) -> tuple[Parameters, Batch]:
    """Inputs 100 times as large, the kernels that take them 100 times smaller: large gradients."""
    parameters, batch = drawn_parameters(network, stream), drawn_batch(network, stream)
    for name in of_inputs(network):
        parameters[name] = parameters[name] / 100
    return parameters, Batch(100 * batch.inputs, batch.targets)


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
    return parameters, Batch(inputs, batch.targets)


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


PROBES: dict[str, Make] = {
    make.__name__: make
    for make in (
        general,
        one_sample,
        zero_row,
        saturated,
        large_logits,
        huge_outputs,
        large_inputs,
        near_kink,
        exact_kink,
    )
}
# Units at their limits, where a probability has lost what the logit still tells.
SATURATING = (saturated, large_logits, huge_outputs)
