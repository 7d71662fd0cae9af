"""Pairings of the programs that keep to contract.md."""

from __future__ import annotations

from itertools import pairwise
from types import ModuleType
from typing import Any

import numpy as np

from backproof import (
    Adam,
    AdamW,
    Batch,
    Dense,
    GradientDescent,
    Loss,
    Momentum,
    Network,
    Pairing,
    Penalty,
    RMSprop,
    activations,
    adapters,
)

LOSSES = {
    "mean_squared_error": "squared_error",
    "categorical_crossentropy": "categorical_cross_entropy",
    "binary_crossentropy": "binary_cross_entropy",
}
# Samples of the data, and steps of the training.
SAMPLES, STEPS = 36, 5


def contracted(module: ModuleType, name: str, *, soft: bool = False) -> Pairing:
    """A program as a pairing, with data and initial weights that are drawn.

    ``soft``: with targets between the classes too, which the contract does not ask for.
    """
    described = module.NETWORK
    network, (optimizer, slots) = network_of(described), optimizer_of(described)
    names = list(network.shapes())

    def subject(parameters: Any, batch: Any) -> dict[str, Any]:
        own = {dotted(n): parameters[n] for n in names}
        loss, gradients = module.loss_and_gradients(dict(own), batch.inputs, batch.targets)
        given = {"loss": loss, **{f"gradient/{n}": gradients[dotted(n)] for n in names}}
        if not hasattr(module, "step"):
            return given
        count = int(parameters.get("step_count", 0))
        state = {
            f"{letter}.{dotted(n)}": parameters[f"{slot}/{n}"]
            for letter, slot in slots.items()
            for n in names
        }
        # A program's own zeros are under test, too.
        begins = not count and not any(np.any(value) for value in state.values())
        state = {"step": count} if begins else {**state, "step": count}
        after, state = module.step(dict(own), dict(gradients), state)
        given |= {f"updated/{n}": after[dotted(n)] for n in names}
        for letter, slot in slots.items():
            given |= {f"updated/{slot}/{n}": state[f"{letter}.{dotted(n)}"] for n in names}
        return given

    classifies = described["loss"] != "mean_squared_error"
    stepped = ("updated",) if hasattr(module, "step") else ()
    return Pairing(
        name=name,
        network=network,
        subject=adapters.classes(subject) if classifies and not soft else subject,
        data=lambda: drawn(described),
        initial=lambda: weights(described),
        optimizer=optimizer,
        quantities=("loss", "gradient", *stepped),
        steps=STEPS,
    )


def dotted(name: str) -> str:
    """A parameter's name as the programs have it."""
    return name.replace("/", ".")


def network_of(described: dict[str, Any]) -> Network:
    """What a program ought to compute."""
    sizes, loss = described["sizes"], described["loss"]
    layers = []
    for (n, m), name in zip(pairwise(sizes), described["activations"], strict=True):
        leaky = name == "leaky_relu"
        fields = {"alpha": described["leaky_slope"]} if leaky else {}
        layers.append(Dense(n, m, activations.named(name, **fields)))
    half = loss == "mean_squared_error"
    own = Loss(LOSSES[loss], scale=0.5 if half else 1.0)
    return Network(tuple(layers), own, Penalty(l2=described.get("l2", 0) / 2))


def optimizer_of(described: dict[str, Any]) -> tuple[Any, dict[str, str]]:
    """The optimizer, and what its slots are called."""
    given = described.get("optimizer", {"name": "sgd", "learning_rate": 0.1})
    name, rate = given["name"], given["learning_rate"]
    if name == "sgd":
        return GradientDescent(rate), {}
    if name in ("momentum", "nesterov"):
        ahead = name == "nesterov"
        own = Momentum(rate, given["momentum"], nesterov=ahead, velocity="step")
        return own, {"v": "velocity"}
    if name == "rmsprop":
        return RMSprop(rate, given["rho"], given["epsilon"]), {"v": "mean_square"}
    moments = {"m": "first_moment", "v": "second_moment"}
    numbers = rate, given["beta_1"], given["beta_2"], given["epsilon"]
    if name == "adam":
        return Adam(*numbers), moments
    decay = given["weight_decay"]
    return AdamW(*numbers, weight_decay=decay, matrices_only=True), moments


def drawn(described: dict[str, Any]) -> Batch:
    """Inputs and targets."""
    stream, sizes = np.random.default_rng(7), described["sizes"]
    x, outputs = stream.normal(size=(SAMPLES, sizes[0])), sizes[-1]
    if described["loss"] == "categorical_crossentropy":
        return Batch(x, np.eye(outputs)[stream.integers(0, outputs, SAMPLES)])
    if described["loss"] == "binary_crossentropy":
        return Batch(x, stream.integers(0, 2, (SAMPLES, outputs)).astype(float))
    return Batch(x, 3 * stream.normal(size=(SAMPLES, outputs)))


def weights(described: dict[str, Any]) -> dict[str, Any]:
    """Initial weights; biases that are not zero."""
    stream, sizes, found = np.random.default_rng(8), described["sizes"], {}
    for k, (n, m) in enumerate(pairwise(sizes), 1):
        found[f"dense_{k}/kernel"] = 1.2 / np.sqrt(n) * stream.normal(size=(n, m))
        found[f"dense_{k}/bias"] = 0.4 * stream.normal(size=m)
    return found
