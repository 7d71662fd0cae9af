"""How much of a report the terminal shows."""

from enum import IntEnum


class Detail(IntEnum):
    """From what is wrong alone to everything."""

    CAUSES = -1
    """What is wrong and why, and the verdict."""
    NORMAL = 0
    """And a table: a line a pairing, or, if something is wrong, a line a reference."""
    FULL = 1
    """And every tensor that fails, and a line a reference in any case."""
