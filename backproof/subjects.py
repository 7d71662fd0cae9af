"""Running the subject: at the start, at every probe, and along its own training steps."""

from __future__ import annotations

import difflib
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from backproof import optimizers, quantities
from backproof.errors import EvaluationError, told
from backproof.pairing import Pairing
from backproof.parameters import Batch, Parameters
from backproof.probes import probes
from backproof.protocol import Tensors
from backproof.record import DATA, SUBJECT, Point, Record
from backproof.rounding import HALF, Rounding, held_in, round_to


def evaluate(pairing: Pairing, parameters: Parameters, batch: Batch) -> Tensors:
    """Call the subject on copies, and return what it gave as arrays; raises `EvaluationError`."""
    try:
        given = pairing.subject({name: array.copy() for name, array in parameters.items()}, batch)
        results = {str(name): as_array(str(name), value) for name, value in given.items()}
    except EvaluationError:
        raise
    except Exception as error:  # the subject is user code
        raise EvaluationError(f"the subject raised {told(error)}") from error
    slots = optimizers.slot_shapes(pairing.network, pairing.optimizer)
    known = quantities.expected(pairing.network, slots=slots)
    for name in results:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            raise EvaluationError(
                f"the subject gave {name!r}, which this network does not have"
                + (f"; did you mean {near[0]!r}?" if near else f"; it has {', '.join(known)}")
            )
    return results


def as_array(name: str, value: Any) -> np.ndarray[Any, Any]:
    """A copy of a value as an array of numbers; a subject may use its buffers again."""
    array = np.array(value)
    if array.dtype.kind not in "fiub":
        raise EvaluationError(
            f"the subject gave {name} as an array of {array.dtype}; give an array of numbers"
        )
    return array


def run(pairing: Pairing, record: Record, root: Path) -> Iterator[Point]:
    """Evaluate the subject wherever it is to be compared; yields each point when it is known.

    The points on the data are the subject's own training run: each step starts where the one
    before has led it. A subject that fails at a point leaves an error there; where that cuts the
    run short, the error stands at all the steps that are missing.
    """
    evaluations = record.evaluations.setdefault(SUBJECT, {})
    errors = record.errors.setdefault(SUBJECT, {})

    def visit(point: Point, parameters: Parameters, batch: Batch) -> Tensors | None:
        record.parameters[point] = parameters
        try:
            results = evaluate(pairing, parameters, batch)
        except EvaluationError as error:
            errors[point] = str(error)
            return None
        state = quantities.expected(pairing.network, ("updated",), record.slots)
        wanted = {*record.names(point), *state}
        evaluations[point] = {name: v for name, v in results.items() if name in wanted}
        return evaluations[point]

    data, initial = pairing.start(root, record.dtype)
    further = pairing.further(record.dtype)
    record.batches[DATA] = data
    fresh = at_rest(pairing, record.dtype)
    state = initial | fresh
    steps = pairing.steps if "updated" in pairing.quantities else 1
    for step in range(steps):
        point = Point(DATA, step)
        if pairing.minibatch is not None:
            record.batches[f"{DATA}@{step}"] = pairing.cut(data, step)
        results = visit(point, state, record.batch(point))
        yield point
        if step + 1 == steps:
            break
        following = next_state(pairing, results, step + 1, record.dtype)
        if following is None:
            missing = "the step before gave no usable parameters: see updated/… there"
            errors |= {Point(DATA, later): missing for later in range(step + 1, steps)}
            break
        state = following
    for name, parameters in further.items():
        point = Point(name, 0)
        visit(point, parameters | fresh, data)
        yield point
    for probe in probes(
        pairing.network, pairing.optimizer, record.dtype, saturates=pairing.saturates
    ):
        record.batches[probe.name] = probe.batch
        point = Point(probe.name, 0)
        visit(point, probe.parameters, probe.batch)
        yield point


def at_rest(pairing: Pairing, dtype: str) -> Parameters:
    """What the optimizer holds before the first step: slots of zeros, no step made."""
    shapes = optimizers.slot_shapes(pairing.network, pairing.optimizer)
    slots: Parameters = {name: np.zeros(shape, held_in(dtype)) for name, shape in shapes.items()}
    return slots | counted(pairing, 0, dtype)


def counted(pairing: Pairing, steps: int, dtype: str) -> Parameters:
    """The number of steps made before, if the optimizer wants it."""
    if not pairing.optimizer.COUNTS:
        return {}
    return {optimizers.STEP_COUNT: np.asarray(steps, held_in(dtype))}


def next_state(
    pairing: Pairing, results: Tensors | None, steps: int, dtype: str
) -> Parameters | None:
    """The state after so many steps, if the subject gave it in full and finite.

    In half precision it is rounded to numbers of that, which the references can take.
    """
    if results is None:
        return None
    shapes = pairing.network.shapes() | optimizers.slot_shapes(pairing.network, pairing.optimizer)
    given = {name: results.get(f"updated/{name}") for name in shapes}
    good: Parameters = {
        name: array
        for name, array in given.items()
        if array is not None
        and array.dtype.kind == "f"
        and array.shape == shapes[name]
        and bool(np.isfinite(array).all())
    }
    if good.keys() != shapes.keys():
        return None
    if dtype in HALF:
        good = {name: round_to(array, dtype) for name, array in good.items()}
    return good | counted(pairing, steps, str(next(iter(good.values())).dtype))


SLOPES_AT = Point("general", 0)
"""Where the subject's own loss is differentiated: an ordinary point, far from kinks."""


def direction(name: str, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    """A direction of ones and minus ones in the space of a parameter."""
    return np.random.default_rng(zlib.crc32(name.encode())).choice((-1.0, 1.0), size=shape)


def measure_slopes(pairing: Pairing, record: Record) -> None:
    """Difference quotients of the subject's own loss along each parameter, into the record.

    With steps h and 2h, where h is the cube root of the unit roundoff in proportion to the
    parameter: there truncation and rounding of a central difference are about alike. A subject
    that gives no loss has none, and one that fails there has none of that parameter.
    """
    state = record.parameters.get(SLOPES_AT)
    if state is None or "loss" not in record.names(SLOPES_AT):
        return
    batch = record.batch(SLOPES_AT)

    def loss(name: str, step: float) -> float:
        moved = state[name] + step * direction(name, state[name].shape)
        given = evaluate(pairing, {**state, name: moved.astype(state[name].dtype)}, batch)
        if "loss" not in given or given["loss"].shape:
            raise EvaluationError("the subject gave no loss")
        return float(given["loss"])

    root = Rounding.of(held_in(record.dtype)).unit ** (1 / 3)
    for name in pairing.network.shapes():
        h = root * float(np.abs(state[name]).max() or 1)
        try:
            near, far = ((loss(name, step) - loss(name, -step)) / (2 * step) for step in (h, 2 * h))
        except EvaluationError:
            continue
        if np.isfinite([near, far]).all():
            record.slopes[name] = (near, far, h)
