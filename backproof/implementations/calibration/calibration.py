"""Calibration: everything that is measured of implementations, and whether it holds here.

`backproof calibrate` renews the tables: how many ulps functions err (`ulps`), and what operations
of half precision compute in (`precisions`), which depends on the machine too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from math import ceil
from pathlib import Path

import numpy as np
from flint import arb
from numpy.typing import NDArray

from backproof.implementations import frameworks
from backproof.implementations.calibration import precisions, ulps
from backproof.implementations.calibration.inputs import Tensors, trials
from backproof.implementations.calibration.precisions import Apply, Machine, Precision
from backproof.implementations.calibration.ulps import EXACT, LOCAL, Measured
from backproof.implementations.client import Worker
from backproof.mathematics import functions
from backproof.mathematics.arithmetic.rounding.model import HALF, Rounding, declaring
from backproof.mathematics.functions import Activation

Values = NDArray[np.floating]


@dataclass(frozen=True)
class Tables:
    """All that is measured, as it is kept."""

    measured: list[Measured]
    precisions: list[Precision]
    machines: list[Machine]

    def to_csv(self) -> dict[str, str]:
        """The tables' texts, by file name."""
        return {
            "charges.csv": ulps.to_csv(self.measured),
            "precisions.csv": precisions.to_csv(self.precisions),
            "machines.csv": precisions.machines_to_csv(self.machines),
        }


def calibrate(
    names: list[str], dtypes: list[str], root: Path, on_stage: Callable[[str], object]
) -> Tables:
    """Measure NumPy, SciPy and every framework named, in every dtype; one worker after another.

    In half precision also what the frameworks' operations compute in, as they are compared.
    """
    measured: list[Measured] = []
    found: list[Precision] = []
    for dtype in dtypes:
        known: dict[str, tuple[Values, list[arb]]] = {}
        tried = trials(dtype) if dtype in HALF else []
        if dtype not in HALF:
            for name, functions in LOCAL.items():
                on_stage(f"{name} {dtype}")
                compute = partial(called, functions)
                with np.errstate(all="ignore"):
                    measured += ulps.measure(name, "eager", dtype, compute, list(functions), known)
        for name in names:
            traits = frameworks.traits(name)
            with Worker(name, dtype, root) as worker:
                for mode in sorted(worker.wait(worker.request({"do": "modes"}))[1]):
                    on_stage(f"{name} {mode} {dtype}")
                    apply = partial(asked, worker, mode)
                    here = ulps.measure(
                        name, mode, dtype, partial(valued, apply), [*EXACT, "softmax"], known
                    )
                    measured += here
                    charges = tuple((m.function, ceil(100 * m.charged) / 100) for m in here)
                    model = declaring(traits, Rounding.of(dtype, charges))
                    model = replace(model, whole=True)
                    if mode in traits.modes:
                        found += precisions.measure(name, mode, apply, model, tried)
    half = [dtype for dtype in dtypes if dtype in HALF]
    machines = [Machine.here(name, dtype) for name in names for dtype in half]
    return Tables(measured, found, machines)


def kept(worker: Worker, dtype: str) -> bool:
    """Whether a framework keeps to what is declared of it, tried here in every way it is called."""
    traits = frameworks.traits(worker.framework)
    model, tried = Rounding.declared(traits, dtype, calibrated=True), trials(dtype, draws=1)
    return all(precisions.hold(partial(asked, worker, mode), model, tried) for mode in traits.modes)


def valued(apply: Apply, function: str, x: Values) -> Values:
    """The value of a function of one array."""
    return apply(function, {"x": x})["y"]


def asked(worker: Worker, mode: str, function: str | Activation, given: Tensors) -> Tensors:
    """A function of a worker's framework."""
    named = function if isinstance(function, str) else functions.to_json(function)
    request = {"do": "apply", "function": named, "mode": mode}
    return worker.wait(worker.request(request, given))[1]


def called(functions: dict[str, Callable[[Values], Values]], name: str, x: Values) -> Values:
    """The named one of the functions, of x."""
    return functions[name](x)
