"""Probe points: parameters and batches that expose what one data set and its start weights hide.

Zero biases, one sample, one output, or a comfortable range of values each hide faults. A probe is
small, drawn from a fixed seed, and belongs to a network alone, not to its data. Which they are
follows from one question: for each thing that code can look at, which values do the points have,
and which bug would be right at all of them?
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.random import Generator

from backproof.mathematics.arithmetic.rounding.model import held_in, round_to
from backproof.mathematics.layers.kinds import LAYERS
from backproof.mathematics.layers.own import LayerProbe
from backproof.mathematics.network.around import at
from backproof.mathematics.network.masks import masked
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.parameters import Batch, Parameters
from backproof.mathematics.optimizers import STEP_COUNT, Optimizer
from backproof.mathematics.probes.drawn import (
    SEED,
    admitted,
    drawn_batch,
    drawn_parameters,
    drawn_slots,
)
from backproof.mathematics.probes.kinks import (
    close_kinks,
    closer_kinks,
    closest_kinks,
    exact_kink,
    merest_kinks,
    near_kink,
)
from backproof.mathematics.probes.limits import (
    BEYOND,
    FAR,
    far_inputs,
    huge_outputs,
    large_inputs,
    large_logits,
    saturated,
    tiny_inputs,
)
from backproof.mathematics.probes.ordinary import (
    general,
    one_sample,
    other_batch,
    other_parameters,
    stream_of,
    zero_row,
)
from backproof.mathematics.probes.ranges import FARTHEST, WIDEST, improbable, wide_range
from backproof.mathematics.probes.samples import (
    SO_MANY,
    drawn_samples,
    long_sums,
    many_samples,
    of_widths,
    one_class,
    one_label,
    repeated_rows,
    shares,
    so_many,
)

Make = Callable[..., tuple[Parameters, Batch] | None]
"""Of a network and a stream of random numbers; None where the network has no such point."""


@dataclass(frozen=True, eq=False)
class Probe:
    """A named point at which every implementation is evaluated."""

    name: str
    parameters: Parameters
    batch: Batch


@dataclass(frozen=True)
class Bears:
    """What every implementation of a pairing bears.

    ``saturates``: units at their limits. ``guarded``: a guard against log 0, or an accuracy that is
    declared, bends what small probabilities come to. ``hard``: its targets are classes, without
    shares. ``samples``: the size of every batch, for a subject that takes no other. ``sums``:
    whether it declares what it accumulates them in, so that long ones are to show it.
    """

    saturates: bool = True
    guarded: bool = False
    hard: bool = False
    samples: int | None = None
    sums: bool = False


def probes(
    network: Network,
    optimizer: Optimizer,
    dtype: str,
    bears: Bears = Bears(),
    seed: int | None = None,
) -> list[Probe]:
    """All probes of a network, in the order in which they are evaluated.

    ``seed``: of other numbers than a probe's name gives it, which no subject can know.
    """
    token = SEED.set(seed)
    try:
        return drawn_probes(network, optimizer, dtype, bears)
    finally:
        SEED.reset(token)


def drawn_probes(network: Network, optimizer: Optimizer, dtype: str, bears: Bears) -> list[Probe]:
    """The same, of the seed that is set."""
    found = []
    for name, make in of_network(network):
        limits = (LIMITS[make][dtype],) if make in LIMITS else ()
        made = make(network, stream_of(name), *limits) if borne(make, network, bears) else None
        if made is None:
            continue
        parameters, batch = made[0], admitted(network, made[1])
        size = SIZES[make](*limits) if make in SIZES else 1.0
        if optimizer.AHEAD:  # huge velocities would lead to where units are saturated
            size = min(size, 1 / size)
        slots = drawn_slots(network, optimizer, name, STEPS.get(name, 3), size)
        rounded = {
            key: value.astype(held_in(dtype)) if key == STEP_COUNT else round_to(value, dtype)
            for key, value in (parameters | slots).items()
        }
        chosen = batch if bears.samples is None else repeated(batch, bears.samples)
        if len(chosen.inputs) < network.least_samples:
            continue
        chosen = masked(network, chosen, name)
        found.append(Probe(name, rounded, chosen.astype(dtype)))
    return found


def of_network(network: Network) -> Iterator[tuple[str, Make]]:
    """The names of all probes that a network may have, and how each is made."""
    yield from PROBES.items()
    yield from of_widths(network)
    yield from of_layers(network)


def told(make: Make) -> str:
    """What a probe is, in a line."""
    function = make.func if isinstance(make, partial) and make.func is not hostile else make
    return (function.__doc__ or "").splitlines()[0]


def borne(make: Make, network: Network, bears: Bears) -> bool:
    """Whether a probe is one that every implementation bears."""
    if make is huge_outputs and network.loss_of not in ("fused", "logits"):
        return False
    if make is long_sums:
        return bears.sums and bears.samples is None
    if make is drawn_samples or (isinstance(make, partial) and make.func is so_many):
        return bears.samples is None
    return not (
        (make in SATURATING and not bears.saturates)
        or (make is improbable and bears.guarded)
        or (make is shares and bears.hard)
    )


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
    masks = {
        node.name: own.mask(batch.masks[node.name]) if node.layer.kind == kind else mask
        for node in network.nodes
        for mask in [batch.masks.get(node.name)]
        if mask is not None and own.mask is not None
    }
    return parameters, admitted(network, Batch(inputs, batch.targets, masks=masks))


def repeated(batch: Batch, samples: int) -> Batch:
    """So many samples: the batch's own, again and again."""
    chosen = np.arange(samples) % len(batch.inputs)
    return Batch(batch.inputs[chosen], batch.targets[chosen])


PROBES: dict[str, Make] = {
    make.__name__: make
    for make in (
        general,
        other_batch,
        other_parameters,
        one_sample,
        zero_row,
        saturated,
        large_logits,
        huge_outputs,
        large_inputs,
        near_kink,
        exact_kink,
        close_kinks,
        closer_kinks,
        closest_kinks,
        merest_kinks,
        wide_range,
        improbable,
        far_inputs,
        tiny_inputs,
        one_class,
        one_label,
        shares,
        repeated_rows,
        many_samples,
        drawn_samples,
        long_sums,
    )
}
# Units at their limits, where a probability has lost what the logit still tells.
SATURATING: tuple[Make, ...] = (saturated, large_logits, huge_outputs)
# By dtype, what the probe is made with.
LIMITS: Mapping[Any, Mapping[str, float]] = {
    large_logits: BEYOND,
    huge_outputs: BEYOND,
    far_inputs: FAR,
    tiny_inputs: FAR,
    wide_range: WIDEST,
    improbable: FARTHEST,
}
# Of the limit, how large the gradients before were.
SIZES: Mapping[Any, Callable[[float], float]] = {
    far_inputs: lambda far: far,
    tiny_inputs: lambda far: 1 / far,
}
# The steps that were made before, where it is not three.
STEPS = {
    "one_class": 1,
    "other_batch": 2,
    "other_parameters": 12,
    "many_samples": 1000,
    "drawn_samples": 5000,
    "long_sums": 5000,
    "repeated_rows": 100_000,
}
# Where a target is no class, or two outputs are the largest, an accuracy has several meanings.
WITHOUT_CLASSES = ("shares", "repeated_rows")
# Those of PROBES of which certified values are computed; the others are as ordinary as `general`,
# or too large for it.
CERTIFIED = (
    *(general, one_sample, zero_row, saturated, large_logits, huge_outputs),
    *(large_inputs, near_kink, exact_kink),
)


def screens(point: str) -> bool:
    """Whether a point is a probe that screens: it is to show what is grossly wrong there alone.

    No certified values are computed of it, and no more digits are asked for than half of them.
    """
    return point.startswith(SO_MANY) or (point in PROBES and PROBES[point] not in CERTIFIED)
