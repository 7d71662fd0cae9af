"""How a network of `scratch.training` is shown to backproof, under the names compared."""

from __future__ import annotations

from typing import Any

from backproof import Batch
from scratch.training import FullBatchNetwork


def evaluation(model: FullBatchNetwork, batch: Batch, learning_rate: float) -> dict[str, Any]:
    """Everything the network says about the batch, then its parameters after one training step."""
    activations, loss, gradients = model.evaluate(batch.inputs, batch.targets)
    counts = model.parameter_count()
    accuracy = model.accuracy(batch.inputs, batch.targets)
    model.step(batch.inputs, batch.targets, learning_rate)
    return {
        **{f"activation/dense_{i}": a for i, a in enumerate(activations, start=1)},
        "loss": loss,
        **{f"gradient/{name}": gradient for name, gradient in gradients.items()},
        **{f"updated/{name}": array for name, array in model.parameters.items()},
        "accuracy": accuracy,
        "parameter_count": sum(counts.values()),
        **{f"parameter_count/{layer}": count for layer, count in counts.items()},
    }
