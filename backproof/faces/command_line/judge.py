"""``backproof judge``: numbers that were computed elsewhere, judged as they stand."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from backproof.comparison.record import DEFINITION, FALSE_ALARM
from backproof.faces.command_line.finish import finish
from backproof.faces.command_line.options import (
    MEGABYTES,
    Certified,
    Chance,
    Form,
    Limit,
    Proven,
    Quiet,
    Report,
    Shown,
    Verbose,
    detail,
)
from backproof.implementations.host import watched
from backproof.mathematics.errors import UsageError

if TYPE_CHECKING:
    from backproof.mathematics.network.network import Network
    from backproof.mathematics.optimizers import Optimizer


def judge(
    recorded: Annotated[
        Path,
        typer.Argument(
            metavar="FILE|FOLDER", help="Recorded arrays: .npz, .safetensors, a folder of them."
        ),
    ],
    network: Annotated[
        str,
        typer.Option(metavar="NETWORK.toml|PAIRING", help="The network that they are numbers of."),
    ],
    paths: Annotated[
        list[Path] | None,
        typer.Option("--in", metavar="PATH", help="A pairing file or folder; repeatable."),
    ] = None,
    dtype: Annotated[
        str | None, typer.Option(help="In which precision they were computed: float64, float32.")
    ] = None,
    reference: Annotated[
        list[str] | None,
        typer.Option(help="A framework to compare with; without, the definition; repeatable."),
    ] = None,
    report: Report = None,
    time_limit: Annotated[
        float, typer.Option(min=1, help="Seconds that a reference may take for an answer.")
    ] = 300.0,
    certified: Certified = True,
    limit: Limit = MEGABYTES,
    false_alarm: Chance = FALSE_ALARM,
    proven: Proven = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    form: Form = Shown.text,
) -> None:
    """Judge numbers that were computed elsewhere: on a GPU, in C, last year.

    Inputs, parameters and results by name (docs/recorded.md). One point is compared, and no probe.
    No framework is needed.
    """
    shown = detail(quiet, verbose)
    if dtype not in (None, "float64", "float32"):
        raise UsageError(f"dtype {dtype!r}: choose 'float64' or 'float32'")
    if report is not None:
        from backproof.implementations.host.files import check_writable

        check_writable(report)
    with watched.doing("working on it", again=True):
        of, optimizer, forms = described(network, paths or [Path("comparisons")])
        from backproof.comparison.run import Judged
        from backproof.faces.recordings import judge_recorded

        found = judge_recorded(
            of,
            recorded,
            references=dict.fromkeys(reference or (DEFINITION,)),
            optimizer=optimizer,
            dtype=dtype,
            forms=forms,
            certified=certified,
            chance=0.0 if proven else false_alarm,
            time_limit=time_limit,
            name=recorded.stem,
            root=Path.cwd(),
        )
        judged = [Judged(record, found.rows) for record in found.records]
        raise typer.Exit(
            finish(
                judged,
                [],
                found.environment,
                found.today,
                report,
                limit,
                detail=shown,
                form=form,
            )
        )


def described(what: str, paths: list[Path]) -> tuple[Network, Optimizer | None, dict[str, Any]]:
    """The network, optimizer and forms of a network's file, or of a pairing."""
    if what.endswith(".toml"):
        from backproof.mathematics.network import network_file

        path = Path(what)
        try:
            network, optimizer = network_file.load(path)
        except UsageError as error:
            raise UsageError(f"{path}: {error}") from error
        return network, optimizer, {}
    from backproof.faces.command_line.explain import named

    pairing = named(what, paths)
    return pairing.network, pairing.optimizer, dict(pairing.forms)
