"""Factors: the numbers that code has at hand, as it would write them in front of something."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from math import nan
from typing import Any

import numpy as np
from numpy.typing import NDArray

# A value in any arithmetic.
T = Any


@dataclass(frozen=True)
class Factor:
    """A number in front of a product: one of the numbers that code has, or one that was found."""

    text: str
    of: Callable[[Mapping[str, float]], float]
    found: bool = False
    note: str = ""

    def before(self, inner: str, *, loose: bool) -> str:
        """``2 * a``, ``-a``, ``a / n``."""
        if self.text == "1":
            return inner
        bare = f"({inner})" if loose else inner
        if self.text == "-1":
            return f"-{bare}"
        if inner == "1" or self.text == "0":
            return self.text
        if self.text.startswith("1 / "):
            return f"{bare} / {self.text[4:]}"
        if self.text.startswith("-1 / "):
            return f"-{bare} / {self.text[5:]}"
        return f"{self.text} * {bare}"


def number(value: float) -> Factor:
    """A number that stands nowhere in the declaration."""
    value += 0.0  # of −0, 0
    rounded = float(f"{value:.6g}")
    exact = rounded if abs(rounded - value) <= 1e-9 * abs(value) else value
    return Factor(f"{value:.6g}", lambda known: exact, found=True)


def factors() -> Iterator[Factor]:
    """The numbers that code has at hand, the simplest first."""
    found: list[tuple[float, str, Callable[[Mapping[str, float]], float]]] = []
    for cost, value in ((0, 1.0), (1, 2.0), (1, 0.5), (2, 3.0), (2, 4.0), (2, 0.25)):
        for n, outputs in product(range(-2, 3), repeat=2):
            found.append(power(cost, value, {"n": n, "outputs": outputs}))
        if value in (0.5, 1.0, 2.0):
            found += [power(cost, value, {"rate": each}) for each in (-1, 1)]
    for _, text, of in sorted(found, key=lambda each: each[0]):
        yield Factor(text, of)
        yield Factor(f"-{text}", lambda known, of=of: -of(known))  # type: ignore[misc] # bound now


def power(
    cost: int, value: float, powers: Mapping[str, int]
) -> tuple[float, str, Callable[[Mapping[str, float]], float]]:
    """A number times powers of what code knows: its cost, its text, its value."""
    above = [f"{n}**{p}" if p > 1 else n for n, p in powers.items() if p > 0]
    below = [f"{n}**{-p}" if p < -1 else n for n, p in powers.items() if p < 0]
    if 0 < value < 1 and (above or below):
        below = [f"{1 / value:g}", *below]
    elif value != 1 or not above:
        above = [f"{value:g}", *above]
    text = " * ".join(above) or "1"
    if below:
        text += f" / {below[0]}" if len(below) == 1 else f" / ({' * '.join(below)})"

    def of(known: Mapping[str, float]) -> float:
        found = value
        for name, each in powers.items():
            found *= known[name] ** each
        return found

    own = sum((1 + (name == "outputs") / 2) * abs(each) for name, each in powers.items())
    return cost + own, text, of


# What stands in the place of n where an index is off by one, or a half is a whole number.
OF_SAMPLES: tuple[tuple[str, Callable[[float], float]], ...] = (
    ("n / (n - 1)", lambda n: n / (n - 1) if n > 1 else nan),
    ("(n - 1) / n", lambda n: (n - 1) / n),
    ("n / (n + 1)", lambda n: n / (n + 1)),
    ("(n + 1) / n", lambda n: (n + 1) / n),
    ("(n / 2) / (n // 2)", lambda n: n / 2 / max(n // 2, 1)),
)
FACTORS = (
    *factors(),
    *(Factor(text, lambda known, of=of: of(known["n"])) for text, of in OF_SAMPLES),  # type: ignore[misc] # bound now
)


def counted(factor: Factor, numbers: Sequence[float]) -> Factor:
    """A factor of the outputs: if it is the same everywhere, the number may be meant."""
    if "n" in factor.text.replace("outputs", ""):
        return factor
    return Factor(f"{numbers[0]:.6g}", factor.of, note=f" ({factor.text}, here)")


def values_at(n: float, outputs: float, rate: float) -> NDArray[np.float64]:
    """All of them with the numbers that code has; NaN where one cannot be."""
    return computed(n, outputs, None if rate != rate else rate)


@lru_cache
def computed(n: float, outputs: float, rate: float | None) -> NDArray[np.float64]:
    """The same; None for a rate that is not known, as one NaN is not another."""
    known = {"n": n, "outputs": outputs, "rate": nan if rate is None else rate}
    found = []
    for factor in FACTORS:
        try:
            found.append(factor.of(known))
        except ZeroDivisionError:
            found.append(nan)
    return np.array(found)


def factor_of(
    numbers: Sequence[float],
    known: Sequence[Mapping[str, float]],
    share: float,
    *,
    alone: bool = False,
) -> Factor | None:
    """The number that a factor is wherever it was measured, within a share of it; None if none.

    One that is in no list counts where two points have it, or more; or, of one that is ``alone``,
    as there is no other, where many elements have it.
    """
    same = np.ones(len(FACTORS), bool)
    for each, at in zip(numbers, known, strict=True):
        same &= np.abs(each - values_at(**at)) <= share * abs(each)
    if same.any():
        factor = FACTORS[int(same.argmax())]
        return factor if "outputs" not in factor.text else counted(factor, numbers)
    if (len(numbers) > 1 or alone) and agree(numbers, share):
        return number(numbers[0])
    sizes = [k["n"] for k in known]
    for over in (1, -1):
        rest = [each * n**-over for each, n in zip(numbers, sizes, strict=True)]
        if len(set(sizes)) > 1 and rest[0] and agree(rest, share):
            return of_samples(rest[0], over)
    return None


def agree(numbers: Sequence[float], share: float) -> bool:
    """Whether all are one number, within a share of it."""
    return max(numbers) - min(numbers) <= share * max(map(abs, numbers))


def of_samples(value: float, over: int) -> Factor:
    """A number that stands nowhere, times or by the number of samples: ``n / 20``."""
    below = 1 / value
    whole = over > 0 and abs(below - round(below)) <= 1e-6 * abs(below)
    found = 1 / round(below) if whole else number(value).of({})
    if whole:
        text = f"n / {round(below)}" if below > 0 else f"-n / {-round(below)}"
    else:
        text = f"{value:.6g} * n" if over > 0 else f"{value:.6g} / n"
    return Factor(text, lambda known: found * known["n"] ** over, found=True)


def scaled(ops: Any, value: T, factor: float) -> T:
    """A value times a factor, which code may reach in two roundings."""
    return value if factor == 1 else ops.scale(value, factor, roundings=2)
