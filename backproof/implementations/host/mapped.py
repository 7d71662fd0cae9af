"""Large arrays in temporary files: they take up memory only while they are looked at.

What is computed of a network of ten million parameters, at a dozen points by three implementations,
is far more than is looked at together. A file without a name holds it, and is mapped into memory;
the system reads what is looked at, and lets go of it when it is told so.
"""

from __future__ import annotations

import contextlib
import mmap
import tempfile
from collections.abc import Mapping
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

LARGE = 2**23
"""Bytes of an array, or of a message, that go to a file: a million numbers of float64. To write so
many takes milliseconds, and a network that has them takes seconds."""
# Bytes that are read from a pipe at a time.
CHUNK = 2**20

Array = NDArray[Any]


def mapped(tensors: Mapping[str, Array]) -> dict[str, Array]:
    """The same arrays, those that are large in files."""
    return {name: kept(array) for name, array in tensors.items()}


def kept(array: Array) -> Array:
    """The same array, in a file if it is large."""
    return moved(array) if array.nbytes >= LARGE else array


def moved(array: Array) -> Array:
    """The same array in a file; as it is, where there is no room for one."""
    if mapping_of(array) is not None:
        return array
    if array.flags.f_contiguous and not array.flags.c_contiguous:
        return moved(array.T).T
    if not array.flags.c_contiguous:
        return array
    try:
        with tempfile.TemporaryFile() as file:
            file.write(array.reshape(-1).view(np.uint8).data)
            file.flush()
            held = whole(file)
    except OSError:
        return array
    return np.frombuffer(held, array.dtype).reshape(array.shape)


def whole(file: IO[bytes]) -> mmap.mmap:
    """A file as memory, which lives on when the file is closed.

    Not for reading alone: what cannot be written counts as data that many evaluations share, and
    is kept in yet another form.
    """
    return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)


def read(pipe: IO[bytes], size: int) -> memoryview:
    """So many bytes of a pipe, or what there is until its end, in a file if they are many.

    Raises MemoryError or ValueError where no machine has room for them.
    """
    if size < LARGE:
        return memoryview(pipe.read(size))
    np.empty(size, np.uint8)  # never touched: it costs nothing, and is refused at once
    with contextlib.ExitStack() as stack:
        try:
            file = stack.enter_context(tempfile.TemporaryFile())
        except OSError:
            return memoryview(pipe.read(size))
        done = 0
        while done < size and (chunk := pipe.read(min(CHUNK, size - done))):
            try:
                file.write(chunk)
                file.flush()
            except OSError:  # there is no room for it
                file.seek(0)
                return memoryview(file.read(done) + chunk + pipe.read(size - done - len(chunk)))
            done += len(chunk)
        return memoryview(whole(file)) if done else memoryview(b"")


def let_go(tensors: Mapping[str, Array]) -> None:
    """Let go of the memory that arrays in files take up: it is read again when it is needed."""
    for array in tensors.values():
        held = mapping_of(array)
        if held is not None and hasattr(held, "madvise"):
            held.madvise(mmap.MADV_DONTNEED)


def mapping_of(array: Array) -> mmap.mmap | None:
    """The file that an array lies in, if it does."""
    base: Any = array.base
    while isinstance(base, np.ndarray):
        base = base.base
    held = base.obj if isinstance(base, memoryview) else base
    return held if isinstance(held, mmap.mmap) else None
