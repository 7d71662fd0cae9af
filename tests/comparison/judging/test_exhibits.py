"""What is shown of a mismatch: its numbers at the worst place, and its mistakes part by part."""

from __future__ import annotations

from dataclasses import replace
from math import inf

import numpy as np
import pytest

from backproof.comparison.bounds.bounds import Bounds
from backproof.comparison.bounds.certainty import Certainty
from backproof.comparison.judging import exhibits as module
from backproof.comparison.judging.exhibits import blocks, exhibits
from backproof.comparison.judging.rows import Status
from backproof.comparison.record.record import SUBJECT, Point
from backproof.reports.report import Report
from tests.reports.evaluated import evaluated, judged, wrong_loss
from tests.reports.page import planted


def shown(report: Report):
    return report.records[0].exhibits


def test_what_matches_has_none():
    report = planted.matching()
    assert shown(report) == ()
    assert report.records[0].corrections == ()


def test_a_mismatch_is_shown_where_it_uses_most_of_its_bound():
    report = planted.wrong()
    record = report.records[1]
    found = {each.name: each for each in record.exhibits}
    wrong = [row for row in report.rows if row.status is Status.MISMATCH]
    assert set(found) == {row.name for row in wrong}
    for name, exhibit in found.items():
        most = max(row.bound_used for row in wrong if row.name == name)
        assert max(map(max, exhibit.shares)) == most
        assert exhibit.elements[0].share == most
        point = Point(exhibit.point, exhibit.step)
        for element in exhibit.elements:
            for who, value in ((SUBJECT, element.actual), ("torch", element.expected)):
                assert record.evaluations[who][point][name][element.index] == value
            assert element.exact == pytest.approx(element.expected, rel=1e-12)
            gap = abs(element.actual - element.expected)
            assert element.share == (gap / element.allowed if element.allowed else inf)


def test_the_mistakes_of_a_diagnosis_are_its_sentence_part_by_part():
    record = planted.wrong().records[1]
    ((correction,),) = record.corrections
    assert correction.place == "dense_1"
    assert f"{correction.where}: {correction.stands}; it should be {correction.should}" in (
        planted.wrong().cause
    )
    assert correction.code
    assert not correction.declared


def test_where_both_agree_but_not_with_the_definition_that_is_what_is_expected():
    record = evaluated(subject=wrong_loss)
    given = record.evaluations
    given["torch"] = {p: v | {"loss": given[SUBJECT][p]["loss"]} for p, v in given["torch"].items()}
    (exhibit,) = shown(judged(record))
    assert exhibit.against == "the definition"
    assert exhibit.shape == ()
    (element,) = exhibit.elements
    assert element.share > 1
    assert element.actual == pytest.approx(1.001 * element.expected)


def test_counts_are_told_in_words_alone():
    report = planted.wrong()
    rows = [replace(row, quantity="accuracy", tensor="") for row in report.rows]
    record = report.records[1]
    wrong = [row for row in rows if row.status is Status.MISMATCH]
    assert exhibits(wrong, record, Bounds(record), Certainty(record)) == ()


def test_a_picture_that_cannot_be_made_says_why_and_costs_no_verdict(monkeypatch):
    def broken(*_):
        raise MemoryError("no room")

    monkeypatch.setattr(module, "of_numbers", broken)
    report = judged(evaluated(subject=wrong_loss))
    assert report.exit_status == 1
    (exhibit,) = shown(report)
    assert "no room" in exhibit.lost
    assert "no room" in report.rendered()["report.html"]


@pytest.mark.parametrize("shape", [(1, 1), (3, 4), (24, 32), (25, 33), (1000, 1), (1, 7000)])
def test_blocks_cover_everything_and_keep_the_largest(shape):
    matrix = np.arange(np.prod(shape), dtype=float).reshape(shape)
    found = blocks(matrix)
    assert found.shape == (min(shape[0], 24), min(shape[1], 32))
    assert found[-1, -1] == matrix.max()
    for place in np.ndindex(*shape):
        i, j = (
            int(np.searchsorted(module.edges(n, most), k, side="right")) - 1
            for n, most, k in zip(shape, (24, 32), place, strict=True)
        )
        assert found[i, j] >= matrix[place]


def test_what_exceeds_a_bound_of_nothing_is_infinite(monkeypatch):
    record = evaluated(subject=wrong_loss)
    row = next(row for row in judged(record).rows if row.status is Status.MISMATCH)
    monkeypatch.setattr(module.Sides, "proven", Nothing(record, row))
    (exhibit,) = exhibits([row], record, Bounds(record), Certainty(record, wanted=False))
    assert exhibit.elements[0].share == inf
    assert not exhibit.certified


class Nothing:
    """A pair that allows nothing."""

    def __init__(self, record, row):
        self.mine = Bounds(record).at(SUBJECT, Point(row.point, row.step))

    def radius(self, name):
        return 0 * self.mine.radii[name]
