"""What a run has come to: its records and rows, before anybody reads or writes them."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from typing import Any

from backproof.comparison.judging.rows import Row
from backproof.comparison.record.record import Record


@dataclass(eq=False, repr=False)
class Findings:
    """Everything that was computed and judged in a run.

    ``notes`` name what was asked for and could not even be started, such as a pairing file with an
    error: with a note, a report is no match.
    """

    records: list[Record]
    rows: list[Row]
    environment: dict[str, Any]
    today: datetime.date
    notes: list[str] = field(default_factory=list)
    left_out: dict[str, int] = field(default_factory=dict)
    """By pairing, how many comparisons cannot be judged again, as what they compared is not stored:
    when it was written, or when what it was made of was."""

    changes: Any = field(init=False, default=None)
    """What is other than in the report that was in its folder before (`changes.Changes`): known
    while it is written."""
    history: Any = field(init=False, default=None)
    """The runs up to this one (`history.Entry`), where it was added to a history."""
    grouped: Any = field(init=False, default=None)
    """Its rows by pairing and reference, where `summary.duels` keeps them."""
