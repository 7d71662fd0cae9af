"""Screen: where a command writes its result, and what it shows while it works."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

console = Console()


def progress() -> Progress:
    """A bar on a terminal, silent otherwise; standard output is the result's alone."""
    console = Console(stderr=True)
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


def progress_line(stage: str) -> None:
    """What is being measured, on standard error."""
    Console(stderr=True).print(stage, highlight=False)
