"""A report format of a user's own, which only a test knows."""

from __future__ import annotations

from backproof import Report, register
from backproof.reports.formats import Format


def render(report: Report) -> str:
    return f"{report.status}\n"


BRIEF = register("report format")(Format("brief", "brief.txt", render))
