"""Precisions: what an operation of a half-precision framework computes in, found by measurement.

A framework may sum products of bfloat16 numbers in bfloat16, or in float32 and round once; take a
softmax apart into steps that each round, or not. Which, is stated nowhere, and differs between its
own operations. So each is given sums whose terms cancel or drown one another, and functions all
their arguments; the finest precision whose bound holds every result (`HalfOps`) is declared, and
kept in `precisions.csv`. What is declared is charged by the very rule that it was found with.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, fields, replace
from math import inf
from typing import Any

from backproof.implementations import frameworks
from backproof.implementations.calibration.inputs import Tensors, Trial
from backproof.implementations.host import processor
from backproof.mathematics import losses
from backproof.mathematics.arithmetic.balls.half import STEPS
from backproof.mathematics.arithmetic.rounding.model import MACHINES, Rounding
from backproof.mathematics.functions import ACTIVATIONS, Activation

# An implementation in one mode: function and arrays in, results by name out.
Apply = Callable[[str | Activation, Tensors], Tensors]

# What an operation may compute in, from the finest; the coarsest is the dtype itself.
WIDER = ("float64", "float32")


@dataclass(frozen=True)
class Precision:
    """What one operation computes in, and how certain that is.

    ``underflow``: whether results below the smallest normal number round as subnormal numbers
    ("gradual") or may be 0 ("flushed"). ``used``: the largest share of its bound that a result took
    up; above 1, no rule holds. ``finer``: the same for the next finer precision, which is excluded.
    """

    implementation: str
    mode: str
    operation: str
    dtype: str
    precision: str
    underflow: str
    used: float
    finer: float
    results: int


def measure(
    implementation: str, mode: str, apply: Apply, model: Rounding, tried: list[Trial]
) -> list[Precision]:
    """What each operation computes in; the model has the charges of the implementation's functions.

    One after another: what is found of an activation counts where its loss is tried.
    """
    by_operation: dict[str, list[Trial]] = {}
    for trial in tried:
        by_operation.setdefault(trial.operation, []).append(trial)
    found = []
    for operation, its in by_operation.items():
        calls = [(trial, apply(trial.function, trial.given)) for trial in its]
        results = sum(reply[trial.result].size for trial, reply in calls)
        precision, underflow, used, finer = explained(operation, calls, model)
        model = model.computing(operation, precision, underflow)
        names = (implementation, mode, operation, model.dtype)
        found.append(Precision(*names, precision, underflow, used, finer, results))
    return found


def explained(
    operation: str, calls: list[tuple[Trial, Tensors]], rounding: Rounding
) -> tuple[str, str, float, float]:
    """The finest precision and gentlest underflow that hold all errors, and the shares used."""
    finer, used = 0.0, inf
    underflows = ("gradual", "flushed") if rounding.dtype == "float16" else ("flushed",)
    between = (STEPS,) if in_steps(operation) else ()
    for precision in (*WIDER, *between, rounding.dtype):
        for underflow in underflows:
            model = rounding.computing(operation, precision, underflow)
            used = max(trial.share(reply, model) for trial, reply in calls)
            if used <= 1:
                return precision, underflow, used, finer
        finer = used
    return rounding.dtype, "flushed", used, finer


def in_steps(operation: str) -> bool:
    """Whether there is a rule for steps that round inside of it."""
    name, _, part = operation.partition(" ")
    if name in losses.names():
        return f" {part}" in losses.named(name).rounded_steps()
    if name not in ACTIVATIONS.names():
        return False
    method = "vjp_steps" if part else "value_steps"
    return getattr(ACTIVATIONS.get(name), method) is not getattr(Activation, method)


def to_csv(found: list[Precision]) -> str:
    """The table as it is kept in ``precisions.csv``."""
    ordered = sorted(found, key=lambda p: (p.implementation, p.mode, p.operation, p.dtype))
    return written(
        [
            replace(each, used=float(f"{each.used:.3g}"), finer=float(f"{each.finer:.3g}"))
            for each in ordered
        ],
        Precision,
    )


def written(rows: Sequence[Any], kind: type[Any]) -> str:
    """Dataclasses as CSV, one a line."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([field.name for field in fields(kind)])
    writer.writerows(map(astuple, rows))
    return text.getvalue()


@dataclass(frozen=True)
class Machine:
    """Where the charges and precisions of an implementation in a dtype were measured."""

    implementation: str
    dtype: str
    software: str
    hardware: str

    @classmethod
    def here(cls, implementation: str, dtype: str) -> Machine:
        """This one."""
        software = processor.software(frameworks.traits(implementation).packages)
        return cls(implementation, dtype, software, processor.hardware())


def measured_here(implementation: str, dtype: str) -> bool:
    """Whether the tables were measured with the versions, and on a processor, as they are here."""
    here = Machine.here(implementation, dtype)
    lines = csv.DictReader(MACHINES.read_text(encoding="utf-8").splitlines())
    return here in [Machine(**line) for line in lines] and "unknown" not in here.hardware


def hold(apply: Apply, model: Rounding, tried: list[Trial]) -> bool:
    """Whether an implementation keeps to what its model declares, in all that it is tried on."""
    return all(trial.share(apply(trial.function, trial.given), model) <= 1 for trial in tried)


def machines_to_csv(found: list[Machine]) -> str:
    """The table as it is kept in ``machines.csv``."""
    return written(sorted(found, key=lambda each: (each.implementation, each.dtype)), Machine)


def renewed(kept: str, found: str) -> str:
    """A table, its lines on the implementations and dtypes that were measured now replaced."""
    old, new = (list(csv.DictReader(text.splitlines())) for text in (kept, found))
    measured = {(line["implementation"], line["dtype"]) for line in new}
    rest = [line for line in old if (line["implementation"], line["dtype"]) not in measured]
    text = io.StringIO()
    writer = csv.DictWriter(text, new[0], lineterminator="\n")
    writer.writeheader()
    writer.writerows(sorted(rest + new, key=lambda line: tuple(line.values())))
    return text.getvalue()
