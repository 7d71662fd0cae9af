"""Campaigns: the same on a cluster as here, to the byte; who dies costs nothing but time."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from backproof.comparison.run import Workers
from backproof.gauging.campaign import Cluster, Crew, Here, begun, warm
from backproof.gauging.faults.chunks import chunks as of_pairings
from backproof.gauging.fuzzing import fuzzing
from backproof.mathematics.errors import EvaluationError, UsageError
from tests.faces.test_bad_input import backproof
from tests.project import ROOT
from tests.workers import Shared

# What loops and servers of Dask leave to the collector when they are closed.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")

TORCH = Crew(("torch",), "float64", ROOT)
NOBODY = Crew((), "float64", ROOT)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Two processes for all tests of this file."""
    with Cluster(NOBODY, processes=2) as started:
        yield started


@dataclass(frozen=True)
class Doubling:
    """A chunk that kills its process as long as there is a file, which it removes ``once``."""

    number: int
    deadly: Path | None = None
    once: bool = True
    size: int = 1

    def carry_out(self, workers: Workers, on_done: Callable[[int], object]) -> int:
        if self.deadly is not None and self.deadly.exists():
            if self.once:
                self.deadly.unlink()
            os.kill(os.getpid(), signal.SIGKILL)
        return 2 * self.number


@dataclass(frozen=True)
class Raising:
    """A chunk that fails."""

    size: int = 1

    def carry_out(self, workers: Workers, on_done: Callable[[int], object]) -> int:
        raise UsageError("planted")


@dataclass(frozen=True)
class Staying:
    """A chunk that tells which processes carry it out."""

    size: int = 1

    def carry_out(self, workers: Workers, on_done: Callable[[int], object]) -> tuple[int, ...]:
        return os.getpid(), *(worker.process.pid for worker in workers.by_name.values())


def ignored(done: int) -> None:
    """Nobody looks at the progress."""


def test_results_come_in_the_order_of_the_chunks(cluster: Cluster) -> None:
    chunks = [Doubling(number) for number in range(20)]
    told: list[int] = []
    assert list(cluster.carry_out(chunks, told.append)) == [2 * n for n in range(20)]
    assert sum(told) == 20
    with Workers((), "float64", ROOT) as none:
        assert list(Here(none).carry_out(chunks, ignored)) == [2 * n for n in range(20)]


def test_a_process_that_dies_costs_nothing_but_time(cluster: Cluster, tmp_path: Path) -> None:
    deadly = tmp_path / "deadly"
    deadly.touch()
    chunks = [Doubling(number, deadly if number == 3 else None) for number in range(8)]
    assert list(cluster.carry_out(chunks, ignored)) == [2 * n for n in range(8)]
    assert not deadly.exists()


@pytest.mark.slow(8)
def test_a_chunk_that_kills_again_and_again_is_named(tmp_path: Path) -> None:
    deadly = tmp_path / "deadly"
    deadly.touch()
    with (
        Cluster(NOBODY, processes=1) as alone,
        pytest.raises(EvaluationError, match=r"4 processes of the cluster died of it.*memory"),
    ):
        list(alone.carry_out([Doubling(1, deadly, once=False)], ignored))


def test_an_exception_is_that_of_a_plain_run(cluster: Cluster) -> None:
    with pytest.raises(UsageError, match=r"^planted$"):
        list(cluster.carry_out([Doubling(1), Raising()], ignored))
    with Workers((), "float64", ROOT) as none, pytest.raises(UsageError, match=r"^planted$"):
        list(Here(none).carry_out([Doubling(1), Raising()], ignored))


def test_other_versions_and_a_missing_folder_are_refused(tmp_path: Path) -> None:
    (package, found), *others = TORCH.versions
    other = Crew((), "float64", ROOT, versions=((package, "0"), *others))
    with pytest.raises(UsageError, match=f"the cluster has {package} {found}, and this process 0"):
        warm(other)
    with pytest.raises(UsageError, match="the cluster sees no folder"):
        warm(Crew((), "float64", tmp_path / "nowhere"))


def test_the_same_networks_with_the_same_verdicts_as_here(cluster: Cluster, shared: Shared) -> None:
    """And the frameworks' workers stay between the chunks."""
    chunks = fuzzing.chunks(fuzzing.PER_CHUNK + 3, 5)
    assert len(chunks) == 2
    here = list(Here(shared("torch")).carry_out(chunks, ignored))
    cluster.crew = TORCH
    try:
        there = list(cluster.carry_out(chunks, ignored))
        stayed = set(cluster.carry_out([Staying() for _ in range(12)], ignored))
    finally:
        cluster.crew = NOBODY
    assert [found.tally for found in there] == [found.tally for found in here]
    assert fuzzing.joined(there).tally.line() == fuzzing.joined(here).tally.line()
    assert fuzzing.joined(there).tally.cases == fuzzing.PER_CHUNK + 3
    assert len(stayed) == len({process for process, _ in stayed})


def test_the_case_that_fails_first_is_the_one_that_is_told() -> None:
    """A later chunk may be done before; what it found is not told, and not counted."""
    fine, failing = fuzzing.Found(fuzzing.Tally(2)), fuzzing.Found(fuzzing.Tally(1), object(), "a")  # type: ignore[arg-type]
    found = fuzzing.joined([fine, failing, fuzzing.Found(fuzzing.Tally(5), object(), "b")])  # type: ignore[arg-type]
    assert (found.tally.cases, found.why) == (3, "a")


def test_a_chunk_is_drawn_from_the_seed_and_its_number() -> None:
    long, short = fuzzing.chunks(60, 7), fuzzing.chunks(26, 7)
    assert [chunk.size for chunk in long] == [25, 25, 10]
    assert [chunk.size for chunk in short] == [25, 1]
    assert [chunk.seed for chunk in long] == [7, "7/1", "7/2"]


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nonsense://here"])
def test_an_address_where_nobody_answers(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backproof.gauging.campaign.PATIENCE", 1)
    with pytest.raises(UsageError, match=r"no Dask scheduler answers at .*start one with"):
        Cluster(NOBODY, address=address)


def test_a_scheduler_without_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    from distributed import LocalCluster

    monkeypatch.setattr("backproof.gauging.campaign.PATIENCE", 1)
    with (
        LocalCluster(n_workers=0, dashboard_address="127.0.0.1:0") as empty,
        pytest.raises(UsageError, match=r"has no workers: start some with `dask worker tcp"),
    ):
        Cluster(NOBODY, address=empty.scheduler_address)


def test_a_running_cluster_is_used_by_its_address(cluster: Cluster) -> None:
    address = cluster._client.scheduler.address
    with begun(NOBODY, address=address) as campaign:
        assert list(campaign.carry_out([Doubling(4)], ignored)) == [8]


@pytest.mark.slow(8)
def test_the_command_prints_the_same(tmp_path: Path) -> None:
    command = ("fuzz", "--cases", "60", "--reference", "torch")
    plain, spread = (
        backproof(*command, cwd=tmp_path),
        backproof(*command, "--workers", "2", cwd=tmp_path),
    )
    assert (spread.stdout, spread.returncode) == (plain.stdout, plain.returncode)
    assert plain.stdout.startswith("60 networks")


@pytest.mark.slow(10)
def test_faults_are_planted_on_a_cluster_with_the_same_scores(tmp_path: Path) -> None:
    command = ("faults", "xor", "clusters", "--reference", "torch", "--report")
    plain, spread = (
        backproof(*command, str(tmp_path / "single"), cwd=ROOT),  # as long a name
        backproof(*command, str(tmp_path / "spread"), "--workers", "2", cwd=ROOT),
    )
    assert spread.returncode == plain.returncode == 0, spread.stderr
    assert spread.stdout.replace("/spread", "/single") == plain.stdout
    for name in ("faults.csv", "faults.md"):
        assert (tmp_path / "spread" / name).read_bytes() == (
            tmp_path / "single" / name
        ).read_bytes()


def test_a_pairing_that_a_cluster_does_not_find_is_named() -> None:
    (chunk,) = of_pairings([ROOT / "comparisons" / "xor.py"], ["nobody"], None)
    with (
        Workers((), "float64", ROOT) as none,
        pytest.raises(UsageError, match=r"the cluster finds no pairing nobody in .*xor\.py"),
    ):
        chunk.carry_out(none, ignored)


def test_both_places_at_once_are_refused(tmp_path: Path) -> None:
    done = backproof("fuzz", "--workers", "2", "--dask", "tcp://x:1", cwd=tmp_path)
    assert done.returncode == 2
    assert "--workers and --dask exclude each other" in done.stderr
