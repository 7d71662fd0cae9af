"""Reads the LaTeX of `backproof explain` and computes what it says, in extended precision.

Juxtaposition is the product of matrices, ⊙, quotients, powers and functions go element by element,
as the text above the formulas says. Knows what derivations use, and refuses all else.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.special import erf

TOKEN = re.compile(
    r"\\partial (?:L|W_\{\d+\}|b_\{\d+\}|W)|\\hat [muv]|\\mathbf\{1\}|\\mathrm\{sign\}"
    r"|(?:\\Delta|[AZWb])_\{\d+\}|\\[A-Za-z]+|\\,|\d+(?:\.\d+)?|[A-Za-z]|\S"
)
SKIPPED = ("\\,", "\\left", "\\right")
COMPARE = {">": operator.gt, "<": operator.lt, "\\le": operator.le}
ONE = "\\mathbf{1}"


class Ones:
    """The column of ones, or the row: as many as fit."""

    def __init__(self, row: bool = False) -> None:
        self.row = row


def normal(x: Any) -> Any:
    """Φ, to the digits of float64."""
    return np.longdouble(0.5) * (1 + erf(np.asarray(x, np.float64) / np.sqrt(2.0)))


FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "\\log": np.log,
    "\\tanh": np.tanh,
    "\\Phi": normal,
    "\\varphi": lambda x: np.exp(-x * x / 2) / np.sqrt(2 * PI),
    "\\mathrm{sign}": np.sign,
}
PI = np.longdouble("3.14159265358979323846264338327950288")


def product(a: Any, b: Any) -> Any:
    """What stands side by side: matrices, numbers, ones."""
    if isinstance(a, Ones):
        if a.row:
            return b.sum(axis=0) if b.ndim == 2 else b.sum()
        return b[None, :]  # one row, which NumPy repeats
    if isinstance(b, Ones):
        # After a column the row repeats it, which NumPy does too.
        return a if b.row else a.sum(axis=1, keepdims=True)
    if np.ndim(a) == 2 and np.ndim(b) == 2:
        return a @ b
    assert np.ndim(a) == 0 or np.ndim(b) == 0, "a product that is none"
    return a * b


class Reader:
    """One formula, read from left to right; ``values``: what its symbols stand for."""

    def __init__(self, text: str, values: dict[str, Any]) -> None:
        self.tokens = [t for t in TOKEN.findall(text) if t not in SKIPPED]
        self.values = values

    def peek(self) -> str:
        return self.tokens[0] if self.tokens else ""

    def take(self, *wanted: str) -> str:
        token = self.tokens.pop(0)
        assert not wanted or token in wanted, f"{token} where {wanted} should be"
        return token

    def whole(self) -> Any:
        value = self.sum()
        assert not self.tokens, f"left over: {self.tokens}"
        return value

    def sum(self) -> Any:
        value = -self.term() if self.peek() == "-" and self.take() else self.term()
        while self.peek() in ("+", "-"):
            sign = self.take()
            other = self.term()
            value = value + other if sign == "+" else value - other
        return value

    def term(self) -> Any:
        value = self.beside()
        while self.peek() in ("\\odot", "/", "\\cdot"):
            sign = self.take()
            other = self.beside()
            value = value / other if sign == "/" else value * other
        return value

    def beside(self) -> Any:
        value = self.powered()
        while self.peek() and self.peek() not in "+-/=)]}|,<>" and self.peek() not in ENDS:
            value = product(value, self.powered())
        return value

    def powered(self) -> Any:
        value = self.atom()
        if self.peek() == "^":
            self.take()
            if self.peek() == "\\top":
                self.take()
                return Ones(row=True) if isinstance(value, Ones) else value.T
            exponent = self.group() if self.peek() == "{" else self.atom()
            value = value**exponent
        return value

    def group(self) -> Any:
        self.take("{")
        value = self.sum()
        self.take("}")
        return value

    def atom(self) -> Any:
        token = self.take()
        if token == "(":
            value = self.sum()
            self.take(")")
            return value
        if token == "[":
            left = self.sum()
            holds = COMPARE[self.take()](left, self.sum())
            self.take("]")
            return np.asarray(holds, np.longdouble)
        if token == "|":
            value = np.abs(self.sum())
            self.take("|")
            return value
        if token == "\\frac":
            return self.fraction()
        if token == "\\sqrt":
            return np.sqrt(self.group())
        if token == "\\max":
            self.take("(")
            left = self.sum()
            self.take(",")
            right = self.sum()
            self.take(")")
            return np.maximum(left, right)
        if token == "\\sum":
            return np.sum(self.beside())
        if token == "\\prod":
            return self.product_over_steps()
        if token in FUNCTIONS:
            return FUNCTIONS[token](self.atom())
        if token == "e":
            self.take("^")
            return np.exp(self.group())
        if token == ONE:
            return Ones()
        if token == "\\pi":
            return PI
        return np.longdouble(token) if token[0].isdigit() else self.values[token]

    def product_over_steps(self) -> Any:
        """\\prod_{i=1}^{t} of what follows, read anew for each i."""
        for token in "_{i=1}^":
            self.take(token)
        last, factors = int(self.group()), np.longdouble(1)
        body = list(self.tokens)
        for i in range(1, last + 1):
            self.tokens = list(body)
            self.values["i"] = np.longdouble(i)
            factors = factors * self.term()
        return factors

    def fraction(self) -> Any:
        if self.tokens[1].startswith("\\partial"):  # a derivative is one symbol
            self.take("{")
            self.take("\\partial L")
            self.take("}")
            self.take("{")
            by = self.take()
            self.take("}")
            return self.values[by]
        above = self.group()
        return above / self.group()


ENDS = ("\\odot", "\\cdot", "\\le", "\\qquad")


def computed(text: str, values: dict[str, Any]) -> dict[str, Any]:
    """The values, and all that the formulas of a derivation make of them, in their order."""
    values = dict(values)
    for shown in re.findall(r"\$\$\n(.*?)\n\$\$", text, re.S):
        for formula in shown.split(r", \qquad "):
            name, meaning = re.split(r" = | \\leftarrow ", formula, maxsplit=1)
            (name,) = re.findall(r"\\partial [Wb]_\{\d+\}", name) or [name]
            values[name] = Reader(meaning, values).whole()
    return values
