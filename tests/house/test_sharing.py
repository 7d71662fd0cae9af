"""How the tests share what is costly, and which of them are the quick half."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from backproof.comparison import run
from tests.conftest import APART, TOGETHER, group
from tests.halves import slow_but
from tests.project import ROOT
from tests.workers import sharing


def test_one_worker_serves_all_who_ask_and_a_lost_one_is_replaced(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ended: list[str] = []

    def start(name: str, dtype: str, *_: Any, **__: Any) -> Any:
        return SimpleNamespace(lost=None, close=lambda: ended.append(f"{name} {dtype}"))

    monkeypatch.setattr(run, "Worker", start)
    with sharing() as shared:
        one, both = shared("keras"), shared("keras", "torch")
        assert one.by_name.keys() == {"keras"}
        assert both.by_name["keras"] is one.by_name["keras"]
        assert shared("keras", dtype="float32").by_name["keras"] is not one.by_name["keras"]
        assert not ended
        one.by_name["keras"].lost = "killed"
        assert shared("keras").by_name["keras"].lost is None
    assert sorted(ended) == ["keras float32", "keras float64", "keras float64", "torch float64"]


def test_all_cases_but_a_few_are_slow() -> None:
    cases = slow_but(["b"], ["a", "b", "c"], 3)
    assert cases[1] == "b"
    for case, value in ((cases[0], "a"), (cases[2], "c")):
        assert case.values == (value,)
        (mark,) = case.marks
        assert (mark.name, mark.args) == ("slow", (3,))
    (pair,) = slow_but([], [("a", 1)], 3)
    assert pair.values == ("a", 1)


def test_a_quick_case_that_is_none_is_refused() -> None:
    with pytest.raises(AssertionError):
        slow_but(["d"], ["a", "b", "c"], 3)


def test_files_that_share_the_slowest_workers_stay_together() -> None:
    assert group("tests/a/test_fuzzing.py::test_c") == group("tests/b/test_kinks.py::test_d[1]")
    assert group("tests/a/test_graphs.py::test_c") != group("tests/b/test_kinks.py::test_d[1]")
    files = {path.stem for path in (ROOT / "tests").rglob("test_*.py")}
    assert {*TOGETHER, *APART} <= files


def test_a_file_stays_together_unless_its_tests_share_nothing() -> None:
    assert group("tests/a/test_b.py::test_c[1]") == group("tests/a/test_b.py::test_d")
    assert group("tests/a/test_init.py::test_c") != group("tests/a/test_init.py::test_d")
