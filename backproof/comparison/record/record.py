"""A record: one pairing's points and all evaluations there, as stored and judged."""

from __future__ import annotations

import datetime
import json
import operator
from collections.abc import Iterable, Iterator
from dataclasses import asdict, astuple, dataclass, field, replace
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from backproof.comparison.judging.rows import COLUMNS, Grade, Row, Status
from backproof.comparison.pairing.pairing import Waiver
from backproof.comparison.record.exhibit import Correction, Exhibit
from backproof.comparison.record.tables import SlopeTable
from backproof.implementations.host.mapped import let_go
from backproof.implementations.protocol import Tensors
from backproof.mathematics import optimizers
from backproof.mathematics.arithmetic.rounding import precision as precisions
from backproof.mathematics.arithmetic.rounding.forms import LOGITS, Form, from_json, to_json
from backproof.mathematics.arithmetic.rounding.precision import Precision
from backproof.mathematics.network import quantities
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.parameters import Batch, Parameters, digest
from backproof.mathematics.optimizers import Optimizer
from backproof.mathematics.probes.probes import WITHOUT_CLASSES

SUBJECT = "subject"
DATA = "data"
FORMAT = 3
"""Of a stored record. The first one bore no number; before the third there were no grades."""
MARK = "record.json"
JUDGED = "judged.json"
# Of the dtypes that safetensors knows, those that an implementation may give.
STORABLE = {
    *("float64", "float32", "float16", "bool"),
    *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)),
}


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
    precision: Precision | None = None
    """What the subject declares to compute in, where that is not the dtype throughout."""
    omits: tuple[str, ...] = ()
    """What the subject does not give, and what is not compared for that."""
    unsteady: dict[str, float] = field(default_factory=dict)
    """By name, how far two calls with the same input were apart."""
    seed: int | None = None
    """That of its drawn inputs, where it is not the one that they always have."""
    recorded: bool = False
    """Whether the subject's numbers were computed elsewhere, at one point alone."""
    unread: bool = False
    """Whether what the optimizer keeps makes no difference to the subject's steps."""
    place: str = ""
    """File and line where the subject is written, relative to its project; empty if not known."""
    calls: tuple[str, ...] = ()
    """What the subject calls that is written in other files of its project, each with its place."""
    parts: tuple[str, ...] = ()
    """The files of the project in which parts of a user's own are registered."""
    chance: float = 0.0
    """Of one false alarm among all its comparisons; 0: it is judged by worst cases alone."""
    calibrated: tuple[str, ...] = ()
    """The references whose measured tables of a half precision hold where they ran."""
    batches: dict[str, Batch] = field(default_factory=dict)
    parameters: dict[Point, Parameters] = field(default_factory=dict)
    evaluations: dict[str, dict[Point, Tensors]] = field(default_factory=dict)
    errors: dict[str, dict[Point, str]] = field(default_factory=dict)
    slopes: dict[str, tuple[float, float, float]] = field(default_factory=dict)
    """Of the subject's own loss along a direction of each parameter (see `subjects`): difference
    quotients with steps h and 2h, and h. Measured only where something does not match."""
    tables: tuple[SlopeTable, ...] = ()
    """What its diagnosis shows beside its sentence; found again wherever it is judged again."""
    corrections: tuple[tuple[Correction, ...], ...] = ()
    """What the subject's diagnosis says in its sentence, part by part; several that no point tells
    apart. Found again, like the following."""
    exhibits: tuple[Exhibit, ...] = ()
    """The numbers at the worst place of what does not match."""
    judged: tuple[Row, ...] = ()
    """All rows, as they were judged, of a record of which not all was stored (see `without`)."""
    fingerprints: dict[str, str] = field(default_factory=dict)
    """What `hashes` gave before something was left out."""
    elements: int = 0
    """How many elements all its points have, as `count` gave it before something was left out."""
    work: int = 0
    """The multiplications of its certified evaluations before that (see `certainty`)."""

    def without(self, points: set[Point], judged: Iterable[Row]) -> Record:
        """The record without what was evaluated at some points; its rows stand for that."""
        kept = replace(
            self,
            parameters={p: values for p, values in self.parameters.items() if p not in points},
            evaluations={
                who: {p: values for p, values in given.items() if p not in points}
                for who, given in self.evaluations.items()
            },
            judged=tuple(judged),
            fingerprints=self.hashes(),
            elements=self.count(),
        )
        used = {self.batch_name(point) for point in kept.points()}
        kept.batches = {name: batch for name, batch in self.batches.items() if name in used}
        return kept

    @property
    def left_out(self) -> int:
        """How many of its comparisons cannot be judged again, as they were not stored."""
        points = set(self.points())
        return sum(Point(row.point, row.step) not in points for row in self.judged)

    def let_go(self, point: Point) -> None:
        """Let go of the memory that a point's arrays take up, where they lie in files."""
        let_go(self.parameters.get(point, {}))
        for evaluations in self.evaluations.values():
            let_go(evaluations.get(point, {}))

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
    def caveats(self) -> list[str]:
        """What a match is of, where it is not of what it usually is of: each in a clause."""
        found = []
        if self.recorded:
            found.append("one point was compared and no probe, for the numbers are recorded")
        if self.precision is not None:
            found.append(f"its bounds are those of {self.precision.told}")
        if self.recorded and self.recovered:
            found.append("its gradients are (W − W′)/η, as a step shows them")
        if self.seed is not None:
            found.append(f"its inputs were drawn from the seed {self.seed}")
        return found

    @property
    def slots(self) -> list[str]:
        """The names of what the optimizer keeps beside the parameters."""
        return list(optimizers.slot_shapes(self.network, self.optimizer))

    def names(self, point: Point) -> list[str]:
        """The names that are compared at a point."""
        later = point.name == DATA and point.step > 0
        chosen = [q for q in self.quantities if not later or q in quantities.STEP]
        if point.name in WITHOUT_CLASSES:
            chosen = [q for q in chosen if q != "accuracy"]
        names = quantities.expected(self.network, tuple(chosen), self.slots)
        return [name for name in names if name not in self.omits]

    def count(self) -> int:
        """How many elements are compared with each reference, at most."""
        if self.elements:
            return self.elements
        shapes = self.network.output_shapes
        widths = sum(prod(shapes[name]) for name in self.network.node_names)
        found = 0
        for point, state in self.parameters.items():
            # The loss; the activations, and as many units whose side of a kink may be open.
            found += 1 + 2 * len(self.batch(point).inputs) * widths
            found += sum(state[name].size for name in self.network.parameters)  # the gradients
            found += sum(values.size for values in state.values())  # what a step makes of it
        return found

    @property
    def saturates(self) -> bool:
        """Whether its points may saturate units, which only losses of logits bear."""
        return not self.mild and all(form.of == LOGITS.of for form in self.forms.values())

    def hashes(self) -> dict[str, str]:
        """Fingerprints of the data, the initial parameters and the network."""
        if self.fingerprints:
            return self.fingerprints
        network = json.dumps(self.network.to_json(), sort_keys=True).encode()
        batch = self.batches.get(DATA)
        start = self.parameters.get(Point(DATA, 0))
        return {
            "data": digest(batch.arrays()) if batch else "",
            "parameters": digest(start) if start else "",
            "network": digest({"network": np.frombuffer(network, np.uint8)}),
        }

    def save(self, folder: Path) -> None:
        """One JSON file, and one safetensors file for each implementation and for the points.

        Raises `OSError`; and `ValueError` for values that cannot be stored.
        """
        folder.mkdir(parents=True, exist_ok=True)
        inputs: Tensors = {}
        for name, batch in self.batches.items():
            inputs |= {f"batch/{name}/{key}": array for key, array in batch.arrays().items()}
        for point, values in self.parameters.items():
            inputs |= {f"at/{point.name}/{point.step}/{key}": v for key, v in values.items()}
        save_tensors(inputs, folder / "points.safetensors")
        for implementation in (SUBJECT, *self.references):
            tensors = {
                f"{point.name}/{point.step}/{name}": value
                for point, values in self.evaluations.get(implementation, {}).items()
                for name, value in values.items()
            }
            save_tensors(tensors, folder / f"{implementation}.safetensors")
        described = {
            "format": FORMAT,
            "pairing": self.pairing,
            "subject": self.subject,
            "place": self.place,
            "calls": self.calls,
            "parts": self.parts,
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
            **({} if self.precision is None else {"precision": precisions.to_json(self.precision)}),
            "omits": self.omits,
            "unsteady": self.unsteady,
            "chance": self.chance,
            **({"recorded": True} if self.recorded else {}),
            **({} if self.seed is None else {"seed": self.seed}),
            "unread": self.unread,
            "calibrated": self.calibrated,
            "forms": {name: to_json(form) for name, form in sorted(self.forms.items())},
            "slopes": self.slopes,
            "fingerprints": self.fingerprints,
            "elements": self.elements,
            "work": self.work,
            "errors": {
                implementation: [[p.name, p.step, text] for p, text in sorted(errors.items())]
                for implementation, errors in sorted(self.errors.items())
            },
        }
        write_json(folder / MARK, described)
        if self.judged:
            rows = [astuple(row) for row in self.judged]
            write_json(folder / JUDGED, {"columns": COLUMNS, "rows": rows}, indent=None)

    @classmethod
    def load(cls, folder: Path) -> Record:
        """What `save` wrote.

        Raises whatever a damaged file makes its reader raise; `archive.load` says it in a sentence.
        """
        described = json.loads((folder / MARK).read_text(encoding="utf-8"))
        record = cls(
            pairing=described["pairing"],
            subject=described["subject"],
            place=described.get("place", ""),
            calls=tuple(described.get("calls", ())),
            parts=tuple(described.get("parts", ())),
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
            precision=precisions.from_json(described["precision"])
            if "precision" in described
            else None,
            omits=tuple(described["omits"]),
            unsteady=described["unsteady"],
            chance=described.get("chance", 0.0),
            recorded=described.get("recorded", False),
            seed=described.get("seed"),
            unread=described.get("unread", False),
            calibrated=tuple(described["calibrated"]),
            slopes={name: tuple(found) for name, found in described["slopes"].items()},
            fingerprints=described.get("fingerprints", {}),
            elements=described.get("elements", 0),
            work=described.get("work", 0),
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
        record.batches = {name: Batch.of(arrays) for name, arrays in halves.items()}
        # The order of the parameters and slots, which a file does not keep.
        names = optimizers.state_names(record.network, record.optimizer)
        record.parameters = {
            point: {name: values[name] for name in names}
            for point, values in record.parameters.items()
        }
        for implementation in (SUBJECT, *record.references):
            path = folder / f"{implementation}.safetensors"
            record.evaluations[implementation] = dict(grouped(load_file(path)))
        if (folder / JUDGED).exists():
            told = json.loads((folder / JUDGED).read_text(encoding="utf-8"))
            record.judged = tuple(
                Row(**dict(zip(told["columns"], row, strict=True))) for row in told["rows"]
            )
            for row in record.judged:
                row.status = Status(row.status)
                graded = row.grade or (Grade.PROVEN if row.shape else None)
                row.grade = Grade(graded) if graded else None
        return record


def write_json(path: Path, described: Any, indent: int | None = 1) -> None:
    """Plain ASCII, readable; NumPy's numbers become Python's."""
    text = json.dumps(described, indent=indent, default=operator.methodcaller("item"))
    path.write_text(text + "\n", encoding="ascii", newline="\n")


def save_tensors(tensors: dict[str, Any], path: Path) -> None:
    """Arrays in C order, as files hold them, scalars being scalars."""
    given = {name: np.array(value, order="C", copy=None) for name, value in tensors.items()}
    for name, array in given.items():
        if array.dtype.name not in STORABLE:
            raise ValueError(f"{name} has dtype {array.dtype}, which no file holds")
    try:
        save_file(given, path)
    except SafetensorError as error:  # its own name for what the system refused: a full disk
        raise OSError(str(error)) from error


def grouped(tensors: Tensors) -> Iterator[tuple[Point, Tensors]]:
    """``probe/0/loss`` and so on, by point."""
    points: dict[Point, Tensors] = {}
    for key, value in tensors.items():
        name, step, rest = key.split("/", 2)
        points.setdefault(Point(name, int(step)), {})[rest] = value
    yield from points.items()
