"""The environment: the same bytes twice, no time, no path, and no BLAS too strange for it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from backproof.reports.environment import environment
from backproof.reports.formats import environment_json
from tests.reports.sample import MATCHING, made


def rendered():
    report = made(MATCHING)
    report.environment = environment("float64", {"torch": "2.13.0"})
    return environment_json.render(report)


def test_two_runs_say_the_same_and_say_no_path():
    text = rendered()
    assert text == rendered()
    assert str(Path.home()) not in text
    assert str(Path(np.__file__).parent) not in text
    known = json.loads(text)
    assert known["references"] == {"torch": "2.13.0"}
    assert list(known) == sorted(known)
    assert {"python", "cpu", "cores", "blas", "threads", "dtype", "probe_seeds"} <= known.keys()


def test_a_numpy_that_tells_less_of_its_blas_is_no_fault_of_ours(monkeypatch):
    monkeypatch.setattr(np, "show_config", lambda mode: {"Build Dependencies": {"blas": {}}})
    assert environment("float64", {})["blas"] == "unknown"
