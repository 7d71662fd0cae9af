"""What the site shows that does not lie in docs/: documents of the root, and the reference.

A hook of MkDocs. The reference is made of the public names and the commands there are, so that none
can be left out; mkdocstrings fills in their docstrings.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import typer
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

import backproof
from backproof import adapters
from backproof.faces.command_line.main import app
from backproof.mathematics import functions, losses, optimizers

# The list of public names is put together as the package is loaded; griffe reads its text alone.
logging.getLogger("mkdocs.plugins.griffe").addFilter(
    lambda record: "Unsupported item in backproof.__all__" not in record.getMessage()
)

ROOT = Path(__file__).parents[1]
REPORTS = Path("reports/examples")
# Documents of the root, and where they stand in the site.
MOVED = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "reports/published.md": "published.md",
    "reports/examples/README.md": "examples.md",
}
LINK = re.compile(r"\]\(([^)#\s]+)(#[^)]*)?\)")
# Pictures in HTML, which MkDocs leaves as they are: those of the README, which is the first page.
PICTURE = re.compile(r'((?:src|srcset)=")docs/')


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add every page that is made, and the two example reports as they are."""
    pages = {place: moved(source) for source, place in MOVED.items()}
    pages |= {
        "reference/python.md": python(),
        "reference/parts.md": parts(),
        "reference/adapters.md": page("Adapters", adapters_of()),
        "reference/command_line.md": command_line(),
    }
    for place, content in pages.items():
        files.append(File.generated(config, place, content=content))
    for path in sorted((ROOT / REPORTS).glob("*/*")):
        place = str(path.relative_to(ROOT / REPORTS.parent))
        files.append(File.generated(config, place, abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Links of docs/ to what lies above it."""
    if page.file.generated_by:
        return markdown
    return relinked(markdown, Path("docs"), Path(page.file.src_uri))


def moved(source: str) -> str:
    """A document of the root, with links that lead on from where it stands in the site."""
    text = (ROOT / source).read_text(encoding="utf-8")
    return PICTURE.sub(r"\1", relinked(text, Path(source).parent, Path(MOVED[source])))


def relinked(text: str, folder: Path, place: Path) -> str:
    """The links of a text in a folder of the project, as they are from a place in the site."""

    def link(match: re.Match[str]) -> str:
        target, anchor = match[1], match[2] or ""
        if ":" in target:
            return match[0]
        path = normal(folder / target)
        found = MOVED.get(path.as_posix(), "")
        if not found and path.is_relative_to("docs"):
            found = path.relative_to("docs").as_posix()
        if not found and path.is_relative_to(REPORTS):
            found = path.relative_to(REPORTS.parent).as_posix()
        if not found:
            return match[0]  # and the build says that it leads nowhere
        up = "../" * (len(place.parts) - 1)
        return f"]({up}{found}{anchor})"

    return LINK.sub(link, text)


def normal(path: Path) -> Path:
    """The path without ``..``."""
    parts: list[str] = []
    for part in path.parts:
        if part == "..":
            parts.pop()
        else:
            parts.append(part)
    return Path(*parts)


def page(title: str, names: Iterator[str], lead: str = "") -> str:
    """A page of the reference: a heading, and what mkdocstrings says of each name."""
    blocks = "\n\n".join(f"::: {name}" for name in names)
    return f"# {title}\n\n{lead}\n\n{blocks}\n"


def python() -> str:
    """Every public name of `backproof`."""
    others = ("activations", "adapters")
    homes = {name: backproof._HOMES[name] for name in backproof.__all__ if name not in others}
    names = (f"backproof.{home}.{told_of(name)}" for name, home in sorted(homes.items(), key=str))
    return page(
        "Python",
        iter(sorted(names, key=lambda name: name.rpartition(".")[2].lower())),
        "All of this is imported from `backproof`, wherever it is defined: "
        "`from backproof import Pairing`.",
    )


def told_of(name: str) -> str:
    """The name under which the docstrings of a public name stand: of an object, its class's."""
    kind = type(getattr(backproof, name))
    return kind.__name__ if kind.__module__.startswith("backproof.faces") else name


def parts() -> str:
    """The names that a network in TOML, or `Dense(…, activation)`, may have."""
    text = ["# Activations, losses, optimizers", ""]
    kinds: tuple[tuple[str, Any], ...] = (
        ("Activations", functions),
        ("Losses", losses),
        ("Optimizers", optimizers),
    )
    for title, registry in kinds:
        text += [f"## {title}", ""]
        text += [f"- `{name}`" for name in registry.names()]
        text += [""]
    return "\n".join(text)


def adapters_of() -> Iterator[str]:
    """Every public adapter, where it is defined."""
    for name in sorted(adapters.__all__):
        found: Callable[..., object] = getattr(adapters, name)
        yield f"{found.__module__}.{name}"


def command_line() -> str:
    """Every command with its options, as its help has them."""
    group: Any = typer.main.get_command(app)
    text = ["# Command line", ""]
    for name, command in group.commands.items():
        text += [f"## backproof {name}", "", str(command.help), ""]
        text += ["| option | what it does |", "|---|---|"]
        for option in command.params:
            said = ", ".join(f"`{each}`" for each in (*option.opts, *option.secondary_opts))
            told = getattr(option, "help", "") or ""
            text += [f"| {said} | {told.replace('|', chr(92) + '|')} |"]
        text += ["", str(command.epilog), ""]
    return "\n".join(text)
