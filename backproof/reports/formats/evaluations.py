"""Storing evaluations: a folder for each pairing, replaced as a whole."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

from safetensors import SafetensorError

from backproof.comparison.record.record import Record

# What marks a folder as one that was written here.
MARK = "record.json"


def store(records: Iterable[Record], target: Path, scratch: Path) -> list[str]:
    """Save every record below ``target``, and remove those of former runs; returns what failed.

    ``scratch`` is an empty folder on the same file system. All are saved there before the first is
    moved into place. What backproof has not written, it leaves alone.
    """
    problems: list[str] = []
    fresh, former = scratch / "fresh", scratch / "former"
    fresh.mkdir()
    former.mkdir()
    for record in records:
        place = fresh / folder_name(record.pairing)
        try:
            record.save(place)
        except SafetensorError as error:
            problems.append(f"the evaluations of {record.pairing} cannot be stored ({error})")
            place.rename(scratch / f"unfinished-{place.name}")
        else:
            sync(place)
    target.mkdir(exist_ok=True)
    for old in sorted(target.iterdir()):
        if is_ours(old):
            old.rename(former / old.name)
    for new in sorted(fresh.iterdir()):
        place = target / new.name
        if place.exists():
            problems.append(f"{place} is in the way, and backproof has not written it")
        else:
            new.rename(place)
    return problems


def is_ours(folder: Path) -> bool:
    """Whether a folder holds evaluations, or nothing."""
    return folder.is_dir() and ((folder / MARK).exists() or not any(folder.iterdir()))


def folder_name(pairing: str) -> str:
    """A pairing's name as one folder's name, whatever it holds: no slash, no leading dot."""
    name = quote(pairing, safe=" ()+,=@[]")
    return f"%2E{name[1:]}" if name.startswith(".") else name or "%"


def sync(folder: Path) -> None:
    """Have the folder's files on the disk, not only in its cache."""
    for path in sorted(folder.iterdir()):
        with path.open("rb+") as file:
            os.fsync(file.fileno())


def reason(path: Path, error: OSError) -> str:
    """Why a path could not be written."""
    return f"{path} cannot be written ({error.strerror or error})"
