"""report.html: the report as a page, in one file that needs nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backproof.reports.formats import Format

if TYPE_CHECKING:
    from backproof.reports.findings import Findings


def render(report: Findings) -> str:
    """The page; what makes it is imported where it is wanted."""
    from backproof.reports.page import page

    return page.render(report)


PART = Format("report_html", "report.html", render)
