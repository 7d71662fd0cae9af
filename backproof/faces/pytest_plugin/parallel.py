"""Under pytest-xdist: the controller runs the comparisons, its processes read the rows from files.

The controller makes a folder and names it to every process. It learns from the first of them what
was selected, runs that in a thread, and writes each pairing's outcome there as soon as it is known.
Every file appears whole, under its final name.
"""

from __future__ import annotations

import json
import operator
import os
import shutil
import threading
import time
import traceback
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from backproof.faces.guard import NO_VERDICT, Heard
from backproof.implementations.host import watched
from backproof.implementations.host.files import temporary_folder, write_whole

if TYPE_CHECKING:
    from backproof.comparison.pairing.pairing import Pairing
    from backproof.faces.pytest_plugin.run import Outcome, Run

ENDED = "ended"
DOING = ".doing"
PATIENCE = 5.0
"""Seconds that the end of a session waits for user code that still runs in the thread."""


def chosen(
    ids: Iterable[str], rootdir: Path, folder: str
) -> tuple[list[tuple[Pairing, str]], Path | None]:
    """The pairings and references that node ids stand for, and their project."""
    wanted = dict.fromkeys(ids)
    files = dict.fromkeys(
        file
        for file in (name.split("::")[0] for name in wanted)
        if Path(file).parent.name == folder
    )
    asked: list[tuple[Pairing, str]] = []
    root: Path | None = None
    for file in files:
        from backproof.comparison.pairing.pairing import load, project_root
        from backproof.faces.pytest_plugin.names import item_names

        for pairing in load(rootdir / file):
            for name, reference, _ in item_names(pairing):
                if f"{file}::{name}" in wanted:
                    asked.append((pairing, reference))
                    root = project_root(rootdir / file)
    return asked, root


class Controller:
    """The controller's side: a thread that runs, and the folder that it writes to."""

    def __init__(self) -> None:
        self.folder = temporary_folder()
        self._run: Run | None = None
        self._thread: threading.Thread | None = None

    def begin(self, run: Run) -> None:
        """Run in a thread, as the controller must go on listening to its processes."""
        self._run = run
        self._thread = threading.Thread(target=self._publish, daemon=True)
        self._thread.start()

    def _publish(self) -> None:
        assert self._run is not None
        try:
            for pairing in self._run.pairings:
                write_whole(self.folder / file_name(pairing), to_json(self._run.outcome(pairing)))
        except BaseException:
            self._end(traceback.format_exc())
        else:
            self._end("all selected pairings had been judged, and this was not one of them")

    def _end(self, why: str) -> None:
        # The first reason stays. The folder is gone if user's code outlived the session.
        if self.folder.exists() and not (self.folder / ENDED).exists():
            write_whole(self.folder / ENDED, why)

    def stop(self) -> None:
        """Let no process wait any longer, and end the run."""
        self._end("the session has ended")
        if self._run is not None and self._thread is not None:
            self._run.stop()
            self._thread.join(PATIENCE)

    def close(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def end_with(self, process: str) -> None:
        """End the session, as a process of it has ended, if that was at a pairing file.

        The guard then says so, and runs the session again without that file.
        """
        told = self.folder / f"{process}{DOING}"
        heard = Heard(os.getpid())
        if told.exists():
            heard.listen(told.open("rb"))
        for message in heard.now:
            lost = f"replacing {process}, which was lost while {message['doing']}"
            watched.tell(thread=0, doing=lost, of=message["of"])
        if heard.now:
            self.close()
            os._exit(NO_VERDICT)


class Inbox:
    """A process's side: outcomes as the controller has written them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._controller = os.getppid()
        self._known: dict[str, Outcome] = {}

    def tell(self, process: str, ended: Mapping[str, str]) -> None:
        """Note in a file what this process is at, for the controller if it is lost.

        ``ended``: the files that have ended a former one.
        """
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        watched.guarded(os.open(self.folder / f"{process}{DOING}", flags), ended)

    def outcome(self, pairing: str) -> Outcome:
        """What a pairing came to; waits while the controller is at work."""
        if pairing not in self._known:
            self._known[pairing] = from_json(self._wait_for(pairing))
        return self._known[pairing]

    def _wait_for(self, pairing: str) -> str:
        if not self.folder.is_dir():
            raise RuntimeError(
                f"the controller's folder {self.folder} is not here: comparisons run under "
                "pytest-xdist only with processes on the controller's own machine"
            )
        answer, end = self.folder / file_name(pairing), self.folder / ENDED
        while True:
            ended = end.exists()  # looked for first: what was written before it, is there now
            if answer.exists():
                return answer.read_text(encoding="utf-8")
            if ended:
                raise RuntimeError(
                    f"the controller gave no rows of {pairing}: {end.read_text(encoding='utf-8')}"
                )
            if os.getppid() != self._controller:
                raise RuntimeError(f"the controller died before it gave the rows of {pairing}")
            time.sleep(0.02)


def file_name(pairing: str) -> str:
    """A name for the pairing's file, whatever characters its own has."""
    return quote(pairing, safe="") + ".json"


def to_json(outcome: Outcome) -> str:
    """An outcome as text; NumPy's numbers become Python's."""
    return json.dumps(asdict(outcome), default=operator.methodcaller("item"))


def from_json(text: str) -> Outcome:
    """What `to_json` wrote."""
    from backproof.comparison.judging.rows import Row, Status
    from backproof.faces.pytest_plugin.run import Outcome

    given = json.loads(text)
    rows = [Row(**row | {"status": Status(row["status"])}) for row in given["rows"]]
    return Outcome(rows, given["broken"], tuple(given["omits"]))
