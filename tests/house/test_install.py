"""From `pip install` in an environment of its own to a verified network: the documented ten lines.

backproof is built and installed for real, with its command and its template. The frameworks, and
what else it needs, are those of the tests' environment: to fetch them again takes minutes. That the
extras name all of it is what `tox` shows, which makes that environment from them.
"""

from __future__ import annotations

import os
import subprocess
import sysconfig
import venv
from pathlib import Path

import pytest

from tests.faces.test_own_code import example
from tests.project import ROOT

# An installation for real, and its commands.
pytestmark = pytest.mark.slow(4)


def executed(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Without what leads to this clone."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    return subprocess.run(
        [str(part) for part in command], cwd=cwd, env=environment, capture_output=True, text=True
    )


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the commands of an environment with backproof installed in it are."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=True)
    found = folder / ("Scripts" if os.name == "nt" else "bin")
    done = executed(found / "python", "-m", "pip", "install", "--no-deps", ROOT, cwd=folder)
    assert done.returncode == 0, done.stderr
    place = executed(
        found / "python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder
    ).stdout.strip()
    # A folder that is named in a .pth file is searched; .pth files in it, as that of an editable
    # installation, are not read.
    (Path(place) / "frameworks.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return found


def test_it_is_the_installed_one(scripts: Path, tmp_path: Path) -> None:
    code = "import backproof; print(backproof.__file__)"
    said = executed(scripts / "python", "-c", code, cwd=tmp_path).stdout
    assert Path(said).is_relative_to(scripts.parent)


def test_the_ten_lines(scripts: Path, tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(example("Ten lines"))
    done = executed(scripts / "python", "own.py", cwd=tmp_path)
    assert done.stdout.startswith("<Report MATCH: "), done.stdout + done.stderr


def test_a_new_project(scripts: Path, tmp_path: Path) -> None:
    done = executed(scripts / "backproof", "init", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert f"backproof[keras,torch,pytest] @ {ROOT.as_uri()}" in (tmp_path / "tox.ini").read_text()
    done = executed(scripts / "backproof", "verify", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "comparisons match" in done.stdout
