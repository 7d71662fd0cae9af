"""The command line: ``backproof verify``, ``replay``, ``reproduce`` and the rest.

Exit status 0: everything matches. 1: a mismatch. Else 2: wrong usage, or a pairing that cannot be
loaded. Else 3: something undecided or in error, or a run that ended without its verdict. 70: a
fault of backproof itself. 128 + n: signal n has asked it to end. Heavy imports stand inside the
functions, so that the workers are started first.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from functools import wraps
from typing import Annotated

import typer

from backproof.faces import guard
from backproof.faces.command_line import settings
from backproof.faces.command_line.calibrate import calibrate
from backproof.faces.command_line.compare import compare
from backproof.faces.command_line.explain import explain
from backproof.faces.command_line.faults import faults
from backproof.faces.command_line.fixture import fixture
from backproof.faces.command_line.fuzz import fuzz
from backproof.faces.command_line.history import history
from backproof.faces.command_line.init import init
from backproof.faces.command_line.judge import judge
from backproof.faces.command_line.options import DONE, DONE_WITH_FILE, GATE, statuses
from backproof.faces.command_line.replay import replay
from backproof.faces.command_line.reproduce import reproduce
from backproof.faces.command_line.screen import close_outputs, guard_outputs, tell
from backproof.faces.command_line.serve import serve
from backproof.faces.command_line.verify import verify
from backproof.faces.command_line.watch import watch
from backproof.faces.guard import NO_VERDICT, OWN_FAULT, WRONG_USAGE
from backproof.implementations import lending
from backproof.implementations.host import processes, surroundings, watched
from backproof.implementations.host.threads import one_thread
from backproof.mathematics.errors import EvaluationError, UsageError, message, refused
from backproof.mathematics.places import is_users, named
from backproof.reports.harmless import printable

IN_PROCESS = "--in-process"

app = typer.Typer(
    help="Prove hand-written backpropagation against Keras and PyTorch, within derived bounds.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


class InterruptedRunError(Exception):
    """A run that was asked to end; the exit status says by which signal."""

    def __init__(self, interrupt: KeyboardInterrupt) -> None:
        super().__init__("interrupted")
        self.status = watched.status_of(interrupt)


def command(function: Callable[..., None], meanings: dict[int, str]) -> None:
    """Enter a command: within it SystemExit is user code's, and no verdict.

    Nor is an interrupt, which Typer would make an exit with 1: a mismatch.
    """

    @wraps(function)
    def carry_out(*given: object, **named: object) -> None:
        try:
            function(*given, **named)
        except SystemExit as error:
            raise EvaluationError(f"user code wanted to exit with {error.code!r}") from error
        except KeyboardInterrupt as error:
            raise InterruptedRunError(error) from error

    app.command(epilog=statuses(meanings))(carry_out)


def show_version(wanted: bool) -> None:
    """Print the versions of all that a verdict depends on, and end."""
    if wanted:
        from backproof.reports.environment import versions

        typer.echo(versions())
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    in_process: Annotated[
        bool,
        typer.Option(IN_PROCESS, help="Run in this very process, unguarded: for a debugger."),
    ] = False,
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=show_version,
            is_eager=True,
            help="Print the versions of backproof and of what it compares with.",
        ),
    ] = False,
) -> None:
    """What stands in front of a command; `main` has taken `--in-process` by then."""
    context.default_map = settings.of(context)
    context.obj = main  # what a process that stays carries out for each run


STATUSES: dict[Callable[..., None], dict[int, str]] = {
    verify: GATE,
    watch: GATE,
    replay: {**GATE, 2: "else: a folder that is not as verify wrote it"},
    judge: {**GATE, 2: "else: wrong usage, or numbers that cannot be read or are not enough"},
    compare: {
        0: "whatever passed, passes",
        1: "something that passed does not any more, or is not compared any more",
        2: "wrong usage, or a folder that no report was written to",
    },
    fuzz: {
        0: "every comparison that could be decided matches",
        1: "a mismatch, written down as a pairing",
        2: "else: wrong usage",
        3: "else: an error, or nothing decided",
    },
    calibrate: {
        0: "every function errs by what its rule grants, or less",
        1: "one errs by more",
        2: "wrong usage",
    },
    faults: {
        0: "every fault is caught, no right form is called wrong",
        1: "a fault escaped, or a right form was called wrong",
        2: "else: wrong usage, or a pairing that cannot be loaded",
        3: "else: nothing could be measured",
    },
    fixture: {
        0: "done",
        2: "else: wrong usage, or a pairing that cannot be loaded",
        3: "done, but of some results rounding alone may be as large as they are",
    },
    history: DONE_WITH_FILE,
    init: DONE,
    explain: DONE,
    serve: {0: "it was not used any more", 2: "wrong usage, or there is one already"},
    reproduce: {
        0: "every number is reproduced",
        1: "one is not",
        2: "else: wrong usage, or a recipe that cannot be loaded",
        3: "else: a number that could not be obtained",
    },
}
"""The commands, with what their exit statuses mean."""
for each, meanings in STATUSES.items():
    command(each, meanings)


def main() -> None:
    """The entry point: the work is done in a child, and the exit status is what that one tells."""
    one_thread()
    guard_outputs()
    surroundings.note_home()
    if IN_PROCESS in sys.argv:
        sys.argv.remove(IN_PROCESS)
    elif (status := guard.guarded()) is not None:
        sys.exit(status)
    with processes.kept_alive():
        status = carried_out()
    lending.tell_imports()
    guard.flush()
    status = close_outputs(status)
    watched.tell(verdict=status)
    sys.exit(status)


def carried_out() -> int:
    """The exit status; a user's mistake becomes a message, a fault of our own a traceback."""
    try:
        app()
    except SystemExit as error:  # Typer's, as each command's own end
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    except UsageError as error:
        tell(error)
        return WRONG_USAGE
    except EvaluationError as error:
        tell(error)
        return NO_VERDICT
    except InterruptedRunError as error:
        tell(error)
        return error.status
    except KeyboardInterrupt as error:
        return watched.status_of(error)
    except Exception as error:  # a fault of backproof must not look like a verdict
        if place := shadowed(error):
            tell(
                f"{place} is imported in the place of a module that backproof needs ("
                f"{type(error).__name__}: {message(error)}): give that file another name"
            )
            return WRONG_USAGE
        if why := refused(error):
            tell(f"the system refused what a run needs ({why}): see to its limits (ulimit -a)")
            return NO_VERDICT
        sys.stderr.write(printable(traceback.format_exc()))
        sys.stderr.write("This is a fault of backproof itself; please report it.\n")
        return OWN_FAULT
    return 0


def shadowed(error: BaseException) -> str:
    """The file of the user's that was imported for one of another's, and raised an error."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    users = last.name == "<module>" and is_users(last.filename)
    return named(last.filename, last.lineno or 1) if users else ""
