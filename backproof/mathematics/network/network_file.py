"""A network written down in TOML, for `backproof explain`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from backproof.mathematics import functions, optimizers
from backproof.mathematics.errors import UsageError
from backproof.mathematics.layers.dense import Dense
from backproof.mathematics.network.loss import Loss
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.penalty import Penalty
from backproof.mathematics.optimizers import Optimizer

NUMBER = (int, float)
# What each table may have, and of which types it may be.
TABLES: dict[str, dict[str, tuple[type, ...]]] = {
    "the file": {
        "layers": (list,),
        "loss": (dict,),
        "penalty": (dict,),
        "optimizer": (dict,),
        "decision": (str,),
    },
    "layers": {
        "fan_in": (int,),
        "fan_out": (int,),
        "activation": (str, dict),
        "bias": (bool, str),
    },
    "loss": {"kind": (str, dict), "batch": (str,), "outputs": (str,), "scale": NUMBER},
    "penalty": {"l2": NUMBER, "l1": NUMBER, "biases": (bool,)},
}
WRITTEN = {int: "a whole number", float: "a number", str: "a string", bool: "true or false"}
WRITTEN |= {dict: "a table", list: "a table for each, [[layers]]"}


def load(path: Path) -> tuple[Network, Optimizer | None]:
    """The network that a file describes, and its optimizer if it has one.

    ``[[layers]]`` with fan_in, fan_out, activation (a name, or a table with name and fields) and
    bias; ``[loss]`` with kind (likewise), batch, outputs, scale; ``[penalty]`` with l2, l1, biases;
    ``decision``; ``[optimizer]`` with name and fields. Raises `UsageError` for what is missing or
    of another kind.
    """
    try:
        described = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"it cannot be read ({error.strerror})") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"it is no TOML: {error}") from error
    check("the file", described, needs=("layers", "loss"))
    check("loss", described["loss"], needs=("kind",))
    check("penalty", described.get("penalty", {}))
    layers = []
    for layer in described["layers"]:
        check("layers", layer, needs=("fan_in", "fan_out"))
        given = layer.get("activation", "linear")
        activation = functions.from_json(named("activation", given))
        layers.append(Dense(layer["fan_in"], layer["fan_out"], activation, layer.get("bias", True)))
    loss = named("loss", described["loss"]["kind"])
    network = Network(
        tuple(layers),
        Loss.from_json(described["loss"] | {"kind": loss}),
        Penalty(**described.get("penalty", {})),
        described.get("decision"),
    )
    given = described.get("optimizer")
    return network, None if given is None else optimizers.from_json(named("optimizer", given))


def named(what: str, given: str | dict[str, Any]) -> dict[str, Any]:
    """A name alone, or a table that has one."""
    described = {"name": given} if isinstance(given, str) else given
    if not isinstance(described.get("name"), str):
        raise UsageError(f"{what} needs a name")
    return described


def check(where: str, table: Any, needs: tuple[str, ...] = ()) -> None:
    """Refuse keys that are unknown, missing or of a wrong type."""
    if not isinstance(table, Mapping):
        raise UsageError(f"{where} should be a table")
    known = TABLES[where]
    for key, value in table.items():
        if key not in known:
            raise UsageError(f"{where} has no {key!r}; it has {', '.join(known)}")
        if type(value) not in known[key]:  # isinstance would take true for 1
            wanted = " or ".join(WRITTEN[kind] for kind in known[key] if kind is not int)
            raise UsageError(f"{where}: {key} = {value!r} should be {wanted or WRITTEN[int]}")
    missing = [key for key in needs if key not in table]
    if missing:
        raise UsageError(f"{where} needs {' and '.join(missing)}")
