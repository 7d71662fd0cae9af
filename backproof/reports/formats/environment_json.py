"""environment.json: what the run was made with."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from backproof.reports.report import Report

FILE = "environment.json"


def render(report: Report) -> str:
    """The environment with sorted keys."""
    return json.dumps(report.environment, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
