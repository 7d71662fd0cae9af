"""Mistakes in the networks of pictures: `python -m tests.gauging.edits` scores what is said."""

import tomllib

import pytest

from backproof.comparison.judging import verdicts
from tests.gauging.edits.__main__ import CAUGHT, FILES, GRADES, READ, edits, judged, pairing_of
from tests.halves import slow_but

EVERY = [key for key, _ in edits([])]
# The command scores them all.
SOME = EVERY[::4]


@pytest.mark.parametrize("file", FILES)
def test_the_networks_as_they_are_match(file):
    assert judged(pairing_of(file, None)) == ("MATCH", "")


@pytest.mark.parametrize("key", slow_but(SOME[::5], SOME, 1))
def test_an_edit_is_caught(key, monkeypatch):
    """The verdict alone: what causes it is read by a person."""
    monkeypatch.setattr(verdicts, "explain", lambda *_: False)
    ((_, edit),) = edits([key])
    assert judged(pairing_of(key.partition("/")[0], edit))[0] in CAUGHT


def test_every_grade_is_of_an_edit_and_one_that_is_known():
    read = tomllib.loads(READ.read_text(encoding="utf-8"))
    assert read.keys() <= set(EVERY)
    assert {each["grade"] for each in read.values()} <= set(GRADES)
