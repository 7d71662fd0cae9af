"""Fuzzing: random networks against every reference, to see that no bound raises a false alarm.

Hypothesis draws the networks and shrinks one that fails to a small case, which is written as a
pairing of its own. The subject is the definition in floating point (in the half precisions, which
NumPy does not compute in, its float64 value).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from math import hypot
from pathlib import Path
from statistics import NormalDist
from textwrap import dedent
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from backproof.comparison.bounds.bound import WEAKEST_POWER
from backproof.comparison.bounds.bounds import Bounds
from backproof.comparison.bounds.certainty import Certainty
from backproof.comparison.bounds.statistical import apart_at, element_chance
from backproof.comparison.judging.judging import compare_point
from backproof.comparison.judging.rows import Row, Status
from backproof.comparison.pairing.pairing import Subject
from backproof.comparison.record import FALSE_ALARM
from backproof.comparison.record.record import DATA, SUBJECT, Point, Record
from backproof.comparison.record.twin_session import Exchange
from backproof.comparison.run import Workers
from backproof.gauging.campaign import Here
from backproof.gauging.fuzzing.drawing import DRAWN, Case, bucket, cases, networks, shapes
from backproof.gauging.fuzzing.graphs import GRAPHS, graphs
from backproof.implementations import frameworks
from backproof.implementations.host.files import write_whole
from backproof.mathematics.arithmetic.floating import Float, Values
from backproof.mathematics.arithmetic.rounding.model import HALF, held_in
from backproof.mathematics.definition.evaluate import evaluate
from backproof.mathematics.definition.step import step
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.parameters import Batch, Parameters, save
from backproof.mathematics.optimizers.gradient_descent import GradientDescent

QUANTITIES = ("activation", "loss", "gradient", "updated")
# How many cases share a shape where a framework compiles for each.
PER_SHAPE = 6
# How many cases a chunk has: a second or two of work, beside which what a cluster adds is little.
PER_CHUNK = 25


@dataclass
class Tally:
    """What a run of the fuzzer has compared."""

    cases: int = 0
    statuses: Counter[Status] = field(default_factory=Counter)
    ill_conditioned: int = 0
    """Of the undecided, see `ill_conditioned`."""
    nearest: float = 0.0

    def add(self, other: Tally) -> None:
        """Count what another one has compared, too."""
        self.cases += other.cases
        self.statuses.update(other.statuses)
        self.ill_conditioned += other.ill_conditioned
        self.nearest = max(self.nearest, other.nearest)

    @property
    def exit_status(self) -> int:
        """1 for a mismatch, 3 for an error or for nothing decided, else 0."""
        if self.statuses[Status.MISMATCH]:
            return 1
        return 0 if decided(self.statuses) and not self.statuses[Status.ERROR] else 3

    def line(self) -> str:
        """How many were compared, decided and mismatched; and why the others are not decided."""
        compared, undecided = self.statuses.total(), self.statuses[Status.UNDECIDED]
        share = f" ({decided(self.statuses) / compared:.1%})" if compared else ""
        return (
            f"{self.cases} networks, {compared} comparisons: {decided(self.statuses)} decided"
            f"{share}, {undecided} undecided ({self.ill_conditioned} of them ill-conditioned), "
            f"{self.statuses[Status.MISMATCH]} mismatched, "
            f"{self.statuses[Status.ERROR]} in error; at most {self.nearest:.2f} of a bound used"
        )


def decided(statuses: Counter[Status]) -> int:
    """How many of them say something."""
    return statuses[Status.MATCH] + statuses[Status.MISMATCH]


@dataclass(frozen=True)
class Compared:
    """The comparisons of a case, and how many of the undecided are ill-conditioned."""

    rows: list[Row]
    ill_conditioned: int = 0

    @property
    def tally(self) -> Tally:
        """Of this one case."""
        nearest = max((row.bound_used or 0 for row in self.rows), default=0.0)
        statuses = Counter(row.status for row in self.rows)
        return Tally(1, statuses, self.ill_conditioned, nearest)


class FalseAlarmError(Exception):
    """A comparison that should match does not."""


def answered(case: Case, workers: Workers, chance: float = FALSE_ALARM) -> Record:
    """What the definition and every reference give; ``chance``: of a false alarm in the case."""
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
        chance=chance,
        calibrated=tuple(filter(workers.calibrated, workers.by_name)),
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
    batch = case.batch.astype("float64") if wide else case.batch
    values = computed(case.network, parameters, batch, optimizer)
    record.evaluations[SUBJECT] = {
        point: {name: np.asarray(value, held_in(workers.dtype)) for name, value in values.items()}
    }
    for exchange in exchanges:
        exchange.collect()
    return record


def compared(case: Case, workers: Workers, chance: float = FALSE_ALARM) -> Compared:
    """The case's comparisons with every reference; ``chance``: of a false alarm in them."""
    record, point = answered(case, workers, chance), Point(DATA, 0)
    bounds, certainty = Bounds(record), Certainty(record, wanted=False)
    rows, ill = [], 0
    for reference in record.references:
        found = compare_point(record, bounds, certainty, reference, point)
        rows += found
        open_ones = [row.name for row in found if row.status is Status.UNDECIDED]
        if open_ones:
            ill += len(ill_conditioned(record, bounds, reference, point) & {*open_ones})
    return Compared(rows, ill)


def ill_conditioned(record: Record, bounds: Bounds, reference: str, point: Point) -> set[str]:
    """The tensors of which no bound could tell right from wrong, however well it were known.

    Of two correct implementations with independent rounding errors of σ₁ and σ₂, the difference is
    Gaussian, and lies beyond z·√(σ₁² + σ₂²) with the chance of an element, so that no bound of that
    chance is smaller. Where its power, twice that over the largest element, is more than is asked
    of a comparison, nothing can be decided. (The bounds themselves take t for z, that of a few
    replicas, and add what is of second order and what open units may do.)
    """
    deviations = -NormalDist().inv_cdf(element_chance(record) / 2)
    mine, its = (apart_at(record, bounds.rounding(who), point) for who in (SUBJECT, reference))
    return {
        name
        for name, sigma in mine.items()
        if 2 * deviations * hypot(sigma, its[name]) > WEAKEST_POWER
    }


@dataclass(frozen=True)
class Found:
    """What came of some cases: the tally, and a shrunken case if one failed, with the reason."""

    tally: Tally
    failed: Case | None = None
    why: str = ""


@dataclass(frozen=True)
class Chunk:
    """Cases that are drawn from the run's seed and the chunk's number alone, and compared.

    ``of``: how many cases the whole run has; they share the chance of a false alarm.
    """

    run_seed: int
    number: int
    size: int
    of: int
    of_graphs: bool = False

    def __str__(self) -> str:
        first = self.number * PER_CHUNK + 1
        return f"networks {first} to {first + self.size - 1} of seed {self.run_seed}"

    @property
    def seed(self) -> int | str:
        """What it is drawn from; the first one from the run's own seed."""
        return f"{self.run_seed}/{self.number}" if self.number else self.run_seed

    def carry_out(self, workers: Workers, on_done: Callable[[int], object]) -> Found:
        """Compare its cases until one fails.

        A framework that compiles for each network and number of samples gets fewer of those, each
        with several parameters and batches.
        """
        tally = Tally()
        drawn = (GRAPHS if self.of_graphs else DRAWN)[workers.dtype]
        of = graphs if self.of_graphs else networks
        compiles = any(frameworks.traits(name).compiles for name in workers.by_name)
        among = (
            st.sampled_from(bucket(drawn, -(-self.size // PER_SHAPE), self.seed, of))
            if compiles
            else shapes(drawn, of)
        )
        failed: list[tuple[Case, Row]] = []

        @seed(self.seed)
        @settings(
            max_examples=self.size,
            database=None,
            deadline=None,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
            print_blob=False,
        )
        @given(cases(among, workers.dtype, drawn))
        def matches(case: Case) -> None:
            found = compared(case, workers, FALSE_ALARM / self.of)
            rows = found.rows
            if not failed:  # what shrinking tries is not counted
                tally.add(found.tally)
                on_done(1)
            # What it shrinks to fails as the first one did: a mismatch is no error.
            sought = (failed[0][1].status,) if failed else (Status.MISMATCH, Status.ERROR)
            row = next((row for row in rows if row.status in sought), None)
            if row is not None:
                failed.append((case, row))
                raise FalseAlarmError(row.reference, row.name)

        try:
            matches()
        except FalseAlarmError:
            case, row = failed[-1]
            why = f"{row.reference} {row.name}: {row.status} {row.detail} {row.cause}"
            return Found(tally, case, why)
        return Found(tally)


def chunks(count: int, run_seed: int, *, of_graphs: bool = False) -> list[Chunk]:
    """A run of so many random networks, chains or graphs of all kinds, in chunks."""
    return [
        Chunk(run_seed, number, min(PER_CHUNK, count - first), count, of_graphs)
        for number, first in enumerate(range(0, count, PER_CHUNK))
    ]


def joined(results: Iterable[Found]) -> Found:
    """What came of all chunks, up to the first one with a case that fails."""
    tally = Tally()
    for found in results:
        tally.add(found.tally)
        if found.failed is not None:
            return Found(tally, found.failed, found.why)
    return Found(tally)


def fuzz(
    workers: Workers,
    count: int,
    run_seed: int,
    on_done: Callable[[int], object],
    *,
    of_graphs: bool = False,
) -> tuple[Tally, Case | None, str]:
    """Compare ``count`` random networks here: the tally, and a shrunken case if one failed."""
    parts = chunks(count, run_seed, of_graphs=of_graphs)
    found = joined(Here(workers).carry_out(parts, on_done))
    return found.tally, found.failed, found.why


PAIRING = '''
    """A case that the fuzzer found and shrank: the definition against its references."""

    import json
    from pathlib import Path

    import numpy as np

    from backproof import Batch, GradientDescent, Network, Pairing
    from backproof.gauging.fuzzing.fuzzing import subject_of

    HERE = Path(__file__).parent
    NETWORK = Network.from_json(json.loads((HERE / "network.json").read_text(encoding="utf-8")))
    DATA = np.load(HERE / "data.npz")

    PAIRING = Pairing(
        name="fuzz",
        network=NETWORK,
        subject=subject_of(NETWORK),
        data=lambda: Batch.of(DATA),
        initial="comparisons/parameters.npz",
        optimizer=GradientDescent(0.01),
        references=dict.fromkeys(REFERENCES),
        steps=1,
        quantities=("activation", "loss", "gradient", "updated"),
    )
'''


def write_case(case: Case, folder: Path, references: Iterable[str]) -> Path:
    """Write a case as a project that ``backproof verify`` runs; returns its pairing file."""
    comparisons = folder / "comparisons"
    comparisons.mkdir(parents=True, exist_ok=True)
    write_whole(comparisons / "network.json", json.dumps(case.network.to_json(), indent=1) + "\n")
    own = {name: case.parameters[name] for name in case.network.shapes()}
    save(comparisons / "parameters.npz", own)
    arrays: dict[str, Any] = case.batch.arrays()
    np.savez(comparisons / "data.npz", **arrays)
    text = dedent(PAIRING).lstrip().replace("REFERENCES", repr(tuple(references)))
    write_whole(comparisons / "fuzz.py", text)
    return comparisons / "fuzz.py"


def computed(
    network: Network, parameters: Parameters, batch: Batch, optimizer: GradientDescent
) -> dict[str, Values]:
    """The definition in floating point, in the dtype of its data."""
    with np.errstate(all="ignore"):
        values = evaluate(Float(), network, parameters, batch)
        return values | step(Float(), network, parameters, values, optimizer, batch=batch)


def subject_of(network: Network) -> Subject:
    """The definition in floating point as a subject."""
    return lambda parameters, batch: computed(network, parameters, batch, GradientDescent(0.01))
