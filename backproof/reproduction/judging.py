"""The verdict on every published number."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from backproof.reproduction.published import Key, Numbers, Published
from backproof.reproduction.recipe import SUBJECT, Outcome
from backproof.reproduction.rounding import tolerance


class Verdict(StrEnum):
    """What a published number comes to. Only the first two pass."""

    REPRODUCED = "REPRODUCED"
    CONSISTENT = "CONSISTENT"
    NOT_REPRODUCED = "NOT REPRODUCED"
    NOT_OBTAINED = "NOT OBTAINED"


PASSING = (Verdict.REPRODUCED, Verdict.CONSISTENT)
WORST_FIRST = (Verdict.NOT_REPRODUCED, Verdict.NOT_OBTAINED, *PASSING)


@dataclass(frozen=True)
class Told:
    """What one implementation says of a determined number."""

    verdict: Verdict
    obtained: float | None = None
    digits: float | None = None
    reason: str = ""


@dataclass(frozen=True)
class Spread:
    """Where samples from random seeds lie: how many, their range, and the share below the number.

    Of samples that print as the number does, half count as below.
    """

    seeds: int
    low: float
    high: float
    quantile: float


@dataclass(frozen=True)
class Line:
    """One published number, judged.

    ``told`` is by implementation, of a determined number; ``determined_digits``: how many rounding
    leaves, where that was measured. ``spread`` is of the others.
    """

    published: Published
    told: Mapping[str, Told] = field(default_factory=dict)
    determined_digits: float | None = None
    spread: Spread | None = None
    reason: str = ""

    @property
    def verdict(self) -> Verdict:
        """The worst of all implementations; or whether the number lies within its spread."""
        if self.told:
            found = {told.verdict for told in self.told.values()}
            return next(verdict for verdict in WORST_FIRST if verdict in found)
        if self.spread is None:
            return Verdict.NOT_OBTAINED
        low, high = (
            self.published.rounded(self.spread.low),
            self.published.rounded(self.spread.high),
        )
        number = self.published.rounded(self.published.value)
        assert number is not None
        inside = low is not None and high is not None and low <= number <= high
        return Verdict.CONSISTENT if inside else Verdict.NOT_REPRODUCED

    @property
    def why(self) -> str:
        """Why it does not pass, or nothing."""
        if self.verdict in PASSING:
            return ""
        parts = [
            f"{who}: {told.reason}"
            for who, told in self.told.items()
            if told.verdict not in PASSING
        ]
        if self.spread is not None:
            parts.append(
                f"{self.published.text} lies outside of {self.spread.low:.6g} to "
                f"{self.spread.high:.6g}, the range over {self.spread.seeds} seeds"
            )
        return "; ".join([*parts, *filter(None, [self.reason])])


def judge(
    published: Iterable[Published], outcomes: Mapping[str, Outcome], references: Iterable[str]
) -> list[Line]:
    """A line for each published number, in their order."""
    return [
        of_training(each, outcomes[each.system], tuple(references))
        if each.determined and each.system in outcomes
        else of_samples(each, outcomes.get(each.system))
        for each in published
    ]


def unpublished(published: Iterable[Published], outcomes: Mapping[str, Outcome]) -> list[str]:
    """Numbers that a recipe obtains although nobody has published them, by system and key."""
    known = {(each.system, each.key) for each in published}
    return [
        f"{system} {key}"
        for system, outcome in outcomes.items()
        for key in sorted({*everything(outcome)}, key=str)
        if (system, key) not in known
    ]


def everything(outcome: Outcome) -> Iterable[Key]:
    """The keys of all that was obtained."""
    for numbers in (*outcome.numbers.values(), *outcome.samples.values()):
        yield from numbers


def of_training(published: Published, outcome: Outcome, references: tuple[str, ...]) -> Line:
    """A determined number, from the training of each implementation."""
    own = outcome.numbers.get(SUBJECT, {})
    allowed = 0.0
    if published.key in own and math.isfinite(own[published.key]):
        allowed = tolerance(published.key, own, outcome.neighbours.values())
    moved = [reason for who, reason in outcome.errors.items() if who.startswith("neighbours")]
    told = {who: compare(published, outcome, who, allowed) for who in (SUBJECT, *references)}
    digits = None
    if allowed:
        # An infinite tolerance leaves none.
        digits = max(0.0, -math.log10(allowed / abs(own[published.key])))
    return Line(published, told, digits, reason="; ".join(moved[:1]))


def compare(published: Published, outcome: Outcome, who: str, allowed: float) -> Told:
    """One implementation's number: every printed digit, or as many as rounding determines."""
    numbers: Numbers = outcome.numbers.get(who, {})
    if published.key not in numbers:
        reason = outcome.errors.get(who, "its recipe gives no such number")
        return Told(Verdict.NOT_OBTAINED, reason=reason)
    value = numbers[published.key]
    digits = published.matching_digits(value)
    if published.agrees(value):
        return Told(Verdict.REPRODUCED, value, digits)
    differs = f"{value!r} agrees in {digits:.1f} of {published.printed_digits} digits"
    if published.at_least is None:
        return Told(Verdict.NOT_REPRODUCED, value, digits, differs)
    if digits < published.at_least:
        reason = f"{differs}; at least {published.at_least} should agree"
        return Told(Verdict.NOT_REPRODUCED, value, digits, reason)
    half = published.unit / 2  # the printed number is itself rounded, at its last place
    if abs(value - published.value) > allowed + half:
        if not measured(outcome):
            reason = f"{differs}; what rounding may move it by was not measured"
            return Told(Verdict.NOT_OBTAINED, value, digits, reason)
        reason = f"{differs}, and rounding moves it by {allowed:.2g} only"
        return Told(Verdict.NOT_REPRODUCED, value, digits, reason)
    return Told(Verdict.REPRODUCED, value, digits)


def measured(outcome: Outcome) -> bool:
    """Whether the subject's training, and the same on all moved data, was made."""
    training = outcome.reproduction.training
    wanted = training.neighbours if training is not None else {}
    return SUBJECT in outcome.numbers and outcome.neighbours.keys() >= wanted.keys()


def of_samples(published: Published, outcome: Outcome | None) -> Line:
    """A number that depends on random draws, or one whose system has no recipe."""
    if outcome is None:
        return Line(published, reason=f"there is no recipe for {published.system}")
    if outcome.reproduction.sampling is None:
        return Line(published, reason="its recipe takes no samples")
    values = [numbers.get(published.key) for numbers in outcome.samples.values()]
    given = [value for value in values if value is not None and math.isfinite(value)]
    seeds = len(outcome.reproduction.sampling.seeds)
    if len(given) < seeds:
        failed = [reason for who, reason in outcome.errors.items() if who.startswith("seeds")]
        reason = "; ".join(failed[:1]) or f"{seeds - len(given)} of {seeds} seeds give no number"
        return Line(published, reason=reason)
    number = published.rounded(published.value)
    assert number is not None
    rounded = [published.rounded(value) for value in given]
    below = sum(1 for value in rounded if value is not None and value < number)
    equal = sum(1 for value in rounded if value == number)
    spread = Spread(seeds, min(given), max(given), (below + equal / 2) / seeds)
    return Line(published, spread=spread)


def exit_status(lines: Iterable[Line], notes: Iterable[str] = ()) -> int:
    """1: something is not reproduced. Else 2: a recipe was not loaded. Else 3: not obtained."""
    found = {line.verdict for line in lines}
    if Verdict.NOT_REPRODUCED in found:
        return 1
    if list(notes):
        return 2
    return 3 if not found or Verdict.NOT_OBTAINED in found else 0
