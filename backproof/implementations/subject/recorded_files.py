"""Files of recorded arrays: ``.npz``, ``.safetensors``, a folder of them. Nothing is unpickled."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from backproof.mathematics.errors import UsageError

SUFFIXES = (".npz", ".safetensors")
# The list that a file in several parts has beside them.
INDEX = ".safetensors.index.json"


def read(path: Path) -> dict[str, Any]:
    """The arrays of a file, of all files of a folder, or of all parts that an index names.

    Raises `UsageError` for what cannot be read, and for a name that stands in two files.
    """
    found: dict[str, Any] = {}
    for file in files_of(path):
        for name, array in arrays_of(file).items():
            if name in found:
                raise UsageError(f"{file}: {name} is in another file of {path} too; keep one")
            found[name] = array
    if not found:
        raise UsageError(f"{path} holds no array; give .npz or .safetensors files")
    return found


def files_of(path: Path) -> Iterator[Path]:
    """The files that a path stands for."""
    if path.is_dir():
        inside = sorted(each for each in path.iterdir() if each.suffix in SUFFIXES)
        listed = {part for each in path.glob(f"*{INDEX}") for part in parts_of(each)}
        missing = sorted(str(part) for part in listed if not part.is_file())
        if missing:
            raise UsageError(f"{path}: {missing[0]} is missing, which its index names")
        yield from inside
    elif path.name.endswith(INDEX):
        yield from sorted(set(parts_of(path)))
    elif path.suffix in SUFFIXES:
        yield path
    else:
        raise UsageError(f"{path}: give a .npz or .safetensors file, or a folder of them")


def parts_of(index: Path) -> list[Path]:
    """The files that an index names, which lie beside it."""
    try:
        told = json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()
        names = [str(each) for each in told]
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise UsageError(
            f"{index}: it cannot be read as an index of safetensors ({error})"
        ) from error
    if odd := [name for name in names if Path(name).name != name]:
        raise UsageError(f"{index}: it names {odd[0]!r}, which does not lie beside it")
    return [index.parent / name for name in names]


def arrays_of(path: Path) -> dict[str, Any]:
    """The arrays of one file, by name."""
    try:
        if path.suffix == ".npz":
            if path.is_file() and not zipfile.is_zipfile(path):
                raise ValueError("it is no archive")
            with np.load(path, allow_pickle=False) as file:
                return {name: file[name] for name in file.files}
        return of_safetensors(path)
    except FileNotFoundError as error:
        raise UsageError(f"{path}: there is no such file") from error
    except Exception as error:  # whatever a damaged file makes its reader raise
        hint = (
            "it holds Python objects; save plain arrays instead of pickles"
            if "pickle" in str(error).lower()
            else "the file is damaged, cut short or no such file"
        )
        raise UsageError(f"{path}: it cannot be read ({error}): {hint}") from error


def of_safetensors(path: Path) -> dict[str, Any]:
    """Its arrays; bfloat16, which NumPy has not, as `Halved`."""
    from safetensors import safe_open

    found: dict[str, Any] = {}
    with safe_open(path, framework="np") as file:
        kinds = {name: file.get_slice(name).get_dtype() for name in file.keys()}  # noqa: SIM118
        plain = [name for name, kind in kinds.items() if kind != "BF16"]
        found = {name: file.get_tensor(name) for name in plain}
    if len(plain) < len(kinds):
        found |= bfloat16_of(path)
    return found


class Halved:
    """Numbers of bfloat16 as the float32 that they are, which says what they were stored as."""

    dtype = "bfloat16"

    def __init__(self, bits: np.ndarray[Any, Any]) -> None:
        self.bits = bits

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray[Any, Any]:
        return (self.bits.astype(np.uint32) << 16).view(np.float32)


def bfloat16_of(path: Path) -> dict[str, Any]:
    """The arrays of bfloat16 of a file: its header says where their bytes are."""
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(size))
        found = {}
        for name, told in header.items():
            if name == "__metadata__" or told["dtype"] != "BF16":
                continue
            start, end = told["data_offsets"]
            file.seek(8 + size + start)
            bits = np.frombuffer(file.read(end - start), "<u2").reshape(told["shape"])
            found[name] = Halved(bits)
    return found
