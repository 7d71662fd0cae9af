"""A record: one pairing's points and all evaluations there, as stored and judged."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save_file

from backproof.comparison.pairing.pairing import Waiver
from backproof.implementations.protocol import Tensors
from backproof.mathematics import optimizers
from backproof.mathematics.arithmetic.rounding.forms import LOGITS, Form, from_json, to_json
from backproof.mathematics.errors import UsageError
from backproof.mathematics.network import quantities
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.parameters import Batch, Parameters, digest
from backproof.mathematics.optimizers import Optimizer

SUBJECT = "subject"
DATA = "data"


@dataclass(frozen=True, order=True)
class Point:
    """Where an evaluation was made: ``data`` or a probe's name, and the training step."""

    name: str
    step: int


@dataclass(eq=False)
class Record:
    """What was computed for one pairing: enough to judge it again."""

    pairing: str
    subject: str
    network: Network
    optimizer: Optimizer
    dtype: str
    quantities: tuple[str, ...]
    waivers: tuple[Waiver, ...]
    references: tuple[str, ...]
    steps: int
    forms: dict[str, Form] = field(default_factory=dict)
    recovered: bool = False
    mild: bool = False
    """Whether the subject declares that it does not bear saturated units."""
    accuracy: dict[str, float] = field(default_factory=dict)
    """What the subject declares to err by, beyond rounding."""
    omits: tuple[str, ...] = ()
    """What the subject does not give, and what is not compared for that."""
    unsteady: dict[str, float] = field(default_factory=dict)
    """By name, how far two calls with the same input were apart."""
    place: str = ""
    """File and line where the subject is written, relative to its project; empty if not known."""
    calibrated: tuple[str, ...] = ()
    """The references whose measured tables of a half precision hold where they ran."""
    batches: dict[str, Batch] = field(default_factory=dict)
    parameters: dict[Point, Parameters] = field(default_factory=dict)
    evaluations: dict[str, dict[Point, Tensors]] = field(default_factory=dict)
    errors: dict[str, dict[Point, str]] = field(default_factory=dict)
    slopes: dict[str, tuple[float, float, float]] = field(default_factory=dict)
    """Of the subject's own loss along a direction of each parameter (see `subjects`): difference
    quotients with steps h and 2h, and h. Measured only where something does not match."""

    def batch(self, point: Point) -> Batch:
        """The batch that is evaluated at a point."""
        return self.batches[self.batch_name(point)]

    def batch_name(self, point: Point) -> str:
        """Its name: the step's minibatch, the probe's, or the data, which further weights share."""
        minibatch = f"{point.name}@{point.step}"
        return next((n for n in (minibatch, point.name) if n in self.batches), DATA)

    def points(self) -> list[Point]:
        """Every point: the steps on the data first, then further weights and probes."""
        known = set(self.parameters).union(*self.errors.values())
        return sorted(known, key=lambda p: (p.name != DATA, p.name, p.step))

    @property
    def slots(self) -> list[str]:
        """The names of what the optimizer keeps beside the parameters."""
        return list(optimizers.slot_shapes(self.network, self.optimizer))

    def names(self, point: Point) -> list[str]:
        """The names that are compared at a point."""
        later = point.name == DATA and point.step > 0
        chosen = [q for q in self.quantities if not later or q in quantities.STEP]
        names = quantities.expected(self.network, tuple(chosen), self.slots)
        return [name for name in names if name not in self.omits]

    @property
    def saturates(self) -> bool:
        """Whether its points may saturate units, which only losses of logits bear."""
        return not self.mild and all(form.of == LOGITS.of for form in self.forms.values())

    def hashes(self) -> dict[str, str]:
        """Fingerprints of the data, the initial parameters and the network."""
        network = json.dumps(self.network.to_json(), sort_keys=True).encode()
        batch = self.batches.get(DATA)
        start = self.parameters.get(Point(DATA, 0))
        return {
            "data": digest(batch.arrays()) if batch else "",
            "parameters": digest(start) if start else "",
            "network": digest({"network": np.frombuffer(network, np.uint8)}),
        }

    def save(self, folder: Path) -> None:
        """One JSON file, and one safetensors file for each implementation and for the points."""
        folder.mkdir(parents=True, exist_ok=True)
        inputs: Tensors = {}
        for name, batch in self.batches.items():
            inputs |= {f"batch/{name}/{key}": array for key, array in batch.arrays().items()}
        for point, values in self.parameters.items():
            inputs |= {f"at/{point.name}/{point.step}/{key}": v for key, v in values.items()}
        save_file(contiguous(inputs), folder / "points.safetensors")
        for implementation, evaluations in self.evaluations.items():
            tensors = {
                f"{point.name}/{point.step}/{name}": value
                for point, values in evaluations.items()
                for name, value in values.items()
            }
            save_file(contiguous(tensors), folder / f"{implementation}.safetensors")
        described = {
            "pairing": self.pairing,
            "subject": self.subject,
            "place": self.place,
            "network": self.network.to_json(),
            "optimizer": optimizers.to_json(self.optimizer),
            "dtype": self.dtype,
            "quantities": self.quantities,
            "waivers": [
                {**asdict(waiver), "expires": waiver.expires.isoformat()} for waiver in self.waivers
            ],
            "references": self.references,
            "steps": self.steps,
            "recovered": self.recovered,
            "mild": self.mild,
            "accuracy": self.accuracy,
            "omits": self.omits,
            "unsteady": self.unsteady,
            "calibrated": self.calibrated,
            "forms": {name: to_json(form) for name, form in sorted(self.forms.items())},
            "slopes": self.slopes,
            "errors": {
                implementation: [[p.name, p.step, text] for p, text in sorted(errors.items())]
                for implementation, errors in sorted(self.errors.items())
            },
        }
        (folder / "record.json").write_text(json.dumps(described, indent=1) + "\n")

    @classmethod
    def load(cls, folder: Path) -> Record:
        """What `save` wrote."""
        described = json.loads((folder / "record.json").read_text())
        record = cls(
            pairing=described["pairing"],
            subject=described["subject"],
            place=described.get("place", ""),
            network=Network.from_json(described["network"]),
            optimizer=optimizers.from_json(described["optimizer"]),
            dtype=described["dtype"],
            quantities=tuple(described["quantities"]),
            waivers=tuple(
                Waiver(**{**w, "expires": datetime.date.fromisoformat(w["expires"])})
                for w in described["waivers"]
            ),
            references=tuple(described["references"]),
            steps=described["steps"],
            recovered=described["recovered"],
            mild=described["mild"],
            accuracy=described["accuracy"],
            omits=tuple(described["omits"]),
            unsteady=described["unsteady"],
            calibrated=tuple(described["calibrated"]),
            slopes={name: tuple(found) for name, found in described["slopes"].items()},
            forms={name: from_json(form) for name, form in described["forms"].items()},
            errors={
                implementation: {Point(name, step): text for name, step, text in errors}
                for implementation, errors in described["errors"].items()
            },
        )
        halves: dict[str, Tensors] = {}
        for key, value in load_file(folder / "points.safetensors").items():
            kind, name, rest = key.split("/", 2)
            if kind == "batch":
                halves.setdefault(name, {})[rest] = value
            else:
                step, parameter = rest.split("/", 1)
                record.parameters.setdefault(Point(name, int(step)), {})[parameter] = value
        record.batches = {name: Batch(**arrays) for name, arrays in halves.items()}
        # The order of the parameters and slots, which a file does not keep.
        names = optimizers.state_names(record.network, record.optimizer)
        record.parameters = {
            point: {name: values[name] for name in names}
            for point, values in record.parameters.items()
        }
        for implementation in (SUBJECT, *record.references):
            path = folder / f"{implementation}.safetensors"
            if path.exists():
                record.evaluations[implementation] = dict(grouped(load_file(path)))
        return record


def contiguous(tensors: dict[str, Any]) -> Tensors:
    """The arrays in C order, as files hold them, scalars being scalars."""
    return {name: np.array(value, order="C", copy=None) for name, value in tensors.items()}


def grouped(tensors: Tensors) -> Iterator[tuple[Point, Tensors]]:
    """``probe/0/loss`` and so on, by point."""
    points: dict[Point, Tensors] = {}
    for key, value in tensors.items():
        name, step, rest = key.split("/", 2)
        points.setdefault(Point(name, int(step)), {})[rest] = value
    yield from points.items()


def load_all(folder: Path) -> list[Record]:
    """Every record below a report's folder."""
    found = sorted((folder / "evaluations").glob("*/record.json"))
    if not found:
        raise UsageError(
            f"{folder}: no stored evaluations; give a folder that `verify` has written"
        )
    return [Record.load(path.parent) for path in found]
