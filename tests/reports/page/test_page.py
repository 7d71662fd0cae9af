"""report.html: the verdict first, everything told, nothing from elsewhere, the same bytes again."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from backproof.comparison.judging.rows import Grade, Status
from backproof.comparison.run import Judged
from backproof.mathematics.probes.probes import PROBES
from backproof.reports.page import page
from backproof.reports.report import Report
from tests.reports.page import planted
from tests.reports.sample import MATCHING, MISMATCHING, TODAY, made, record

HOSTILE = '<script>alert("x")</script>\'" \x1b[31m\u202e{{ 7*7 }}'
# Elements without an end.
VOID = {"meta", "link", "input", "br", "img", "hr", "mspace", "rect", "line", "polyline", "circle"}


class Page(HTMLParser):
    """A page's text in order, its elements, and whether every one of them is ended."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("style", "script"):
            self.texts.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", "".join(self.texts))


def read(report: Report) -> Page:
    return Page(page.render(report))


def test_verdict_cause_file_and_formula_stand_before_all_else():
    text = read(planted.wrong()).text
    told = [
        "MISMATCH · two_layers against torch",
        "In dense_1, the slope is a * (1 - z).",
        "File scratch/two_layers.py:41",
        "Should be 1 - a**2",
        "Worst place",
        "What was not compared",
        "Pairings",
        "Every tensor",
        "The run",
    ]
    text = text[text.index(told[0]) :]  # after the head of the page, which names its sections
    places = [text.index(each) for each in told]
    assert places == sorted(places)


def test_what_the_subject_calls_is_named_beside_its_file():
    known = replace(
        record(), place="comparisons/a.py:3", calls=("net (scratch/net.py:7)", "x (y.py:1)")
    )
    text = read(Report.of([Judged(known, [MISMATCHING])], {}, TODAY)).text
    assert (
        "File comparisons/a.py:3 where the subject is written; it calls net (scratch/net.py:7), "
        "x (y.py:1)" in text
    )


def test_a_match_says_how_strong_it_is_in_digits_and_what_was_not_compared():
    text = read(planted.matching()).text
    assert re.search(r"All \d+ comparisons match\.", text)
    assert re.search(r"one of the first 1\d digits of a tensor's largest element", text)
    assert "two_layers: the class of samples within the bound of the threshold, at 1 poi" in text
    assert "MISMATCH" not in text


def test_what_fails_has_its_numbers_side_by_side_and_its_pictures():
    found = read(planted.wrong())
    pictures = [given["aria-label"] for tag, given in found.elements if tag == "svg"]
    assert "difference ÷ bound over gradient/dense_1/kernel, 3 by 6" in pictures
    assert "difference ÷ bound along the steps of the training" in pictures
    assert "the slope used in dense_1 and the right one" in pictures
    exhibit = planted.wrong().records[1].exhibits[0]
    for element in exhibit.elements:
        for value in (element.actual, element.expected, element.exact):
            assert f"{value:.17g}" in found.text


def test_a_match_has_no_picture_of_a_mismatch():
    assert [tag for tag, _ in read(planted.matching()).elements if tag == "svg"] == []


def test_nothing_comes_from_the_network():
    for report in (planted.wrong(), planted.matching()):
        for tag, given in read(report).elements:
            for name in ("src", "href"):
                assert (given.get(name) or "").partition(":")[0] not in ("http", "https", "") or (
                    name not in given
                )
            assert tag not in ("img", "iframe", "object")
        css = page.resource("page.css")
        assert "url(" not in css
        assert "@import" not in css


def test_two_runs_write_the_same_bytes(tmp_path):
    record = planted.record_of("two_layers", planted.subject_with(planted.wrong_slope))
    again = planted.judged(record)
    first = planted.written(replace_rows(planted.wrong()), tmp_path / "one")
    assert page.render(again) == page.render(planted.judged(record))
    assert first.read_text("utf-8") == page.render(replace_rows(planted.wrong()))


def replace_rows(report: Report) -> Report:
    """A report that shares its rows, so that what it keeps for itself is made anew."""
    return replace(report, rows=list(report.rows))


@pytest.mark.parametrize("where", ["pairing", "cause", "detail", "point", "note"])
def test_what_users_write_is_shown_and_does_nothing_else(where):
    row = replace(MISMATCHING, **{where: HOSTILE}) if where != "note" else MISMATCHING
    known = replace(record(HOSTILE) if where == "pairing" else record(), place=HOSTILE)
    row = replace(row, pairing=known.pairing)
    report = Report.of([Judged(known, [row])], {"dtype": HOSTILE}, TODAY)
    report.notes += [HOSTILE] if where == "note" else []
    html = page.render(report)
    found = Page(html)
    assert html.count("<script>") == 1
    assert "\x1b" not in html
    assert "\u202e" not in html
    assert '<script>alert("x")</script>' in found.text
    assert "{{ 7*7 }}" in found.text


@pytest.mark.parametrize("status", list(Status))
def test_every_verdict_has_a_sign_and_a_word_beside_its_colour(status):
    row = replace(MATCHING, status=status, cause="why")
    text = read(made(row)).text
    assert f"{page.SIGNS[status]} {status}" in text
    assert len(set(page.SIGNS.values())) == len(Status)


def test_a_probe_is_explained_where_it_is_named():
    found = read(made(replace(MISMATCHING, point="one_sample")))
    titles = {given.get("title") for tag, given in found.elements if tag == "abbr"}
    assert PROBES["one_sample"].__doc__.splitlines()[0] in titles
    assert "one_sample: A batch of one" in found.text


def test_what_was_not_compared_is_told_once_for_all_that_it_is_true_of():
    known = [replace(record(name), omits=("loss",)) for name in ("a", "b")]
    judged = [Judged(each, [replace(MATCHING, pairing=each.pairing)]) for each in known]
    judged.append(Judged(record("nobody", ("jax",)), []))
    text = read(Report.of(judged, {}, TODAY)).text
    assert "a and b: loss: the subject gives none." in text
    assert "nobody: anything against jax." in text


def test_statistical_comparisons_are_told_from_proven_ones():
    rows = [MATCHING, replace(MATCHING, step=1, grade=Grade.STATISTICAL)]
    known = replace(record(), chance=1e-9)
    text = read(Report.of([Judged(known, rows)], {}, TODAY)).text
    assert "1 of them by random rounding errors, at a chance of 1e-09" in text
    assert "1 statistical" in text
    assert "statistical" not in read(made(replace(MATCHING, grade=Grade.PROVEN))).text


def test_a_million_rows_are_a_line_each_tensor():
    rows = [replace(MATCHING, step=step, bound_used=step / 5000) for step in range(4000)]
    html = page.render(made(*rows))
    body = html.partition('id="tensors"')[2].partition("<tbody>")[2].partition("</tbody>")[0]
    assert body.count("<tr") == 1
    assert "step 3999" in body
    assert len(html) < 60_000


def test_what_a_match_does_not_prove_is_what_the_other_report_says():
    listed = page.scope()
    markdown = " ".join(made(MATCHING).to_markdown().split())
    assert len(listed) == 6
    for line in listed:
        assert f"- {line}" in markdown


def test_an_error_of_a_subject_is_the_headline():
    cause = "subject: the subject raised NameError: name 'w3' is not defined (net.py:7)"
    row = replace(MATCHING, status=Status.ERROR, shape="", bound_used=None, cause=cause)
    found = read(made(row))
    assert "The subject raised NameError: name 'w3' is not defined (net.py:7)." in found.text
    assert "1 comparison could not be made" in found.text


def test_where_all_was_compared_it_says_so():
    rows = [replace(MATCHING, quantity=quantity) for quantity in ("loss", "gradient")]
    known = replace(record(), quantities=("parameter_count", "activation", "loss", "gradient"))
    known.quantities = (*known.quantities, "updated", "accuracy")
    text = read(Report.of([Judged(known, rows)], {}, TODAY)).text
    assert "Everything that the pairings name was compared" in text
    assert "tiny: parameter count" in read(made(*rows)).text


def test_of_many_that_fail_three_are_told_in_full_and_the_others_in_a_line():
    names = [f"p{k}" for k in range(5)]
    rows = [replace(MISMATCHING, pairing=name, cause=f"{name} is wrong") for name in names]
    judged = [Judged(record(name), [row]) for name, row in zip(names, rows, strict=True)]
    found = read(Report.of(judged, {}, TODAY))
    heroes = [
        given for tag, given in found.elements if tag == "section" and "hero" in given["class"]
    ]
    assert len(heroes) == 3
    assert "And 2 more ✕ MISMATCH p3 against torch: p3 is wrong" in found.text
    assert "5 of 5 comparisons do not pass" in found.text


@pytest.mark.parametrize("report", [planted.wrong, planted.matching])
def test_a_notebook_shows_verdict_and_cause_and_folds_the_rest(report):
    found = Page(report()._repr_html_())
    before = found.text[: found.text.index("with all numbers and pictures")]
    told = (
        "In dense_1, the slope is a * (1 - z)." if report is planted.wrong else "comparisons match."
    )
    assert told in before
    assert "Not compared" in before
    assert len(before) < 1500
    names = [tag for tag, _ in found.elements]
    assert "script" not in names
    assert "html" not in names
    assert [given["id"] for _, given in found.elements if "id" in given] == []


def test_a_report_of_nothing_is_no_match():
    text = read(Report.of([], {}, TODAY)).text
    assert "Nothing was compared, and that is no match." in text
