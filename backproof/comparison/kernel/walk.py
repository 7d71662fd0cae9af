"""Arrays element by element in C order, in blocks that stay in the cache."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Numbers = NDArray[Any]  # float16, float32, float64, integers or bool

# Elements. Three arrays and three buffers of it (6 MiB) stay in a usual L3 cache. Blocks that fit
# into L2 are read no faster, and the loop over eight times as many takes a tenth of the time.
BLOCK = 131_072


def blocks_of(arrays: list[Numbers]) -> Iterator[tuple[int, tuple[Floats, ...]]]:
    """Yield (flat index, blocks) of at most BLOCK elements in C order.

    Blocks are views where the memory allows it; otherwise (other dtypes, strides) NumPy's iterator
    fills buffers, which the next block overwrites.
    """
    start = 0
    for blocks in np.nditer(
        arrays,
        flags=["external_loop", "buffered"],
        op_dtypes=[np.float64] * len(arrays),
        order="C",
        buffersize=BLOCK,
    ):
        yield start, blocks
        start += blocks[0].size


def every(step: int, array: Numbers) -> Floats:
    """Every step-th element in C order, without a copy of the whole array."""
    flat = array.reshape(-1) if array.flags.c_contiguous else array.flat
    return flat[::step].astype(np.float64, copy=False)


def aligned(rows: int, size: int) -> Floats:
    """Uninitialized rows that begin on cache lines: NumPy writes twice as fast to these."""
    width = -(-size // 8) * 8
    memory = np.empty(rows * width + 8)
    skip = -memory.ctypes.data % 64 // 8
    return memory[skip : skip + rows * width].reshape(rows, width)
