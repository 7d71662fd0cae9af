"""An archive: the records of a run in one folder, with a manifest of what belongs there.

The manifest gives the size and the SHA-256 of every file, and what could not be loaded or stored:
whoever judges the archive again knows whether all of it is there. The version before wrote none.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from backproof.comparison.pairing.pairing import Pairing, objects
from backproof.comparison.record.record import FORMAT, MARK, SUBJECT, Record, write_json
from backproof.implementations.host.files import alone, reason, settle, unsettled
from backproof.implementations.host.watched import TIME_LIMIT
from backproof.mathematics import registry
from backproof.mathematics.errors import UsageError
from backproof.mathematics.places import project_of

EVALUATIONS = "evaluations"
MANIFEST = "manifest.json"
ENVIRONMENT = "environment.json"
TABLE = "comparisons.csv"
# Longer names would be no file names, with what is escaped.
LONGEST_NAME = 100
T = TypeVar("T")


@dataclass
class Archive:
    """What a folder holds: records, the run's environment, and what else it was to judge."""

    records: list[Record]
    environment: dict[str, Any]
    notes: list[str] = field(default_factory=list)


def store(records: Iterable[Record], folder: Path, environment: str, notes: list[str]) -> list[str]:
    """Save records into a new ``folder``, with the manifest; returns what could not be stored.

    ``environment``: the text of the file that stands beside. Raises `OSError`.
    """
    folder.mkdir()
    pairings: dict[str, Any] = {}
    missing: dict[str, str] = {}
    for record in records:
        place = folder / folder_name(record.pairing)
        place.mkdir()
        try:
            record.save(place)
        except OSError:
            raise
        except Exception as error:  # whatever else a subject gave: it costs its own evaluations
            missing[record.pairing] = f"{type(error).__name__}: {error}"
            for path in place.iterdir():
                path.unlink()
            place.rmdir()
        else:
            files = {path.name: sealed(path) for path in sorted(place.iterdir())}
            pairings[record.pairing] = {"folder": place.name, "files": files}
    described = {
        "format": FORMAT,
        "environment": seal(environment.encode()),
        "not loaded": notes,
        "not stored": missing,
        "pairings": pairings,
    }
    write_json(folder / MANIFEST, described)
    sealed(folder / MANIFEST)
    return [f"the evaluations of {name} cannot be stored ({why})" for name, why in missing.items()]


def sealed(path: Path) -> dict[str, Any]:
    """The seal of a file that is on the disk then, not only in its cache."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())
    return seal_of(path)


def seal_of(path: Path) -> dict[str, Any]:
    """The seal of a file."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"bytes": path.stat().st_size, "sha256": digest}


def seal(content: bytes) -> dict[str, Any]:
    """What tells a damaged file from a whole one."""
    return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def folder_name(pairing: str) -> str:
    """A pairing's name as one folder's name, whatever it holds: no slash, no leading dot."""
    name = quote(pairing, safe=" ()+,=@[]", errors="backslashreplace")
    if len(name) > LONGEST_NAME:
        digest = hashlib.sha256(pairing.encode(errors="backslashreplace")).hexdigest()
        name = f"{name[:LONGEST_NAME]}-{digest[:16]}"
    return f"%2E{name[1:]}" if name.startswith(".") else name or "%"


def is_ours(folder: Path) -> bool:
    """Whether a folder holds a record and nothing else, or nothing at all."""
    if folder.is_symlink() or not folder.is_dir():
        return False
    found = list(folder.iterdir())
    known = all(path.suffix in (".json", ".safetensors") for path in found)
    return not found or ((folder / MARK).exists() and known)


def load(folder: Path, limit: float = TIME_LIMIT) -> Archive:
    """Everything that was stored in a report's folder.

    ``limit``: the seconds that a file with parts of a user's own may take to be loaded.

    Raises `UsageError` unless all of it is there, as it was written, by this version or the one
    before.
    """
    if unsettled(folder):
        try:
            with alone(folder):
                settle(folder)
        except OSError as error:
            raise UsageError(
                f"{folder}: a run was ended while it wrote its report, and what was there before "
                f"cannot be put back ({reason(error)}); make the folder writable"
            ) from error
    stored = folder / EVALUATIONS
    found = sorted(path.parent for path in stored.glob(f"*/{MARK}"))
    if (stored / MANIFEST).exists():
        return sealed_archive(folder, found, limit)
    if not found:
        raise UsageError(
            f"{folder}: no stored evaluations; give a folder that `verify` has written"
        )
    for place in found:
        if version(place / MARK) is not None:
            raise UsageError(f"{stored / MANIFEST} is missing: {AGAIN}")
    records = [load_record(place, limit) for place in found]
    check_table(folder / TABLE, records)
    return Archive(records, environment_of(folder))


AGAIN = "what is there is not all that was judged; write the report again, with `verify --report`"


def sealed_archive(folder: Path, found: list[Path], limit: float) -> Archive:
    """An archive with a manifest: every file of it must be there, and as it was."""
    stored = folder / EVALUATIONS
    manifest = stored / MANIFEST
    version(manifest)
    described = read(manifest, read_json)

    def listed(described: Any) -> tuple[dict[str, dict[str, Any]], list[str]]:
        files = {
            place["folder"]: {name: dict(each) for name, each in place["files"].items()}
            for place in described["pairings"].values()
        }
        notes = [*map(str, described["not loaded"])]
        notes += [
            f"{pairing}: its evaluations were not stored ({why})"
            for pairing, why in described["not stored"].items()
        ]
        check_seal(folder / ENVIRONMENT, described["environment"])
        return files, notes

    files, notes = read(manifest, lambda _: listed(described))
    for place in found:
        if place.name not in files:
            raise UsageError(
                f"{place} is not of this run: move it elsewhere, or write the report again"
            )
    for place_name, each in files.items():
        for name, known in each.items():
            check_seal(stored / place_name / name, known)
    records = [load_record(stored / name, limit) for name in files]
    return Archive(records, environment_of(folder), notes)


def check_seal(path: Path, known: dict[str, Any]) -> None:
    """Refuse a file that is missing, or not what was written."""
    if not path.is_file():
        raise UsageError(f"{path} is missing: {AGAIN}")
    size = path.stat().st_size
    if size != known["bytes"]:
        raise UsageError(f"{path} has {size} bytes, but was written with {known['bytes']}: {AGAIN}")
    if read(path, seal_of) != known:
        raise UsageError(f"{path} is not what was written (its SHA-256 is another): {AGAIN}")


def load_record(place: Path, limit: float = TIME_LIMIT) -> Record:
    """One record, with every evaluation that its points ask for."""
    version(place / MARK)
    missing = load_parts(place, limit)
    try:
        record = read(place, Record.load)
    except UsageError as error:
        if missing:
            raise UsageError(
                f"{place}: {error}; parts of your own stand in {', '.join(missing)}, which is not "
                "there: replay it in the folder of the project that it was written in"
            ) from error
        raise (
            error if str(error).startswith(str(place)) else UsageError(f"{place}: {error}")
        ) from error
    for who in (SUBJECT, *record.references):
        known = record.evaluations[who].keys() | record.errors.get(who, {}).keys()
        if lacking := record.parameters.keys() - known:
            first = min(lacking)
            raise UsageError(
                f"{place}: {who} has no evaluation at {first.name}, step {first.step}: {AGAIN}"
            )
    return record


def load_parts(place: Path, limit: float = TIME_LIMIT) -> list[str]:
    """Load the files of the project in which a record's own parts are registered.

    Of the project around the current folder, or around the report. Returns those that are in
    neither.
    """
    described = read(place / MARK, read_json)
    given = described.get("parts", ()) if isinstance(described, dict) else ()
    roots = [project_of(folder) or folder for folder in (Path.cwd(), place)]
    missing = []
    for part in map(str, given):
        inside = not Path(part).is_absolute() and ".." not in Path(part).parts
        found = [root / part for root in roots if inside and (root / part).is_file()]
        if not found:
            missing.append(part)
        elif not {str(path) for path in found} & set(registry.files()):
            objects(found[0], Pairing, limit)
    return missing


def check_table(path: Path, records: list[Record]) -> None:
    """Where there is no manifest, the table tells which pairings and references were judged."""
    if not path.exists():
        return

    def judged(path: Path) -> set[tuple[str, str]]:
        with path.open(encoding="utf-8", newline="") as file:
            return {(row["pairing"], row["reference"]) for row in csv.DictReader(file)}

    there = {(record.pairing, name) for record in records for name in record.references}
    for pairing, reference in sorted(read(path, judged) - there):
        raise UsageError(
            f"{path.parent}: {path.name} has comparisons of {pairing} with {reference}, whose "
            f"evaluations are missing: {AGAIN}"
        )


def environment_of(folder: Path) -> dict[str, Any]:
    """What the run was made with, where it is told."""
    path = folder / ENVIRONMENT
    return read(path, lambda path: dict(read_json(path))) if path.exists() else {}


def version(path: Path) -> int | None:
    """The format of a stored file, None for the first one; refuses what a newer version wrote."""
    described = read(path, read_json)
    found = described.get("format") if isinstance(described, dict) else 0
    if isinstance(found, int) and found > FORMAT:
        raise UsageError(
            f"{path} was written by a newer backproof (format {found}, and this one reads up to "
            f"{FORMAT}): replay it with that one"
        )
    if found is not None and found not in range(2, FORMAT + 1):
        raise UsageError(f"{path} is damaged (format {found!r}): {AGAIN}")
    return found


def read_json(path: Path) -> Any:
    """What a JSON file holds."""
    return json.loads(path.read_text(encoding="utf-8"))


def read(path: Path, reader: Callable[[Path], T]) -> T:
    """What a reader makes of a file; a `UsageError` says if it is damaged."""
    try:
        return reader(path)
    except UsageError:
        raise
    except MemoryError:
        raise
    except Exception as error:  # whatever a damaged file makes its reader raise
        why = f"{type(error).__name__}: {error}"
        raise UsageError(f"{path} is missing or damaged ({why}): {AGAIN}") from error
