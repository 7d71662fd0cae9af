"""A PyTorch worker for all gate tests, and a way to judge an edited copy of scratch/."""

from __future__ import annotations

import datetime
import importlib
import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from backproof.comparison import run
from backproof.comparison.judging import verdicts
from backproof.comparison.judging.rows import Row
from backproof.comparison.pairing.pairing import Pairing, files, load_all
from backproof.comparison.run import Judged, Workers, verify
from tests.gauging.gate.planted import Judge, JudgeSource
from tests.project import ROOT
from tests.workers import Shared

TODAY = datetime.date(2026, 1, 1)
# All that an edit changes shows at the probes and at the first steps.
STEPS = 3


@pytest.fixture(scope="session")
def torch_worker(shared: Shared) -> Workers:
    """Twins are read from the project itself, not from the edited copy."""
    return shared("torch")


@pytest.fixture(scope="session")
def pairings() -> dict[str, Pairing]:
    """The pairings of the project, by name."""
    found, broken = load_all([ROOT / "comparisons"])
    assert not broken
    return {pairing.name: pairing for pairing in found}


@pytest.fixture
def unexplained(monkeypatch: pytest.MonkeyPatch) -> None:
    """The verdict alone: what causes a mismatch is not looked for."""
    monkeypatch.setattr(verdicts, "explain", lambda *_: False)
    monkeypatch.setattr(run, "name_layout", lambda *_: None)


@pytest.fixture
def judge_source(
    torch_worker: Workers,
    pairings: dict[str, Pairing],
    tmp_path: Path,
    same_points: None,
) -> Iterator[JudgeSource]:
    """Judge a pairing whose subject is that of a copy of scratch/ with another source of a file."""
    kept = {name: module for name, module in sys.modules.items() if ours(name)}

    def judge(pairing: str, file: str, source: str, steps: int = STEPS) -> list[Row]:
        for folder in ("scratch", "comparisons"):
            shutil.rmtree(tmp_path / folder, ignore_errors=True)
            shutil.copytree(ROOT / folder, tmp_path / folder)
        (tmp_path / "scratch" / file).write_text(source)
        for name in [name for name in sys.modules if ours(name)]:
            del sys.modules[name]
        sys.path[:] = [str(tmp_path), *(entry for entry in sys.path if entry != str(tmp_path))]
        importlib.invalidate_caches()
        module = importlib.import_module(f"comparisons.{home(pairing)}")
        edited = next(p for p in vars(module).values() if getattr(p, "name", None) == pairing)
        assert Path(sys.modules["scratch.training"].__file__ or "").is_relative_to(tmp_path)
        known = pairings[pairing]
        subject = replace(known, subject=edited.subject, steps=steps)
        # Certified values decide nothing: they tell how many digits are right.
        (judged,) = verify([subject], torch_worker, TODAY, certified=False)
        assert isinstance(judged, Judged)
        return judged.rows

    yield judge
    sys.path[:] = [entry for entry in sys.path if entry != str(tmp_path)]
    for name in [name for name in sys.modules if ours(name)]:
        del sys.modules[name]
    sys.modules.update(kept)


@pytest.fixture
def judge_edited(judge_source: JudgeSource) -> Judge:
    """Judge a pairing after an edit of one place of a file of scratch/."""

    def judge(pairing: str, file: str, old: str, new: str, steps: int = STEPS) -> list[Row]:
        source = (ROOT / "scratch" / file).read_text()
        assert source.count(old) == 1, f"{old!r} stands {source.count(old)} times in {file}"
        return judge_source(pairing, file, source.replace(old, new), steps)

    return judge


def home(pairing: str) -> str:
    """The file of a pairing: the longest file name that its own begins with."""
    names = [path.stem for path in files([ROOT / "comparisons"])]
    return max((name for name in names if pairing.startswith(name)), key=len)


def ours(module: str) -> bool:
    """Whether a module is of a folder that is copied and edited."""
    return module.split(".")[0] in ("scratch", "comparisons")
