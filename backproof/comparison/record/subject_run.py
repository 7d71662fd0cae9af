"""Running the subject: at the start, at every probe, and along its own training steps."""

from __future__ import annotations

import difflib
import time
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from backproof.comparison.pairing.pairing import Pairing, Subject
from backproof.comparison.record.record import DATA, SUBJECT, Point, Record
from backproof.implementations.host import watched
from backproof.implementations.host.mapped import mapped
from backproof.implementations.protocol import Tensors
from backproof.implementations.subject import calling
from backproof.mathematics import optimizers
from backproof.mathematics.arithmetic.rounding.model import HALF, Rounding, held_in, round_to
from backproof.mathematics.checking import came, masked, odd_element, quoted
from backproof.mathematics.errors import EvaluationError
from backproof.mathematics.network import quantities
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.parameters import Batch, Parameters
from backproof.mathematics.optimizers import Optimizer
from backproof.mathematics.places import origin
from backproof.mathematics.probes.probes import Bears, probes

START = Point(DATA, 0)
# The character of numpy.longdouble, also where it is no wider than float64.
LONG = "g"
UNSTEADY = "the subject is not deterministic: called twice with the same input, it"
REMEDY = "seed it, or begin anew at each call, with adapters.anew(make)"
KEEPS = (
    "if it keeps the state of its optimizer in itself, put {names} into it before each step, and "
    "take what is there after: adapters.stateful, docs/own_code.md, An optimizer that is a class"
)


# How often a subject is called, at least, if that takes no longer than so many seconds.
CALLS, PATIENCE = 200, 1.0
SMALL = ("one_sample", "one_class")


class UnfitError(EvaluationError):
    """A subject that is not to be compared, whatever it gives at other points."""


def given_by(
    subject: Subject, parameters: Parameters, batch: Batch, limit: float | None = None
) -> Tensors:
    """Call a subject on copies, and return what it gave as arrays; raises `EvaluationError`."""

    def answer() -> Tensors:
        own = {name: array.copy() for name, array in parameters.items()}
        given = calling.plain(subject(own, batch))
        if not isinstance(given, Mapping):
            raise EvaluationError(
                f"the subject returned {type(given).__name__}; return a dict of arrays by name"
            )
        return {str(name): as_array(str(name), value) for name, value in given.items()}

    with calling.unchanged(batch):
        results: Tensors = calling.call(answer, limit, subject)
    return results


def evaluate(
    pairing: Pairing, parameters: Parameters, batch: Batch, limit: float | None = None
) -> Tensors:
    """What the pairing's subject gives, under names that the network has."""
    results = given_by(pairing.subject, parameters, batch, limit)
    slots = optimizers.slot_shapes(pairing.network, pairing.optimizer)
    known = quantities.expected(pairing.network, slots=slots)
    for name in results:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            raise EvaluationError(
                f"the subject gave {quoted(name)}, which this network does not have"
                + (f"; did you mean {near[0]!r}?" if near else f"; it has {', '.join(known)}")
            )
    held = pairing.network.shapes() | slots
    return {
        name: array
        if name.startswith("activation/")
        else without_leading_ones(array, held.get(quantities.split(name)[1], ()))
        for name, array in results.items()
    }


def without_leading_ones(
    array: np.ndarray[Any, Any], shape: tuple[int, ...]
) -> np.ndarray[Any, Any]:
    """An array of that shape, if leading axes of length 1 are all that is too many.

    A sum over the samples that keeps its axis gives a bias's gradient as (1, units), and a product
    of matrices a loss as (1, 1): the same numbers, in the same order. Whatever else is of another
    shape stays so, and is an error.
    """
    ones = array.ndim - len(shape)
    return array.reshape(shape) if array.shape == (1,) * ones + shape else array


def as_array(name: str, value: Any) -> np.ndarray[Any, Any]:
    """A copy of a value as an array of numbers; a subject may use its buffers again.

    More digits than float64's are rounded off: no reference has them.
    """
    if missing := masked(value):
        raise EvaluationError(f"the subject gave {name} with {missing}; give every element")
    # In two steps, for `np.array` asks PyTorch's tensors for a copy in a way that they do not know.
    try:
        array = np.asarray(value).copy()
    except (ValueError, TypeError, RuntimeError) as error:
        if origin(error) is not None:
            raise  # its own code: told with its place
        raise EvaluationError(
            f"the subject gave {name} as {came(value)}; no array can be made of it ({error})"
        ) from error
    array = array.astype(array.dtype.newbyteorder("="), copy=False)
    if array.dtype.char == LONG:
        with np.errstate(over="ignore"):  # what is beyond float64 is infinite, and told as that
            array = array.astype(np.float64)
    if array.dtype.kind == "O":
        raise EvaluationError(
            f"the subject gave {name} as an array of objects, with {odd_element(array)}; give an "
            "array of numbers"
        )
    if array.dtype.kind not in "fiub":
        raise EvaluationError(
            f"the subject gave {name} as an array of {array.dtype}; give an array of numbers"
        )
    return array


def run(
    pairing: Pairing, record: Record, root: Path, limit: float | None = None
) -> Iterator[Point]:
    """Evaluate the subject wherever it is to be compared; yields each point when it is known.

    The points on the data are the subject's own training run: each step starts where the one
    before has led it. A subject that fails at a point leaves an error there; where that cuts the
    run short, the error stands at all the steps that are missing. One that hangs, for longer than
    ``limit`` seconds, is not asked again.
    """
    evaluations = record.evaluations.setdefault(SUBJECT, {})
    errors = record.errors.setdefault(SUBJECT, {})
    lost = ""

    def visit(point: Point, parameters: Parameters, batch: Batch) -> Tensors | None:
        nonlocal lost
        record.parameters[point] = mapped(parameters)
        try:
            if lost:
                raise EvaluationError(lost)
            at = f"{point.name}, step {point.step}"
            with watched.doing(f"calling the subject of {pairing.name} at {at}", limit=limit):
                results = evaluate(pairing, parameters, batch, limit)
            if point == START:
                omit(pairing, record, results)
        except EvaluationError as error:
            errors[point] = str(error)
            if isinstance(error, calling.HungError | UnfitError):
                lost = str(error)
            return None
        state = quantities.expected(pairing.network, ("updated",), record.slots)
        wanted = {*record.names(point), *state}
        evaluations[point] = mapped({name: v for name, v in results.items() if name in wanted})
        return evaluations[point]

    data, initial = pairing.start(root, record.dtype, limit)
    further = pairing.further(record.dtype, limit)
    record.batches[DATA] = data
    fresh = at_rest(pairing.network, pairing.optimizer, record.dtype)
    state = initial | fresh | dict(getattr(pairing.subject, "state", {}) if record.recorded else {})
    try:
        calling.open_subject(pairing.subject, pairing.network, pairing.optimizer, record.dtype)
    except EvaluationError as error:
        lost = str(error)
    for step in range(record.steps):
        point = Point(DATA, step)
        if pairing.minibatch is not None:
            record.batches[f"{DATA}@{step}"] = pairing.cut(data, step, limit)
        results = visit(point, state, record.batch(point))
        yield point
        if step + 1 >= record.steps:  # there may be no second one (see `omit`)
            break
        following = next_state(pairing, results, step + 1, record.dtype)
        if following is None:
            missing = "the step before gave no usable parameters: see updated/… there"
            errors |= {Point(DATA, later): missing for later in range(step + 1, record.steps)}
            break
        state = following
    for name, parameters in further.items():
        point = Point(name, 0)
        visit(point, parameters | fresh, data)
        yield point
    if record.recorded:
        return  # nobody is there to be asked anything else
    bears = borne(pairing, record)
    for probe in probes(pairing.network, pairing.optimizer, record.dtype, bears, record.seed):
        record.batches[probe.name] = probe.batch
        point = Point(probe.name, 0)
        visit(point, probe.parameters, probe.batch)
        yield point
    if not lost and not errors:
        call_often(pairing, record, limit)
    if not lost and START in evaluations:
        # Once more, at last: a subject that counts its calls was not to be put out of step.
        try:
            with watched.doing(f"calling the subject of {pairing.name} again", limit=limit):
                again = evaluate(pairing, record.parameters[START], record.batch(START), limit)
            wanted = {n: v for n, v in again.items() if n in evaluations[START]}
            record.unsteady |= differing(evaluations[START], wanted, remedy(record))
            record.unread = reads_nothing(pairing, record, limit)
        except EvaluationError as error:
            # Where a call has failed before, as of a program that died, this one shows no more.
            if isinstance(error, UnfitError) or not errors:
                errors |= dict.fromkeys(record.points(), str(error))
    calling.close_subject(pairing.subject)


def call_often(pairing: Pairing, record: Record, limit: float | None) -> None:
    """Call the subject at small probes until it was called `CALLS` times in all.

    What counts its calls, or fills a buffer, is then no more what it was, and the next call shows
    it. A subject that is slow, or fails, is spared.
    """
    small = [point for point in record.evaluations[SUBJECT] if point.name in SMALL]
    began = time.monotonic()
    for count in range(len(record.evaluations[SUBJECT]), CALLS):
        if not small or time.monotonic() - began > PATIENCE:
            return
        point = small[count % len(small)]
        with watched.doing(f"calling the subject of {pairing.name} often", limit=limit):
            try:
                given = evaluate(pairing, record.parameters[point], record.batch(point), limit)
                before = record.evaluations[SUBJECT][point]
                differs = differing(before, {n: v for n, v in given.items() if n in before})
            except EvaluationError:
                return  # the call after this says so
        if differs:
            record.unsteady = differs
            return


def borne(pairing: Pairing, record: Record) -> Bears:
    """What the probes may ask of every implementation of a pairing."""
    traits = pairing.traits
    return Bears(
        saturates=record.saturates,
        guarded=bool(traits.accuracy) or any(form.guarded for form in pairing.forms.values()),
        hard=traits.hard,
        samples=traits.samples,
        sums=record.precision is not None,
    )


def omit(pairing: Pairing, record: Record, results: Tensors) -> None:
    """Leave out of the comparison what a subject that may give anything does not give.

    Without the whole state after a step there is no second one.
    """
    if not pairing.partial:
        return
    stepped = [name for name in results if name.startswith("updated/")]
    if stepped and "updated" not in record.quantities:
        raise UnfitError(
            f"the subject gives {stepped[0]}, but no optimizer is named whose step that is: "
            "name it, as in optimizer=GradientDescent(0.1), or leave it out"
        )
    wanted = record.names(START)
    if not results.keys() & set(wanted):
        raise UnfitError(
            f"the subject gives nothing to compare; return some of {', '.join(wanted)}"
        )
    record.omits = tuple(name for name in wanted if name not in results)
    if any(name.startswith("updated/") for name in record.omits):
        record.steps = 1


def remedy(record: Record) -> str:
    """What is to be done with a subject that is not the same when it is called again."""
    if "updated" not in record.quantities or not record.optimizer.SLOTS:
        return REMEDY
    return f"{REMEDY}; {KEEPS.format(names=state_of(record))}"


def state_of(record: Record) -> str:
    """What its optimizer keeps, as a subject is given it."""
    counted = [optimizers.STEP_COUNT] * record.optimizer.COUNTS
    return ", ".join([*(f"{slot}/…" for slot in record.optimizer.SLOTS), *counted])


def reads_nothing(pairing: Pairing, record: Record, limit: float | None) -> bool:
    """Whether what the optimizer keeps makes no difference to the steps that the subject gives.

    It is called once more, at a probe, with the slots and the count of no step made.
    """
    point = next((p for p in record.evaluations[SUBJECT] if p.name == SLOPES_AT.name), None)
    if point is None or record.unsteady or not pairing.optimizer.SLOTS:
        return False
    given = record.evaluations[SUBJECT][point]
    if not any(name.startswith("updated/") for name in given):
        return False
    state = record.parameters[point] | at_rest(pairing.network, pairing.optimizer, record.dtype)
    try:
        with watched.doing(f"calling the subject of {pairing.name} without a state", limit=limit):
            rested = evaluate(pairing, state, record.batch(point), limit)
    except EvaluationError:
        return False
    return all(
        name in rested and np.array_equal(value, rested[name], equal_nan=True)
        for name, value in given.items()
    )


def differing(once: Tensors, again: Tensors, advice: str = REMEDY) -> dict[str, float]:
    """The largest difference of each tensor between two calls with the same input, where any."""
    if once.keys() != again.keys():
        names = ", ".join(sorted(once.keys() ^ again.keys()))
        raise UnfitError(f"{UNSTEADY} gave {names} only once; {advice}")
    found: dict[str, float] = {}
    for name, first in once.items():
        second = again[name]
        if first.shape == second.shape and np.array_equal(
            first, second, equal_nan=first.dtype.kind == "f"
        ):
            continue
        with np.errstate(invalid="ignore"):
            gap = np.abs(np.subtract(first, second, dtype=np.float64))
        if first.shape != second.shape or not np.isfinite(gap).all():
            raise UnfitError(f"{UNSTEADY} gave {name} differently; {advice}")
        found[name] = float(gap.max())
    return found


def at_rest(network: Network, optimizer: Optimizer, dtype: str) -> Parameters:
    """What the optimizer holds before the first step: slots of zeros, no step made."""
    shapes = optimizers.slot_shapes(network, optimizer)
    rest, buffers = optimizer.rest, network.buffers
    slots: Parameters = {
        name: np.full(
            shape,
            buffers[name].start if name in buffers else rest(name.split("/")[0]),
            held_in(dtype),
        )
        for name, shape in shapes.items()
    }
    return slots | counted(optimizer, 0, dtype)


def counted(optimizer: Optimizer, steps: int, dtype: str) -> Parameters:
    """The number of steps made before, if the optimizer wants it."""
    if not optimizer.COUNTS:
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
    return good | counted(pairing.optimizer, steps, dtype)


SLOPES_AT = Point("general", 0)
"""Where the subject's own loss is differentiated: an ordinary point, far from kinks."""


def direction(name: str, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    """A direction of ones and minus ones in the space of a parameter."""
    return np.random.default_rng(zlib.crc32(name.encode())).choice((-1.0, 1.0), size=shape)


def measure_slopes(pairing: Pairing, record: Record, limit: float | None = None) -> None:
    """Difference quotients of the subject's own loss along each parameter, into the record.

    With steps h and 2h, where h is the cube root of the unit roundoff in proportion to the
    parameter: there truncation and rounding of a central difference are about alike. A subject
    that gives no loss has none, and one that fails there has none of that parameter; one that does
    not answer for ``limit`` seconds is not asked again.
    """
    state = record.parameters.get(SLOPES_AT)
    if state is None or "loss" not in record.names(SLOPES_AT):
        return
    batch = record.batch(SLOPES_AT)

    def loss(name: str, step: float) -> float:
        moved = state[name] + step * direction(name, state[name].shape)
        parameters = {**state, name: moved.astype(state[name].dtype)}
        with watched.doing(f"measuring the slopes of {pairing.name}'s own loss", limit=limit):
            given = evaluate(pairing, parameters, batch, limit)
        if "loss" not in given or given["loss"].shape:
            raise EvaluationError("the subject gave no loss")
        return float(given["loss"])

    root = Rounding.of(held_in(record.dtype)).unit ** (1 / 3)
    for name in pairing.network.shapes():
        h = root * float(np.abs(state[name]).max() or 1)
        try:
            near, far = ((loss(name, step) - loss(name, -step)) / (2 * step) for step in (h, 2 * h))
        except calling.HungError:
            return
        except EvaluationError:
            continue
        if np.isfinite([near, far]).all():
            record.slopes[name] = (near, far, h)
