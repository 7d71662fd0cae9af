"""What is explained in part is told in part: what is right, what was found, and what is left."""

from __future__ import annotations

from backproof.comparison.diagnosis.evidence import Evidence
from backproof.comparison.diagnosis.relations import Relation, relations
from backproof.comparison.diagnosis.tracing import Trace
from backproof.comparison.diagnosis.wording import clause, listed


def in_part(trace: Trace, evidence: Evidence) -> list[str]:
    """What was found beside what nothing explains; then where to look."""
    found = []
    network = evidence.record.network
    if trace.mistakes:
        rest = listed(sorted(trace.unread)) if trace.unread else "the rest"
        whole = not any(n.startswith(("activation/", "gradient/")) for n in trace.silent)
        told = clause(trace.mistakes, network, whole=whole)
        found.append(f"{told}; beside that, nothing explains {rest}")
    every = relations(evidence.record)
    backward = [r for r in every if r.kind == "backward" and shown(r, evidence)]
    wrong = {p.where.partition("/")[0] for p in trace.mistakes}
    wrong |= {r.where for r in backward if set(r.names) & trace.silent}
    # Off beside the definition, and not judged by its own delta where it is: nothing is known.
    judged = evidence.off if trace.points is None else trace.points
    unknown = {name for names in evidence.off.values() for name in names}
    unknown -= {name for point in judged for name in evidence.off.get(point, ())}
    right = [r.where for r in backward if r.where not in wrong and not unknown & set(r.names)]
    look = [r.where for r in backward if set(r.names) & trace.unread]
    if look:
        ordered = [name for name in network.node_names if name in right]
        given = any(f"delta/{name}" in {p.fault.name for p in trace.plants} for name in look)
        own = {n.rpartition("/")[2] for n in trace.unread if n.startswith("gradient/")}
        what = "the delta" if given else "the gradients"
        if not given and len(own) == 1:
            what = f"the gradient of the {own.pop()}"
        told = f"look at {what} of {listed(look)}"
        if ordered:
            told = f"by their own deltas, the gradients of {listed(ordered)} are right; {told}"
        found.append(told)
    if trace.unjudged:
        found.append(
            f"of {listed(sorted({n.split('/')[1] for n in trace.unjudged}))} nothing can be said "
            "before that"
        )
    return found


def shown(relation: Relation, evidence: Evidence) -> bool:
    """Whether any of its tensors was given."""
    return any(name in evidence.given[p] for p in evidence.points for name in relation.names)
