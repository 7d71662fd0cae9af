"""Texts made harmless: what users and systems wrote is shown, and does nothing else.

Names and messages come from anywhere. On a terminal they may not move the cursor, in Markdown they
may not make a heading or HTML, in a table they may not begin a formula. One function a medium.
"""

from __future__ import annotations

import re
import unicodedata

# Beside control characters and halves of surrogate pairs: what turns the direction of a text, and
# the separators that end a line for some readers and not for others.
TURNING = "\u061c\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
# What Markdown would take for its own; underscores only where they are not inside a word.
SPECIAL = re.compile(r"[\\`*|$\[\]]|~+(?=\S)|(?<=\S)~+|(?<![^\W_])_+|_+(?![^\W_])")
# What it takes for its own at the beginning of a line: headings, quotes, lists, rules.
LEADING = re.compile(r"(#+|[-+=]+|\d+[.)])(?=\s|$)|>")
# A bracket with the backslashes before it, and whether Rich would take it for a tag.
OPENING = re.compile(r"(\\*)\[(?=([a-z#/@][^\[]*?\])?)")
# What a spreadsheet takes for a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def printable(text: object) -> str:
    """A text whose control characters, but for line ends, are written out in backslashes."""
    return "".join(
        sign if sign == "\n" or not controls(sign) else sign.encode("unicode_escape").decode()
        for sign in str(text).expandtabs(4)
    )


def controls(sign: str) -> bool:
    """Whether a character does something instead of being seen."""
    return unicodedata.category(sign) in ("Cc", "Cs") or sign in TURNING


def one_line(text: object) -> str:
    """The same on one line, for names and whatever stands in a line of its own."""
    return printable(" ".join(str(text).split()))


def escape(text: str) -> str:
    """A text that Rich's markup leaves as it is.

    Its own `escape` does not: it drops the backslash of a bracket that begins no tag.
    """
    text = OPENING.sub(lambda found: found[1] * (2 if found[2] else 1) + "\\[", text)
    return text + text[len(text.rstrip("\\")) :]  # else it would escape a tag that follows


def for_terminal(text: object) -> str:
    """A text inside of Rich's markup, on one line."""
    return escape(one_line(text))


def paragraph(text: object) -> str:
    """The same of a text of several lines; those after the first are indented.

    None of them may be taken for a line of ours: a message could say that all is well.
    """
    lines = [line.rstrip() for line in printable(text).splitlines()]
    return escape("\n  ".join(line for line in lines if line))


def for_markdown(text: object) -> str:
    """A text that stays what it is in Markdown, on one line."""
    line = one_line(text).replace("&", "&amp;").replace("<", "&lt;")
    line = SPECIAL.sub(lambda found: "".join(f"\\{sign}" for sign in found[0]), line)
    if leading := LEADING.match(line):
        mark = leading[0]
        line = f"{mark[:-1]}\\{mark[-1]}{line[len(mark) :]}"
    return line


def code(text: object) -> str:
    """A text as code in Markdown, whatever backticks it has; for a cell of a table too."""
    line = one_line(text).replace("|", "\\|")
    fence = "`" * (max((len(run) for run in re.findall("`+", line)), default=0) + 1)
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{pad}{line}{pad}{fence}" if line else ""


def for_table(value: object) -> str:
    """A value as it stands in a CSV; a float in ``%.17g`` reads back as the same number.

    A text that a spreadsheet would take for a formula gets an apostrophe before it.
    """
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.17g}"
    if not isinstance(value, str):
        return str(value)
    text = value if value.isascii() and value.isprintable() else printable(value)
    return f"'{text}" if text.startswith(FORMULA) else text
