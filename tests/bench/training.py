"""A whole training in each framework, against the plain way in which a user would write it.

The plain way is timed on 500 steps, before and after the whole training, and scaled; the compiled
one is timed in full, its compilation included.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from time import perf_counter
from typing import Any

from tests.bench.step import ENVIRONMENT, ROOT

PLAIN_STEPS = 500
# Network → steps of its article, and what is demanded of Keras and of PyTorch.
NETWORKS = {
    "xor": (100_000, {"keras": ">= 50", "torch": ">= 1.5"}),
    "circles": (25_000, {"keras": "> 1", "torch": "> 1"}),
    "clusters": (5_001, {"keras": "> 1", "torch": "> 1"}),
}


def ratios() -> list[tuple[str, float, str]]:
    """(label, how many times as fast, bar), and a hand-written step of xor beside a product."""
    rows = []
    for framework in ("keras", "torch"):
        for name, (plain, whole) in measured(framework).items():
            steps, bars = NETWORKS[name]
            label = f"{name}, {steps:,} steps in {framework}: plain {plain:.1f} s / {whole:.1f} s"
            rows.append((label, plain / whole, bars[framework]))
    steps = NETWORKS["xor"][0]
    product, whole = measured("scratch")["xor"]
    label = f"xor, {steps:,} steps by hand, {whole:.1f} s / as many NumPy products of its inputs"
    rows.append((label, whole / product, "<= 40"))
    return rows


def measured(who: str) -> dict[str, tuple[float, float]]:
    """Network → seconds of the plain way, scaled, and of the whole training; in a process apart."""
    command = [sys.executable, "-m", "tests.bench.training", who]
    environment = os.environ | ENVIRONMENT
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=True)
    found = json.loads(run.stdout.splitlines()[-1])
    return {name: (plain, whole) for name, (plain, whole) in found.items()}


def measure(who: str) -> dict[str, tuple[float, float]]:
    """The same, here."""
    if who == "scratch":
        return {"xor": scratch()}
    return {name: versus(who, name, steps) for name, (steps, _) in NETWORKS.items()}


def scratch() -> tuple[float, float]:
    """As many products of the inputs, and the hand-written training of xor in full."""
    from comparisons.xor import PAIRING
    from scratch.xor import LEARNING_RATE, Xor

    batch = PAIRING.data()
    network = Xor(PAIRING.initial())
    begun = perf_counter()
    network.train(
        batch.inputs, batch.targets, learning_rate=LEARNING_RATE, steps=NETWORKS["xor"][0], at=()
    )
    whole = perf_counter() - begun
    begun = perf_counter()
    for _ in range(NETWORKS["xor"][0]):
        batch.inputs.T @ batch.inputs
    return perf_counter() - begun, whole


def versus(framework: str, name: str, steps: int) -> tuple[float, float]:
    """Seconds of one network's training, the plain way and in the twin's loop."""
    import importlib

    pairing = importlib.import_module(f"comparisons.{name}").PAIRING
    module = importlib.import_module(f"backproof.implementations.frameworks.{framework}_twin")
    module.start("float64")
    batch, initial = pairing.start(ROOT, "float64")
    twin = module.open_twin(
        pairing.references[framework], pairing.network, pairing.optimizer, "float64"
    )
    step = {"keras": keras_step, "torch": torch_step}[framework](name, batch)
    for _ in range(20):
        step()
    before = timed(step)
    begun = perf_counter()
    twin.train(initial, batch, steps, [0, steps])
    whole = perf_counter() - begun
    return min(before, timed(step)) * steps / PLAIN_STEPS, whole


def keras_step(name: str, batch: Any) -> Callable[[], object]:
    """``train_on_batch``."""
    import reference.keras_models

    model = getattr(reference.keras_models, name)()
    return lambda: model.train_on_batch(batch.inputs, batch.targets)


def torch_step(name: str, batch: Any) -> Callable[[], object]:
    """``zero_grad``, ``backward``, ``step``."""
    import torch

    import reference.torch_models

    model = getattr(reference.torch_models, name)().double()
    optimizer = model.configure_optimizers()
    inputs, targets = (
        torch.tensor(array, dtype=torch.float64) for array in (batch.inputs, batch.targets)
    )

    def step() -> object:
        optimizer.zero_grad()
        loss = model.loss(model(inputs), targets)
        loss.backward()
        optimizer.step()
        return loss

    return step


def timed(step: Callable[[], object]) -> float:
    """Seconds of the plain steps."""
    begun = perf_counter()
    for _ in range(PLAIN_STEPS):
        step()
    return perf_counter() - begun


if __name__ == "__main__":
    if sys.argv[1:]:
        print(json.dumps(measure(sys.argv[1])))
    else:
        for label, figure, bar in ratios():
            print(f"{label}: {figure:.3g} (bar: {bar})")
