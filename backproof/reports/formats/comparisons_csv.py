"""comparisons.csv: one row a comparison, floats with all their digits."""

from __future__ import annotations

import csv
import io
import operator
from typing import TYPE_CHECKING

from backproof.comparison.judging.rows import COLUMNS
from backproof.reports.harmless import for_table

if TYPE_CHECKING:
    from backproof.reports.report import Report

FILE = "comparisons.csv"


def render(report: Report) -> str:
    """The rows in order, an empty cell for what a row does not have."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    cells = operator.attrgetter(*COLUMNS)
    for row in report.rows:
        writer.writerow(map(for_table, cells(row)))
    return text.getvalue()
