"""Screen: where a command writes its result, and what it shows while it works."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
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


def tell(error: str) -> None:
    """What went wrong, on standard error, while the rest goes on."""
    Console(stderr=True).print(
        f"[bold red]error:[/] {escape(error)}", highlight=False, soft_wrap=True
    )


def progress_line(stage: str) -> None:
    """What is being measured, on standard error."""
    Console(stderr=True).print(stage, highlight=False)
