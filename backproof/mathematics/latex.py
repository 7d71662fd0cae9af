"""Coefficients as they stand in formulas: in full, and without what binary fractions add."""

from __future__ import annotations

from decimal import Decimal


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
