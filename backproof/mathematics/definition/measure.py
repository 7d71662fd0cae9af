"""What is counted: accuracy and parameters, and which samples rounding may decide."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backproof.mathematics.arithmetic.floating import Float
from backproof.mathematics.definition.sites import Intervention, Scope, unchanged
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.parameters import Array, Batch


def measure(
    network: Network,
    parameters: Mapping[str, Array],
    batch: Batch,
    outputs: NDArray[np.floating],
    intervene: Intervention = unchanged,
) -> dict[str, NDArray[Any]]:
    """``accuracy`` of the outputs, ``parameter_count`` and ``parameter_count/dense_1``, …: exact.

    The sites are ``correct``, which rows are classified rightly, and the results themselves.
    """
    values: dict[str, Any] = {"outputs": outputs}
    scope = Scope[Any](Float(), network, parameters, batch, values)
    counts = network.parameter_counts()
    for name, count in counts.items():
        site = f"parameter_count/{name}"
        values[site] = intervene(site, count, scope)
    total = sum(values[f"parameter_count/{name}"] for name in counts)
    values["parameter_count"] = intervene("parameter_count", total, scope)
    if network.decision is not None:
        right = correct(network, outputs, batch.targets)
        right = values["correct"] = intervene("correct", right, scope)
        values["accuracy"] = intervene("accuracy", np.mean(right), scope)
    return {n: np.asarray(v) for n, v in values.items() if n not in ("outputs", "correct")}


def correct(network: Network, outputs: NDArray[np.floating], targets: Array) -> NDArray[np.bool_]:
    """Which rows the outputs (rows, outputs) classify as the targets say; of those not ignored."""
    outputs, targets = (x.reshape(-1, x.shape[-1]) for x in (outputs, targets))
    if network.loss_function.IGNORES:
        outputs, targets = (x[network.valid(targets)] for x in (outputs, targets))
    if network.decision == "argmax":
        return np.asarray(outputs.argmax(axis=1) == targets.argmax(axis=1))
    between = network.output_above
    return np.asarray(((outputs > between) == (targets > network.yes_above)).all(axis=1))


def undecided(
    network: Network, outputs: NDArray[np.floating], radius: NDArray[np.floating]
) -> NDArray[np.bool_]:
    """Which rows lie so near the threshold that correct implementations may disagree.

    The value computed and any implementation's are each within ``radius`` of the exact one.
    """
    outputs, radius = (x.reshape(-1, x.shape[-1]) for x in (outputs, radius))
    if network.decision == "argmax":
        best = outputs.argmax(axis=1)[:, None]
        gap = np.take_along_axis(outputs, best, axis=1) - outputs
        near = gap <= 2 * (radius + np.take_along_axis(radius, best, axis=1))
        np.put_along_axis(near, best, False, axis=1)
        return np.asarray(near.any(axis=1))
    between = network.output_above
    return np.asarray((np.abs(outputs - between) <= 2 * radius).any(axis=1))
