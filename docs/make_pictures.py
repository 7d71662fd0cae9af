"""Make the README's terminal pictures by running what they show."""

from __future__ import annotations

import io
import os
import shutil
import sys
import tempfile
from pathlib import Path

from backproof.implementations.host.threads import one_thread

one_thread()

import typer  # noqa: E402 (after the thread counts are set)
from rich.console import Console  # noqa: E402

from backproof.faces.command_line import finish  # noqa: E402
from backproof.faces.command_line.main import app  # noqa: E402

ROOT = Path(__file__).parents[1]
PICTURES = Path(__file__).parent / "pictures"
FAULT = ("a1 @ delta2.T + self.l2 * w2", "a1 @ delta2.T + 0.5 * self.l2 * w2")


def picture(name: str, project: Path, command: list[str]) -> None:
    """Run a command in a project, and keep what the terminal shows."""
    os.chdir(project)
    console = Console(record=True, width=100, force_terminal=True, file=io.StringIO())
    console.print(f"[bold green]$[/] backproof {' '.join(command)}", highlight=False)
    finish.console = console
    status = typer.main.get_command(app)(command, standalone_mode=False)
    console.print(f"[bold green]$[/] echo $?\n{status}", highlight=False)
    PICTURES.mkdir(exist_ok=True)
    console.save_svg(str(PICTURES / f"{name}.svg"), title="backproof", unique_id=name)
    text = (PICTURES / f"{name}.svg").read_text()
    # No fonts from the network: the reader's own will do.
    while "@font-face" in text:
        start = text.index("@font-face")
        text = text[:start] + text[text.index("}", start) + 1 :].lstrip()
    (PICTURES / f"{name}.svg").write_text(text)


def main() -> None:
    """A pass in the project itself, a fault in a copy of it."""
    if sys.argv[1:] == ["fault"]:
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / "project"
            for part in ("scratch", "reference", "comparisons"):
                shutil.copytree(ROOT / part, copy / part)
            path = copy / "scratch" / "clusters.py"
            source = path.read_text()
            assert source.count(FAULT[0]) == 1
            path.write_text(source.replace(*FAULT))
            picture("fault", copy, ["verify", "--only", "clusters"])
    else:
        picture("pass", ROOT, ["verify"])


if __name__ == "__main__":
    main()
