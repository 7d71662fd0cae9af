"""A process that lives long does not grow: what was compared is forgotten, here and in workers."""

from __future__ import annotations

import gc
import os
import weakref
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from backproof import Dense, GradientDescent, Loss, Network, verify
from backproof.comparison.run import Workers
from backproof.faces import kept as face
from backproof.implementations.client import Worker
from backproof.implementations.worker import KEPT, Held, answer
from backproof.mathematics import optimizers
from backproof.mathematics.network.network import Network as AnyNetwork
from tests.workers import Shared

LINEAR = Network((Dense(32, 1),), Loss("squared_error"))
SAMPLES = 8192
CALLS = 24
"""So many calls on batches of this size, 2 MiB each, are 48 MiB if nothing is forgotten."""


def described(units: int) -> dict[str, Any]:
    network = Network((Dense(2, units),), Loss("squared_error"))
    optimizer = GradientDescent(0.1)
    return {"network": network.to_json(), "optimizer": optimizers.to_json(optimizer)}


class Counting:
    """A framework that counts what it builds, and knows what is alive of that."""

    def __init__(self) -> None:
        self.alive: weakref.WeakSet[Any] = weakref.WeakSet()
        self.built = self.released = 0

    def open_twin(self, model: str | None, network: AnyNetwork, *_: Any, **__: Any) -> Any:
        twin = SimpleNamespace(network=network)
        twin.itself = twin  # as models and what they compile refer to each other
        self.alive.add(twin := Twin(twin))
        self.built += 1
        return twin

    def release(self) -> None:
        self.released += 1


class Twin:
    def __init__(self, inner: Any) -> None:
        self.itself, self.inner = self, inner


def used(held: Held, name: str, units: int, model: str | None = None) -> None:
    answer(held, {"do": "open", "twin": name, "model": model, **described(units)}, {})
    batch = {"inputs": np.zeros((3, 2)), "targets": np.zeros((3, units))}
    answer(held, {"do": "batch", "batch": f"{name}/data"}, batch)
    answer(held, {"do": "forget", "twin": name, "batches": [f"{name}/data"]}, {})


def test_the_same_network_is_built_once_under_whatever_name() -> None:
    held = Held(framework := Counting(), "float64")  # type: ignore[arg-type]
    for index in range(5):
        used(held, f"call {index}", 1)
    assert framework.built == 1
    assert not held.twins
    assert not held.batches


@pytest.mark.slow(2)
def test_a_model_of_the_users_own_is_made_anew_each_time() -> None:
    held = Held(framework := Counting(), "float64")  # type: ignore[arg-type]
    for index in range(5):
        used(held, f"call {index}", 1, "models.py:make")
    assert framework.built == 5
    assert len(framework.alive) == 0


@pytest.mark.slow(5)
def test_twins_of_more_networks_than_are_kept_are_let_go() -> None:
    held = Held(framework := Counting(), "float64")  # type: ignore[arg-type]
    for units in range(1, KEPT + 4):
        used(held, "network", units)
    gc.collect()
    assert len(framework.alive) == KEPT
    assert framework.released == KEPT + 3
    used(held, "network", KEPT + 3)  # one of the last
    assert framework.built == KEPT + 3
    used(held, "network", 1)
    assert framework.built == KEPT + 4


def test_parts_that_have_changed_are_built_into_new_twins(tmp_path: Path) -> None:
    held = Held(framework := Counting(), "float64")  # type: ignore[arg-type]
    part = tmp_path / "part.py"
    part.write_text("")
    asked = {"do": "open", "twin": "x", "model": None, "parts": [str(part)], **described(1)}
    answer(held, asked, {})
    answer(held, asked, {})
    assert framework.built == 1
    os.utime(part, ns=(1, 1))
    answer(held, asked, {})
    assert framework.built == 2


def resident(pid: int) -> float:
    """The memory of a process, in MiB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    (size,) = (line.split()[1] for line in lines if line.startswith("VmRSS"))
    return int(size) / 1024


def grown(workers: Workers, monkeypatch: pytest.MonkeyPatch) -> tuple[float, float]:
    """By how much this process and the worker grow over the calls, each with a name of its own."""
    monkeypatch.setattr(face, "kept_workers", lambda *_: workers)
    ((name, worker),) = workers.by_name.items()
    stream = np.random.default_rng(1)
    data = stream.normal(size=(SAMPLES, 32)), stream.normal(size=(SAMPLES, 1))

    def subject(p: Any, batch: Any) -> Any:
        gap = batch.inputs @ p["dense_1/kernel"] + p["dense_1/bias"] - batch.targets
        return {"loss": np.mean(gap * gap)}

    def call(index: int) -> None:
        report = verify(
            LINEAR, subject, batch=data, references=[name], certified=False, name=f"call {index}"
        )
        assert report.passed

    for index in range(4):
        call(index)
    before = resident(os.getpid()), resident(worker.process.pid)
    for index in range(CALLS):
        call(4 + index)
    worker.wait(worker.request({"do": "modes"}))  # it has forgotten the last one, too
    return resident(os.getpid()) - before[0], resident(worker.process.pid) - before[1]


HALF = CALLS * SAMPLES * 33 * 8 / 2**20 / 2
"""MiB: half of the batches."""


@pytest.mark.slow(10)
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is told by Linux alone")
@pytest.mark.parametrize("name", ["keras", "torch", "jax"])
def test_neither_this_process_nor_a_worker_grows(
    name: str, shared: Shared, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = grown(shared(name), monkeypatch)
    assert here < HALF
    assert there < HALF


@pytest.mark.slow(5)
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is told by Linux alone")
def test_a_worker_that_is_not_told_to_forget_would_be_seen_to_grow(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    request = Worker.request

    def deaf(self: Worker, message: Any, tensors: Any = None) -> Any:
        return request(self, {"do": "modes"} if message["do"] == "forget" else message, tensors)

    monkeypatch.setattr(Worker, "request", deaf)
    with Workers(["torch"], "float64", Path.cwd()) as workers:
        _, there = grown(workers, monkeypatch)
    assert there > HALF
