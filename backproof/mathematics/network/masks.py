"""The masks that a batch brings for layers that drop some of what comes in."""

from __future__ import annotations

import zlib
from dataclasses import replace

import numpy as np

from backproof.mathematics.errors import UsageError
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.parameters import Batch


def masked(network: Network, batch: Batch, label: str, who: str = "the batch") -> Batch:
    """The batch with a mask for each node that takes one; a `UsageError` for masks that do not fit.

    One that is missing is drawn, from a seed that the ``label`` and the node's name give. ``who``:
    whose batch it is, in words.
    """
    wanted, samples = network.masks, len(batch.inputs)
    for node in batch.masks.keys() - wanted.keys():
        raise UsageError(
            f"{who} has a mask for {node!r}; the nodes that take one are "
            f"{', '.join(wanted) or 'none'}"
        )
    found = {}
    for node, shape in wanted.items():
        if node not in batch.masks:
            found[node] = drawn(network, node, samples, label).astype(batch.targets.dtype)
        elif batch.masks[node].shape != (samples, *shape):
            raise UsageError(
                f"{who} has a mask of shape {batch.masks[node].shape} for {node}; what comes into "
                f"that node, and so its mask, is {(samples, *shape)}"
            )
        else:
            found[node] = batch.masks[node]
    return replace(batch, masks=found) if found else batch


def drawn(network: Network, node: str, samples: int, label: str) -> np.ndarray:
    """A mask of a node, with as many ones as the layer keeps on average."""
    layer = next(each.layer for each in network.nodes if each.name == node)
    stream = np.random.default_rng(zlib.crc32(f"{label} {node}".encode()))
    return (stream.random((samples, *network.masks[node])) < layer.kept).astype(np.float64)


def enough_samples(network: Network, samples: int, who: str = "the batch") -> None:
    """Raise a `UsageError` if a layer compares samples, and there are too few."""
    for node in network.nodes:
        least = node.layer.least_samples(*network.shapes_into(node))
        if samples < least:
            raise UsageError(
                f"{node.name} in training takes its variance over the samples, and {who} has "
                f"{samples}: give {least} or more, or training=False"
            )
