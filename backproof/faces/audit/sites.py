"""Call sites: all calls from one line of a test, put together."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from backproof.faces.audit.seen import Seen
from backproof.mathematics.places import named

VERDICTS = ("shows nothing", "weak", "sound")


@dataclass
class Site:
    """A line that compares: how often, by which tolerance, and the weakest that it was.

    ``sure``: the smallest error in one element that every call was sure to notice, as a share of
    the largest element.
    """

    file: str
    line: int
    function: str
    tolerance: str
    calls: int = 0
    sure: float = 0.0
    gap: float = 0.0
    unit: float = 0.0
    blind: int = 0
    """How many of the calls that were looked at showed nothing; ``weak``: little."""
    weak: int = 0
    oddities: dict[str, int] = field(default_factory=dict)
    planted: dict[str, int] = field(default_factory=dict)
    looked: int = 0

    def add(self, seen: Seen) -> None:
        """One call more, of those that were looked at."""
        self.looked += 1
        self.sure, self.gap = max(self.sure, seen.sure), max(self.gap, seen.gap)
        self.unit = max(self.unit, seen.unit)
        self.blind += seen.blind
        self.weak += seen.weak
        for told in seen.oddities:
            self.oddities[told] = self.oddities.get(told, 0) + 1
        for told in seen.planted:
            self.planted[told] = self.planted.get(told, 0) + 1

    @property
    def verdict(self) -> str:
        """shows nothing, weak, or sound."""
        return VERDICTS[0 if self.blind == self.looked else 1 if self.blind + self.weak else 2]

    @property
    def place(self) -> str:
        """File and line."""
        return named(self.file, self.line)

    @property
    def told(self) -> str:
        """What it could not see, in a line."""
        parts = [f"{each}{self._times(count)}" for each, count in self.oddities.items()]
        if self.sure:
            parts.append(f"sure to see errors above {self.sure:.2g} of the largest element")
            parts.append(f"the data differ by {self.gap:.2g}" if self.gap else "the data are equal")
        if self.planted and self.verdict != VERDICTS[2]:
            kinds = ", ".join(f"{each}{self._times(n)}" for each, n in self.planted.items())
            parts.append(f"planted, and passed: {kinds}")
        calls = f", {self.calls:,} calls" if self.calls > 1 else ""
        return f"{self.function}({self.tolerance}){calls}: {'; '.join(parts) or 'exact'}"

    def _times(self, count: int) -> str:
        return "" if count == self.looked else f" ({count} of {self.looked} calls)"

    def to_json(self) -> dict[str, Any]:
        """A JSON object of it."""
        return {
            "file": self.file,
            "line": self.line,
            "function": self.function,
            "tolerance": self.tolerance,
            "verdict": self.verdict,
            "calls": self.calls,
            "looked": self.looked,
            "sure": self.sure,
            "gap": self.gap,
            "unit": self.unit,
            "blind": self.blind,
            "weak": self.weak,
            "oddities": dict(self.oddities),
            "planted": dict(self.planted),
        }

    @classmethod
    def from_json(cls, told: dict[str, Any]) -> Site:
        """The site that `to_json` described: of another process of a session."""
        return cls(**{key: value for key, value in told.items() if key != "verdict"})

    def join(self, other: Site) -> None:
        """The calls of the same line in another process."""
        self.calls += other.calls
        self.looked += other.looked
        self.sure, self.gap = max(self.sure, other.sure), max(self.gap, other.gap)
        self.blind += other.blind
        self.weak += other.weak
        for mine, its in ((self.oddities, other.oddities), (self.planted, other.planted)):
            for told, count in its.items():
                mine[told] = mine.get(told, 0) + count
