"""``[tool.backproof]`` in pyproject.toml: options as they are for a whole project."""

from __future__ import annotations

import difflib
import tomllib
from pathlib import Path
from typing import Any

import typer

from backproof.mathematics.errors import UsageError

FILE = "pyproject.toml"
TABLE = "tool.backproof"


def of(context: typer.Context) -> dict[str, dict[str, Any]]:
    """The options that the nearest pyproject.toml sets, by command, as click takes them.

    What stands in ``[tool.backproof]`` is for every command that has it, what stands in
    ``[tool.backproof.verify]`` for that one. Raises `UsageError` for what no command has.
    """
    path = nearest(Path.cwd())
    if path is None:
        return {}
    table = read(path)
    commands = options(context)
    common = {key: value for key, value in table.items() if key not in commands}
    known = sorted({name for own in commands.values() for name in own})
    for key in common:
        if key not in known:
            raise unknown(path, TABLE, key, [*known, *commands])
    found: dict[str, dict[str, Any]] = {}
    for name, own in commands.items():
        section = table.get(name, {})
        if not isinstance(section, dict):
            raise UsageError(f"{path}, [{TABLE}]: {name} is a table, of the options of {name}")
        for key in section:
            if key not in own:
                raise unknown(path, f"{TABLE}.{name}", key, sorted(own))
        every = {**{key: value for key, value in common.items() if key in own}, **section}
        found[name] = {}
        for key, value in every.items():
            if isinstance(value, str) and own[key].multiple:
                value = [value]
            try:
                own[key].process_value(context, value)
            except typer.BadParameter as error:
                raise UsageError(f"{path}, [{TABLE}]: {key} = {value!r}: {error}") from error
            found[name][str(own[key].name)] = value
    return found


def nearest(folder: Path) -> Path | None:
    """The pyproject.toml of a folder, or of the next one above that has one."""
    paths = (place / FILE for place in (folder, *folder.parents))
    return next((path for path in paths if path.is_file()), None)


def read(path: Path) -> dict[str, Any]:
    """The table [tool.backproof] of a file; empty where it has none."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path} cannot be read ({error})") from error
    tool = content.get("tool", {})
    table = tool.get("backproof", {}) if isinstance(tool, dict) else {}
    if not isinstance(table, dict):
        raise UsageError(f"{path}: [{TABLE}] is a table of options")
    return table


def options(context: typer.Context) -> dict[str, dict[str, Any]]:
    """By command: its parameters, by their long options without the dashes."""
    commands = getattr(context.command, "commands", {})
    return {
        name: {
            option.removeprefix("--"): parameter
            for parameter in command.params
            for option in (*parameter.opts, *parameter.secondary_opts)
            if option.startswith("--")
        }
        for name, command in commands.items()
    }


def unknown(path: Path, table: str, key: str, known: list[str]) -> UsageError:
    """What is said of an option that there is not."""
    near = difflib.get_close_matches(key, known, n=1)
    advice = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
    return UsageError(f"{path}, [{table}]: no option {key!r}; {advice}")
