"""comparisons.csv: one row a comparison, floats with all their digits."""

from __future__ import annotations

import csv
import io
import operator
from typing import TYPE_CHECKING, Any

from backproof.comparison.judging.rows import COLUMNS
from backproof.reports.formats import Format
from backproof.reports.harmless import for_table

if TYPE_CHECKING:
    from backproof.reports.findings import Findings


def render(report: Findings) -> str:
    """The rows in order, an empty cell for what a row does not have."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    cells = operator.attrgetter(*COLUMNS)
    known = Known()
    for row in report.rows:
        writer.writerow(
            [
                f"{cell:.17g}"
                if isinstance(cell, float)
                else known[cell]
                if cell
                else for_table(cell)
                for cell in cells(row)
            ]
        )
    return text.getvalue()


class Known(dict[Any, str]):
    """Cells that are no floats: a million rows have few of them, and each is looked at once."""

    def __missing__(self, cell: Any) -> str:
        self[cell] = for_table(cell)
        return self[cell]


PART = Format("comparisons_csv", "comparisons.csv", render)
