"""A network written down in TOML, for `backproof explain`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from backproof.mathematics import optimizers
from backproof.mathematics.checking import check_table, hints_of
from backproof.mathematics.errors import UsageError
from backproof.mathematics.layers import kinds
from backproof.mathematics.layers.layer import Layer
from backproof.mathematics.losses import Decision
from backproof.mathematics.network.loss import Loss, OverBatch, Reduction
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.node import Node
from backproof.mathematics.network.penalty import Penalty
from backproof.mathematics.optimizers import Optimizer

# What the tables may have, and of which types it may be; a layer's kind says it of the others.
FILE = {
    "layers": list,
    "nodes": list,
    "inputs": list,
    "loss": dict,
    "penalty": dict,
    "optimizer": str | dict,
    "decision": Decision,
    "input_gradient": bool,
}
LOSS = {"kind": str | dict, "batch": OverBatch, "outputs": Reduction, "scale": float}


def load(path: Path) -> tuple[Network, Optimizer | None]:
    """The network that a file describes, and its optimizer if it has one.

    ``[[layers]]``, each with its ``kind`` ("dense" if none is given) and the fields of that; or
    ``[[nodes]]``, each with a ``name`` too, and with ``inputs`` and ``shared`` as `Node` has them.
    ``inputs``, the shape of one sample. ``[loss]`` with kind, batch, outputs, scale; ``[penalty]``
    with the fields of `Penalty`, or ``[penalty.nodes.dense_1]`` for each node; ``decision``;
    ``input_gradient``, whether that is a result too;
    ``[optimizer]`` with name and fields. Activations, losses and optimizers are a name, or a table
    with name and fields. Raises `UsageError` for what is missing, unknown or of another type.
    """
    try:
        described = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"it cannot be read ({error.strerror})") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"it is no TOML: {error}") from error
    check_table("the file", described, FILE, needs=("loss",))
    check_table("loss", described["loss"], LOSS, needs=("kind",))
    network = Network(
        parts_of(described),
        Loss.from_json(described["loss"]),
        penalty_of(described.get("penalty", {})),
        described.get("decision"),
        described.get("inputs"),
        described.get("input_gradient", False),
    )
    given = described.get("optimizer")
    return network, None if given is None else optimizers.from_json(given)


def parts_of(described: Mapping[str, Any]) -> tuple[Layer | Node, ...]:
    """The layers of a file, or its nodes."""
    if ("layers" in described) == ("nodes" in described):
        raise UsageError("the file needs layers or nodes: [[layers]] for a chain, else [[nodes]]")
    what = "nodes" if "nodes" in described else "layers"
    parts: list[Layer | Node] = []
    for number, each in enumerate(described[what], start=1):
        try:
            check_table("it", each, dict.fromkeys(each, Any))
            parts.append(Node.from_json(each) if what == "nodes" else kinds.from_json(each))
        except UsageError as error:
            raise UsageError(f"[[{what}]], number {number}: {error}") from error
    return tuple(parts)


def penalty_of(described: Mapping[str, Any]) -> Penalty | dict[str, Penalty]:
    """One penalty on all, or one for each node."""
    fields = hints_of(Penalty)
    if "nodes" not in described:
        check_table("penalty", described, {**fields, "nodes": dict})
        return Penalty(**described)
    check_table("penalty", described, {"nodes": dict})
    for node, each in described["nodes"].items():
        check_table(f"penalty.nodes.{node}", each, fields)
    return {node: Penalty(**each) for node, each in described["nodes"].items()}
