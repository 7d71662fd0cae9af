"""Proof that planted faults change nothing: certified values at every site that they change.

If every change leaves the exact value at its site as it is, then by induction along the order of
computation every later site has its right value too, and so has all that is compared. One certified
evaluation of the definition at a point serves all faults. Where a site does change, the fault may
still not reach what is compared: then the compared values themselves are certified.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from backproof.mathematics.arithmetic.certified import HEADROOM, CertifiedOps, Truth, certify, tight
from backproof.mathematics.arithmetic.certified_values import Certified
from backproof.mathematics.arithmetic.rounding.model import Rounding
from backproof.mathematics.definition.measure import measure, undecided
from backproof.mathematics.definition.sites import Intervention, Scope, unchanged
from backproof.mathematics.faults.evaluation import faulty
from backproof.mathematics.faults.fault import Kind, Planted
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.parameters import Batch, Parameters
from backproof.mathematics.optimizers import Optimizer


def provable(plant: Planted) -> bool:
    """Whether certified values can say anything: not of rounding, nor of calls before."""
    return plant.fault.kind is not Kind.NUMERICAL and not plant.fault.remembers


@dataclass(eq=False)
class Proof:
    """What is the same, at the points seen so far, with and without each of some faults."""

    network: Network
    optimizer: Optimizer
    dtype: str
    plants: tuple[Planted, ...]
    sites: dict[Planted, bool] = field(default_factory=dict)
    """Whether no site that the fault changes took another value."""
    values: dict[Planted, bool] = field(default_factory=dict)
    """Whether no compared value was another, with all of them certified."""

    def __post_init__(self) -> None:
        self.sites = dict.fromkeys(self.plants, True)
        self.values = dict.fromkeys(self.plants, True)

    @property
    def unit(self) -> float:
        return Rounding.of(self.dtype).unit

    def at(self, parameters: Parameters, batch: Batch) -> None:
        """Look at one more point."""
        left = [plant for plant in self.plants if self.values[plant]]
        moved, truths = self._right(parameters, batch, left)
        for plant in left:
            if plant in moved:
                self.sites[plant] = False
                wrong = self._certified(parameters, batch, plant.intervene)
                same = truths.keys() == wrong.keys() and all(
                    agree(truths[name], wrong[name], self.unit) for name in truths
                )
                measured = self._measured(parameters, batch, wrong, plant.intervene)
                right = self._measured(parameters, batch, truths, unchanged)
                self.values[plant] = same and right is not None and measured == right

    def _right(
        self, parameters: Parameters, batch: Batch, plants: list[Planted]
    ) -> tuple[set[Planted], dict[str, Truth]]:
        """The faults of which a site takes another value, and the definition's certified values."""
        witness = Witness(plants, self.unit)
        truths = self._certified(parameters, batch, witness.exact)
        outputs = truths[f"activation/{self.network.last.name}"]
        measure(self.network, parameters, batch, outputs.high, witness.measured)
        if self._doubtful(outputs):
            witness.moved |= {plant for plant in plants if "correct" in plant.changes}
        return witness.moved, truths

    def _doubtful(self, outputs: Truth) -> bool:
        """Whether the class of a sample is not certain."""
        known = self.network.decision is not None
        return known and bool(undecided(self.network, outputs.high, outputs.radius).any())

    def _certified(
        self, parameters: Parameters, batch: Batch, intervene: Intervention
    ) -> dict[str, Truth]:
        def values(ops: CertifiedOps) -> dict[str, Certified]:
            return faulty(ops, self.network, self.optimizer, parameters, batch, intervene)

        return certify(values, self.unit)

    def _measured(
        self,
        parameters: Parameters,
        batch: Batch,
        truths: dict[str, Truth],
        intervene: Intervention,
    ) -> dict[str, float] | None:
        """Accuracy and counts by the certified outputs; None if a sample's class is in doubt."""
        outputs = truths[f"activation/{self.network.last.name}"]
        if self._doubtful(outputs):
            return None
        found = measure(self.network, parameters, batch, outputs.high, intervene)
        return {name: float(value) for name, value in found.items()}


class Witness:
    """Sees, in one evaluation without any fault, which faults would change a site's value."""

    def __init__(self, plants: Iterable[Planted], unit: float) -> None:
        self.by_site: dict[str, list[Planted]] = {}
        for plant in plants:
            for site in plant.changes:
                self.by_site.setdefault(site, []).append(plant)
        self.moved: set[Planted] = set()
        self.unit = unit

    def exact(self, name: str, value: Certified, scope: Scope[Certified]) -> Certified:
        """A site of the evaluation; at its first one it begins anew, with more bits."""
        if name == "inputs":
            self.moved.clear()
        for plant in self.by_site.get(name, ()):
            if plant not in self.moved:
                changed: Certified = plant.changes[name](value, scope)
                if not equal(changed, value, self.unit):
                    self.moved.add(plant)
        return value

    def measured(self, name: str, value: Any, scope: Scope[Any]) -> Any:
        """A site of the measures, whose values are plain numbers."""
        for plant in self.by_site.get(name, ()):
            if not np.array_equal(plant.changes[name](value, scope), value):
                self.moved.add(plant)
        return value


def equal(one: Certified, other: Certified, unit: float) -> bool:
    """Whether two enclosures of one exact value agree to far more digits than the dtype has."""
    if one.shape != other.shape:
        return False
    share = HEADROOM * unit
    return all(
        x is y or (x - y).is_zero() or abs(x - y) <= abs(y) * share
        for x, y in zip(one.entries, other.entries, strict=True)
    )


def agree(one: Truth, other: Truth, unit: float) -> bool:
    """Whether two certified tensors are the same number for number, both being tight."""
    if one.high.shape != other.high.shape or not (tight(one, unit) and tight(other, unit)):
        return False
    apart = np.abs((one.high - other.high) + (one.low - other.low))
    return bool((apart <= one.radius + other.radius).all())
