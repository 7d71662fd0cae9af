"""A network's nodes as one Keras model, and where a model holds the network's parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import keras

from backproof.implementations.frameworks.parts import Held, found_in, held, in_order, wanted_of
from backproof.mathematics.errors import UsageError
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.node import INPUTS, Node
from backproof.mathematics.network.penalty import Penalty


@dataclass(eq=False)
class Built:
    """A model with the part of each node, by the node's name."""

    model: keras.Model
    parts: dict[str, Any]


def build(network: Network) -> Built:
    """A functional model of idiomatic layers; logits come out where the loss takes them."""
    tensors = {INPUTS: keras.Input(network.input_shape)}
    parts: dict[str, Any] = {}
    for node in network.nodes:
        port = node.layer.keras(*network.shapes_into(node))
        bare = node is network.last and network.loss_of == "fused"
        if node.shared:
            parts[node.name] = Sharing(network, node, parts, bare)
        else:
            parts[node.name] = port.make(bare, regularizers(network, node))
        taken = [tensors[name] for name in node.inputs]
        tensors[node.name] = parts[node.name](taken if len(taken) > 1 else taken[0])
    return Built(keras.Model(tensors[INPUTS], tensors[network.last.name]), parts)


def regularizers(network: Network, node: Node) -> dict[str, Any]:
    """The penalty on each of a node's own parameters; those over the samples stand in the loss.

    As a callable, for Keras rounds the coefficients of its own to float32.
    """
    return {
        own: regularizer(network, use.parameter)
        for own, use in network.uses[node.name].items()
        if use.parameter.startswith(f"{node.name}/")
    }


def regularizer(network: Network, parameter: str) -> Any:
    """The penalty on one parameter; None where there is none, or where samples divide it."""
    penalty = network.penalty_on(parameter)
    if not penalty.orders() or penalty.batch == "mean":
        return None
    return partial(penalised, penalty)


def penalised(penalty: Penalty, w: Any) -> Any:
    """The penalty on a parameter."""
    total = 0
    if penalty.l2:
        total = total + penalty.l2 * keras.ops.sum(keras.ops.square(w))
    if penalty.l1:
        total = total + penalty.l1 * keras.ops.sum(keras.ops.abs(w))
    return total


class Sharing(keras.layers.Layer):  # type: ignore[misc]  # Keras has no types here
    """A node that takes some of its parameters from the part of another."""

    def __init__(self, network: Network, node: Node, parts: Mapping[str, Any], bare: bool) -> None:
        super().__init__()
        port = node.layer.keras(*network.shapes_into(node))
        if port.apply is None:
            raise UsageError(f"the Keras twin of layer {node.layer.kind!r} shares no parameters")
        self.apply = port.apply(bare)
        own = node.layer.parameters(*network.shapes_into(node))
        penalised = regularizers(network, node)
        self.own = {
            name: self.add_weight(name=name, shape=each.shape, regularizer=penalised.get(name))
            for name, each in own.items()
            if name not in dict(node.shared)
        }
        # Past Keras's own __setattr__, which would count the other's parameters as this layer's.
        object.__setattr__(self, "others", tuple(others_of(network, node, parts)))

    def call(self, x: Any) -> Any:
        """The layer's function, of its own and the other's parameters."""
        taken = {own: turned(held(part, name), axes) for own, part, name, axes in self.others}
        return self.apply({**self.own, **taken}, x)


def others_of(network: Network, node: Node, parts: Mapping[str, Any]) -> Any:
    """Each shared parameter: our name, the part that holds it, its name there, and its axes."""
    for own, use in network.uses[node.name].items():
        holder, _, name = use.parameter.partition("/")
        if holder == node.name:
            continue
        part = parts[holder]
        if isinstance(part, Sharing):  # it holds its own ones in our layout
            part, axes = part.own, in_order(network.parameters[use.parameter].shape)
        else:
            other = next(each for each in network.nodes if each.name == holder)
            name, axes = other.layer.keras(*network.shapes_into(other)).weights[name]
        yield own, part, name, axes[::-1] if use.transposed else axes


def turned(value: Any, axes: tuple[int, ...]) -> Any:
    """With the axes in that order."""
    return value if axes == tuple(sorted(axes)) else keras.ops.transpose(value, axes)


def held_by(network: Network, model: keras.Model, built: Built | None) -> list[Held]:
    """Where the model holds the network's parameters, layer by layer; raises if they do not fit."""
    wanted = wanted_of(network, "keras")
    if built is not None:
        parts = [built.parts[each.node.name] for each in wanted]
        return found_in("the model", wanted, parts)
    kinds = tuple({each.port.kind for each in wanted if each.port.kind is not None})
    return found_in("the model", wanted, [part for part in flat(model) if isinstance(part, kinds)])


def flat(model: Any) -> list[Any]:
    """The layers of a model and of the models inside it, in order."""
    return [
        inner
        for part in model.layers
        for inner in (flat(part) if isinstance(part, keras.Model) else [part])
    ]
