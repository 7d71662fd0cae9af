"""Functions that err by more than roundings: the least accuracy that explains everything."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from backproof.comparison.bounds.bounds import Bounds
from backproof.comparison.diagnosis.evidence import Evidence, Suspect
from backproof.comparison.record.record import SUBJECT

# Declared accuracies are tried as powers of two, from what a table of a few hundred numbers has on.
WORST, BEST = -9, -46
# Of larger networks the search takes too long: multiplications of one sample.
MOST_PRODUCTS = 100_000


def declared_accuracy(evidence: Evidence) -> str | None:
    """What to declare, if a function of so many digits explains all that is off; else None.

    Only where an activation or the loss is off, which a wrong gradient leaves alone; and not where
    the loss alone is: what comes before it and after it would be off with the function.
    """
    record = evidence.record
    off = {name for names in evidence.off.values() for name in names}
    forward = any(name == "loss" or name.startswith("activation/") for name in off)
    alone = off <= {"loss", "accuracy"}
    if evidence.who != SUBJECT or record.accuracy or alone or not forward:
        return None
    if record.network.products > MOST_PRODUCTS:
        return None
    functions = [node.layer.function for node in record.network.nodes]
    curved = {f.name for f in functions if f is not None and not f.PIECEWISE_LINEAR}
    for name in sorted(curved - {"linear", "softmax"}):
        if not explains(evidence, name, WORST):
            continue
        low, high = BEST, WORST
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if explains(evidence, name, middle) else (middle, high)
        if not telling(evidence, name, high):
            continue
        return (
            f"all that is off is explained by a {name} that errs by {2.0**high:.2g} at most, as "
            "one that is read from a table does; where that is meant, declare it: "
            f'adapters.declared(subject, {{"{name}": {2.0**high:.3g}}})'
        )
    return None


def explains(evidence: Evidence, name: str, power: int) -> bool:
    """Whether everything is within its bounds, if that function errs by so much."""
    record = replace(evidence.record, accuracy={name: 2.0**power})
    other = Evidence(record, Bounds(record), SUBJECT)
    nothing = Suspect(())
    return not any(other.left(nothing, point) for point in evidence.off)


def telling(evidence: Evidence, name: str, power: int) -> bool:
    """Whether its bounds would still tell a tensor that is off from zeros."""
    record = replace(evidence.record, accuracy={name: 2.0**power})
    other = Evidence(record, Bounds(record), SUBJECT)
    return all(
        any(
            (other.right(point).radii[n] < np.abs(other.right(point).values[n])).any()
            for n in names
            if n in other.right(point).radii
        )
        for point, names in evidence.off.items()
    )
