"""What few probes show alone: told beside a mismatch that nothing explains."""

from __future__ import annotations

from backproof.comparison.judging.rows import Row, Status
from backproof.comparison.record.record import Record
from backproof.mathematics.probes.probes import STEPS, of_network, told
from backproof.mathematics.probes.samples import shares

# As many as still say something together.
FEW = 2
CLASSES = "where the code takes classes alone, declare it with adapters.classes(subject)"


def tell_alone(rows: list[Row], record: Record) -> None:
    """Name the probes, and what they are, if no more than a few of them show a mismatch at all."""
    wrong = [row for row in rows if row.status is Status.MISMATCH]
    points = sorted({row.point for row in wrong})
    made = dict(of_network(record.network))

    def after(name: str) -> str:
        counted = record.optimizer.COUNTS and any(row.quantity == "updated" for row in wrong)
        return f"; after {STEPS[name]} steps" if counted and name in STEPS else ""

    if not 0 < len(points) <= FEW or not made.keys() >= {*points}:
        return
    said = ", and ".join(f"{name} ({told(made[name]).rstrip('.')}{after(name)})" for name in points)
    hint = f"; {CLASSES}" if shares.__name__ in points else ""
    shown = f"only the probe{'s' * (len(points) > 1)} {said} show{'s' * (len(points) == 1)} it"
    for row in wrong:
        row.cause = "; ".join(filter(None, [row.cause, f"{shown}{hint}"]))
