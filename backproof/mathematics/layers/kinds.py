"""The kinds of layers there are: by name, and as JSON."""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable, Mapping
from dataclasses import MISSING
from typing import Any, cast

from backproof.mathematics import functions
from backproof.mathematics.checking import check, check_table, hints_of
from backproof.mathematics.layers.layer import Layer
from backproof.mathematics.registry import Registry

LAYERS: Registry[type[Layer]] = Registry(
    "layer",
    "backproof.mathematics.layers",
    besides=(
        *("layer", "here", "port", "blocks", "kinds", "own", "public"),
        *("windows", "convolution", "convolution_twins", "convolution_faults"),
        *("normalised", "plain_norms", "plain_twins"),
        *("transposed_faults", "transposed_twins"),
        *("attending", "attending_twins", "attending_faults"),
        *("recurring", "recurring_twins", "recurring_faults", "recurring_latex"),
        *("lstm_faults", "gru_faults"),
        *("pooled", "pooling", "pooling_twins", "pooling_faults"),
    ),
    called="kind",
)
# The kind of a layer that is written down without one.
DEFAULT_KIND = "dense"


def kinds() -> list[str]:
    """All kinds there are."""
    return LAYERS.names()


def to_json(layer: Layer) -> dict[str, Any]:
    """Kind and fields, as `from_json` takes them; the default kind is left out."""
    described: dict[str, Any] = {} if layer.kind == DEFAULT_KIND else {"kind": layer.kind}
    for field in dataclasses.fields(layer):  # type: ignore[arg-type] # every kind is one
        value = getattr(layer, field.name)
        is_function = field.name == "activation"
        described[field.name] = functions.to_json(value) if is_function else value
    return described


def from_json(described: Mapping[str, Any]) -> Layer:
    """The layer that `to_json` described; a `UsageError` says what it should have been."""
    given = dict(described)
    kind = given.pop("kind", DEFAULT_KIND)
    check("a layer", "kind", kind, str)
    layer: type[Any] = LAYERS.get(kind)
    if isinstance(given.get("activation"), str | Mapping):
        given["activation"] = functions.from_json(given["activation"])
    fields = {name: untupled(value) for name, value in given.items()}
    known = dataclasses.fields(layer)
    hints = {field.name: hints_of(cast(Hashable, layer))[field.name] for field in known}
    needs = [
        field.name
        for field in known
        if field.default is MISSING and field.default_factory is MISSING
    ]
    check_table(f"layer {kind!r}", fields, hints, needs)
    made: Layer = layer(**fields)
    return made


def untupled(value: Any) -> Any:
    """JSON has lists where fields are tuples."""
    return tuple(map(untupled, value)) if isinstance(value, list) else value
