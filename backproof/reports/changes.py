"""What has changed between two written reports: verdicts, strength, digits, versions."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backproof.comparison.judging.rows import Status
from backproof.comparison.record.record import DATA
from backproof.implementations.host.files import reason
from backproof.mathematics.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd

TABLE, ENVIRONMENT = "comparisons.csv", "environment.json"
KEY = ["pairing", "reference", "quantity", "tensor", "point", "step"]
"""What makes two rows the same comparison."""
DUEL = ["pairing", "reference"]
ABSENT = "–"
"""Stands for the status of a comparison that one of the two did not make."""
FLOATS = ("power", "bound_used", "subject_digits")
"""The columns of numbers that are compared."""
PASSES = {str(status) for status in Status if status.passes}


@dataclass(frozen=True)
class Verdicts:
    """Comparisons of one tensor that came to one status in the old run, to another in the new."""

    pairing: str
    reference: str
    name: str
    old: str
    new: str
    count: int
    cause: str
    """Of the new one; of the old one where that is gone."""

    @property
    def worse(self) -> bool:
        """Whether what passed does not pass any more, or is not compared any more."""
        return self.old in PASSES and self.new not in PASSES


@dataclass(frozen=True)
class Figure:
    """One figure of a pairing against a reference, which is another now; NaN: there was none."""

    pairing: str
    reference: str
    name: str
    old: float
    new: float


@dataclass(frozen=True)
class Changes:
    """Two reports, and what is other in the second."""

    old: pd.DataFrame
    new: pd.DataFrame
    versions: list[tuple[str, str, str]] = field(default_factory=list)
    """Of the environment: what, and what it was and is."""

    @classmethod
    def between(cls, old: str | Path, new: str | Path) -> Changes:
        """Read two folders that `Report.write` has written; `UsageError` if one is none."""
        was, now = environment(Path(old)), environment(Path(new))
        versions = [
            (name, was.get(name, ABSENT), now.get(name, ABSENT))
            for name in sorted(was.keys() | now.keys())
            if was.get(name) != now.get(name)
        ]
        return cls(rows(Path(old)), rows(Path(new)), versions)

    @cached_property
    def verdicts(self) -> list[Verdicts]:
        """The statuses that are others now, what is worse first."""
        both = self.old.merge(self.new, on=KEY, how="outer", suffixes=("_old", "_new"))
        for column in ("status_old", "status_new"):
            both[column] = both[column].fillna(ABSENT)
        other = both[both["status_old"] != both["status_new"]].copy()
        other["cause"] = other["cause_new"].where(other["cause_new"].notna(), other["cause_old"])
        groups: Any = other.groupby(  # of values that only their columns have types for
            [*DUEL, "quantity", "tensor", "status_old", "status_new"], sort=False, dropna=False
        )
        found = [
            Verdicts(
                pairing,
                reference,
                f"{quantity}/{tensor}" if tensor else quantity,
                was,
                now,
                len(group),
                next((cause for cause in group["cause"] if cause), ""),
            )
            for (pairing, reference, quantity, tensor, was, now), group in groups
        ]
        return sorted(found, key=lambda each: not each.worse)

    @cached_property
    def figures(self) -> list[Figure]:
        """The figures of each pairing and reference that are others now."""
        old, new = figures(self.old), figures(self.new)
        both = sorted(old.keys() & new.keys())  # what only one has is told by its verdicts
        return [
            Figure(*duel, name, old[duel][name], new[duel][name])
            for duel in both
            for name in old[duel]
            if old[duel][name] != new[duel][name]
            and not (old[duel][name] != old[duel][name] and new[duel][name] != new[duel][name])
        ]

    @property
    def worse(self) -> bool:
        """Whether something that passed does not any more, or is not compared any more."""
        return any(each.worse for each in self.verdicts)

    @property
    def sentence(self) -> str:
        """What it comes to."""
        worse = sum(each.count for each in self.verdicts if each.worse)
        other = sum(each.count for each in self.verdicts) - worse
        if not self.verdicts:
            return f"Every one of the {len(self.new)} comparisons has the verdict that it had."
        return (
            f"{worse} comparisons that passed do not any more or are not made any more; "
            f"{other} have another verdict that is no worse."
        )


def rows(folder: Path) -> pd.DataFrame:
    """The rows of a written report, an empty text where a cell of text is empty."""
    import pandas as pd

    path = folder / TABLE
    try:
        # NaN is a name that a tensor may have: only empty cells are none.
        table = pd.read_csv(path, keep_default_na=False, na_values={c: [""] for c in FLOATS})
    except (OSError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        told = reason(error) if isinstance(error, OSError) else str(error).strip()
        raise UsageError(
            f"{path} cannot be read ({told}): name a folder that --report has written"
        ) from error
    lacking = sorted({*KEY, "status", "cause", *FLOATS} - set(table.columns))
    if lacking:
        raise UsageError(f"{path} has no column {', '.join(lacking)}: verify has not written it")
    return table


def figures(table: pd.DataFrame) -> dict[tuple[str, str], dict[str, float]]:
    """By pairing and reference: the figures that the table on the terminal shows too, and digits.

    The weakest power of a gradient on the data, the largest share of a bound, the fewest digits.
    """
    data = table[(table["quantity"] == "gradient") & (table["point"] == DATA)]
    power = data.groupby(DUEL)["power"].max()
    groups: Any = table.groupby(DUEL)
    used, digits = groups["bound_used"].max(), groups["subject_digits"].min()
    return {
        duel: {
            "gradient power": float(power.get(duel, float("nan"))),
            "bound used": float(used[duel]),
            "correct digits": float(digits[duel]),
        }
        for duel in groups.groups
    }


def environment(folder: Path) -> dict[str, str]:
    """What the environment of a report says, in one level: ``packages.numpy``, ``dtype``."""
    path = folder / ENVIRONMENT
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read ({reason(error)}): name a folder that --report has written"
        ) from error
    except ValueError as error:  # no JSON, or no UTF-8
        raise UsageError(f"{path} is damaged ({error}): run verify --report again") from error
    flat: dict[str, str] = {}
    for name, value in content.items():
        if isinstance(value, dict):
            flat |= {f"{name}.{key}": str(each) for key, each in value.items()}
        else:
            flat[name] = str(value)
    return flat
