"""``backproof fixture``: golden files of a network, for code that runs where no Python is."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from backproof.comparison.record import FALSE_ALARM
from backproof.faces.command_line.options import Chance, Proven
from backproof.faces.command_line.screen import console
from backproof.implementations.host import watched
from backproof.mathematics.errors import UsageError

if TYPE_CHECKING:
    from backproof.mathematics.network.network import Network
    from backproof.mathematics.network.parameters import Batch, Parameters
    from backproof.mathematics.optimizers import Optimizer

NOTHING_SHOWN = 3
DATA = "data"
# A point with several samples, one with one, and one with hidden units of every sign.
USUAL = (DATA, "general", "one_sample")


def fixture(
    what: Annotated[
        str, typer.Argument(metavar="NETWORK.toml|PAIRING", help="A network's file, or a pairing.")
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Write the golden files there.")],
    paths: Annotated[
        list[Path] | None,
        typer.Option("--in", metavar="PATH", help="A pairing file or folder; repeatable."),
    ] = None,
    point: Annotated[
        list[str] | None,
        typer.Option(help=f"data, or a probe; repeatable; without, {', '.join(USUAL)}."),
    ] = None,
    samples: Annotated[
        int, typer.Option(min=1, help="Samples that are drawn, where there are no data.")
    ] = 8,
    dtype: Annotated[
        str, typer.Option(help="The precision of the code: float64, float32.")
    ] = "float64",
    false_alarm: Chance = FALSE_ALARM,
    proven: Proven = False,
) -> None:
    """Write inputs, right results, and by how much each element of your code's may differ.

    As safetensors, and as JSON where they are small. See docs/golden_files.md, with readers in C,
    JavaScript and Rust.
    """
    from backproof.comparison.golden import golden

    if dtype not in ("float64", "float32"):
        raise UsageError(f"dtype {dtype!r}: choose 'float64' or 'float32'")
    with watched.doing("working on it", again=True):
        network, optimizer, points = asked(what, paths or [Path("comparisons")], samples, dtype)
        for name in point or ():
            if name not in points:
                raise UsageError(f"no point {name!r}; there are {', '.join(points)}")
        chosen = {name: points[name] for name in point or USUAL if name in points}
        weak: list[str] = []
        try:
            out.mkdir(parents=True, exist_ok=True)
            for each in golden(
                network, optimizer, chosen, dtype, chance=0.0 if proven else false_alarm
            ):
                written = each.write(out)
                sizes = ", ".join(f"{path} ({path.stat().st_size:,} bytes)" for path in written)
                console.print(sizes, markup=False, highlight=False, soft_wrap=True)
                weak += [f"{each.point}: {name}" for name in each.weak]
        except OSError as error:
            raise UsageError(f"{out}: it cannot be written ({error.strerror})") from error
    if weak:
        told = f"too weak to show anything, for rounding alone may be as large: {', '.join(weak)}"
        console.print(told, markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(NOTHING_SHOWN)


def asked(
    what: str, paths: list[Path], samples: int, dtype: str
) -> tuple[Network, Optimizer | None, dict[str, tuple[Parameters, Batch]]]:
    """The network, its optimizer, and every point there is by name."""
    import numpy as np

    from backproof.comparison.record.subject_run import at_rest
    from backproof.mathematics.optimizers.gradient_descent import GradientDescent
    from backproof.mathematics.probes.drawn import drawn_batch, drawn_parameters
    from backproof.mathematics.probes.probes import probes

    if what.endswith(".toml"):
        from backproof.mathematics.network import network_file

        try:
            network, optimizer = network_file.load(Path(what))
        except UsageError as error:
            raise UsageError(f"{what}: {error}") from error
        stream = np.random.default_rng(zlib.crc32(b"fixture"))
        start = drawn_parameters(network, stream), drawn_batch(network, stream, samples)
        steps: Optimizer = optimizer or GradientDescent(1.0)
    else:
        from backproof.comparison.pairing.pairing import project_root
        from backproof.faces.command_line.explain import named

        pairing = named(what, paths)
        network, optimizer = pairing.network, pairing.optimizer
        data, initial = pairing.start(project_root(paths[0]), dtype)
        start = initial, pairing.cut(data, 0)
        steps = optimizer
    found = {DATA: (start[0] | at_rest(network, steps, dtype), start[1])}
    for probe in probes(network, steps, dtype):
        found[probe.name] = probe.parameters, probe.batch
    return network, optimizer, found
