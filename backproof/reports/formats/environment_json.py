"""environment.json: what the run was made with."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from backproof.reports.formats import Format

if TYPE_CHECKING:
    from backproof.reports.findings import Findings


def render(report: Findings) -> str:
    """The environment with sorted keys."""
    return json.dumps(report.environment, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


PART = Format("environment_json", "environment.json", render)
