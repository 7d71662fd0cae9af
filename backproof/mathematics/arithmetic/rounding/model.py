"""The rounding model of an implementation: unit roundoff, smallest normal, charges."""

from __future__ import annotations

import csv
from dataclasses import dataclass, replace
from functools import lru_cache
from math import inf
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from backproof.mathematics.arithmetic.rounding.forms import LOGITS, Form
from backproof.mathematics.arithmetic.rounding.traits import Traits

# Ulps charged for an elementary function in float64 and float32 where what was measured is no more
# (charges.csv, by `backproof calibrate`). One floor for all lets them share one ball evaluation.
FLOOR = 6.0
TABLE = Path(__file__).with_name("charges.csv")
# What operations compute in, in half precision, and where that was measured (likewise).
PRECISIONS = Path(__file__).with_name("precisions.csv")
MACHINES = Path(__file__).with_name("machines.csv")
# The functions that a rule charges.
CHARGED = (
    *("exp", "log", "sigmoid", "softmax", "softplus", "sqrt", "tanh"),
    *("erf", "erfc", "expm1", "gelu", "gelu_tanh", "log1pexp"),
)
# From here on tanh is exactly 1, in every implementation and dtype: measured with the charges.
TANH_IS_ONE = 20.0
HALF = ("bfloat16", "float16")

# Unit roundoff of the arithmetic that the balls themselves are computed in.
U64 = 2.0**-53

# Functions with the ulps that they are charged; operations with a precision and an underflow.
Charges = tuple[tuple[str, float], ...]
Inside = tuple[tuple[str, str, str], ...]


@dataclass(frozen=True)
class Rounding:
    """fl(f) = f·(1 + θ) + η, with |θ| ≤ 2·ulps·unit for functions, ≤ unit for + − × ÷; |η| ≤ tiny.

    ``unit`` is the unit roundoff (half an ulp of 1), ``tiny`` the smallest normal number: some
    implementations flush what is smaller to zero. ``charges`` names the functions that are charged
    otherwise than `FLOOR` ulps. ``form`` is that of its cross-entropy. ``absolute`` names functions
    that it declares to err by so much more, such as a sigmoid read from a table (for the derivative
    "sigmoid'"). ``coefficients`` is the unit roundoff of the dtype that it holds coefficients in,
    if that is a narrower one. ``kinks`` names the functions whose subgradient at an exact kink it
    chooses otherwise than the definition: there the radius covers both sides; ``slopes`` the losses
    whose slope is exp(z − softplus(z)) − y. ``whole``: functions are called as such, not put
    together from others, as in a framework's twin. ``inside`` says of operations in half precision
    what they compute in, and whether their underflow is "gradual" or "flushed"; see
    `balls.half`. ``same_branches``: not any correct code, but what goes the definition's way where
    there are several: see `on_same_branches`. ``any_form``: functions in any usual form, the step
    in pieces: see `in_any_form`. ``at_kinks``: by function, or "l1", the share of the right side's
    slope that it takes at an exact kink, where that is not the definition's. ``sums``: the dtype
    that it accumulates sums in, where that is a wider one: see `balls.accumulating`. ``casts``:
    how the names of sites begin at which it rounds to a narrower dtype, of the unit roundoff
    ``cast_unit``. Source: Higham, Accuracy and Stability of Numerical Algorithms, 2nd edition,
    section 2.2, with η for underflow as in (2.8).
    """

    dtype: str
    unit: float
    tiny: float
    charges: Charges = ()
    form: Form = LOGITS
    absolute: tuple[tuple[str, float], ...] = ()
    kinks: tuple[str, ...] = ()
    coefficients: float = 0.0
    slopes: tuple[str, ...] = ()
    whole: bool = False
    inside: Inside = ()
    same_branches: bool = False
    any_form: bool = False
    at_kinks: tuple[tuple[str, float], ...] = ()
    sums: str = ""
    casts: tuple[str, ...] = ()
    cast_unit: float = 0.0

    @staticmethod
    @lru_cache
    def of(dtype: str, charges: Charges = ()) -> Rounding:
        """The model of ``float64``, ``float32``, ``float16`` or ``bfloat16``."""
        if dtype == "bfloat16":  # eight significant bits, the exponents of float32
            return Rounding(dtype, 2.0**-8, 2.0**-126, charges)
        info = np.finfo(dtype)
        return Rounding(dtype, float(info.eps) / 2, float(info.tiny), charges)

    def gamma(self, n: int) -> float:
        """γₙ = n·u / (1 − n·u), the relative error of n roundings in a row (Higham, lemma 3.1).

        Infinite from n·u = ¼ on, where the first-order picture, and with it the bound's use, ends.
        """
        nu = n * self.unit
        return nu / (1 - nu) if nu < 0.25 else inf

    def gamma_of_sum(self, n: int, others: int) -> float:
        """γ of a sum of n terms, with so many other roundings: the sum in the dtype of its own.

        That is rounded once more, to the dtype, where it is another one.
        """
        if not self.sums:
            return self.gamma(n + others)
        return self.summing().gamma(n) + self.gamma(max(others, 0) + 1)

    def summing(self) -> Rounding:
        """The model inside of a sum: products are not rounded to the dtype there."""
        if not self.sums:
            return self
        inside = Rounding.of(self.sums)
        tiny = min(inside.tiny, self.tiny)
        return replace(self, dtype=self.sums, unit=inside.unit, tiny=tiny, sums="")

    @staticmethod
    @lru_cache
    def declared(traits: Traits, dtype: str, *, calibrated: bool = False) -> Rounding:
        """The model that an implementation declares: the charges that were measured for it.

        Those above the floor; in the half precisions, which are measured exhaustively, all of them,
        and what operations compute in, if the tables are known to hold (``calibrated``). NumPy does
        not compute there, so that a subject is float32 code, given numbers of half precision. A
        framework of which nothing is known may truncate: TensorFlow does, in products of bfloat16
        without oneDNN.
        """
        if dtype in HALF and not traits.half:
            return Rounding.declared(traits, "float32")
        here = calibrated and dtype in HALF
        charges: dict[str, float] = {}
        for line in measured(traits, dtype):
            if line["function"] in CHARGED or here:
                known = charges.get(line["function"], 0.0)
                charges[line["function"]] = max(known, float(line["charged"]))
        if not here:
            charges = {name: ulps for name, ulps in charges.items() if ulps > FLOOR}
        model = declaring(traits, Rounding.of(dtype, tuple(sorted(charges.items()))))
        if here:
            return replace(model, whole=True, inside=computed_in(traits, dtype))
        return replace(model, unit=2 * model.unit) if dtype in HALF else model

    def computing(self, operation: str, precision: str, underflow: str) -> Rounding:
        """The model in which that operation computes in that precision."""
        others = tuple(each for each in self.inside if each[0] != operation)
        return replace(self, inside=(*others, (operation, precision, underflow)))

    def as_measured(self) -> Rounding:
        """The model with each function's own charge, not the floor of all, in float64 and float32.

        That is the most that was measured of any implementation, and half as much again: still one
        model for all of them.
        """
        if self.dtype in HALF or self.inside:
            return self
        charges = most_measured(self.dtype) | dict(self.charges)
        return replace(self, charges=tuple(sorted(charges.items())))

    def on_same_branches(self) -> Rounding:
        """The model of code that goes the way of the definition's value, where several are right.

        At a kink within rounding it is on the side of the value, and at an exact one it has the
        definition's slope; its softmax takes the row's largest off first, so that one of a single
        unit is exactly 1, and passes exactly nothing back.
        """
        return replace(self, same_branches=True, kinks=())

    def in_any_form(self, at_kinks: tuple[tuple[str, float], ...] = ()) -> Rounding:
        """The model of code in the forms that many write, which lose digits of what is small.

        A sigmoid as (1 + tanh(z/2))/2, as 1 − 1/(1 + exp(z)), or of a z that is clipped where exp
        would overflow; a tanh as 2σ(2z) − 1; a leaky ReLU with |z|; a step that is taken sample by
        sample, or term by term. ``at_kinks``: its subgradients at exact kinks.
        """
        return replace(self, any_form=True, at_kinks=at_kinks)

    def at_kink(self, function: str, usual: float) -> float:
        """Its share of the right side's slope at an exact kink; ``usual``: the definition's."""
        return dict(self.at_kinks).get(function, usual)

    def unit_in(self, operation: str) -> float:
        """The unit roundoff of what an operation computes in."""
        precisions = {name: precision for name, precision, _ in self.inside}
        return Rounding.of(precisions.get(operation, self.dtype).partition(",")[0]).unit

    def losing(self, underflow: str) -> Rounding:
        """The model of one operation; gradual underflow takes half the smallest subnormal."""
        return replace(self, tiny=self.tiny * self.unit) if underflow == "gradual" else self

    def ulps(self, function: str) -> float:
        """How many ulps one call of ``function`` is charged."""
        return dict(self.charges).get(function, FLOOR)

    def held(self, roundings: int) -> float:
        """What is lost beside γ where a coefficient of so many roundings is held more narrowly."""
        narrow = self.coefficients and roundings > 0
        return replace(self, unit=self.coefficients).gamma(roundings) if narrow else 0.0

    def error(self, function: str) -> float:
        """The absolute error that is declared for one call of ``function``, beyond its charge."""
        return dict(self.absolute).get(function, 0.0)

    def charge(self, function: str, composed: float = 0.0) -> float:
        """The relative error charged for one call of ``function``.

        ``composed``: what is charged at least, unless the function is known to be called whole.
        """
        own = 2 * self.unit * self.ulps(function)
        return own if self.whole else max(own, composed)

    @property
    def eta(self) -> float:
        """What underflow may take from a result, and a little for adding it to a radius."""
        return self.tiny * inflated(8)


def declaring(traits: Traits, model: Rounding) -> Rounding:
    """The model with the choices that an implementation declares."""
    return replace(model, kinks=traits.kinks, slopes=traits.slopes)


def computed_in(traits: Traits, dtype: str) -> Inside:
    """What its operations were measured to compute in: the coarsest of all modes compared."""
    found: dict[str, tuple[str, str]] = {}
    for line in csv.DictReader(PRECISIONS.read_text(encoding="utf-8").splitlines()):
        here = line["implementation"] == traits.name and line["dtype"] == dtype
        if here and line["mode"] in traits.modes:
            known = found.get(line["operation"], ("float64", "gradual"))
            ours = (line["precision"], line["underflow"])
            found[line["operation"]] = (
                max(known[0], ours[0], key=coarseness),
                max(known[1], ours[1], key=("gradual", "flushed").index),
            )
    return tuple((operation, *rest) for operation, rest in sorted(found.items()))


def coarseness(precision: str) -> tuple[bool, float, bool]:
    """A key that orders precisions from the finest to the coarsest."""
    dtype, _, steps = precision.partition(",")
    return dtype in HALF, Rounding.of(dtype).unit, bool(steps)


def measured(traits: Traits, dtype: str) -> list[dict[str, str]]:
    """The lines of charges.csv for an implementation as it is compared, in a dtype."""
    return [
        line
        for line in csv.DictReader(TABLE.read_text(encoding="utf-8").splitlines())
        if line["implementation"] in traits.lines
        and line["mode"] in traits.modes
        and line["dtype"] == dtype
    ]


@lru_cache
def most_measured(dtype: str) -> dict[str, float]:
    """By function that a rule charges, the largest charge of all lines of charges.csv."""
    found: dict[str, float] = {}
    for line in csv.DictReader(TABLE.read_text(encoding="utf-8").splitlines()):
        name = line["function"]
        if line["dtype"] == dtype and name in CHARGED:
            found[name] = max(found.get(name, 0.0), float(line["charged"]))
    return found


def round_to(x: NDArray[np.floating], dtype: str) -> NDArray[np.floating]:
    """x rounded to the dtype; the half precisions are held in float32, as they cross the pipes."""
    if dtype == "float16":
        return x.astype(np.float16).astype(np.float32)
    x = np.asarray(x)
    if dtype == "bfloat16":  # round the upper half of a float32 to nearest, ties to even
        bits = x.astype(np.float32).view(np.uint32)
        rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) & np.uint32(0xFFFF0000)
        return np.asarray(rounded.astype(np.uint32).view(np.float32))
    return x.astype(dtype)


def held_in(dtype: str) -> str:
    """The dtype of the arrays that hold values of this one: NumPy computes in no half precision."""
    return "float32" if dtype in HALF else dtype


def inflated(operations: int) -> float:
    """A factor that makes up for ``operations`` float64 roundings in computing a radius.

    Radii are sums and products of non-negative numbers, so k roundings take away a share of at
    most γₖ; twice that, and a few more operations, is a safe factor.
    """
    return 1 + 2 * (operations + 8) * U64
