"""Fuzzing: random networks against every reference, to see that no bound raises a false alarm.

Hypothesis draws the networks and shrinks one that fails to a small case, which is written as a
pairing of its own. The subject is the definition in floating point (in the half precisions, which
NumPy does not compute in, its float64 value).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent

import numpy as np
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from backproof import activations, losses
from backproof.activations import Activation
from backproof.arithmetic.floating import Float, Values
from backproof.comparison.bounds import Bounds
from backproof.comparison.certainty import Certainty
from backproof.comparison.rows import Row, Status
from backproof.comparison.verdicts import compare_point
from backproof.definition import evaluate, step
from backproof.exchange import Exchange
from backproof.network import Dense, Loss, Network, Penalty, Reduction
from backproof.optimizers.gradient_descent import GradientDescent
from backproof.pairing import Subject
from backproof.parameters import Batch, Parameters, save
from backproof.probes import drawn_batch, drawn_parameters
from backproof.record import DATA, SUBJECT, Point, Record
from backproof.rounding import HALF, held_in, round_to
from backproof.runs import Workers

QUANTITIES = ("activation", "loss", "gradient", "updated")
# Relu first, to which a case shrinks; the wide ones are too much for bfloat16.
SIMPLE = tuple(map(activations.named, ("relu", "sigmoid", "tanh", "linear", "selu", "softplus")))
SLOPED = tuple(
    activations.named(name, alpha=alpha)
    for name in ("leaky_relu", "elu")
    for alpha in (0.01, 0.3, 1.0, 1.7)
)
RECTIFIED_OR_BOUNDED = SIMPLE[:4]
WIDE = (
    activations.named("softmax"),
    *(activations.named("gelu", approximate=approximate) for approximate in (False, True)),
)


@dataclass(frozen=True)
class Drawn:
    """What random networks are drawn from.

    Kernels have variance 1/fan_in, times one of ``scales``; ``factors``: scales of the loss.
    """

    depths: tuple[int, ...]
    widths: tuple[int, ...]
    rows: tuple[int, ...]
    scales: tuple[float, ...]
    factors: tuple[float, ...] = (1.0, 0.5, 2.0, 0.3)
    activations: tuple[Activation, ...] = (*SIMPLE, *SLOPED, *WIDE, *WIDE)
    losses: tuple[str, ...] = tuple(losses.names())


# Mostly ordinary weights, some extreme.
LARGE = Drawn(
    depths=(1, 2, 3, 4, 5, 6),
    widths=(1, 2, 3, 5, 8, 16, 33, 64),
    rows=(1, 2, 3, 10, 37, 100, 300),
    scales=(1.0, 1.0, 1.0, 0.3, 3.0, 1e-3, 30.0, 1000.0),
)
# A power of 1/8 is 16 u in bfloat16, and 128 u in float16: so many roundings may lie between the
# data and a gradient, and no cancellation. In bfloat16 a softmax, the scaled tail of an exponential
# or a GELU takes that many alone, and so does a hinge, whose terms cancel.
SMALL = {
    "float16": Drawn(depths=(1, 1, 2), widths=(1, 2, 3), rows=(1, 2), scales=(1.0,)),
    "bfloat16": Drawn(
        depths=(1,),
        widths=(1, 1, 2),
        rows=(1, 1, 2),
        scales=(0.1,),
        factors=(1.0, 0.5, 2.0),
        activations=RECTIFIED_OR_BOUNDED,
        losses=("binary_cross_entropy", "squared_error"),
    ),
}


@dataclass(frozen=True, eq=False)
class Case:
    """A network with one point to evaluate it at."""

    network: Network
    parameters: Parameters
    batch: Batch


@dataclass
class Tally:
    """What a run of the fuzzer has compared."""

    cases: int = 0
    statuses: Counter[Status] = field(default_factory=Counter)
    nearest: float = 0.0

    @property
    def exit_status(self) -> int:
        """1 for a mismatch, 3 for an error or for nothing decided, else 0."""
        decided = self.statuses[Status.MATCH] + self.statuses[Status.MISMATCH]
        if self.statuses[Status.MISMATCH]:
            return 1
        return 0 if decided and not self.statuses[Status.ERROR] else 3

    def line(self) -> str:
        """How many were compared, decided and mismatched."""
        compared = self.statuses.total()
        decided = self.statuses[Status.MATCH] + self.statuses[Status.MISMATCH]
        share = f" ({decided / compared:.1%})" if compared else ""
        return (
            f"{self.cases} networks, {compared} comparisons: {decided} decided{share}, "
            f"{self.statuses[Status.MISMATCH]} mismatched, {self.statuses[Status.ERROR]} in error; "
            f"at most {self.nearest:.2f} of a bound used"
        )


class FalseAlarmError(Exception):
    """A comparison that should match does not."""


@st.composite
def networks(draw: st.DrawFn, drawn: Drawn = LARGE) -> Network:
    """Any depth, widths, activations, loss with its reductions, and penalty."""
    depth = draw(st.sampled_from(drawn.depths))
    width = st.sampled_from(drawn.widths)
    widths = [draw(width) for _ in range(depth + 1)]
    hidden = st.sampled_from(drawn.activations)
    kind = draw(st.sampled_from(drawn.losses))
    fused = losses.named(kind).ACTIVATION
    last = activations.named(fused) if fused else draw(hidden)
    chosen = [draw(hidden) for _ in range(depth - 1)] + [last]
    reduction: st.SearchStrategy[Reduction] = st.sampled_from(("mean", "sum"))
    coefficient = st.sampled_from((0.0, 0.0, 0.005, 0.1))
    return Network(
        layers=tuple(
            Dense(fan_in, fan_out, activation, bias=draw(st.booleans()))
            for fan_in, fan_out, activation in zip(widths, widths[1:], chosen, strict=False)
        ),
        loss=Loss(kind, draw(reduction), draw(reduction), draw(st.sampled_from(drawn.factors))),
        penalty=Penalty(draw(coefficient), draw(coefficient), draw(st.booleans())),
        decision="argmax" if kind == "categorical_cross_entropy" and widths[-1] > 1 else None,
    )


@st.composite
def cases(draw: st.DrawFn, *, dtype: str) -> Case:
    """A network with random parameters and data, rounded to the dtype."""
    drawn = SMALL.get(dtype, LARGE)
    network = draw(networks(drawn))
    samples = draw(st.sampled_from(drawn.rows))
    scale = draw(st.sampled_from(drawn.scales))
    stream = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    parameters = drawn_parameters(network, stream)
    batch = drawn_batch(network, stream, samples)
    if network.loss.kind == "categorical_cross_entropy" and network.fan_out == 1:
        batch = Batch(batch.inputs, np.ones((samples, 1)))
    return Case(
        network,
        {name: round_to(scale * array, dtype) for name, array in parameters.items()},
        Batch(round_to(batch.inputs, dtype), round_to(batch.targets, dtype)),
    )


def rows_of(case: Case, workers: Workers) -> list[Row]:
    """The case's comparisons with every reference."""
    point = Point(DATA, 0)
    optimizer = GradientDescent(0.01)
    record = Record(
        pairing="fuzz",
        subject="definition",
        network=case.network,
        optimizer=optimizer,
        dtype=workers.dtype,
        quantities=QUANTITIES,
        waivers=(),
        references=tuple(workers.by_name),
        steps=1,
        batches={DATA: case.batch},
        parameters={point: case.parameters},
    )
    exchanges = [
        Exchange(record, None, worker, compiled=False) for worker in workers.by_name.values()
    ]
    for exchange in exchanges:
        exchange.ask(point)
    wide = workers.dtype in HALF
    parameters = {k: v.astype(np.float64) if wide else v for k, v in case.parameters.items()}
    batch = case.batch.astype(np.float64) if wide else case.batch
    values = computed(case.network, parameters, batch, optimizer)
    record.evaluations[SUBJECT] = {
        point: {name: np.asarray(value, held_in(workers.dtype)) for name, value in values.items()}
    }
    for exchange in exchanges:
        exchange.collect()
    bounds, certainty = Bounds(record), Certainty(record, wanted=False)
    return [
        row
        for reference in record.references
        for row in compare_point(record, bounds, certainty, reference, point)
    ]


def fuzz(
    workers: Workers, count: int, chosen_seed: int, on_case: Callable[[Tally], object]
) -> tuple[Tally, Case | None, str]:
    """Compare ``count`` random networks; returns the tally, and a shrunken case if one failed."""
    tally = Tally()
    failed: list[tuple[Case, str]] = []

    @seed(chosen_seed)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )
    @given(cases(dtype=workers.dtype))
    def matches(case: Case) -> None:
        rows = rows_of(case, workers)
        if not failed:  # what shrinking tries is not counted
            tally.cases += 1
            tally.statuses.update(row.status for row in rows)
            tally.nearest = max([tally.nearest, *(row.bound_used or 0 for row in rows)])
            on_case(tally)
        wrong = [row for row in rows if row.status in (Status.MISMATCH, Status.ERROR)]
        if wrong:
            row = wrong[0]
            failed.append(
                (case, f"{row.reference} {row.name}: {row.status} {row.detail} {row.cause}")
            )
            raise FalseAlarmError(row.reference, row.name)

    try:
        matches()
    except FalseAlarmError:
        return tally, *failed[-1]
    return tally, None, ""


PAIRING = '''
    """A case that the fuzzer found and shrank: the definition against its references."""

    import json
    from pathlib import Path

    import numpy as np

    from backproof import Batch, GradientDescent, Network, Pairing
    from backproof.fuzzing import subject_of

    HERE = Path(__file__).parent
    NETWORK = Network.from_json(json.loads((HERE / "network.json").read_text()))
    DATA = np.load(HERE / "data.npz")

    PAIRING = Pairing(
        name="fuzz",
        network=NETWORK,
        subject=subject_of(NETWORK),
        data=lambda: Batch(DATA["inputs"], DATA["targets"]),
        initial="comparisons/parameters.npz",
        optimizer=GradientDescent(0.01),
        steps=1,
        quantities=("activation", "loss", "gradient", "updated"),
    )
'''


def write_case(case: Case, folder: Path) -> Path:
    """Write a case as a project that ``backproof verify`` runs; returns its pairing file."""
    comparisons = folder / "comparisons"
    comparisons.mkdir(parents=True, exist_ok=True)
    (comparisons / "network.json").write_text(json.dumps(case.network.to_json(), indent=1) + "\n")
    save(comparisons / "parameters.npz", case.parameters)
    np.savez(comparisons / "data.npz", inputs=case.batch.inputs, targets=case.batch.targets)
    (comparisons / "fuzz.py").write_text(dedent(PAIRING).lstrip())
    return comparisons / "fuzz.py"


def computed(
    network: Network, parameters: Parameters, batch: Batch, optimizer: GradientDescent
) -> dict[str, Values]:
    """The definition in floating point, in the dtype of its data."""
    with np.errstate(all="ignore"):
        values = evaluate(Float(), network, parameters, batch)
        return values | step(Float(), network, parameters, values, optimizer)


def subject_of(network: Network) -> Subject:
    """The definition in floating point as a subject."""
    return lambda parameters, batch: computed(network, parameters, batch, GradientDescent(0.01))
