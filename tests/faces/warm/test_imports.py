"""What a change concerns: found by the text of the files, and all where that tells nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from backproof.faces.warm.imports import closure, concerned

FILES = {
    "comparisons/__init__.py": "",
    "comparisons/a.py": "from scratch import nets\nREFERENCES = {'keras': 'reference/models.py:a'}",
    "comparisons/b.py": "import scratch.other as other, numpy\nfrom . import shared",
    "comparisons/shared.py": "",
    "scratch/__init__.py": "",
    "scratch/nets.py": "from scratch.deep.maths import relu",
    "scratch/other.py": "DATA = 'data/b.csv'",
    "scratch/deep/maths.py": "from .. import nets",
    "reference/models.py": "import reference.layers",
    "reference/layers.py": "",
    "data/b.csv": "1,2",
    "unknown.py": "",
    "broken.py": "def",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_all_that_a_pairing_needs(root: Path) -> None:
    found = {str(path.relative_to(root)) for path in closure(root / "comparisons/a.py", root)}
    assert found == {
        "comparisons/a.py",
        "scratch/__init__.py",
        "scratch/nets.py",
        "scratch/deep/maths.py",
        "reference/models.py",
        "reference/layers.py",
    }


@pytest.mark.parametrize(
    ("changed", "names"),
    [
        ("comparisons/a.py", "a"),
        ("scratch/deep/maths.py", "a"),
        ("reference/layers.py", "a"),
        ("comparisons/shared.py", "b"),
        ("data/b.csv", "b"),
        ("scratch/__init__.py", "ab"),
        ("unknown.py", "ab"),  # who knows how it is loaded
        ("scratch/4913", ""),  # an editor's, and gone by now
    ],
)
def test_what_a_change_concerns(root: Path, changed: str, names: str) -> None:
    pairings = [root / "comparisons/a.py", root / "comparisons/b.py"]
    found = concerned(pairings, root, [root / changed])
    assert [path.stem for path in found] == list(names)


def test_a_file_that_cannot_be_read_needs_nothing(root: Path) -> None:
    assert closure(root / "broken.py", root) == {root / "broken.py"}
    assert closure(root / "gone.py", root) == {root / "gone.py"}
