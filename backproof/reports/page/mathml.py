"""Formulas for a browser: the LaTeX of derivations as MathML, which needs no script and no font."""

from __future__ import annotations

import re
from collections.abc import Iterator

from markupsafe import Markup, escape

# One command, a number, or any other sign but a space.
TOKEN = re.compile(r"\\[a-zA-Z]+|\\.|\d+(?:\.\d+)?|\S")
# What stands for itself, and how it looks.
OPERATORS = {
    "odot": "⊙",
    "leftarrow": "←",
    "cdot": "·",
    "sum": "∑",
    "prod": "∏",
    "le": "≤",
    "top": "⊤",
    "lfloor": "⌊",
    "rfloor": "⌋",
    "|": "‖",
    "{": "{",
    "}": "}",
    "ne": "≠",
    "times": "×",
    "infty": "∞",
    "ge": "≥",
}
LETTERS = {
    "partial": "∂",
    "varepsilon": "ε",
    "Delta": "Δ",
    "ell": "ℓ",
    "Phi": "Φ",
    "varphi": "φ",
    "gamma": "γ",
    "pi": "π",
    "beta": "β",
    "sigma": "σ",
    "mu": "μ",
    "nu": "ν",
    "rho": "ρ",
    "lambda": "λ",
}
FUNCTIONS = ("max", "min", "log", "exp", "tanh", "cos", "sin")
SPACES = {",": "0.17em", ";": "0.28em", " ": "0.3em", "quad": "1em", "qquad": "2em", "!": "0em"}
ACCENTS = {"hat": "^", "bar": "¯"}
# These enclose; that they stretch is what MathML does by itself.
SILENT = ("left", "right")


class Unknown(ValueError):
    """A command that is not of the derivations' LaTeX: a user's own part may have any."""


def mathml(latex: str, *, block: bool = False) -> Markup:
    """A formula as MathML; the LaTeX itself, as code, where it has a command that is not known."""
    display = ' display="block"' if block else ""
    try:
        inner = "".join(Reader(latex).row())
    except Unknown:
        return Markup(f"<code>{escape(latex)}</code>")
    return Markup(f"<math{display}><mrow>{inner}</mrow></math>")


class Reader:
    """A formula read from left to right."""

    def __init__(self, latex: str) -> None:
        self.latex = latex
        self.found = list(TOKEN.finditer(latex))
        self.tokens = [each[0] for each in self.found]
        self.place = 0

    def row(self, until: str = "") -> Iterator[str]:
        """The parts, up to a sign that ends them."""
        while self.place < len(self.tokens):
            if self.tokens[self.place] == until:
                self.place += 1
                return
            yield self.scripted()
        if until:
            raise Unknown(f"no {until} ends it")

    def scripted(self) -> str:
        """One part with what stands below and above it."""
        base = self.part()
        below = above = ""
        while self.place < len(self.tokens) and self.tokens[self.place] in ("_", "^"):
            sign = self.next()
            if sign == "_":
                below = self.part()
            else:
                above = self.part()
        if below and above:
            return f"<msubsup>{base}{below}{above}</msubsup>"
        if below:
            return f"<msub>{base}{below}</msub>"
        return f"<msup>{base}{above}</msup>" if above else base

    def next(self) -> str:
        if self.place == len(self.tokens):
            raise Unknown("it ends too early")
        self.place += 1
        return str(self.tokens[self.place - 1])

    def part(self) -> str:
        """One sign, command or group."""
        token = self.next()
        if token == "{":
            return f"<mrow>{''.join(self.row('}'))}</mrow>"
        if token.startswith("\\"):
            return self.command(token[1:])
        if token[0].isdigit():
            return f"<mn>{token}</mn>"
        if token.isalpha():
            return f"<mi>{escape(token)}</mi>"
        return f"<mo>{escape('−' if token == '-' else token)}</mo>"

    def command(self, name: str) -> str:
        """A command with its arguments."""
        if name in ("frac", "tfrac"):
            return f"<mfrac>{self.part()}{self.part()}</mfrac>"
        if name == "sqrt":
            return f"<msqrt>{self.part()}</msqrt>"
        if name in ACCENTS:
            return f'<mover accent="true">{self.part()}<mo>{ACCENTS[name]}</mo></mover>'
        if name in ("mathrm", "text", "mathbf", "operatorname"):
            weight = ' class="bold"' if name == "mathbf" else ""
            return f"<mtext{weight}>{escape(self.words())}</mtext>"
        if name in SILENT:
            return self.part() if self.tokens[self.place : self.place + 1] != ["."] else self.skip()
        if name in SPACES:
            return f'<mspace width="{SPACES[name]}"/>'
        if name in OPERATORS:
            return f"<mo>{OPERATORS[name]}</mo>"
        if name in LETTERS:
            return f"<mi>{LETTERS[name]}</mi>"
        if name in FUNCTIONS:
            return f"<mi>{name}</mi>"
        raise Unknown(f"\\{name}")

    def skip(self) -> str:
        self.place += 1
        return ""

    def words(self) -> str:
        """What stands in braces, as it is, with its spaces."""
        if self.next() != "{":
            raise Unknown("words without braces")
        first = self.found[self.place - 1].end()
        while self.next() != "}":
            pass
        return self.latex[first : self.found[self.place - 1].start()]
