"""Golden files: inputs, right results, and by how much each element of code's own may differ.

An element's allowed difference is 2r: the value that stands there and the code's own each lie
within r of the exact result, r being the bound of correct code in that precision (docs/bounds.md).
So |mine − expected| ≤ allowed is all that a reader has to ask, in any language, of each element.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

from backproof.comparison.bounds.bound import WEAKEST_POWER, Bound, enough
from backproof.comparison.bounds.bounds import Bounds
from backproof.comparison.judging.rows import Grade
from backproof.comparison.record import DEFINITION, FALSE_ALARM
from backproof.comparison.record.record import SUBJECT, Point, Record
from backproof.mathematics.arithmetic.rounding.model import inflated, round_to
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.parameters import Batch, Parameters
from backproof.mathematics.network.quantities import INPUT_GRADIENT
from backproof.mathematics.optimizers import Optimizer

QUANTITIES = ("activation", "loss", "gradient", INPUT_GRADIENT)
FORMAT = "backproof-golden-1"
# So many numbers are written as JSON too, which every language reads without a library.
MOST_IN_JSON = 20_000
# JSON has no infinity; whatever a number is, it is not off by more.
LARGEST = float(np.finfo(np.float64).max)


@dataclass(frozen=True, eq=False)
class Golden:
    """One point: what goes in, what comes out, and how far from that correct code may be.

    ``power``: by name, the smallest share of the largest element that is sure to be seen.
    ``graded``: by name, by which bound.
    """

    point: str
    dtype: str
    given: Mapping[str, NDArray[Any]]
    expected: Mapping[str, NDArray[Any]]
    allowed: Mapping[str, NDArray[Any]]
    power: Mapping[str, float]
    graded: Mapping[str, Grade]

    @property
    def weak(self) -> list[str]:
        """The results of which an element could be off by an eighth of the largest, unseen."""
        return [name for name, power in self.power.items() if not power <= WEAKEST_POWER]

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Every array of the file by its name."""
        return {
            **self.given,
            **{f"expected/{name}": value for name, value in self.expected.items()},
            **{f"allowed/{name}": value for name, value in self.allowed.items()},
        }

    def described(self) -> dict[str, Any]:
        """What it is, as the JSON file says it."""
        return {
            "format": FORMAT,
            "point": self.point,
            "dtype": self.dtype,
            "power": dict(self.power),
            "bound": {name: str(grade) for name, grade in self.graded.items()},
        }

    def write(self, folder: Path) -> list[Path]:
        """Write it as safetensors, and as JSON where it is small; returns the files."""
        path = folder / f"{self.point}.safetensors"
        tensors = self.tensors()
        # One entry, for several stand in any order.
        described = {"golden": json.dumps(self.described())}
        # Not `save_file`, which lets nobody else read it.
        path.write_bytes(save({n: np.array(v, order="C") for n, v in tensors.items()}, described))
        written = [path]
        if sum(value.size for value in tensors.values()) <= MOST_IN_JSON:
            told = {
                name: {"shape": list(value.shape), "data": np.ravel(value).tolist()}
                for name, value in tensors.items()
            }
            text = json.dumps({**self.described(), "tensors": told}, separators=(",", ":"))
            written.append(folder / f"{self.point}.json")
            # A line for each tensor: a change of one is then seen as that.
            text = text.replace('},"', '},\n"')
            written[-1].write_text(f"{text}\n", encoding="ascii", newline="\n")
        return written


def golden(
    network: Network,
    optimizer: Optimizer | None,
    points: Mapping[str, tuple[Parameters, Batch]],
    dtype: str,
    *,
    chance: float = FALSE_ALARM,
) -> Iterable[Golden]:
    """The golden file of each point; with what a step of the optimizer makes, if there is one.

    ``chance``: of one false alarm, where a worst case says too little; 0 for worst cases alone.
    """
    from backproof.mathematics.optimizers.gradient_descent import GradientDescent

    record = Record(
        pairing="golden",
        subject="",
        network=network,
        optimizer=optimizer or GradientDescent(1.0),
        dtype=dtype,
        quantities=(*QUANTITIES, "updated") if optimizer is not None else QUANTITIES,
        waivers=(),
        references=(DEFINITION,),
        steps=1,
        chance=chance,
    )
    for name, (parameters, batch) in points.items():
        record.batches[name] = batch.astype(dtype)
        record.parameters[Point(name, 0)] = {
            key: round_to(np.asarray(value), dtype) for key, value in parameters.items()
        }
    bounds = Bounds(record)
    for point in record.parameters:
        yield at(record, bounds, point)


def at(record: Record, bounds: Bounds, point: Point) -> Golden:
    """The golden file of one point of a record."""
    proven = bounds.at(SUBJECT, point)
    wanted = [
        name
        for name in record.names(point)
        if name in proven.values and np.isfinite(proven.values[name]).all()
    ]
    chosen: dict[str, tuple[Bound, Grade]] = dict.fromkeys(wanted, (proven, Grade.PROVEN))
    if record.chance:
        for name in wanted:
            if not proven.power(name) <= enough(record.dtype, point.name, point.step):
                other = bounds.statistical(SUBJECT, point)
                if other.power(name) < proven.power(name):
                    chosen[name] = (other, Grade.STATISTICAL)
    batch = record.batch(point).arrays()
    state = {f"parameters/{name}": value for name, value in record.parameters[point].items()}
    return Golden(
        point.name,
        record.dtype,
        {**batch, **state},
        {name: np.asarray(bound.values[name], np.float64) for name, (bound, _) in chosen.items()},
        {
            name: np.fmin(2 * inflated(2) * np.asarray(bound.radii[name], np.float64), LARGEST)
            for name, (bound, _) in chosen.items()
        },
        {name: bound.power(name) for name, (bound, _) in chosen.items()},
        {name: grade for name, (_, grade) in chosen.items()},
    )
