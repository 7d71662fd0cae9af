"""Everything that is compared, as the definition has it with a fault planted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from backproof.mathematics.arithmetic.floating import Float
from backproof.mathematics.arithmetic.operations import Ops
from backproof.mathematics.definition.evaluate import evaluate
from backproof.mathematics.definition.measure import measure
from backproof.mathematics.definition.sites import Intervention, unchanged
from backproof.mathematics.definition.step import step
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.parameters import Batch, Parameters
from backproof.mathematics.optimizers import Optimizer

T = TypeVar("T")


def faulty(
    ops: Ops[T],
    network: Network,
    optimizer: Optimizer,
    parameters: Parameters,
    batch: Batch,
    intervene: Intervention = unchanged,
    before: Sequence[Mapping[str, T]] = (),
) -> dict[str, T]:
    """Activations, loss, gradients and updated parameters, in any arithmetic."""
    values = evaluate(ops, network, parameters, batch, intervene, before)
    return values | step(ops, network, parameters, values, optimizer, intervene, before, batch)


def computed(
    network: Network,
    optimizer: Optimizer,
    parameters: Parameters,
    batch: Batch,
    intervene: Intervention = unchanged,
    before: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """The same in floating point, with accuracy and counts: what a subject would return."""
    with np.errstate(all="ignore"):
        values: dict[str, Any] = dict(
            faulty(Float(), network, optimizer, parameters, batch, intervene, before)
        )
        outputs = values[f"activation/{network.last.name}"]
        return values | measure(network, parameters, batch, outputs, intervene)
