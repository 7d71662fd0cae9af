"""A network's nodes as one PyTorch module, and where a module holds the network's parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from backproof.implementations.frameworks.parts import Held, found_in, in_order, in_words, wanted_of
from backproof.mathematics.errors import UsageError
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.node import INPUTS, Node


class Graph(nn.Module):  # type: ignore[misc]
    """Idiomatic layers by the names of their nodes; it ends in logits where the loss takes them."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.nodes = network.nodes
        self.layers = nn.ModuleDict()
        for node in network.nodes:
            port = node.layer.torch(*network.shapes_into(node))
            bare = node is network.last and network.loss_of == "fused"
            self.layers[node.name] = (
                Sharing(network, node, self.layers, bare) if node.shared else port.make(bare)
            )

    def forward(self, inputs: Tensor) -> Tensor:
        """Node by node, in the order of computation."""
        given = {INPUTS: inputs}
        for node in self.nodes:
            given[node.name] = self.layers[node.name](*(given[name] for name in node.inputs))
        return given[self.nodes[-1].name]


class Sharing(nn.Module):  # type: ignore[misc]
    """A node that takes some of its parameters from the module of another."""

    def __init__(
        self, network: Network, node: Node, layers: Mapping[str, nn.Module], bare: bool
    ) -> None:
        super().__init__()
        port = node.layer.torch(*network.shapes_into(node))
        if port.apply is None:
            raise UsageError(f"the PyTorch twin of layer {node.layer.kind!r} shares no parameters")
        self.apply_to = port.apply(bare)
        self.own = nn.ParameterDict(
            {
                name: nn.Parameter(torch.zeros(each.shape))
                for name, each in node.layer.parameters(*network.shapes_into(node)).items()
                if name not in dict(node.shared)
            }
        )
        # In a tuple, for PyTorch would count the other's parameters as this module's.
        self.others = tuple(others_of(network, node, layers))

    def forward(self, x: Tensor) -> Tensor:
        """The layer's function, of its own and the other's parameters."""
        taken = {own: turned(held[name], axes) for own, held, name, axes in self.others_now()}
        return self.apply_to({**dict(self.own.items()), **taken}, x)

    def others_now(self) -> Any:
        """The shared parameters as they are now: a training loop may hold others in their place."""
        return (
            (own, dict(part.named_parameters()), name, axes)
            for own, part, name, axes in self.others
        )


def others_of(network: Network, node: Node, layers: Mapping[str, nn.Module]) -> Any:
    """Each shared parameter: our name, the module that holds it, its name there, and its axes."""
    for own, use in network.uses[node.name].items():
        holder, _, name = use.parameter.partition("/")
        if holder == node.name:
            continue
        part = layers[holder]
        if isinstance(part, Sharing):  # it holds its own ones in our layout
            part, axes = part.own, in_order(network.parameters[use.parameter].shape)
        else:
            other = next(each for each in network.nodes if each.name == holder)
            port = other.layer.torch(*network.shapes_into(other))
            part, (name, axes) = inner(part, port.kind), port.weights[name]
        yield own, part, name, axes[::-1] if use.transposed else axes


def inner(made: nn.Module, kind: type | None) -> nn.Module:
    """The part of what a port has made that holds the parameters."""
    for part in made.modules():
        if kind is not None and isinstance(part, kind):
            return part
    raise UsageError(
        f"the PyTorch twin of a layer holds no {kind.__name__ if kind else 'kind of part'}, which "
        "its Port names: define the class once, outside of the method, or under functools.cache"
    )


def turned(value: Tensor, axes: tuple[int, ...]) -> Tensor:
    """With the axes in that order."""
    return value if axes == tuple(sorted(axes)) else value.permute(axes)


def held_by(network: Network, module: nn.Module) -> list[Held]:
    """Where the module holds the network's parameters; raises if they do not fit."""
    wanted = wanted_of(network, "torch")
    if isinstance(module, Graph):
        parts = [
            made if isinstance(made, Sharing) else inner(made, each.port.kind)
            for each in wanted
            for made in [module.layers[each.node.name]]
        ]
        return found_in("the module", wanted, parts)
    kinds = tuple({each.port.kind for each in wanted if each.port.kind is not None})
    met, unfit = in_order_of_computation(module, network, kinds)
    try:
        found = found_in("the module", wanted, met)
    except UsageError as error:
        raise UsageError(f"{error}{unfit}") from None
    if unfit:
        told = "; ".join(in_words(each.shapes) for each in wanted)
        raise UsageError(f"the module's layers fit the network's [{told}]{unfit}")
    return found


def in_order_of_computation(
    module: nn.Module, network: Network, kinds: tuple[type, ...]
) -> tuple[list[Any], str]:
    """The layers of those kinds as one forward pass meets them, and why it fails, if it does."""
    met: list[Any] = []
    # Before the layer computes, so that one of the wrong shape is met too.
    parts: list[Any] = [part for part in module.modules() if isinstance(part, kinds)]
    hooks = [part.register_forward_pre_hook(lambda part, _: met.append(part)) for part in parts]
    parameter = next(module.parameters())
    unfit, few = "", network.least_samples
    with torch.no_grad():
        try:
            module(torch.zeros(few, *network.input_shape, dtype=parameter.dtype))
        except RuntimeError as error:
            unfit = f"; it cannot be called: {error}"
    for hook in hooks:
        hook.remove()
    return met, unfit
