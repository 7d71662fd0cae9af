"""Accuracy and parameter counts: wrong thresholds, wrong axes, wrong sums."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from backproof.mathematics.definition.sites import Scope
from backproof.mathematics.faults.changes import T
from backproof.mathematics.faults.fault import Change, Family, Kind, Place, Plant, Target
from backproof.mathematics.network.parameters import Array

family = Family(__name__)

THRESHOLD = "a sample is right if (a > ½) = (y > ½) for every output"
ARGMAX = "a sample is right if argmax_j a_sj = argmax_j y_sj, over the classes j"
COUNT = "fan_in · fan_out + fan_out a layer"

Judge = Callable[[Array, Array], Array]


def judged(judge: Judge) -> Change:
    """Which samples are right, by another judge of outputs and targets."""

    def change(value: T, scope: Scope[T]) -> T:
        assert scope.batch is not None
        return judge(scope.values["outputs"], scope.batch.targets)

    return change


@family.fault(Kind.MATHEMATICAL, THRESHOLD)
def threshold_zero(of: Target) -> Iterator[Plant]:
    """The accuracy compares probabilities with the threshold of logits, 0."""
    if of.network.decision == "threshold":
        yield Plant("", {"correct": judged(lambda a, y: ((a > 0) == (y > 0.5)).all(axis=1))})


@family.fault(Kind.MATHEMATICAL, THRESHOLD)
def threshold_high(of: Target) -> Iterator[Plant]:
    """The accuracy compares with a threshold of 0.6."""
    if of.network.decision == "threshold":
        yield Plant("", {"correct": judged(lambda a, y: ((a > 0.6) == (y > 0.5)).all(axis=1))})


@family.fault(Kind.MATHEMATICAL, THRESHOLD)
def argmax_of_one(of: Target) -> Iterator[Plant]:
    """The accuracy takes the argmax of a single output, which is always 0."""
    if of.network.decision == "threshold" and of.network.outputs == 1:
        yield Plant("", {"correct": judged(lambda a, y: a.argmax(axis=1) == y[:, 0])})


@family.fault(Kind.MATHEMATICAL, THRESHOLD)
def by_element(of: Target) -> Iterator[Plant]:
    """The accuracy is the share of right outputs, not of right samples."""
    if of.network.decision is not None and of.network.outputs > 1:
        yield Plant("", {"correct": judged(lambda a, y: (a > 0.5) == (y > 0.5))})


@family.fault(Kind.MATHEMATICAL, ARGMAX)
def argmax_over_samples(of: Target) -> Iterator[Plant]:
    """The accuracy takes the argmax over the samples: the wrong axis."""
    if of.network.decision == "argmax" and of.network.outputs > 1:
        yield Plant("", {"correct": judged(lambda a, y: a.argmax(axis=0) == y.argmax(axis=0))})


@family.fault(Kind.MATHEMATICAL, ARGMAX)
def classes_off_by_one(of: Target) -> Iterator[Plant]:
    """The predicted classes are off by one."""
    if of.network.decision == "argmax" and of.network.outputs > 1:
        yield Plant("", {"correct": judged(lambda a, y: a.argmax(axis=1) + 1 == y.argmax(axis=1))})


@family.fault(Kind.MATHEMATICAL, "the share of right samples")
def error_rate(of: Target) -> Iterator[Plant]:
    """The accuracy is the share of wrong samples."""
    if of.network.decision is not None:
        yield Plant("", {"accuracy": lambda value, s: 1 - value})


@family.fault(Kind.CONVENTION, "a share, from 0 to 1")
def percent(of: Target) -> Iterator[Plant]:
    """The accuracy is given in percent."""
    if of.network.decision is not None:
        yield Plant("", {"accuracy": lambda value, s: 100 * value})


@family.fault(Kind.MATHEMATICAL, COUNT)
def count_without_biases(of: Target) -> Iterator[Plant]:
    """The parameter count leaves the biases out."""
    if of.biased:
        yield Plant("", {counted(x): number(x.fan_in * x.fan_out) for x in of.biased})


@family.fault(Kind.MATHEMATICAL, COUNT)
def count_of_inputs(of: Target) -> Iterator[Plant]:
    """The parameter count takes one bias for each input, not for each unit."""
    layers = [x for x in of.biased if not x.square]
    if layers:
        yield Plant("", {counted(x): number(x.fan_in * (x.fan_out + 1)) for x in layers})


@family.fault(Kind.MATHEMATICAL, f"{COUNT}, no biases where there are none")
def count_with_biases(of: Target) -> Iterator[Plant]:
    """The parameter count has biases that the layer does not have."""
    layers = [x for x in of.layers if not x.bias]
    if layers:
        yield Plant("", {counted(x): number((x.fan_in + 1) * x.fan_out) for x in layers})


@family.fault(Kind.MATHEMATICAL, f"the sum over the layers of {COUNT}")
def count_without_last(of: Target) -> Iterator[Plant]:
    """The total parameter count leaves the last layer out."""
    if of.layers:
        yield Plant("", {"parameter_count": lambda n, s: n - s.values[counted(of.last)]})


def counted(layer: Place) -> str:
    """The site of a layer's parameter count."""
    return f"parameter_count/{layer.name}"


def number(count: int) -> Change:
    """Another count."""
    return lambda value, scope: count
