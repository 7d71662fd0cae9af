"""Flaws at a probe: numbers that overflow there, or a form of the loss that loses digits there.

They are told beside a fault, not instead of it, with the option that declares them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from backproof.comparison.bounds.bounds import Bounds
from backproof.comparison.diagnosis.evidence import Evidence, Suspect
from backproof.comparison.diagnosis.views import view
from backproof.comparison.diagnosis.wording import listed
from backproof.comparison.record.record import SUBJECT, Point
from backproof.mathematics.arithmetic.rounding.forms import Form
from backproof.mathematics.functions import Activation
from backproof.mathematics.probes.probes import SATURATING
from backproof.mathematics.probes.samples import shares

DECLARED_MILD = (
    "where it is not meant for saturated units, declare that, with adapters.unsaturated(subject)"
)
SOFT = (
    "at shares, where targets lie between 0 and 1, it takes them for labels: where that is meant, "
    "declare it with adapters.classes(subject)"
)
SATURATED = {make.__name__ for make in SATURATING}


@dataclass(frozen=True, eq=False)
class Setting:
    """The evidence without what a flaw spoils, and the sentence that tells of the flaw."""

    evidence: Evidence
    told: str = ""


def wild(evidence: Evidence) -> list[Point]:
    """The points where something is not finite that should be."""
    found = []
    for point in evidence.off:
        right, given = evidence.right(point), evidence.given[point]
        for name in evidence.off[point]:
            wanted = right.values.get(name)
            finite = wanted is not None and np.isfinite(wanted).all()
            if finite and not np.isfinite(given[name]).all():
                found.append(point)
                break
    return found


def settings(evidence: Evidence) -> Iterator[Setting]:
    """The evidence as it is, if its numbers are finite; then what is left of it without flaws."""
    spoilt = wild(evidence)
    if not spoilt:
        yield Setting(evidence)
    if evidence.who != SUBJECT:
        if spoilt:
            yield Setting(evidence)
        return
    names = sorted({point.name for point in spoilt})
    if spoilt:
        rest = evidence.among(point for point in evidence.points if point not in spoilt)
        yield Setting(rest, overflowing(evidence, spoilt, names))
    overflow = overflowing(evidence, spoilt, names) if spoilt else ""
    soft = evidence.record.network.decision is not None
    between = [p for p in evidence.off if soft and p.name == shares.__name__ and p not in spoilt]
    labelled = [p for p in evidence.points if p not in spoilt and p not in between]
    if between and set(labelled) & set(evidence.off):
        yield Setting(evidence.among(labelled), joined(overflow, SOFT))
    saturated = [p for p in evidence.off if p.name in SATURATED and p not in spoilt]
    calm = [p for p in labelled if p.name not in SATURATED]
    if saturated and len(calm) > 1:
        extreme = sorted({p.name for p in saturated})
        more = (
            f"at {listed(extreme)} it is off by more, where units are saturated: where that is "
            "meant, declare it with adapters.unsaturated(subject)"
        )
        yield Setting(evidence.among(calm), joined(overflow, more, SOFT if between else ""))
    kinked = [p for p in evidence.off if p not in spoilt and at_a_kink(evidence, p)]
    plain = [p for p in evidence.points if p not in spoilt and p not in kinked]
    if kinked and set(plain) & set(evidence.off):
        more = (
            f"at {listed(sorted({p.name for p in kinked}))}, where units lie exactly at their "
            "kink, it takes another slope: any between those of both sides is right"
        )
        yield Setting(evidence.among(plain), joined(overflow, more))
    if evidence.record.network.loss_of == "fused" and SUBJECT not in evidence.record.forms:
        yield of_probabilities(evidence, calm)


def joined(*sentences: str) -> str:
    """Several sentences as one."""
    return "; ".join(each for each in sentences if each)


def at_a_kink(evidence: Evidence, point: Point) -> bool:
    """Whether a unit lies exactly where code may take one of several slopes."""
    kinked = [n for n in evidence.record.network.nodes if bends(n.layer.function)]
    if not kinked:
        return False
    values = view(evidence, Suspect(()), point).scope.values
    return any((np.asarray(values[f"z/{node.name}"]) == 0).any() for node in kinked)


def bends(f: Activation | None) -> bool:
    """Whether a function has a kink at 0 with several right slopes."""
    return f is not None and bool(f.AT_KINK) and 0.0 in f.branches()


def of_probabilities(evidence: Evidence, calm: list[Point]) -> Setting:
    """The evidence by the bounds of a loss that is computed from probabilities."""
    record = evidence.record
    form = Form("probabilities")
    other = replace(record, forms={**record.forms, SUBJECT: form})
    held = Evidence(other, Bounds(other), SUBJECT)
    return Setting(
        held.among(calm),
        "the loss is computed from probabilities, which lose digits near 0 and 1: declare "
        'forms={"subject": Form("probabilities")}, and adapters.unsaturated(subject) where units '
        "saturate",
    )


def curved(evidence: Evidence, spoilt: list[Point]) -> str:
    """Where the first thing that is not finite is a hidden activation: what its exp is taken of."""
    names = [n for n in evidence.record.names(spoilt[0]) if n in evidence.off[spoilt[0]]]
    wild = [n for n in names if not np.isfinite(evidence.given[spoilt[0]][n]).all()]
    quantity, _, node = wild[0].partition("/") if wild else ("", "", "")
    network = evidence.record.network
    f = next((each.layer.function for each in network.nodes if each.name == node), None)
    if quantity != "activation" or f is None or f.name not in ("tanh", "sigmoid", "softplus"):
        return ""
    return f"the exp inside of {f.name} overflows for large |z|: take it of -abs(z), or "


def overflowing(evidence: Evidence, spoilt: list[Point], names: list[str]) -> str:
    """What is not finite, where, and what to do."""
    tensors = sorted(
        {
            name
            for point in spoilt
            for name in evidence.off[point]
            if not np.isfinite(evidence.given[point][name]).all()
        }
    )
    function = evidence.record.network.last.layer.function
    shift = (
        "take each row's largest off before exp, or "
        if function is not None and function.name == "softmax"
        else ""
    )
    shift = curved(evidence, spoilt) or shift
    if not set(names) <= SATURATED:
        return f"at {listed(names)}, {listed(tensors[:3])} are not finite"
    shown = listed(tensors[:3]) + (" and others" if len(tensors) > 3 else "")
    return (
        f"at {listed(names)}, where units are saturated, {shown} overflow: {shift}declare that it "
        "is not meant for such values, with adapters.unsaturated(subject)"
    )
