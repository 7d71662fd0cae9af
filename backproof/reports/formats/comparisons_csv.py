"""comparisons.csv: one row a comparison, floats with all their digits."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from backproof.comparison.judging.rows import COLUMNS
from backproof.reports.formats import Format

if TYPE_CHECKING:
    from backproof.reports.report import Report


def render(report: Report) -> str:
    """The rows in order, an empty cell for what a row does not have."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in report.rows:
        writer.writerow([cell(getattr(row, column)) for column in COLUMNS])
    return text.getvalue()


def cell(value: object) -> str:
    """A value as it stands in the table; a float in ``%.17g`` reads back as the same number."""
    if value is None:
        return ""
    return f"{value:.17g}" if isinstance(value, float) else str(value)


PART = Format("comparisons_csv", "comparisons.csv", render)
