"""The public face: verify an implementation from a script, a notebook or a test function."""

from __future__ import annotations

import math
import os
import secrets
import sys
import zlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np

from backproof.comparison.pairing.pairing import Pairing, Subject
from backproof.comparison.record import DEFINITION, FALSE_ALARM, MOST_CHANCE, SEED_BITS
from backproof.faces.kept import report_of
from backproof.faces.recordings import judge_recorded
from backproof.implementations.host.watched import TIME_LIMIT
from backproof.implementations.subject.declaration import traits_of, written
from backproof.implementations.worker import IN_WORKER
from backproof.mathematics.arithmetic.rounding.forms import Form
from backproof.mathematics.arithmetic.rounding.precision import Precision, dtype_of
from backproof.mathematics.checking import check_arguments
from backproof.mathematics.errors import UsageError
from backproof.mathematics.network import quantities
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.parameters import Batch
from backproof.mathematics.optimizers import Optimizer
from backproof.mathematics.optimizers.gradient_descent import GradientDescent
from backproof.mathematics.probes.drawn import drawn_batch, drawn_parameters
from backproof.reports.report import Report

# Samples of a batch that is drawn because none was given.
DRAWN_SAMPLES = 32


def verify(
    network: Network,
    subject: Subject | None = None,
    *,
    recorded: Mapping[str, Any] | str | Path | None = None,
    parameters: Mapping[str, Any] | str | None = None,
    batch: Batch | tuple[Any, Any] | None = None,
    references: Iterable[str] | Mapping[str, str | None] | None = None,
    optimizer: Optimizer | None = None,
    dtype: str | None = None,
    precision: Precision | None = None,
    steps: int = 10,
    forms: Mapping[str, Form] | None = None,
    points: Mapping[str, Mapping[str, Any]] | None = None,
    certified: bool = True,
    false_alarm: float = FALSE_ALARM,
    proven: bool = False,
    seed: int | Literal["random"] | None = None,
    time_limit: float = TIME_LIMIT,
    name: str = "",
    root: str | Path | None = None,
) -> Report:
    """Compare a subject with its references, and return the report.

    ``subject(parameters, batch)`` returns a dict of arrays by name: ``activation/dense_1``
    (samples, fan_out), ``loss``, ``gradient/dense_1/kernel`` (fan_in, fan_out),
    ``updated/dense_1/kernel`` (after one step of ``optimizer``), ``accuracy``,
    ``parameter_count``, … Any of them: what it does not give is not compared, and the report says
    so. It is called with these parameters and this batch (drawn, where none are given), along
    ``steps`` training steps if it gives the parameters after one, and at the probes.

    ``recorded``, in the place of a subject: what was computed elsewhere, as arrays by name, or a
    file or folder of them (``.npz``, ``.safetensors``). ``parameters``: arrays by name, or a
    weights file. ``batch``: a `Batch`, or inputs and targets.
    ``references``: names of frameworks, by default Keras and PyTorch, and for recorded numbers the
    definition alone; with a model ("models.py:make") where one is not to be built from the network;
    its path is relative to ``root``, by default the folder of the file that
    calls. ``dtype``: float64 or float32, by default what the subject declares, or float64.
    ``precision``: what it stores and accumulates in, whose bounds it is held to (a `Precision`).
    ``false_alarm``: the chance that correct code is called wrong, where rounding errors are taken
    as random; ``proven``: judge by worst cases alone, which no chance enters. ``seed``: of what is
    drawn, "random" for a fresh one, that no subject can know; the report tells it. ``time_limit``:
    seconds that the subject may take for one call, and a reference for an answer. The others are
    those of `Pairing`.

    A notebook shows the stage that it is at; a script shows nothing. The processes of the
    references are kept for the next call, and end with this one. Raises
    `UsageError` where the question itself is wrong; whatever the subject does is in the report.
    """
    check_arguments(verify, locals())
    check_limits("verify", time_limit, false_alarm)
    if IN_WORKER in os.environ:
        raise UsageError(
            "verify was called while a reference's model was loaded: keep models in a file of "
            "their own, not in the script that verifies"
        )
    if (subject is None) == (recorded is None):
        raise UsageError("verify: give a subject, or recorded=… in its place")
    if recorded is not None:
        if (parameters, batch, points) != (None, None, None):
            raise UsageError(
                "verify(recorded=…): inputs, targets and parameters are among what was recorded; "
                "leave batch, parameters and points out"
            )
        return judge_recorded(
            network,
            recorded,
            references=models_of((DEFINITION,) if references is None else references),
            optimizer=optimizer,
            dtype=dtype,
            precision=precision,
            forms=forms,
            certified=certified,
            chance=0.0 if proven else false_alarm,
            time_limit=time_limit,
            name=name,
            root=Path.cwd() if root is None else Path(root),
        )
    assert subject is not None
    declared = traits_of(subject)
    computed_in = dtype_of(dtype or declared.dtype, precision)
    if declared.dtype not in (None, computed_in):
        raise UsageError(f"the subject computes in {declared.dtype}: leave dtype={dtype!r} out")
    if optimizer is None and declared.rate is not None:
        optimizer = GradientDescent(declared.rate)
    models = models_of(("keras", "torch") if references is None else references)
    chosen = seed_of(seed)
    stream = stream_for("verify", chosen)
    pairing = Pairing(
        name=name or name_of(subject),
        network=network,
        subject=subject,
        data=lambda: batch_of(batch, network, stream),
        initial=parameters
        if isinstance(parameters, str)
        else lambda: drawn_parameters(network, stream) if parameters is None else parameters,
        # Without an optimizer no step is compared; its rate then matters to nobody.
        optimizer=optimizer or GradientDescent(1.0),
        references=models,
        steps=steps,
        quantities=tuple(q for q in quantities.KNOWN if q != "updated" or optimizer is not None),
        points=None if points is None else lambda: points,
        forms=dict(forms or {}),
        partial=True,
        precision=precision,
    )
    if root is not None:
        folder = Path(root)
    elif named_files({"references": models, "parameters": parameters}):
        folder = caller_folder(sys._getframe(1))
    else:
        folder = Path.cwd()
    return report_of(
        pairing,
        computed_in,
        folder,
        time_limit=time_limit,
        certified=certified,
        chance=0.0 if proven else false_alarm,
        seed=chosen,
    )


def seed_of(given: int | Literal["random"] | None) -> int | None:
    """A seed: a fresh one if it is to be random; None for what is drawn always."""
    if given == "random":
        return secrets.randbits(SEED_BITS)
    if given is not None and given < 0:
        raise UsageError(f"seed={given}: give a whole number of at least 0, or 'random'")
    return given


def stream_for(what: str, seed: int | None) -> np.random.Generator:
    """The random numbers of a drawn point."""
    known = zlib.crc32(what.encode())
    return np.random.default_rng(known if seed is None else [known, seed])


def models_of(references: Iterable[str] | Mapping[str, str | None]) -> dict[str, str | None]:
    """The references with their models; raises `UsageError` if there is none."""
    models = dict(references) if isinstance(references, Mapping) else dict.fromkeys(references)
    if not models:
        raise UsageError("references is empty: name one, as in references=['torch']")
    return models


def check_limits(function: str, time_limit: float, false_alarm: float) -> None:
    """Raise `UsageError` for a limit that is none, or a chance at which a run proves nothing."""
    if time_limit <= 0 or not math.isfinite(time_limit):
        raise UsageError(f"{function}(time_limit={time_limit!r}): give a number of seconds above 0")
    if not 0 <= false_alarm <= MOST_CHANCE:
        raise UsageError(
            f"{function}(false_alarm={false_alarm!r}): give a chance from 0 to {MOST_CHANCE}, as "
            "1e-9"
        )


def assert_equivalent(network: Network, subject: Subject, **options: Any) -> Report:
    """For a test function: `verify`, with an AssertionError that says why unless all is well.

    Takes the same arguments, and returns the report.
    """
    __tracebackhide__ = True  # pytest then points at the test
    if options.get("root") is None and named_files(options):
        options["root"] = caller_folder(sys._getframe(1))
    report = verify(network, subject, **options)
    report.assert_match()
    return report


def named_files(options: Mapping[str, Any]) -> bool:
    """Whether a path is among the arguments, which is relative to the file that calls."""
    references = options.get("references")
    models = references.values() if isinstance(references, Mapping) else ()
    return any(models) or isinstance(options.get("parameters"), str)


def name_of(subject: Callable[..., Any]) -> str:
    """What a report calls the subject: the name it was defined with."""
    inner = written(subject)
    name: str = getattr(inner, "__name__", type(inner).__name__)
    return "subject" if name == "<lambda>" else name


def batch_of(
    given: Batch | tuple[Any, Any] | None, network: Network, stream: np.random.Generator
) -> Batch:
    """The batch itself, or one made of inputs and targets, or a drawn one."""
    if given is None:
        return drawn_batch(network, stream, DRAWN_SAMPLES)
    if isinstance(given, Batch):
        return given
    return Batch(*given)


def caller_folder(frame: Any) -> Path:
    """The folder of the calling file; the current one where there is none, as in a notebook."""
    file = frame.f_globals.get("__file__")
    return Path(file).resolve().parent if file else Path.cwd()
