"""A network written down in TOML, for `backproof explain`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from backproof import activations
from backproof.errors import UsageError
from backproof.network import Dense, Loss, Network, Penalty

KNOWN = {
    "the file": ("layers", "loss", "penalty", "decision"),
    "loss": ("kind", "batch", "outputs", "scale"),
    "penalty": ("l2", "l1", "biases"),
    "layers": ("fan_in", "fan_out", "activation", "bias"),
}


def load(path: Path) -> Network:
    """The network that a file describes.

    ``[[layers]]`` with fan_in, fan_out, activation (a name, or a table with its fields) and bias;
    ``[loss]`` with kind, batch, outputs, scale; ``[penalty]`` with l2, l1, biases; ``decision``.
    Raises `UsageError` for what is missing, and for what no network has.
    """
    try:
        described = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({error.strerror})") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is no TOML: {error}") from error
    check(path, "the file", described, needs=("layers", "loss"))
    check(path, "loss", described["loss"], needs=("kind",))
    check(path, "penalty", described.get("penalty", {}))
    if not isinstance(described["layers"], list):
        raise UsageError(f"{path}: write each layer as a table of its own, [[layers]]")
    layers = []
    for layer in described["layers"]:
        check(path, "layers", layer, needs=("fan_in", "fan_out"))
        activation = layer.get("activation", "linear")
        fields = {"name": activation} if isinstance(activation, str) else dict(activation)
        made = activations.from_json(fields)
        layers.append(Dense(layer["fan_in"], layer["fan_out"], made, layer.get("bias", True)))
    return Network(
        tuple(layers),
        Loss(**described["loss"]),
        Penalty(**described.get("penalty", {})),
        described.get("decision"),
    )


def check(path: Path, where: str, table: Any, needs: tuple[str, ...] = ()) -> None:
    """Refuse keys that are unknown or missing."""
    if not isinstance(table, Mapping):
        raise UsageError(f"{path}: {where} should be a table")
    unknown, missing = sorted(table.keys() - set(KNOWN[where])), sorted(set(needs) - table.keys())
    if unknown:
        raise UsageError(f"{path}: {where} has no {unknown[0]!r}; it has {', '.join(KNOWN[where])}")
    if missing:
        raise UsageError(f"{path}: {where} needs {' and '.join(missing)}")
