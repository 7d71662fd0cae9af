"""Coefficients as they stand in formulas: in full, and without what binary fractions add."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from backproof.mathematics.functions import Activation

# A symbol of a formula that gets its layer's number: Z and A, where no letter stands beside them.
SYMBOL = re.compile(r"(?<![A-Za-z\\])([ZA])(?![A-Za-z_])")


def decimal(c: float) -> Decimal:
    """The shortest decimal that is read as this number: that which was written down."""
    return Decimal(repr(float(c)))


def shown(c: float | Decimal) -> str:
    r"""As LaTeX: 0.9, or 1.5 \cdot 10^{-8}."""
    exact = (c if isinstance(c, Decimal) else decimal(c)).normalize()
    power = exact.adjusted()
    if -5 < power < 7:
        return f"{exact:f}"
    mantissa = exact.scaleb(-power)
    front = "" if mantissa == 1 else rf"{mantissa:f} \cdot "
    return rf"{front}10^{{{power}}}"


def times(c: float | Decimal) -> str:
    """As the factor of what follows; nothing where it is 1."""
    return "" if c == 1 else rf"{shown(c)}\, "


def complement(c: float) -> Decimal:
    """1 − c."""
    return 1 - decimal(c)


def numbered(formula: str, index: int) -> str:
    """Z and A of a formula as those of a layer."""
    return SYMBOL.sub(rf"\1_{{{index}}}", formula)


def activated(f: Activation, index: int) -> str:
    """A of a layer, from its Z."""
    return f"A_{{{index}}} = {numbered(f.latex()[0], index)}"


def delta(f: Activation, index: int, arriving: str, *, taken_back: bool = True) -> str:
    """Δ of a layer, from what arrives at its activation; from its Z, if that is what arrives."""
    name = rf"\Delta_{{{index}}}"
    _, slope = f.latex()
    if not taken_back or slope == "1":
        return f"{name} = {arriving}"
    if whole := f.latex_vjp():
        return rf"G = {arriving}, \qquad {name} = {numbered(whole, index)}"
    told = numbered(slope, index)
    closed = told.startswith("[") and told.count("[") == 1
    return rf"{name} = {arriving} \odot {told if closed else f'({told})'}"
