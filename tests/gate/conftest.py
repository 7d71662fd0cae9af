"""One PyTorch worker for all gate tests, and a way to judge an edited copy of scratch/."""

from __future__ import annotations

import datetime
import importlib
import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from backproof.comparison.rows import Row
from backproof.pairing import Pairing, load
from backproof.runs import Judged, Workers, verify
from tests.gate.planted import Judge

ROOT = Path(__file__).parents[2]
TODAY = datetime.date(2026, 1, 1)


@pytest.fixture(scope="session")
def torch_worker() -> Iterator[Workers]:
    """Twins are read from the project itself, not from the edited copy."""
    with Workers(["torch"], "float64", ROOT) as workers:
        yield workers


@pytest.fixture(scope="session")
def pairings() -> dict[str, Pairing]:
    """The pairings of the project, by name."""
    return {
        pairing.name: pairing
        for name in ("xor", "circles", "clusters", "captcha")
        for pairing in load(ROOT / "comparisons" / f"{name}.py")
    }


@pytest.fixture
def judge_edited(
    torch_worker: Workers, pairings: dict[str, Pairing], tmp_path: Path
) -> Iterator[Judge]:
    """Judge a pairing whose subject is that of an edited copy of scratch/."""
    kept = {name: module for name, module in sys.modules.items() if ours(name)}

    def judge(pairing: str, file: str, old: str, new: str) -> list[Row]:
        for folder in ("scratch", "comparisons"):
            shutil.copytree(ROOT / folder, tmp_path / folder)
        path = tmp_path / "scratch" / file
        source = path.read_text()
        assert source.count(old) == 1, f"{old!r} stands {source.count(old)} times in {file}"
        path.write_text(source.replace(old, new))
        for name in kept:
            del sys.modules[name]
        sys.path.insert(0, str(tmp_path))
        importlib.invalidate_caches()
        edited = importlib.import_module(f"comparisons.{pairing}").PAIRING
        assert Path(sys.modules["scratch.training"].__file__ or "").is_relative_to(tmp_path)
        subject = replace(pairings[pairing], subject=edited.subject)
        (judged,) = verify([subject], torch_worker, TODAY)
        assert isinstance(judged, Judged)
        return judged.rows

    yield judge
    sys.path[:] = [entry for entry in sys.path if entry != str(tmp_path)]
    for name in [name for name in sys.modules if ours(name)]:
        del sys.modules[name]
    sys.modules.update(kept)


def ours(module: str) -> bool:
    """Whether a module is of a folder that is copied and edited."""
    return module.split(".")[0] in ("scratch", "comparisons")
