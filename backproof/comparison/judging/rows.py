"""The row: what one comparison says, and the one schema of the table that every report views."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


class Status(StrEnum):
    """What a comparison came to. Only MATCH passes; WAIVED is let pass by name, reason and date.

    AT-FAULT, too, speaks for the subject: its reference is wrong, by a fault that it is known for,
    and another reference and the certified values side with the subject.
    """

    MATCH = "MATCH"
    MISMATCH = "MISMATCH"
    UNDECIDED = "UNDECIDED"
    ERROR = "ERROR"
    WAIVED = "WAIVED"
    AT_FAULT = "AT-FAULT"

    @property
    def passes(self) -> bool:
        """Whether a row with this status speaks against nobody but its reference."""
        return self in (Status.MATCH, Status.WAIVED, Status.AT_FAULT)


class Grade(StrEnum):
    """By which bound a comparison was judged.

    ``proven``: rounding errors at their worst. ``statistical``: as random, where the worst case
    says too little; correct code exceeds it at the chance that the run states (docs/bounds.md).
    """

    PROVEN = "proven"
    STATISTICAL = "statistical"


# The detail of a row that was compared once more, as the bounds of every right way were too wide.
WAY = "compared along the definition's own way: docs/bounds.md, Where several ways are right"
SHARED_WAY = "compared along the way that both went: docs/bounds.md, Where several ways are right"


@dataclass(slots=True)
class Row:
    """One tensor of one quantity of one pairing against one reference, at one point and step.

    The fields are the columns of ``comparisons.csv``, in order; None is an empty cell.
    ``max_abs_diff``, ``max_rel_diff``: largest |actual − expected|, absolute and by |expected|.
    ``bound``: the allowed difference at the worst element. ``bound_used``: largest |diff|/bound.
    ``power``: 2·max bound / max |expected|; ``power_median`` and ``power_worst`` the same element
    by element (see `backproof.comparison.kernel.kernel`). ``zeros``: exact zeros in expected.
    ``subject_digits``, ``reference_digits``: correct significant digits of the worst element.
    ``grade``: by which bound it was judged; empty where nothing was compared.
    """

    pairing: str
    subject: str
    reference: str
    quantity: str
    tensor: str
    point: str
    step: int
    dtype: str
    shape: str = ""
    max_abs_diff: float | None = None
    max_rel_diff: float | None = None
    bound: float | None = None
    bound_used: float | None = None
    power: float | None = None
    power_median: float | None = None
    power_worst: float | None = None
    zeros: int | None = None
    subject_digits: float | None = None
    reference_digits: float | None = None
    grade: Grade | None = None
    status: Status = Status.ERROR
    cause: str = ""
    detail: str = ""

    @property
    def name(self) -> str:
        """``gradient/dense_1/kernel``."""
        return f"{self.quantity}/{self.tensor}" if self.tensor else self.quantity


COLUMNS = tuple(field.name for field in fields(Row))


def frame(rows: list[Row]) -> pd.DataFrame:
    """All rows as one table, sorted; a copy that a report may cut up as it likes."""
    import pandas as pd

    table = pd.DataFrame(
        {column: [getattr(row, column) for row in rows] for column in COLUMNS}, columns=COLUMNS
    )
    for column in ("step", "zeros"):
        table[column] = table[column].astype("Int64")
    for column in COLUMNS[COLUMNS.index("max_abs_diff") : COLUMNS.index("zeros")]:
        table[column] = table[column].astype("float64")
    for column in ("subject_digits", "reference_digits"):
        table[column] = table[column].astype("float64")
    table["status"] = table["status"].astype(str)
    table["grade"] = [str(row.grade or "") for row in rows]
    order = ["pairing", "reference", "quantity", "tensor", "point", "step"]
    return table.sort_values(order, kind="stable", ignore_index=True)


def exit_status(statuses: list[Status]) -> int:
    """0: everything matches. 1: a mismatch. 3: else something undecided, in error, or nothing."""
    found = set(statuses)
    if Status.MISMATCH in found:
        return 1
    if not found or found & {Status.UNDECIDED, Status.ERROR}:
        return 3
    return 0
