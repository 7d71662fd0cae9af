"""Freed memory stays with the process: fetching it anew costs more than the arithmetic in it."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

# Just below the 32 MiB up to which a freed block moves glibc's thresholds.
BLOCK = 33_000_000


@lru_cache
def keep_freed() -> None:
    """Let the allocator of glibc keep what is freed, up to 64 MB; without effect in others.

    It returns free memory to the system above twice the size of the largest mapped block that was
    ever freed (mallopt(3), M_MMAP_THRESHOLD and M_TRIM_THRESHOLD). This one is never touched, and
    costs nothing.
    """
    np.empty(BLOCK, np.uint8)
