"""``backproof calibrate``: what the rounding models charge, measured."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from backproof.faces.command_line.screen import progress_line
from backproof.faces.command_line.selection import DType, check_references
from backproof.implementations.host.files import write_whole


def calibrate(
    reference: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A framework; repeatable.")
    ] = None,
    dtype: Annotated[list[DType] | None, typer.Option(help="A precision; repeatable.")] = None,
    write: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write the tables there, as CSV, or renew those."),
    ] = None,
) -> None:
    """Measure how many ulps functions err, and what half-precision operations compute in.

    Exit status 1 if something errs by more than any rule grants.
    """
    check_references(reference)
    from backproof.implementations.calibration import calibration
    from backproof.implementations.calibration.precisions import renewed
    from backproof.implementations.frameworks import names

    found = calibration.calibrate(
        reference or names(),
        list(dtype or DType),
        Path.cwd(),
        progress_line,
    )
    for name, text in found.to_csv().items():
        if write is not None:
            write.mkdir(parents=True, exist_ok=True)
            path = write / name
            write_whole(
                path, renewed(path.read_text(encoding="utf-8"), text) if path.exists() else text
            )
        typer.echo(text, nl=False)
    uncovered = [each for each in found.precisions if each.used > 1]
    for each in uncovered:
        progress_line(
            f"{each.implementation} {each.mode} {each.dtype} {each.operation}: "
            f"{each.used:.3g} times what its rule grants"
        )
    raise typer.Exit(1 if uncovered else 0)
