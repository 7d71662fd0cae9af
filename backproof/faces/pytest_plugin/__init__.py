"""The pytest plugin: ``pytest comparisons`` tests every pairing × reference × compared name.

The pairings that are selected run in one pass, in the process that collected them or, under
pytest-xdist, in the controller. This module is loaded in every pytest session; it imports nothing
heavy before it meets a folder ``comparisons``.
"""

from __future__ import annotations

import os
import traceback
from collections.abc import Generator, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from backproof.comparison.record import FALSE_ALARM, LIMIT, MOST_CHANCE
from backproof.faces.pytest_plugin.items import (
    COMPARISONS,
    ComparisonItem,
    Comparisons,
    PairingFile,
)
from backproof.implementations.host import watched
from backproof.implementations.host.threads import one_thread

if TYPE_CHECKING:
    from backproof.comparison.pairing.pairing import Pairing
    from backproof.faces.pytest_plugin.run import Run

FOLDER = "comparisons"
BYTES = 1_000_000
"""In a megabyte."""
# As `backproof verify --dtype`; the module of that command's choices imports typer.
DTYPES = ("float64", "float32", "bfloat16", "float16")
# The status of a row whose reference alone is wrong; the module of the statuses imports NumPy.
AT_FAULT = "AT-FAULT"
# The runs of the sessions that are open: an interrupt does not say whose it is.
RUNS: list[Run] = []


def seconds(text: str) -> float:
    """The value of a time limit: at least one second."""
    value = float(text)
    if not value >= 1:
        raise ValueError(text)
    return value


def megabytes(text: str) -> float:
    """The value of a limit of memory."""
    value = float(text)
    if not value >= 0:
        raise ValueError(text)
    return value


def chance(text: str) -> float:
    """The value of a chance of a false alarm."""
    value = float(text)
    if not 0 <= value <= MOST_CHANCE:
        raise ValueError(text)
    return value


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of ``backproof verify``, under names that no other plugin has."""
    group = parser.getgroup("backproof", "comparisons of hand-written networks with their twins")
    group.addoption("--backproof-report", metavar="DIR", help="Write the reports there.")
    group.addoption(
        "--backproof-history",
        metavar="FILE",
        help="Add the run to a history, a file of SQLite, and show the trend in the report.",
    )
    group.addoption(
        "--backproof-dtype",
        choices=DTYPES,
        default="float64",
        help="The precision of everything (default: float64).",
    )
    group.addoption(
        "--backproof-reference",
        action="append",
        metavar="NAME",
        help="Only this reference; repeatable.",
    )
    group.addoption(
        "--backproof-evaluations-limit",
        type=megabytes,
        default=LIMIT / BYTES,
        metavar="MB",
        help="Evaluations beyond so many megabytes are not stored, where they match.",
    )
    group.addoption(
        "--backproof-time-limit",
        type=seconds,
        default=300.0,
        metavar="SECONDS",
        help="Seconds, at least 1, that a worker may be silent before it is killed (default: 300).",
    )
    group.addoption(
        "--backproof-false-alarm",
        type=chance,
        default=FALSE_ALARM,
        metavar="CHANCE",
        help="The chance that correct code is called wrong somewhere in the whole run, where "
        "rounding errors are taken as random.",
    )
    group.addoption(
        "--backproof-proven",
        action="store_true",
        help="Judge by worst cases alone, which no chance enters.",
    )
    group.addoption(
        "--backproof-audit",
        action="store_true",
        help="Tell of each assert_allclose, allclose, approx, … what it could not have seen.",
    )
    group.addoption(
        "--backproof-in-process",
        action="store_true",
        help="Let no child process hold the session, for a debugger of your own.",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config, args: Sequence[str]) -> None:
    """Where comparisons are asked for, NumPy's threads are settled before a conftest imports it.

    A run then writes the bytes that ``backproof verify`` writes.
    """
    folder = early_config.invocation_params.dir
    named = any(FOLDER in Path(each).parts for each in args)
    if named or (folder / FOLDER).is_dir() or folder.name == FOLDER:
        one_thread()


def pytest_configure(config: pytest.Config) -> None:
    """Refuse, before anything runs, what could otherwise only fail at the end."""
    config.stash[COMPARISONS] = known = Comparisons(config)
    if config.getoption("backproof_audit"):
        from backproof.faces.pytest_plugin.audited import Audited

        config.pluginmanager.register(Audited(config), "backproof-audit")
    if process := getattr(config, "workerinput", None):
        from backproof.faces.pytest_plugin.parallel import Inbox

        known.source = Inbox(Path(process["backproof"]))
        known.source.tell(process["workerid"], process["backproof_ended"])
        return
    if asked := config.getoption("backproof_reference"):
        from backproof.implementations.frameworks import names

        for name in sorted(set(asked) - set(names())):
            raise pytest.UsageError(f"no reference {name!r}; there are {', '.join(names())}")
    if known.folder is not None and not known.idle:
        from backproof.implementations.host.files import check_writable
        from backproof.mathematics.errors import UsageError

        try:
            check_writable(known.folder)
        except UsageError as error:
            raise pytest.UsageError(f"--backproof-report: {error}") from error


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """A session that may have comparisons goes on in a child, before it has any other thread.

    So a pairing that ends its process is no session that has passed; see `guard`.
    """
    config = session.config
    if config.getoption("backproof_in_process") or not has_comparisons(config):
        return
    from backproof.faces import guard

    if not guard.alone() or hasattr(config, "workerinput"):
        return
    status = guard.guarded(leaving=None)
    if status is not None:
        guard.flush()
        os._exit(status)  # what is to be done at the end of a session, the child has done


def has_comparisons(config: pytest.Config) -> bool:
    """Whether a folder of comparisons is among those that are named, in or around them."""
    for argument in config.args:
        path = config.invocation_params.dir / argument.split("::")[0]
        around = FOLDER in path.parts
        if around or any((folder / FOLDER).is_dir() for folder in (path, *path.glob("*/"))):
            return True
    return False


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> PairingFile | None:
    """Every Python file in a folder ``comparisons`` may hold pairings."""
    if file_path.suffix != ".py" or file_path.parent.name != FOLDER:
        return None
    one_thread()
    from backproof.comparison.pairing.pairing import may_hold_pairings

    if not may_hold_pairings(file_path):
        return None
    return PairingFile.from_parent(parent, path=file_path)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Start the workers: they import their frameworks while other tests may run first."""
    config = session.config
    known = config.stash[COMPARISONS]
    refused = session.testsfailed and not config.option.continue_on_collection_errors
    if refused or known.idle or known.source is not None:
        return
    items = [item for item in session.items if isinstance(item, ComparisonItem)]
    if items:
        asked = [(item.pairing, item.reference) for item in items]
        known.source = known.run = start(config, asked, items[0].root)


def start(config: pytest.Config, asked: Iterable[tuple[Pairing, str]], root: Path) -> Run:
    """A run of these pairings and references, and no more."""
    from backproof.faces.pytest_plugin.run import Run

    references: dict[str, set[str]] = {}
    pairings: dict[str, Pairing] = {}
    for pairing, reference in asked:
        pairings[pairing.name] = pairing
        references.setdefault(pairing.name, set()).add(reference)
    run = Run(
        [pairing.narrowed(references[name]) for name, pairing in pairings.items()],
        root,
        config.getoption("backproof_dtype"),
        config.getoption("backproof_time_limit"),
        one_by_one=bool(config.getoption("maxfail")),
        chance=0.0
        if config.getoption("backproof_proven")
        else config.getoption("backproof_false_alarm"),
    )
    RUNS.append(run)
    config.add_cleanup(run.close)
    config.add_cleanup(lambda: RUNS.remove(run))
    return run


@pytest.hookimpl(tryfirst=True)
def pytest_keyboard_interrupt(excinfo: pytest.ExceptionInfo[BaseException]) -> None:
    """End the workers at once; only then is the interrupt shown, which takes its time."""
    for run in RUNS:
        run.stop()


@pytest.hookimpl(wrapper=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None, None, None]:
    """End the workers, and write the report, whatever the session has come to."""
    known = session.config.stash[COMPARISONS]
    if known.controller is not None:
        known.controller.stop()  # before xdist ends its processes, which may be waiting for rows
    try:
        yield
        ended(session, known)
    finally:
        watched.tell(verdict=int(session.exitstatus))


def ended(session: pytest.Session, known: Comparisons) -> None:
    """End the workers, and write the report."""
    run = known.run
    if run is None:
        if known.folder is not None and known.source is None and not known.idle:
            known.closing = "no comparison was selected, and no report written"
        return
    run.stop()
    if known.folder is not None or known.history is not None:
        try:
            problem = run.write(
                known.folder,
                session.config.getoption("backproof_evaluations_limit"),
                known.history,
            )
        except Exception:  # shown after the verdicts, which must not be lost with it
            session.exitstatus = pytest.ExitCode.INTERNAL_ERROR
            known.closing = f"the report could not be written\n{traceback.format_exc()}"
        else:
            written = [f"report written to {known.folder}"] if known.folder else []
            known.closing = "; ".join([*written, *problem])
    run.close()


def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, object] | None:
    """A waived comparison passes, under a name of its own."""
    if report.when == "call" and report.passed:
        if ("status", "WAIVED") in report.user_properties:
            return "waived", "w", ("WAIVED", {"yellow": True})
        if ("status", AT_FAULT) in report.user_properties:
            return "reference at fault", "r", (AT_FAULT, {"yellow": True})
    return None


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Every waiver with its reason, and what has become of the report."""
    from backproof.reports.harmless import printable

    sections = {"waived": "waived comparisons", "reference at fault": "references at fault"}
    for kind, title in sections.items():
        reports = terminalreporter.stats.get(kind, [])
        if reports:
            terminalreporter.section(title)
        for report in reports:
            told = dict(report.user_properties)["cause"]
            terminalreporter.write_line(printable(f"{report.nodeid}: {told}"))
    closing = config.stash[COMPARISONS].closing
    if closing:
        terminalreporter.write_line(printable(f"backproof: {closing}"))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """pytest-xdist, in the controller: a process is told where it will find its rows."""
    from backproof.faces.pytest_plugin.parallel import Controller

    known = node.config.stash[COMPARISONS]
    if known.controller is None:
        known.controller = Controller()
        node.config.add_cleanup(known.controller.close)
    node.workerinput["backproof"] = str(known.controller.folder)
    node.workerinput["backproof_ended"] = watched.known_ends()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """pytest-xdist, in the controller: what ends a process would end the one in its place, too."""
    known = node.config.stash[COMPARISONS]
    if error and known.controller is not None and watched.is_guarded():
        known.controller.end_with(node.workerinput["workerid"])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_node_collection_finished(node: Any, ids: Sequence[str]) -> None:
    """pytest-xdist, in the controller: what the first process has selected is run."""
    from backproof.faces.pytest_plugin.parallel import chosen

    known = node.config.stash[COMPARISONS]
    if known.run is None and not known.idle:
        asked, root = chosen(ids, node.config.rootpath, FOLDER)
        if root is not None:
            known.run = start(node.config, asked, root)
            known.controller.begin(known.run)
