"""What recipes share: a training in full with what it tells on the way, and one of no steps."""

from __future__ import annotations

from collections.abc import Sequence

from backproof import Batch, Pairing
from backproof.reproduction import At, Key, Trained, Training
from scratch.training import FullBatchNetwork, Scalar


def trained(
    model: FullBatchNetwork, batch: Batch, rate: float, steps: int, report: Sequence[int]
) -> Trained:
    """Loss, accuracy and parameters before each step of the report; ``steps`` itself is the end."""
    told = Trained()

    def tell(step: int, loss: Scalar) -> None:
        told.losses[step] = float(loss)
        told.accuracies[step] = model.accuracy(batch.inputs, batch.targets)
        told.parameters[step] = {name: array.copy() for name, array in model.parameters.items()}

    model.train(
        batch.inputs,
        batch.targets,
        learning_rate=rate,
        steps=steps,
        on_step=tell,
        at=frozenset(report),
    )
    if steps in report:
        tell(steps, model.loss(batch.inputs, batch.targets))
    return told


def untrained(pairing: Pairing) -> Training:
    """Nothing is trained; every implementation counts its parameters."""
    layers = [name for name, _ in pairing.network.named_layers()]

    def read(told: Trained) -> dict[Key, float]:
        counts = told.evaluations["counts"]
        found = {Key("parameter_count"): float(counts["parameter_count"])}
        for index, layer in enumerate(layers, start=1):
            found[Key("layer_parameter_count", index)] = float(counts[f"parameter_count/{layer}"])
        return found

    return Training(
        pairing=pairing,
        steps=0,
        report=(),
        subject=lambda batch, report: Trained(parameters={0: dict(pairing.initial())}),
        read=read,
        evaluations={"counts": At(0, ("parameter_count",))},
        seconds=1,
    )
