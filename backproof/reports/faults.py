"""faults.md and faults.csv: how good the gate is, by every fault that was planted."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from backproof.comparison.judging.rows import Row, Status
from backproof.gauging.faults.mutation import Alarm, Outcome, Score, Verdict
from backproof.implementations.host.files import write_together
from backproof.mathematics.faults.variants import FORMS
from backproof.reports.formats.report_md import aligned, environment
from backproof.reports.harmless import for_table

# Of the comparison that has shown a fault.
BY = ("tensor", "point", "step", "reference", "status", "power", "bound_used")
CONCERNING = ("pairing", "family", "fault", "where", "kind", "verdict")
COLUMNS = (*CONCERNING, *BY, "reason")


@dataclass
class Gauged:
    """The scores of a run, and what could not be measured."""

    scores: list[Score]
    notes: list[str] = field(default_factory=list)

    @property
    def outcomes(self) -> list[Outcome]:
        """Every planted fault."""
        return [outcome for score in self.scores for outcome in score.outcomes]

    @property
    def alarms(self) -> list[Alarm]:
        """Every false alarm; where nothing could be compared, there is none."""
        return [alarm for score in self.scores for alarm in score.alarms]

    def having(self, verdict: Verdict) -> list[Outcome]:
        """The faults that came to a verdict."""
        return [outcome for outcome in self.outcomes if outcome.verdict is verdict]

    @property
    def exit_status(self) -> int:
        """1: a fault escaped, or a false alarm. Else 2: not loaded. Else 3: nothing measured."""
        raised = [alarm for alarm in self.alarms if alarm.row.status is not Status.ERROR]
        if raised or self.having(Verdict.ESCAPED):
            return 1
        if self.notes:
            return 2
        return 3 if not self.scores or any(score.void for score in self.scores) else 0

    @property
    def sentence(self) -> str:
        """What it comes to, in one sentence."""
        void = [score.pairing for score in self.scores if score.void]
        if void:
            return (
                f"Not measured on {', '.join(void)}: there the definition itself does not match "
                "its twins; see what backproof verify says."
            )
        caught, escaped = (len(self.having(v)) for v in (Verdict.CAUGHT, Verdict.ESCAPED))
        equal, false = len(self.having(Verdict.EQUIVALENT)), len(self.alarms)
        if not caught + escaped:
            return "No fault was planted, and that shows nothing."
        alike = len(self.having(Verdict.ROUNDING))
        within = f", {alike} less than right code may be off" if alike else ""
        all_of = "All" if not escaped else f"{caught} of"
        return (
            f"{all_of} {caught + escaped} planted faults that change anything were caught "
            f"({caught / (caught + escaped):.1%}), {equal} are proven to change nothing{within}; "
            f"{false} false alarm{'' if false == 1 else 's'}."
        )

    def write(self, folder: Path) -> None:
        """Write both files."""
        write_together(folder, {"faults.md": markdown(self), "faults.csv": table(self)})


def markdown(gauged: Gauged) -> str:
    """The template ``faults.md.j2``, filled."""
    template = environment().get_template("faults.md.j2")
    text: str = template.render(
        sentence=gauged.sentence,
        scores=gauged.scores,
        notes=gauged.notes,
        families=list(by_family(gauged)),
        escaped=gauged.having(Verdict.ESCAPED),
        equivalent=gauged.having(Verdict.EQUIVALENT),
        rounding=gauged.having(Verdict.ROUNDING),
        alarms=gauged.alarms,
        outcomes=gauged.outcomes,
        forms=list(FORMS),
    )
    return aligned(text) + "\n"


def by_family(gauged: Gauged) -> Iterator[tuple[str, list[str]]]:
    """For each family, how many of its faults were caught in each pairing."""
    counts = Counter(
        (outcome.pairing, outcome.plant.fault.family, outcome.verdict)
        for outcome in gauged.outcomes
    )
    for family in dict.fromkeys(outcome.plant.fault.family for outcome in gauged.outcomes):
        cells = []
        for score in gauged.scores:
            caught, escaped = (
                counts[score.pairing, family, v] for v in (Verdict.CAUGHT, Verdict.ESCAPED)
            )
            cells.append(f"{caught} of {caught + escaped}" if caught + escaped else "–")
        yield family, cells


def table(gauged: Gauged) -> str:
    """One row a planted fault, then one a false alarm."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    for outcome in gauged.outcomes:
        fault = outcome.plant.fault
        told: dict[str, object] = {
            "pairing": outcome.pairing,
            "family": fault.family,
            "fault": fault.name,
            "where": outcome.plant.where,
            "kind": fault.kind,
            "verdict": outcome.verdict,
            "reason": outcome.reason,
        }
        writer.writerow(harmless(told | by(outcome.row)))
    for alarm in gauged.alarms:
        told = {
            "pairing": alarm.pairing,
            "fault": alarm.form,
            "kind": "fault-free",
            "verdict": "false alarm",
            "reason": alarm.row.detail or alarm.row.cause,
        }
        writer.writerow(harmless(told | by(alarm.row)))
    return text.getvalue()


def by(row: Row | None) -> dict[str, object]:
    """The comparison that has shown it."""
    if row is None:
        return {}
    return {key: row.name if key == "tensor" else getattr(row, key) for key in BY}


def harmless(told: dict[str, object]) -> dict[str, str]:
    """The cells of a row."""
    return {key: for_table(value) for key, value in told.items()}
