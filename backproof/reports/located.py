"""Where a person is sent: the file and line of an error, or of the subject."""

from __future__ import annotations

import re

# As `places.py` ends a message: ``(scratch/circles.py:72)``.
PLACE = re.compile(r"\(([^()\s][^()\n]*\.py):(\d+)\)")


def located(cause: str, subject: str) -> tuple[str, int] | None:
    """The last file and line that a cause names; else those of the subject, if they are known.

    ``subject``: as `Record.place` has it, ``comparisons/circles.py:17``.
    """
    if named := PLACE.findall(cause):
        file, line = named[-1]
        return file, int(line)
    file, _, digits = subject.rpartition(":")
    return (file, int(digits)) if file and digits.isdecimal() else None
