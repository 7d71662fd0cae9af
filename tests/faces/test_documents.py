"""Every example and command of the README and of docs/ runs, or is read, as it stands there.

Those of docs/adapters.md have tests of their own, and so have the programs in docs/examples/.
"""

from __future__ import annotations

import configparser
import importlib.util
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from backproof.faces.command_line.main import app
from backproof.mathematics.probes.probes import PROBES
from tests.faces.test_bad_input import backproof, write_pairing
from tests.halves import slow_but
from tests.project import ROOT

DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.M | re.S)
BLOCKS = [
    (path.name, language, text)
    for path in DOCUMENTS
    for language, text in BLOCK.findall(path.read_text())
]
PYTHON = [(name, text) for name, language, text in BLOCKS if language == "python"]
# Whole programs, each in a file of its own; those of other documents belong together.
PROGRAMS = [text for name, text in PYTHON if name == "own_code.md"]
LINES = [
    line.partition("  #")[0].strip()
    for _, language, text in BLOCKS
    if not language
    for line in text.splitlines()
]
# What an elision in a document stands for.
ELIDED = {"NAME": "linear", "...": "--help"}


def python_of(document: str) -> list[str]:
    return [text for name, text in PYTHON if name == document]


def executed(folder: Path, file: str) -> None:
    done = subprocess.run(
        [sys.executable, file], cwd=folder, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr


def test_the_networks_of_the_documents_are_as_they_say() -> None:
    exec("\n".join(python_of("networks.md")), {})


def test_the_layers_of_the_documents_match() -> None:
    exec("\n".join(python_of("one_layer.md")), {})


def test_recorded_numbers_are_judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    exec("\n".join(python_of("recorded.md")), {})
    (network,) = (text for name, kind, text in BLOCKS if (name, kind) == ("recorded.md", "toml"))
    (tmp_path / "network.toml").write_text(network)
    done = backproof("judge", "run.npz", "--network", "network.toml", cwd=tmp_path)
    assert done.returncode == 0, done.stderr + done.stdout


def test_the_audit_says_what_the_document_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (program,) = python_of("audit.md")
    (tmp_path / "example.py").write_text(program)
    executed(tmp_path, "example.py")
    done = subprocess.run(
        [sys.executable, "example.py"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    (said,) = (text for name, kind, text in BLOCKS if (name, kind) == ("audit.md", "text"))
    assert " ".join(done.stdout.split()) == " ".join(said.split())


def test_no_example_is_left_out() -> None:
    tested = {"own_code.md", "README.md", "reproductions.md", "faults.md", "adapters.md"}
    tested |= {
        "networks.md",
        "reports.md",
        "command_line.md",
        "one_layer.md",
        "recorded.md",
        "audit.md",
    }
    tested |= {"tutorial.md"}  # in test_tutorial.py
    assert {name for name, _ in PYTHON} == tested
    documents = ("README.md", "command_line.md", "reproductions.md")
    assert [len(python_of(name)) for name in documents] == [1, 2, 2]


def test_a_format_of_ones_own_is_written(tmp_path: Path) -> None:
    (program,) = python_of("reports.md")
    program += (
        "\nimport datetime\nfrom backproof.reports.report import Report\n"
        "report = Report.of([], {}, datetime.date(2026, 1, 1))\n"
        "assert report.rendered()['verdict.txt'] == 'ERROR: 0 comparisons\\n'\n"
    )
    (tmp_path / "example.py").write_text(program)
    executed(tmp_path, "example.py")


@pytest.mark.parametrize("index", slow_but([], range(len(PROGRAMS)), 3))
def test_a_program_runs_and_matches(index: int, tmp_path: Path) -> None:
    program = PROGRAMS[index]
    shutil.copy(ROOT / "docs" / "examples" / "program_in_python" / "network.py", tmp_path / "mynet")
    mynet = tmp_path / "mynet"
    mynet.write_text(f"#!{sys.executable}\n{mynet.read_text()}")
    mynet.chmod(0o755)
    if "report =" in program:
        program += "\nassert report.passed, report.cause\n"
    (tmp_path / "example.py").write_text(program)
    executed(tmp_path, "example.py")


@pytest.fixture(scope="module")
def linear(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project that the README and docs/command_line.md lay out."""
    root = tmp_path_factory.mktemp("linear")
    for folder in ("scratch", "comparisons"):
        (root / folder).mkdir()
    (ten_lines,), (pairing, waivers) = python_of("README.md"), python_of("command_line.md")
    *lines, last = ten_lines.splitlines()
    assert last == "print(verify(network, subject))"
    (root / "scratch" / "linear.py").write_text("\n".join(lines) + "\n")
    (root / "comparisons" / "linear.py").write_text(pairing)
    (root / "waivers.py").write_text(waivers)
    return root


@pytest.mark.slow(10)
def test_the_ten_lines_print_what_the_documents_say(tmp_path: Path) -> None:
    (program,) = python_of("README.md")
    (tmp_path / "example.py").write_text(program)
    done = subprocess.run(
        [sys.executable, "example.py"], cwd=tmp_path, capture_output=True, text=True, timeout=300
    )
    assert done.stdout in [text for name, _, text in BLOCKS if name == "own_code.md"], done.stderr
    (told,) = re.findall(r"prints `(All \d+ comparisons match)`", (ROOT / "README.md").read_text())
    assert told in done.stdout


def test_the_waivers_of_the_document_are_some(linear: Path) -> None:
    executed(linear, "waivers.py")


def test_the_pairing_of_the_document_has_the_same_data_at_each_call(linear: Path) -> None:
    code = (
        "from comparisons.linear import PAIRING, data\n"
        "assert (data().inputs == PAIRING.data().inputs).all()\n"
    )
    (linear / "twice.py").write_text(code)
    executed(linear, "twice.py")


@pytest.mark.slow(20)
def test_the_commands_of_the_document_run(linear: Path) -> None:
    """Those of the block that begins with ``backproof verify``, in its order."""
    (block,) = [text for _, _, text in BLOCKS if text.startswith("backproof verify   ")]
    commands = [line.partition("#")[0] for line in block.splitlines()]
    assert len(commands) == 6
    for line in commands:
        done = subprocess.run(
            [sys.executable, "-m", *shlex.split(line)],
            cwd=linear,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, f"{line}: {done.stdout}{done.stderr}"
    assert (linear / "reports" / "latest" / "report.md").exists()
    assert (linear / "out.xml").exists()


@pytest.mark.slow(4)
def test_the_reproduction_says_what_it_is_said_to(tmp_path: Path) -> None:
    pairing, recipe = python_of("reproductions.md")
    (published,) = [text for _, language, text in BLOCKS if language == "csv"]
    folder = tmp_path / "comparisons" / "reproduce"
    folder.mkdir(parents=True)
    (folder.parent / "logistic.py").write_text(pairing)
    (folder / "logistic.py").write_text(recipe)
    (folder / "published.csv").write_text(published)
    done = backproof("reproduce", "--reference", "torch", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    (said,) = re.findall(
        r"^Then `backproof reproduce` says `(.*)`$",
        (ROOT / "docs" / "reproductions.md").read_text(),
        re.M,
    )
    assert said in " ".join(done.stdout.split())


def test_the_fault_of_the_document_is_one_of_the_catalogue() -> None:
    (fault,) = python_of("faults.md")
    families = ROOT / "backproof" / "mathematics" / "faults" / "families"
    assert any(fault in path.read_text() for path in families.glob("*.py"))


@pytest.mark.parametrize("line", sorted({line for line in LINES if line.startswith("backproof ")}))
def test_a_command_is_one_that_there_is(line: str) -> None:
    """Its name and its options are known; that it does what is said, other tests show."""
    _, *words = [ELIDED.get(word, word) for word in shlex.split(line)]
    command = typer.main.get_command(app)
    chosen = command.get_command(command.make_context("backproof", words[:1]), words[0])  # type: ignore[attr-defined]
    assert chosen is not None, line
    chosen.make_context(words[0], words[1:])


def test_every_environment_of_tox_that_is_named_is_one() -> None:
    config = configparser.ConfigParser(interpolation=None)
    config.read(ROOT / "tox.ini")
    text = "\n".join(path.read_text() for path in DOCUMENTS)
    named = {
        name for names in re.findall(r"tox(?: -r)? -e ([\w,]+)", text) for name in names.split(",")
    }
    assert named >= {"verify", "test"}
    assert {f"testenv:{name}" for name in named} <= set(config)


def test_every_file_that_is_linked_is_there() -> None:
    for path in DOCUMENTS:
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[\w-]+)?\)", path.read_text()):
            assert "://" in target or (path.parent / target).exists(), f"{path.name}: {target}"


def test_the_glossary_has_every_probe_in_its_own_words() -> None:
    text = (ROOT / "docs" / "glossary.md").read_text()
    told = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", text, re.M))
    assert told == {name: str(make.__doc__).splitlines()[0] for name, make in PROBES.items()}


def test_the_glossary_has_the_words() -> None:
    text = (ROOT / "docs" / "glossary.md").read_text()
    words = {word.lower() for word in re.findall(r"^\*\*(\w+)\*\*:", text, re.M)}
    assert words >= {
        *("subject", "twin", "definition", "ball", "site", "power", "form", "grade", "waiver"),
        *("probe", "reference", "pairing", "point", "status"),
    }


def test_the_pictures_are_made_of_what_a_command_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = importlib.util.spec_from_file_location("make_pictures", ROOT / "docs/make_pictures.py")
    maker = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(maker)
    monkeypatch.setattr(maker, "PICTURES", tmp_path)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "comparisons").mkdir()
    write_pairing(tmp_path / "comparisons", "drawn", references="")
    maker.picture("shown", tmp_path, ["verify"])
    picture = (tmp_path / "shown.svg").read_text()
    assert "drawn" in picture
    assert "@font-face" not in picture
