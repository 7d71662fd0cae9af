"""``backproof init``: the folders of a project of one's own, with one pairing that works."""

from __future__ import annotations

from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated

import typer

from backproof.implementations.host.files import write_whole

# What is a file of the template here, and another one there: it would be taken for one of ours.
RENAMED = {"gitignore": ".gitignore", "github": ".github"}
# These install backproof.
INSTALLING = (Path("tox.ini"), Path(".github/workflows/verify.yml"))
# What their commands need beside backproof itself.
EXTRAS = ("keras", "torch", "pytest")


def init(
    folder: Annotated[Path, typer.Argument(help="Where to lay it out.")] = Path(),
) -> None:
    """Lay out scratch/, reference/, comparisons/, tests/, reports/ and tox.ini, with one pairing.

    And a workflow for GitHub. Nothing that is there already is written over.
    """
    from backproof.implementations.host.installation import requirement
    from backproof.mathematics.errors import UsageError

    files = dict(laid_out(resources.files("backproof.faces.command_line") / "template", Path()))
    ours = requirement(*EXTRAS)
    for path in INSTALLING:
        files[path] = files[path].replace(f"backproof[{','.join(EXTRAS)}]", ours)
    taken = [str(path) for path in files if (folder / path).exists()]
    if taken:
        raise UsageError(
            f"{folder.resolve()} has {', '.join(sorted(taken)[:5])} already, and nothing is "
            "written over: choose an empty folder"
        )
    try:
        for path, text in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            write_whole(folder / path, text)
    except OSError as error:
        raise UsageError(f"{folder} cannot be written ({error.strerror or error})") from error
    typer.echo(
        f"{len(files)} files in {folder.resolve()}. Next: backproof verify, pytest, or tox there.\n"
        f"tox, and the workflow, will install {ours}."
    )


def laid_out(source: Traversable, place: Path) -> list[tuple[Path, str]]:
    """Every file of the template, with the path that it goes to."""
    found: list[tuple[Path, str]] = []
    for each in sorted(source.iterdir(), key=lambda part: part.name):
        path = place / RENAMED.get(each.name, each.name)
        if each.is_dir():
            if each.name != "__pycache__":
                found += laid_out(each, path)
        elif not each.name.endswith(".pyc"):
            found.append((path, each.read_text(encoding="utf-8")))
    return found
