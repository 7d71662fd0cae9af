"""What a notebook shows of a network: a table in plain HTML, in the notebook's own colours."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], below: str) -> str:
    """A table with a line below it; every text is escaped, numbers stand to the right."""
    head = "".join(f"<th style='text-align:left'>{escape(name)}</th>" for name in columns)
    body = "".join(f"<tr>{''.join(map(cell, row))}</tr>" for row in rows)
    return (
        "<div style='overflow-x:auto'>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
        f"<p>{escape(below)}</p>"
    )


def cell(value: object) -> str:
    """One cell of a row."""
    side = "right" if isinstance(value, int) else "left"
    shown = f"{value:,}" if isinstance(value, int) else str(value)
    return f"<td style='text-align:{side}'>{escape(shown)}</td>"
