"""What a reproduction says on a terminal."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from backproof.reports.harmless import for_terminal, paragraph
from backproof.reproduction.figures import NAMES
from backproof.reproduction.judging import PASSING, Line, Verdict
from backproof.reproduction.recipe import SUBJECT
from backproof.reproduction.report import sentence
from backproof.reproduction.run import Result

STYLES = {
    Verdict.REPRODUCED: "green",
    Verdict.CONSISTENT: "green",
    Verdict.NOT_REPRODUCED: "bold red",
    Verdict.NOT_OBTAINED: "yellow",
}
MOST_SHOWN = 8


def show(result: Result, console: Console) -> None:
    """A row for each system, what does not pass, and the sentence."""
    console.print(summary(result))
    for system in result.systems:
        failing = [
            line
            for line in result.lines
            if line.published.system == system and line.verdict not in PASSING
        ]
        for line in failing[:MOST_SHOWN]:
            name = for_terminal(f"{system} {line.published.key}")
            console.print(
                f"[{STYLES[line.verdict]}]{line.verdict}[/] {name}, published "
                f"{for_terminal(line.published.text)}: {for_terminal(line.why)}",
                highlight=False,
            )
        if len(failing) > MOST_SHOWN:
            console.print(f"… and {len(failing) - MOST_SHOWN} more of {for_terminal(system)}")
    for note in (*result.notes, *result.problems):
        console.print(f"[yellow]{paragraph(note)}[/]", highlight=False)
    colour = "green" if result.exit_status == 0 else "bold red"
    console.print(f"[{colour}]{sentence(result)}[/]", highlight=False)


def summary(result: Result) -> Table:
    """One row a system; beside the counts, the fewest digits that agree in each implementation."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    shown = [v for v in Verdict if v in PASSING or result.count(v)]
    implementations = (SUBJECT, *result.references)
    table.add_column("system", no_wrap=True)
    for verdict in shown:
        table.add_column(str(verdict), justify="right")
    for who in implementations:
        table.add_column(NAMES[who], justify="right")
    for system in result.systems:
        lines = [line for line in result.lines if line.published.system == system]
        if not lines:
            continue
        counts = [sum(line.verdict is verdict for line in lines) for verdict in shown]
        table.add_row(
            for_terminal(system),
            *(
                f"[{STYLES[verdict]}]{count}[/]" if count else "–"
                for verdict, count in zip(shown, counts, strict=True)
            ),
            *(fewest(lines, who) for who in implementations),
        )
    return table


def fewest(lines: list[Line], who: str) -> str:
    """The fewest matching digits of the numbers that were not met in full; or that all were."""
    told = [(line.published, line.told[who]) for line in lines if who in line.told]
    if not told:
        return "–"
    partly = [
        each.digits or 0.0 for published, each in told if each.digits != published.printed_digits
    ]
    return f"≥ {min(partly):.1f}" if partly else "all"
