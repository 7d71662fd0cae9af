"""report.html in a real browser: on a phone, a tablet and a desk, light and dark."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from backproof.comparison.record.record import Record
from backproof.comparison.run import Judged
from backproof.reports.page import page as pages
from backproof.reports.report import Report
from tests.browser.looking import look, opened_browser, page_of
from tests.reports.page import planted
from tests.reports.page.planted import NETWORK
from tests.reports.sample import MISMATCHING, TODAY, record

SIZES = [(400, 800), (800, 900), (1400, 900)]
SCHEMES = ["light", "dark"]
LONG = "a_name_that_is_" + "very_" * 40 + "long"


def renamed(known: Record, name: str) -> Record:
    """The same under another name."""
    return replace(known, pairing=name)


def eleven() -> Report:
    """As many pairings as the repository has, none of which matches: the largest page there is."""
    wrong = planted.wrong()
    judged = []
    for k in range(11):
        rows = [
            replace(row, pairing=f"pairing_{k}", step=step)
            for row in wrong.rows
            if row.pairing == "two_layers"
            for step in ((row.step,) if row.step else range(0, 90, 9))
        ]
        judged.append(Judged(renamed(wrong.records[1], f"pairing_{k}"), rows))
    return Report.of(judged, wrong.environment, TODAY)


def named_at_length() -> Report:
    """Names and messages without a place to break them."""
    rows = [replace(MISMATCHING, pairing=LONG, cause=LONG, detail=LONG)]
    return Report.of([Judged(replace(record(LONG), place=LONG), rows)], {"x": LONG}, TODAY)


REPORTS = {
    "wrong": lambda: pages.render(planted.wrong()),
    "matching": lambda: pages.render(planted.matching()),
    "eleven": lambda: pages.render(eleven()),
    "long names": lambda: pages.render(named_at_length()),
    "nothing": lambda: pages.render(Report.of([], {}, TODAY)),
    "notebook": lambda: f"{HEAD}{planted.wrong()._repr_html_()}{NETWORK._repr_html_()}",
}
# What a notebook shows stands in a page of the notebook's own.
HEAD = "<!DOCTYPE html><meta charset='utf-8'><meta name='viewport' content='width=device-width'>"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with opened_browser() as found:
        yield found


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Every page, each in a file."""
    folder = tmp_path_factory.mktemp("pages")
    found = {}
    for name, report in REPORTS.items():
        found[name] = folder / f"{name.replace(' ', '_')}.html"
        found[name].write_text(report(), "utf-8")
    return found


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("name", REPORTS)
def test_no_page_has_a_message_a_request_or_anything_too_wide(
    browser, files, name, width, height, scheme
):
    assert look(browser, files[name], width, height, scheme).complaints == []


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_file_cause_and_formula_are_seen_without_scrolling(browser, files, width, height):
    text = look(browser, files["wrong"], width, height).text
    for told in (
        "MISMATCH",
        "two_layers",
        "scratch/two_layers.py:41",
        "In dense_1, the slope is a * (1 - z).",
        "a * (1 - z)",
        "1 - a**2",
    ):
        assert told in text


@pytest.mark.parametrize(
    ("broken", "complaint"),
    [
        ("<script>console.log('told')</script>", "console: told"),
        ("<script>nothing.here</script>", "console: nothing is not defined"),
        ("<div style='width:2000px'>x</div>", "pixels too wide"),
        ("<img src='there.png' alt=''>", "fetched "),
        ("<style>body { display: none }</style>", "nothing to be seen"),
    ],
)
def test_each_complaint_is_made_of_a_page_that_deserves_it(
    browser, files, tmp_path, broken, complaint
):
    path = tmp_path / "broken.html"
    path.write_text(files["matching"].read_text("utf-8").replace("<main>", f"<main>{broken}"))
    assert any(complaint in each for each in look(browser, path, 400, 800).complaints)


def test_dark_is_dark_and_light_is_light(browser, files):
    light, dark = (look(browser, files["wrong"], 400, 800, scheme).behind for scheme in SCHEMES)
    assert min(light) > 200
    assert max(dark) < 60


def test_the_largest_page_is_light_and_opens_within_a_second(browser, files):
    assert files["eleven"].stat().st_size <= 3_000_000
    # The quickest of three: the machine may be doing something else.
    assert min(look(browser, files["eleven"], 1400, 900).loaded for _ in range(3)) <= 1000


def test_tables_sort_and_filter(browser, files):
    with page_of(browser, files["wrong"], 1400, 900) as page:
        rows = "#tensors ~ .scroll tbody tr:not([hidden])"
        every = page.locator(rows).count()
        page.locator("input[type=search]").fill("two_layers mismatch")
        few = page.locator(rows)
        assert 0 < few.count() < every
        for text in few.all_inner_texts():
            assert "MISMATCH" in text
        assert page.get_by_text(f"{few.count()} of {every} lines").is_visible()
        page.locator("input[type=search]").fill("")
        for times, expected in ((1, sorted), (2, lambda values: sorted(values, reverse=True))):
            page.get_by_role("button", name="comparisons").click()
            shown = page.locator(f"{rows} td:nth-child(4)").all_inner_texts()
            cells = [int(text.replace(",", "")) for text in shown]
            assert cells == expected(cells), times
        assert page.told == []


def test_without_scripts_everything_is_there(browser, files):
    with page_of(browser, files["wrong"], 400, 800, java_script_enabled=False) as page:
        assert page.locator("input").count() == 0
        assert page.locator("#tensors ~ .scroll tbody tr").count() > 20
        page.locator("summary").first.click()
        assert page.get_by_text("Only these points were compared").is_visible()


def test_it_can_be_printed(browser, files):
    with page_of(browser, files["wrong"], 794, 1123) as page:
        printed = page.pdf(format="A4")
        assert printed.startswith(b"%PDF")
        page.emulate_media(media="print")
        assert not page.locator("input[type=search]").is_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 794


def test_a_link_into_a_folded_part_opens_it(browser, files):
    with page_of(browser, files["wrong"], 400, 800) as page:
        page.get_by_role("link", name="two_layers").first.click()
        top = page.locator("#pairing-1").bounding_box()["y"]
        assert abs(top) < 100
