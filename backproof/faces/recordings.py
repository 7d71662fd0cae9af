"""Recorded numbers as a pairing of one point: no probe can be asked, and no step but the one."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from backproof.comparison.pairing.pairing import Pairing
from backproof.faces.kept import report_of
from backproof.implementations.subject.recorded import Recorded, recorded
from backproof.implementations.subject.recorded_files import read
from backproof.mathematics import optimizers
from backproof.mathematics.arithmetic.rounding.forms import Form
from backproof.mathematics.arithmetic.rounding.model import held_in
from backproof.mathematics.arithmetic.rounding.precision import Precision, dtype_of
from backproof.mathematics.errors import UsageError
from backproof.mathematics.network import quantities
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.parameters import Batch
from backproof.mathematics.optimizers import Optimizer
from backproof.mathematics.optimizers.gradient_descent import GradientDescent
from backproof.mathematics.probes.drawn import drawn_targets
from backproof.reports.report import Report

# What follows from the inputs and parameters alone; the rest from the targets too.
FORWARD = ("activation", "parameter_count")


def judge_recorded(
    network: Network,
    given: Mapping[str, Any] | str | Path,
    *,
    references: Mapping[str, str | None],
    optimizer: Optimizer | None,
    dtype: str | None,
    precision: Precision | None = None,
    forms: Mapping[str, Form] | None,
    certified: bool,
    chance: float,
    time_limit: float,
    name: str,
    root: Path,
    of: tuple[str, ...] = quantities.KNOWN,
) -> Report:
    """Judge numbers that were computed elsewhere, at the one point that is known.

    Gradients that are what a step of gradient descent shows of them, (W − W′)/η, to the last bit,
    are judged as that, and the report says so; where no W′ was recorded, if they match as that.
    """
    pairing = pairing_of(
        network,
        given,
        references=references,
        optimizer=optimizer,
        dtype=dtype,
        precision=precision,
        forms=dict(forms or {}),
        name=name,
        of=of,
    )

    def judged(chosen: Pairing) -> Report:
        return report_of(
            chosen,
            chosen.traits.dtype or "float64",
            root,
            time_limit=time_limit,
            certified=certified,
            chance=chance,
        )

    if (shown := recovered(pairing, surely=True)) is not None:
        return judged(shown)
    report = judged(pairing)
    other = None if report.passed else recovered(pairing, surely=False)
    if other is not None and (again := judged(other)).passed:
        return again
    return report


def pairing_of(
    network: Network,
    given: Mapping[str, Any] | str | Path,
    *,
    references: Mapping[str, str | None],
    optimizer: Optimizer | None,
    dtype: str | None,
    precision: Precision | None = None,
    forms: Mapping[str, Form],
    name: str = "",
    of: tuple[str, ...] = quantities.KNOWN,
) -> Pairing:
    """The pairing whose subject is what was recorded; raises `UsageError` for what is missing.

    ``of``: the quantities that are asked for.
    """
    computed_in = dtype if precision is None else dtype_of(dtype, precision)
    if isinstance(given, Mapping):
        subject = recorded(given, network, dtype=computed_in, name=name or "recorded")
    else:
        path = Path(given)
        found = recorded(read(path), network, dtype=computed_in, name=str(path))
        subject = replace(found, name=name or path.stem)
    chosen = tuple(q for q in of if q != "updated" or optimizer is not None)
    if "targets" not in subject.batch:
        needing = sorted(n for n in subject.results if n.partition("/")[0] not in FORWARD)
        if needing:
            raise UsageError(
                f"{subject.name} holds {needing[0]}, and no targets (or upstream gradient), from "
                "which it follows: record them too, or leave it out"
            )
    if optimizer is None and any(n.startswith("updated/") for n in subject.results):
        raise UsageError(
            f"{subject.name} holds updated/…, but no optimizer is named whose step that is: name "
            "it, as in optimizer=GradientDescent(0.1), or leave it out"
        )
    check_state(subject, network, optimizer)
    return Pairing(
        name=subject.name,
        network=network,
        subject=subject,
        data=lambda: batch_of(subject, network),
        initial=lambda: subject.parameters,
        # Without an optimizer no step is compared; its rate then matters to nobody.
        optimizer=optimizer or GradientDescent(1.0),
        references=references,
        steps=1,
        quantities=chosen,
        forms=forms,
        partial=True,
        precision=precision,
    )


def check_state(subject: Recorded, network: Network, optimizer: Optimizer | None) -> None:
    """Refuse a state of an optimizer's that it does not keep, or of another shape."""
    known = {name: buffer.shape for name, buffer in network.buffers.items()}
    if optimizer is not None:
        known |= optimizers.slot_shapes(network, optimizer)
        known |= {optimizers.STEP_COUNT: ()} if optimizer.COUNTS else {}
    for name, value in subject.state.items():
        if name not in known:
            told = ", ".join([*network.parameters, *known])
            raise UsageError(
                f"{subject.name}: parameters/{name} is none of this network; there are {told}"
            )
        if value.shape != known[name]:
            raise UsageError(
                f"{subject.name}: parameters/{name} has shape {value.shape}, but should be "
                f"{known[name]}"
            )


def batch_of(subject: Recorded, network: Network) -> Batch:
    """The recorded batch; where no targets are known, nothing that is compared needs them."""
    inputs = subject.batch["inputs"]
    stream = np.random.default_rng(zlib.crc32(b"recorded"))
    targets = subject.batch.get("targets")
    if targets is None:
        targets = drawn_targets(network, stream, len(inputs)).astype(subject.dtype)
    return Batch.of({**subject.batch, "inputs": inputs, "targets": targets})


def recovered(pairing: Pairing, *, surely: bool) -> Pairing | None:
    """The same, its gradients taken as (W − W′)/η; None where a step tells no gradient.

    ``surely``: where W′ of each was recorded, and shows every gradient to the last bit. Else where
    no W′ shows another one.
    """
    subject, rate = pairing.subject, getattr(pairing.optimizer, "learning_rate", None)
    if not isinstance(subject, Recorded) or pairing.optimizer.name != "gradient_descent":
        return None
    gradients = {n: g for n, g in subject.results.items() if n.startswith("gradient/")}
    if not gradients or not rate or optimizers.slot_shapes(pairing.network, pairing.optimizer):
        return None
    kind = held_in(subject.dtype)
    for name, gradient in gradients.items():
        parameter = name.removeprefix("gradient/")
        after = subject.results.get(f"updated/{parameter}")
        before = subject.parameters.get(parameter)
        if after is None or before is None:
            if surely:
                return None
            continue
        if after.shape != before.shape or gradient.shape != before.shape:
            return None
        step = np.asarray(before, kind) - np.asarray(after, kind)
        shown = (step / np.asarray(rate, kind), step.astype("float64") / rate)
        if not any(np.array_equal(np.asarray(each, kind), gradient) for each in shown):
            return None
    return replace(pairing, recovered=True)
