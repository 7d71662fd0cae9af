"""What an article prints: one row of ``published.csv`` a number, and how its digits are read."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation, localcontext
from pathlib import Path

from backproof.mathematics.errors import UsageError

REQUIRED = ("system", "quantity", "index", "step", "value", "determined")
KNOWN = (*REQUIRED, "at_least", "note")
FILE = "published.csv"


@dataclass(frozen=True)
class Key:
    """Which number of a system it is: a quantity, its index if it has several, its step."""

    quantity: str
    index: int | None = None
    step: int | None = None

    def __str__(self) -> str:
        index = "" if self.index is None else f"[{self.index}]"
        step = "" if self.step is None else f" at {self.step}"
        return f"{self.quantity}{index}{step}"


Numbers = Mapping[Key, float]


@dataclass(frozen=True)
class Published:
    """A printed number; ``text`` is its value as printed.

    A determined number follows from the article alone; the others depend on random draws whose seed
    is not told. ``at_least``: how many significant digits must agree where rounding leaves fewer
    than were printed.
    """

    system: str
    key: Key
    text: str
    determined: bool
    at_least: int | None = None
    note: str = ""

    @property
    def value(self) -> float:
        """The number."""
        return float(self.text)

    @property
    def printed_digits(self) -> int:
        """How many significant digits were printed."""
        return len(Decimal(self.text).as_tuple().digits)

    @property
    def unit(self) -> float:
        """One of the last printed place."""
        return float(Decimal(1).scaleb(int(Decimal(self.text).as_tuple().exponent)))

    def agrees(self, value: float) -> bool:
        """Whether a value, rounded to the printed places, is what was printed."""
        return self.rounded(value) == Decimal(self.text)

    def rounded(self, value: float) -> Decimal | None:
        """A value rounded to the printed places, or to ``at_least`` digits if those are more.

        None for what is not finite.
        """
        if not math.isfinite(value):
            return None
        printed = Decimal(self.text)
        exponent = int(printed.as_tuple().exponent)
        if self.at_least is not None and not self.determined:
            exponent = min(exponent, printed.adjusted() + 1 - self.at_least)
        with localcontext(prec=400):
            return Decimal(value).quantize(Decimal(1).scaleb(exponent), ROUND_HALF_EVEN)

    def matching_digits(self, value: float) -> float:
        """How many significant digits agree: −log₁₀ of the relative difference, at most all."""
        if self.agrees(value):
            return float(self.printed_digits)
        gap = abs(value - self.value)
        if not math.isfinite(gap) or not self.value:
            return 0.0
        return min(max(-math.log10(gap / abs(self.value)), 0.0), float(self.printed_digits))


def load(path: Path) -> list[Published]:
    """All rows of the file; raises `UsageError` with the line where one is not as it must be."""
    if not path.is_file():
        raise UsageError(f"{path}: no such file; it lists what was published, one number a row")
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        columns = reader.fieldnames or []
        missing = [name for name in REQUIRED if name not in columns]
        unknown = [name for name in columns if name not in KNOWN]
        if missing or unknown:
            raise UsageError(
                f"{path}: columns missing: {', '.join(missing) or 'none'}; "
                f"not known: {', '.join(unknown) or 'none'}"
            )
        found = [parse(row, f"{path}:{reader.line_num}") for row in reader]
    seen: set[tuple[str, Key]] = set()
    for each in found:
        if (each.system, each.key) in seen:
            raise UsageError(f"{path}: {each.system} {each.key} stands there twice")
        seen.add((each.system, each.key))
    if not found:
        raise UsageError(f"{path}: no numbers; write one a row")
    return found


def parse(row: Mapping[str, str | None], where: str) -> Published:
    """One row."""
    cells = {name: (value or "").strip() for name, value in row.items()}
    try:
        finite = Decimal(cells["value"]).is_finite()
    except InvalidOperation:
        finite = False
    if not finite:
        raise UsageError(f"{where}: value {cells['value']!r}; write the number as it was printed")
    if cells["determined"] not in ("yes", "no"):
        raise UsageError(f"{where}: determined {cells['determined']!r}; write yes or no")
    if not (cells["system"] and cells["quantity"]):
        raise UsageError(f"{where}: write a system and a quantity")
    return Published(
        system=cells["system"],
        key=Key(
            cells["quantity"],
            integer(cells["index"], "index", where),
            integer(cells["step"], "step", where),
        ),
        text=cells["value"],
        determined=cells["determined"] == "yes",
        at_least=integer(cells.get("at_least", ""), "at_least", where),
        note=cells.get("note", ""),
    )


def integer(text: str, column: str, where: str) -> int | None:
    """A count, or nothing."""
    if not text:
        return None
    if not text.isdecimal():
        raise UsageError(f"{where}: {column} {text!r}; write an integer, or nothing")
    return int(text)
