"""User code that changes its process: what is everybody's is put back, and costs nobody else."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from backproof.implementations.client import where
from tests.faces.forking import Done, Server, forking
from tests.faces.planted_ends import write
from tests.faces.plugin_project import backproof_alone
from tests.faces.test_bad_input import rows_of

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only there it can be forked")

# Each is done when its file is loaded, and as another pairing's by the subject at each call.
CHANGES = {
    "elsewhere": "os.chdir('/')",
    "no_environment": "os.environ.clear()",
    "strict_numpy": "np.seterr(all='raise')",
    "seeded": "np.random.seed(0)",
    "shallow": "sys.setrecursionlimit(120)",
    "deaf": "[signal.signal(n, signal.SIG_IGN) for n in (signal.SIGCHLD, signal.SIGALRM)]",
    "no_streams": "sys.stdout = sys.stderr = None",
    "own_stream": "import io; sys.stdout = io.StringIO()",
    "closed_output": "sys.stdout.close()",
    "closed_error": "sys.stderr.close()",
    "closed_descriptors": "os.close(0); os.close(1); os.close(2)",
    "closed_first": "os.closerange(0, 64)",
    "no_path": "sys.path = []",
    "path_of_nothing": "sys.path = None",
    "strict_warnings": "import warnings; warnings.simplefilter('error')",
    "no_collector": "import gc; gc.disable(); gc.set_threshold(0)",
    "no_hooks": "import threading; sys.excepthook = threading.excepthook = None",
    "profiled": "import threading; threading.setprofile(lambda *_: 1 / 0)",
    "traced": "import threading; threading.settrace(lambda *_: 1 / 0)",
    "threads": "import threading; threading.Thread(target=time.sleep, args=(600,)).start()",
    "children": "import subprocess; subprocess.Popen(['sleep', '600'])",
    "session": "import subprocess; subprocess.Popen(['sleep', '600'], start_new_session=True)",
    "asyncio": "import asyncio; asyncio.run(asyncio.sleep(0))",
    "alarmed": "signal.alarm(3000)",
    "rounded": "np.set_printoptions(precision=1, threshold=1)",
    "stopped_clock": "time.monotonic = lambda: 0.0",
    "own_session": "os.getpid() == os.getsid(0) or os.setsid()",
    "parent_forked": "os.fork()",
}
# Signals belong to the main thread, in which no subject is called; and what a file has closed, it
# cannot close at each call.
ONCE = ("deaf", "closed_descriptors")
CASES = [
    (moment, name)
    for moment in ("file", "subject")
    for name in CHANGES
    if moment == "file" or name not in ONCE
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with forking(backproof_alone(tmp_path_factory.mktemp("backproof"))) as ours:
        yield ours


Run = tuple[Done, list[dict[str, str]]]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, server: Server) -> Run:
    """One run over all of them, one after the other in one process."""
    folder = tmp_path_factory.mktemp("project")
    for moment, name in CASES:
        write(folder, f"{moment}_{name}", **{moment: CHANGES[name]})
    write(folder, "z_last")
    done = server.run(folder, "verify", "--report", "report")
    return done, rows_of(folder / "report")


@pytest.mark.parametrize(("moment", "name"), CASES)
def test_what_is_changed_costs_no_verdict(moment: str, name: str, run: Run) -> None:
    done, rows = run
    mine = {row["status"] for row in rows if row["pairing"] == f"{moment}_{name}"}
    assert mine == {"MATCH"}, done


def test_the_run_goes_on_where_it_began_and_nobody_is_left(run: Run) -> None:
    done, rows = run
    assert done.status == 0, done
    assert done.out.count("comparisons match.") == 1
    assert done.out.rstrip().endswith("Report: report/report.md")
    assert {row["status"] for row in rows if row["pairing"] == "z_last"} == {"MATCH"}
    assert "fault of backproof" not in done.err
    assert not done.left


def linked(path: Path) -> None:
    path.symlink_to("/nowhere.py")


# What a pairing file may be instead: the exit status beside one that is good, and what is said.
FILES: dict[str, tuple[bytes | Callable[[Path], None], int, str]] = {
    "empty": (b"", 0, ""),
    "folder": (Path.mkdir, 0, ""),
    "link_to_nothing": (linked, 2, "no such file"),
    "link_to_itself": (lambda path: path.symlink_to(path), 2, "cannot be read"),
    "bytes": (bytes(range(256)), 2, "null bytes"),
    "null": (b"x = 1\n\0\n", 2, "null bytes"),
    "byte_order_mark": (b"\xef\xbb\xbfx = 1\n", 0, ""),
    "windows_lines": (b"x = 1\r\ny = 2\r\n", 0, ""),
    "utf_16": ("x = 1\n".encode("utf-16"), 2, "null bytes"),
    "latin_1": ("x = 'é'\n".encode("latin-1"), 2, "can't decode byte"),
    "no_such_encoding": (b"# coding: nonsense\nx = 1\n", 2, "unknown encoding: nonsense"),
    "mixed_tabs": (b"if 1:\n\tx = 1\n        y = 2\n", 2, "inconsistent use of tabs"),
    "imports_itself": (b"from comparisons.bad import X\n", 2, "cannot import name 'X'"),
    "imports_nothing": (b"import nowhere\n", 2, "No module named 'nowhere'"),
    "too_deep": (b"x = " + b"(" * 500 + b")" * 500, 2, "too many nested parentheses"),
    "late_future": (b"x = 1\nfrom __future__ import annotations\n", 2, "at the beginning"),
    "undefined": (b"x = 1\ny = nope\n", 2, "comparisons/bad.py:2: NameError"),
    "long_message": (b"raise ValueError('x' * 10**6)\n", 2, "1000000 characters"),
    "escapes": (b"raise ValueError('\\x1b[2J[/red]')\n", 2, "ValueError"),
    "in_a_list": (
        b"from comparisons.good import PAIRING\nfrom dataclasses import replace\n"
        b"ALL = [replace(PAIRING, name='other')]\n",
        2,
        "a Pairing lies in a collection, where none is looked for",
    ),
    "of_another_backproof": (
        b"import sys\nfor each in [each for each in sys.modules if each.startswith('backproof')]:\n"
        b"    del sys.modules[each]\nfrom comparisons.good import PAIRING\nimport backproof\n"
        b"PAIRING = backproof.Pairing.__new__(backproof.Pairing)\n",
        2,
        "its Pairing is of another backproof",
    ),
    "removes_its_folder": (
        b"import shutil, os\nshutil.rmtree(os.getcwd())\n",
        2,
        "good.py",
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_none(name: str, tmp_path: Path, server: Server) -> None:
    content, status, said = FILES[name]
    folder = tmp_path / "project"
    folder.mkdir()
    write(folder, "good")
    path = folder / "comparisons" / "bad.py"
    if callable(content):
        content(path)
    else:
        path.write_bytes(content)
    done = server.run(folder, "verify")
    assert done.status == status, done
    assert said in done.said
    assert (" comparisons match." in done.out) == (status == 0)
    assert "\x1b" not in done.said
    assert "Traceback" not in done.said


# What the system may lack: the exit status, and what is said.
LACKING = {
    "files": ({"RLIMIT_NOFILE": 8}, 3, "the system refused what a run needs (Too many open files)"),
    "few_files": ({"RLIMIT_NOFILE": 20}, 0, " comparisons match."),
    "room": ({"RLIMIT_FSIZE": 3000}, 2, "it cannot be written"),
}


@pytest.mark.parametrize("name", LACKING)
def test_a_system_that_lacks_something(name: str, tmp_path: Path, server: Server) -> None:
    limits, status, said = LACKING[name]
    write(tmp_path, "good")
    done = server.run(tmp_path, "verify", "--report", "report", limits=limits)
    assert done.status == status, done
    assert said in done.said
    assert "Traceback" not in done.said
    assert not done.left


def test_a_file_of_the_users_is_not_taken_for_one_of_pythons(tmp_path: Path) -> None:
    for name in ("random", "queue", "numpy", "json", "signal"):
        (tmp_path / f"{name}.py").write_text("raise ImportError('mine')\n")
    done = subprocess.run(
        [sys.executable, "-m", "backproof", "--help"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "mine" not in done.stderr


def test_one_that_is_imported_in_the_place_of_another_is_named(
    tmp_path: Path, server: Server
) -> None:
    """No fault of backproof's own."""
    (tmp_path / "html.py").write_text("raise ImportError('mine')\n")
    shadowing = "t.show = lambda *_: (sys.modules.pop('html', 0), __import__('html'))"
    write(tmp_path, "good", file=f"import backproof.reports.terminal as t; {shadowing}")
    done = server.run(tmp_path, "verify")
    assert done.status == 2, done
    assert "html.py:1 is imported in the place of a module that backproof needs" in done.said


def test_a_traceback_is_told_with_the_line_of_the_user(tmp_path: Path) -> None:
    (tmp_path / "keras.py").write_text("raise ImportError('mine')\n")
    lines = [f'  File "{tmp_path / "keras.py"}", line 1, in <module>', "ImportError: mine"]
    assert where(lines).endswith("keras.py:1)")
    assert where([f'  File "{os.__file__}", line 1, in <module>']) == ""
