"""The quantities that are compared: their names, in the order in which they are computed."""

from __future__ import annotations

from collections.abc import Iterable

from backproof.mathematics.network.network import Network

# Which quantities a probe, the first step on the data, and each later step on the data compare.
ALL = ("parameter_count", "activation", "loss", "gradient", "updated", "accuracy")
STEP = ("loss", "gradient", "updated")
# What code that hands its gradient on to a layer below gives: the gradient by the inputs.
INPUT_GRADIENT = "input_gradient"
KNOWN = (*ALL[:-2], INPUT_GRADIENT, *ALL[-2:])


def expected(
    network: Network, quantities: tuple[str, ...] = KNOWN, slots: Iterable[str] = ()
) -> list[str]:
    """The names that an evaluation of this network has, as ``quantity`` or ``quantity/tensor``.

    ``slots``: what the optimizer keeps beside the parameters; a step updates it too.
    """
    parameters = list(network.parameters)
    tensors: dict[str, list[str]] = {
        "parameter_count": ["", *network.parameter_counts()],
        "activation": list(network.node_names),
        "loss": [""],
        "gradient": parameters,
        INPUT_GRADIENT: [""] if network.input_gradient else [],
        "updated": [*parameters, *slots],
        "accuracy": [""] if network.decision is not None else [],
    }
    return [
        f"{quantity}/{tensor}" if tensor else quantity
        for quantity in quantities
        for tensor in tensors[quantity]
    ]


def split(name: str) -> tuple[str, str]:
    """``gradient/dense_1/kernel`` as (``gradient``, ``dense_1/kernel``)."""
    quantity, _, tensor = name.partition("/")
    return quantity, tensor
