"""What is computed, as frozen mathematics: layers, loss, penalty."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from backproof.mathematics import functions, losses
from backproof.mathematics.checking import check_fields, finite
from backproof.mathematics.errors import UsageError
from backproof.mathematics.functions import Activation

Reduction = Literal["mean", "sum"]
Decision = Literal["threshold", "sign", "argmax"]
# One for each unit, none, or a single one that all units of the layer share.
Bias = bool | Literal["scalar"]


@dataclass(frozen=True)
class Dense:
    """A dense layer: ``activation(inputs @ kernel + bias)``, kernel (fan_in, fan_out).

    ``activation`` is a name, or one with fields: ``functions.named("leaky_relu", alpha=0.1)``.
    """

    fan_in: int
    fan_out: int
    activation: Activation = field(default_factory=lambda: functions.named("linear"))
    bias: Bias = True

    def __init__(
        self, fan_in: int, fan_out: int, activation: str | Activation = "linear", bias: Bias = True
    ) -> None:
        if fan_in < 1 or fan_out < 1:
            raise UsageError(f"Dense(fan_in={fan_in}, fan_out={fan_out}): both must be at least 1")
        if isinstance(activation, str):
            activation = functions.named(activation)
        if bias not in (True, False, "scalar"):
            raise UsageError(f"Dense(bias={bias!r}): choose True, False or 'scalar'")
        for name, value in (
            ("fan_in", fan_in),
            ("fan_out", fan_out),
            ("activation", activation),
            ("bias", bias),
        ):
            object.__setattr__(self, name, value)

    @property
    def biases(self) -> int:
        """How many biases it has."""
        return 1 if self.bias == "scalar" else self.fan_out * bool(self.bias)


@dataclass(frozen=True)
class Loss:
    """A loss: scale · reduction over the batch · reduction over the outputs · element.

    ``kind`` names a file of `losses`. The element of ``squared_error`` is (a − y)²; a half is
    written ``scale=0.5``. Cross-entropies are taken of the logits. ``hinge`` wants
    targets of −1 and 1.
    """

    kind: str
    batch: Reduction = "mean"
    outputs: Reduction = "sum"
    scale: float = 1.0

    def __post_init__(self) -> None:
        check_fields(self)
        losses.named(self.kind)
        finite("Loss", scale=self.scale)

    def divisor(self, samples: int, outputs: int) -> int:
        """What the sum over all elements is divided by, before ``scale`` multiplies it."""
        by_output = self.outputs == "mean" and not losses.named(self.kind).BY_ROW
        return (samples if self.batch == "mean" else 1) * (outputs if by_output else 1)


@dataclass(frozen=True)
class Penalty:
    """``l2`` · ΣW² + ``l1`` · Σ|W| over the kernels, and over the biases too if asked for."""

    l2: float = 0.0
    l1: float = 0.0
    biases: bool = False

    def __post_init__(self) -> None:
        check_fields(self)
        finite("Penalty", l2=self.l2, l1=self.l1)


@dataclass(frozen=True)
class Network:
    """A feed-forward network with its loss and penalty; its layers are dense_1, dense_2 and so on.

    ``decision`` says how an output becomes a class, for the accuracy: ``threshold`` (output above
    ½), ``sign`` (above 0), ``argmax``, or None for no accuracy. By default the loss says it.
    """

    layers: tuple[Dense, ...]
    loss: Loss
    penalty: Penalty = Penalty()
    decision: Decision | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", tuple(self.layers))
        if not self.layers:
            raise UsageError("Network(layers=()): a network needs at least one layer")
        for index, (layer, following) in enumerate(
            zip(self.layers, self.layers[1:], strict=False), start=1
        ):
            if layer.fan_out != following.fan_in:
                raise UsageError(
                    f"dense_{index} has fan_out {layer.fan_out} but dense_{index + 1} has "
                    f"fan_in {following.fan_in}: they must be equal"
                )
        loss = losses.named(self.loss.kind)
        wanted, given = loss.ACTIVATION, self.layers[-1].activation.name
        if wanted is not None and given != wanted:
            raise UsageError(
                f"loss {self.loss.kind!r} goes with {wanted!r} in the last layer, which has "
                f"{given!r}: change one of them"
            )
        if self.decision is None:
            object.__setattr__(self, "decision", loss.DECISION)

    def named_layers(self) -> Iterator[tuple[str, Dense]]:
        """``("dense_1", layer)``, ``("dense_2", layer)``, … in the order of computation."""
        return ((f"dense_{index}", layer) for index, layer in enumerate(self.layers, start=1))

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of every parameter, by name, in the order of computation."""
        shapes: dict[str, tuple[int, ...]] = {}
        for name, layer in self.named_layers():
            shapes[f"{name}/kernel"] = (layer.fan_in, layer.fan_out)
            if layer.bias:
                shapes[f"{name}/bias"] = (layer.biases,)
        return shapes

    def parameter_counts(self) -> dict[str, int]:
        """The number of parameters of each layer, by its name."""
        return {
            name: layer.fan_in * layer.fan_out + layer.biases for name, layer in self.named_layers()
        }

    @property
    def functions(self) -> frozenset[str]:
        """The names of its activations and of its loss."""
        named = (layer.activation.name for layer in self.layers)
        return frozenset((*named, self.loss.kind))

    @property
    def fan_in(self) -> int:
        return self.layers[0].fan_in

    @property
    def fan_out(self) -> int:
        return self.layers[-1].fan_out

    def to_json(self) -> dict[str, Any]:
        """A JSON object that `from_json` turns back into this network."""
        return {
            "layers": [
                {
                    "fan_in": layer.fan_in,
                    "fan_out": layer.fan_out,
                    "activation": functions.to_json(layer.activation),
                    "bias": layer.bias,
                }
                for layer in self.layers
            ],
            "loss": asdict(self.loss),
            "penalty": asdict(self.penalty),
            "decision": self.decision,
        }

    @classmethod
    def from_json(cls, described: Mapping[str, Any]) -> Network:
        """The network that `to_json` described."""
        return cls(
            layers=tuple(
                Dense(
                    layer["fan_in"],
                    layer["fan_out"],
                    functions.from_json(layer["activation"]),
                    layer["bias"],
                )
                for layer in described["layers"]
            ),
            loss=Loss(**described["loss"]),
            penalty=Penalty(**described["penalty"]),
            decision=described["decision"],
        )
