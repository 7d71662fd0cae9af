"""Programs over a pipe: the examples in C and Python, and programs that break the protocol."""

from __future__ import annotations

import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import backproof
from backproof import Dense, Loss, Network, Report, UsageError, external
from backproof.comparison.judging import layouts
from backproof.comparison.judging.rows import Status
from tests.halves import slow_but
from tests.project import ROOT

EXAMPLES = ROOT / "docs" / "examples"
NETWORK = Network((Dense(3, 1, "sigmoid"),), Loss("binary_cross_entropy"))


def compiled(folder: Path, *options: str) -> None:
    """Compile network.c as its first lines say; without a compiler there is nothing to test."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    assert compiler, "this test needs a C compiler: install one (cc, gcc or clang on the PATH)"
    subprocess.run([compiler, "-O2", "-Wall", "-Werror", *options], cwd=folder, check=True)


def copied(name: str, tmp_path: Path, *edit: str) -> Path:
    """An example in a folder of its own, with one text replaced by another."""
    folder = Path(shutil.copytree(EXAMPLES / name, tmp_path / name))
    if edit:
        file, old, new = edit
        text = (folder / file).read_text()
        assert text.count(old) == 1
        (folder / file).write_text(text.replace(old, new))
    return folder


def checked(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(folder / "check.py")], capture_output=True, text=True, check=False
    )


C_PROGRAM = ("-o", "network", "network.c", "-lm")
C_LIBRARY = ("-shared", "-fPIC", "-o", "network.so", "network.c")


@pytest.mark.parametrize(
    ("name", "options"),
    slow_but(
        [],
        [("program_in_c", C_PROGRAM), ("program_in_python", ()), ("with_ctypes", C_LIBRARY)],
        2,
    ),
)
def test_the_examples_match(name: str, options: tuple[str, ...], tmp_path: Path) -> None:
    folder = copied(name, tmp_path)
    if options:
        compiled(folder, *options)
    done = checked(folder)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow(2)
@pytest.mark.parametrize(
    ("name", "options", "edit", "tensor"),
    [
        (
            "program_in_c",
            C_PROGRAM,
            ("network.c", "back * (1 - h * h)", "back * (1 - h)"),
            "gradient/dense_1/kernel",
        ),
        (
            "program_in_python",
            (),
            ("network.py", "by_bias += delta", "by_bias = delta"),
            "gradient/dense_1/bias",
        ),
        (
            "with_ctypes",
            C_LIBRARY,
            ("network.c", "+= error * inputs", "+= 2 * error * inputs"),
            "gradient/dense_1/kernel",
        ),
    ],
)
def test_a_fault_in_an_example_is_named(
    name: str, options: tuple[str, ...], edit: tuple[str, ...], tensor: str, tmp_path: Path
) -> None:
    folder = copied(name, tmp_path, *edit)
    if options:
        compiled(folder, *options)
    done = checked(folder)
    assert done.returncode == 1
    assert "AssertionError: MISMATCH" in done.stderr
    assert f"MISMATCH {tensor}" in done.stderr


# What a program does after its first reply; then what is said of it.
BROKEN = {
    "dies": ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "was ended by SIGKILL"),
    "leaves": (
        "sys.stderr.write('out of luck\\n'); sys.exit(5)",
        "ended by itself with status 5: out of luck",
    ),
    "chatters": ("print('epoch 1')", r"wrote garbage: expected a line of JSON, got b'epoch 1\\n'"),
    "hangs": ("import time; time.sleep(60)", "gave no answer for 1 s and was killed"),
    "stops_in_the_middle": (
        "import time; print('{\"ok\": tr', end='', flush=True); time.sleep(60)",
        "gave no answer for 1 s and was killed.*expected a line of JSON, got b'{\"ok\": tr'",
    ),
    "lies_about_its_bytes": (
        "print('{\"ok\": true, \"tensors\": 8}\\n1234', end=''); sys.exit(0)",
        "expected 8 bytes of tensors, got 4",
    ),
    "sends_no_tensors": (
        "print('{\"ok\": true, \"tensors\": 8}\\n12345678', end='')",
        "are no safetensors",
    ),
    "announces_nonsense": ('print(\'{"ok": true, "tensors": -1}\')', "-1 bytes of tensors"),
    "announces_infinity": ("print('{\"tensors\": 1e999}')", "expected a line of JSON, got"),
    "announces_too_much": (
        "print('{\"tensors\": ' + '9' * 30 + '}')",
        f"{'9' * 30} bytes of tensors are announced: too many to hold",
    ),
    "nests_without_an_end": ("print('[' * 100_000)", r"expected a line of JSON, got b'\[\[\["),
    "says_no_object": ("print('[1, 2]')", "expected a line of JSON, got"),
    "says_neither": ("print('{\"tensors\": 0}')", 'which says neither "ok" nor "error"'),
    "says_more_than_asked": (
        "print('{\"ok\": true}\\n' * 9)",
        "answered what nobody asked|wrote garbage",
    ),
    "refuses": (
        'print(\'{"ok": false, "error": "four layers at most"}\')',
        "four layers at most",
    ),
}


def answering(folder: Path, code: str) -> Report:
    """A program that says that it is ready, takes what it is sent, and then does that."""
    path = folder / "program.py"
    path.write_text(
        "import sys\n"
        "print('{\"ok\": true}', flush=True)\n"
        "sys.stdin.buffer.readline()\n" + textwrap.dedent(code) + "\n"
        "sys.stdout.flush(); open('asked', 'wb').write(sys.stdin.buffer.read())\n"
    )
    program = external([sys.executable, "program.py"], folder=folder, time_limit=1)
    return backproof.verify(NETWORK, program, references=["torch"])


@pytest.mark.parametrize("name", BROKEN)
def test_a_program_that_breaks_the_protocol(name: str, tmp_path: Path) -> None:
    code, said = BROKEN[name]
    report = answering(tmp_path, code)
    assert report.status is Status.ERROR
    assert report.exit_status == 3
    with pytest.raises(AssertionError, match=said):
        raise AssertionError(report.cause)


def test_one_that_has_refused_is_asked_nothing_more(tmp_path: Path) -> None:
    """Nor in another layout: each question would take its time limit."""
    assert answering(tmp_path, BROKEN["refuses"][0]).status is Status.ERROR
    assert (tmp_path / "asked").read_bytes() == b""


def test_one_that_hangs_is_not_asked_in_another_layout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[object] = []
    monkeypatch.setattr(layouts, "candidates", lambda pairing: iter(tried.append(pairing) or ()))
    assert answering(tmp_path, BROKEN["hangs"][0]).status is Status.ERROR
    assert tried == []


def test_one_that_dies_in_the_middle_leaves_the_points_before_whole(tmp_path: Path) -> None:
    folder = copied(
        "program_in_python",
        tmp_path,
        "network.py",
        'if request["do"] == "evaluate":\n        send',
        'if request["do"] == "evaluate":\n        if len(batch["targets"]) == 1:\n'
        "            raise SystemExit(9)\n        send",
    )
    program = external([sys.executable, "network.py"], folder=folder)
    report = backproof.verify(NETWORK, program, references=["torch"])
    by_point: dict[str, set[str]] = {}
    for row in report.comparisons:
        by_point.setdefault(row.point, set()).add(row.status)
    assert by_point["data"] == by_point["general"] == {"MATCH"}
    assert by_point["one_sample"] == by_point["near_kink"] == {"ERROR"}


def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    program = external(["./mynet"], folder=tmp_path)
    report = backproof.verify(NETWORK, program, references=["torch"])
    assert f"./mynet cannot be started in {tmp_path} (No such file or directory)" in report.cause


def test_a_command_is_a_list() -> None:
    with pytest.raises(UsageError, match="give a list of strings or paths"):
        external("./mynet")
