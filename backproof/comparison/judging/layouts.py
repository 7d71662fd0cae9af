"""Layouts: which adapter would make a subject match, where it was declared to be of another."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from math import prod
from typing import Any

from backproof.comparison.bounds.bound import Bound, distance
from backproof.comparison.bounds.bounds import Bounds
from backproof.comparison.judging.rows import Row, Status
from backproof.comparison.pairing.pairing import Pairing
from backproof.comparison.record import subject_run
from backproof.comparison.record.record import DATA, SUBJECT, Point, Record
from backproof.implementations import adapters
from backproof.implementations.host import watched
from backproof.implementations.protocol import Tensors
from backproof.implementations.subject import calling
from backproof.implementations.subject.declaration import innermost
from backproof.mathematics.errors import EvaluationError
from backproof.mathematics.network.loss import Reduction
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.quantities import INPUT_GRADIENT

Adapter = Callable[[Any], Any]
# One probe tells: biases are not zero there, and no two numbers are alike.
WHERE = Point("general", 0)


def name_layout(pairing: Pairing, record: Record, rows: list[Row], limit: float) -> None:
    """Say which layout would fit, at the rows of a subject that fits at no point of its data."""
    wrong = [
        row
        for row in rows
        if (row.point, row.step) == (DATA, 0) and row.status in (Status.MISMATCH, Status.ERROR)
    ]
    if not any(row.quantity.endswith("gradient") or not row.shape for row in wrong):
        return
    found = fitting(pairing, record, limit)
    calling.close_subject(pairing.subject)
    if found is not None:
        advice = f"in another layout it matches: {found}"
        if hasattr(innermost(pairing.subject), "layouts"):  # it is asked where nothing is its own
            wrong = [row for row in rows if row.status in (Status.MISMATCH, Status.ERROR)]
        for row in wrong:
            row.cause = "; ".join(filter(None, [row.cause, advice]))


def fitting(pairing: Pairing, record: Record, limit: float) -> str | None:
    """The simplest adapters with which the bare subject is within its bound at a probe."""
    errors = record.errors.get(SUBJECT, {}).values()
    if WHERE not in record.parameters or any(calling.NO_ANSWER in text for text in errors):
        return None
    bound = Bounds(record).at(SUBJECT, WHERE)
    if fits(record.evaluations[SUBJECT].get(WHERE, {}), bound):
        return None  # its layout is not what is wrong
    bare = innermost(pairing.subject)
    for told, adapter in [*layouts_of(bare)] or candidates(pairing):
        try:
            with watched.doing(f"trying {told} on {pairing.name}", limit=limit):
                given = subject_run.given_by(
                    adapter(bare), record.parameters[WHERE], record.batch(WHERE), limit
                )
        except calling.HungError:
            return None
        except EvaluationError:
            continue
        if fits(given, bound):
            return told
    return None


def fits(given: Tensors, bound: Bound) -> bool:
    """Whether there are gradients, and each is what it may be."""
    gradients = {
        name: array
        for name, array in given.items()
        if name.startswith(("gradient/", INPUT_GRADIENT)) and name in bound.values
    }
    return bool(gradients) and all(
        array.shape == bound.values[name].shape and distance(name, array, bound) == 0
        for name, array in gradients.items()
    )


def layouts_of(subject: Any) -> Iterator[tuple[str, Adapter]]:
    """The layouts that a subject knows of itself, each as it is declared."""
    for told, other in getattr(subject, "layouts", tuple)():
        yield told, partial(instead, other)


def instead(chosen: Any, _: Any) -> Any:
    """Another subject in the place of one."""
    return chosen


def candidates(pairing: Pairing) -> Iterator[tuple[str, Adapter]]:
    """Adapters and their combinations, the simplest first, each as it is written."""
    as_it_is: dict[str, Adapter] = {"{}": lambda f: f}
    kernels: dict[str, Adapter] = {
        **as_it_is,
        "adapters.transposed({})": adapters.transposed,
        **{
            f'adapters.bias_in_kernel({{}}, "{where}")': partial(
                adapters.bias_in_kernel, where=where
            )
            for where in ("first row", "last row")
        },
        **{
            f'adapters.transposed(adapters.bias_in_kernel({{}}, "{where}"))': partial(
                bias_column, where=where
            )
            for where in ("first column", "last column")
        },
        "adapters.thresholds({})": adapters.thresholds,
        "adapters.lists({})": adapters.lists,
        **images_first(pairing.network),
        "adapters.vector({})": adapters.vector,
    }
    reduction: Reduction = "mean" if pairing.network.loss.averaged else "sum"
    samples: dict[str, Adapter] = {
        **as_it_is,
        "adapters.columns({})": adapters.columns,
        f'adapters.one_sample({{}}, "{reduction}")': partial(adapters.one_sample, batch=reduction),
    }
    labels: dict[str, Adapter] = {
        **as_it_is,
        "adapters.integer_labels({})": adapters.integer_labels,
        "adapters.integer_labels({}, first=1)": partial(adapters.integer_labels, first=1),
        "adapters.signed_labels({})": adapters.signed_labels,
    }
    every = [
        (k.format(s.format(t.format("subject"))), partial(composed, kernel, sample, label))
        for k, kernel in kernels.items()
        for s, sample in samples.items()
        for t, label in labels.items()
    ]
    return iter(sorted(every, key=lambda each: each[0].count("adapters.")))


def images_first(network: Network) -> dict[str, Adapter]:
    """Of a network of images, channels first; and likewise where they are flattened."""
    if all(len(parameter.shape) < 3 for parameter in network.parameters.values()):
        return {}
    flattened = dict(flat_images(network))
    found: dict[str, Adapter] = {"adapters.channels_first({})": adapters.channels_first}
    if flattened:
        table = repr(flattened).replace("{", "{{").replace("}", "}}")  # these names are formatted
        told = f"adapters.channels_first({{}}, flattened={table})"
        found[told] = partial(adapters.channels_first, flattened=flattened)
    return found


def flat_images(network: Network) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Where an image becomes a vector: that activation, and the kernels that take it."""
    for node in network.nodes:
        came, out = network.shapes_into(node), network.output_shapes[node.name]
        if len(came) != 1 or len(came[0]) < 2 or out != (prod(came[0]),):
            continue
        yield f"activation/{node.name}", came[0]
        for taker in network.consumers[node.name]:
            for use in network.uses[taker.name].values():
                if network.parameters[use.parameter].shape[:1] == out:
                    yield use.parameter, came[0]


def bias_column(subject: Any, where: Any) -> Any:
    """A bias that is a column of a transposed kernel."""
    return adapters.transposed(adapters.bias_in_kernel(subject, where))


def composed(outer: Adapter, middle: Adapter, inner: Adapter, subject: Any) -> Any:
    """Three adapters around a subject."""
    return outer(middle(inner(subject)))
