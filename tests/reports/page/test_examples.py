"""The committed example reports: what the page is now, and files that are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from backproof.reports.page import page
from tests.project import ROOT

EXAMPLES = sorted((ROOT / "reports" / "examples").glob("*/report.html"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.parent.name)
def test_the_examples_look_as_reports_do_now(path: Path):
    """Else `tox -e examples` makes them anew."""
    text = path.read_text("utf-8")
    for name in ("page.css", "page.js"):
        mine = [line.rstrip() for line in page.resource(name).splitlines() if line.strip()]
        shown = "\n".join(mine) in text
        assert shown, f"{path.parent.name} has another {name}: tox -e examples makes it anew"


@pytest.mark.parametrize(("name", "verdict"), [("match", "MATCH"), ("fault", "MISMATCH")])
def test_each_shows_its_verdict_in_both_forms(name: str, verdict: str):
    folder = ROOT / "reports" / "examples" / name
    assert f"<title>{verdict}:" in (folder / "report.html").read_text("utf-8")
    assert f"**{verdict}, exit status" in (folder / "report.md").read_text("utf-8")


def test_every_picture_of_the_documents_is_there():
    picture = re.compile(r'(?:\]\(|src="|srcset=")([^)"]+\.(?:png|svg))')
    named = ("README.md", "docs/reports.md", "reports/examples/README.md")
    documents = [ROOT / name for name in named]
    shown = [path.parent / each for path in documents for each in picture.findall(path.read_text())]
    assert len(shown) >= 8
    assert [path for path in shown if not path.exists()] == []
