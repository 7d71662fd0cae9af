"""``backproof explain``: a network, its parameter count, and the derivation of its gradients."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from backproof.faces.command_line.selection import chosen
from backproof.mathematics.errors import UsageError

if TYPE_CHECKING:
    from backproof.comparison.pairing.pairing import Pairing


def explain(
    what: Annotated[
        str, typer.Argument(metavar="NETWORK.toml|PAIRING", help="A network's file, or a pairing.")
    ],
    paths: Annotated[
        list[Path] | None,
        typer.Option("--in", metavar="PATH", help="A pairing file or folder; repeatable."),
    ] = None,
) -> None:
    """Print a network, its parameter count, and the formulas of its gradients, as Markdown."""
    from backproof.mathematics.derivation.derivation import derived

    if what.endswith(".toml"):
        from backproof.mathematics.network import network_file

        path = Path(what)
        try:
            network, optimizer = network_file.load(path)
        except UsageError as error:
            raise UsageError(f"{path}: {error}") from error
        text = derived(network, path.stem, optimizer)
    else:
        pairing = named(what, paths or [Path("comparisons")])
        text = derived(pairing.network, pairing.name, pairing.optimizer)
    typer.echo(text, nl=False)


def named(name: str, paths: list[Path]) -> Pairing:
    """The pairing of that name; or the only one, of a file that is given as the name."""
    from backproof.comparison.pairing import pairing

    path = Path(name)
    if path.suffix == ".py":
        found = pairing.load(path)
        if len(found) != 1:
            raise UsageError(f"{path} defines {len(found)} pairings; name one, with --in {path}")
        return found[0]
    pairings, broken = pairing.load_all(paths)
    if name not in [each.name for each in pairings]:
        if broken:
            raise UsageError(f"no pairing {name!r}, but {broken[0].reason}")
        if not pairings:
            raise UsageError(f"no pairings in {', '.join(map(str, paths))}")
    return chosen(pairings, [name])[0]
