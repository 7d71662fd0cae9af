"""A whole training in a twin's own loop makes the steps that it makes one by one."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backproof import Dense, GradientDescent, Loss, Momentum, Network, Pairing
from backproof.comparison.bounds.bounds import Bounds
from backproof.comparison.record.record import DATA, Point, Record
from backproof.comparison.run import Workers
from backproof.mathematics import optimizers
from backproof.mathematics.errors import EvaluationError
from backproof.mathematics.probes.drawn import drawn_batch, drawn_parameters
from comparisons import circles, clusters, xor
from tests.gauging.gate.conftest import ROOT
from tests.halves import slow_but
from tests.workers import Shared

PAIRINGS = {module.PAIRING.name: module.PAIRING for module in (xor, circles, clusters)}
STEPS = 5


@pytest.fixture(scope="module")
def workers(shared: Shared) -> Workers:
    return shared("keras", "torch", "jax")


def ask(workers: Workers, framework: str, do: str, tensors: Any = None, **members: Any) -> Any:
    worker = workers.by_name[framework]
    return worker.wait(worker.request({"do": do, **members}, tensors))[1]


def opened(workers: Workers, framework: str, pairing: Pairing) -> tuple[Any, Any]:
    """The twin with its batch; returns data and initial weights."""
    data, initial = pairing.start(ROOT, "float64")
    ask(
        workers,
        framework,
        "open",
        twin=pairing.name,
        model=pairing.references.get(framework),
        network=pairing.network.to_json(),
        optimizer=optimizers.to_json(pairing.optimizer),
    )
    batch = {"inputs": data.inputs, "targets": data.targets}
    ask(workers, framework, "batch", batch, twin=pairing.name, batch=DATA)
    return data, initial


def trained(
    workers: Workers, framework: str, pairing: Pairing, initial: Any, **members: Any
) -> Any:
    return ask(workers, framework, "train", initial, twin=pairing.name, batch=DATA, **members)


@pytest.mark.parametrize(
    ("framework", "name"),
    slow_but(
        [("keras", "xor"), ("torch", "clusters"), ("jax", "circles")],
        product(["keras", "torch", "jax"], PAIRINGS),
        0.5,
    ),
)
def test_every_step_is_within_the_bound_of_the_definition(
    workers: Workers, framework: str, name: str
) -> None:
    pairing = PAIRINGS[name]
    data, initial = opened(workers, framework, pairing)
    told = trained(workers, framework, pairing, initial, steps=STEPS, report=list(range(STEPS + 1)))
    weights = [
        {key: told[f"parameters/{key}"][step] for key in initial} for step in range(STEPS + 1)
    ]
    bounds = Bounds(record_of(pairing, data, weights))
    for key, array in initial.items():
        np.testing.assert_array_equal(weights[0][key], array)
    for step in range(STEPS):
        bound = bounds.at(framework, Point(DATA, step))
        for key in initial:
            gap = np.abs(weights[step + 1][key] - bound.values[f"updated/{key}"])
            assert (gap <= 2 * bound.radii[f"updated/{key}"]).all(), (step, key)
        gap = abs(told["loss"][step] - bound.values["loss"])
        assert gap <= 2 * bound.radii["loss"], step


@pytest.mark.parametrize("framework", ["keras", "torch", "jax"])
def test_a_rate_of_float32_would_be_seen(workers: Workers, framework: str) -> None:
    """The bound is narrow enough to tell the exact rate from Keras's own."""
    pairing = PAIRINGS["circles"]
    rounded = replace(
        pairing,
        name="circles, rounded rate",
        optimizer=GradientDescent(float(np.float32(pairing.optimizer.learning_rate))),
    )
    data, initial = opened(workers, framework, rounded)
    told = trained(workers, framework, rounded, initial, steps=1, report=[1])
    bound = Bounds(record_of(pairing, data, [initial])).at(framework, Point(DATA, 0))
    gap = np.abs(told["parameters/dense_2/kernel"][0] - bound.values["updated/dense_2/kernel"])
    assert (gap > 2 * bound.radii["updated/dense_2/kernel"]).any()


@pytest.mark.parametrize("name", PAIRINGS)
def test_pytorch_s_loop_gives_the_bits_of_its_own_steps(workers: Workers, name: str) -> None:
    pairing = PAIRINGS[name]
    _, initial = opened(workers, "torch", pairing)
    told = trained(workers, "torch", pairing, initial, steps=STEPS, report=[STEPS])
    state = initial
    for _ in range(STEPS):
        results = ask(
            workers, "torch", "evaluate", state, twin=pairing.name, batch=DATA, want=["updated"]
        )
        state = {key: results[f"updated/{key}"] for key in initial}
    for key in initial:
        np.testing.assert_array_equal(told[f"parameters/{key}"][0], state[key])


@pytest.mark.parametrize("framework", ["keras", "torch"])
def test_an_optimizer_that_it_does_not_know_is_refused(workers: Workers, framework: str) -> None:
    pairing = replace(PAIRINGS["xor"], name="xor, momentum", references={framework: None})
    pairing = replace(pairing, optimizer=Momentum(0.5))
    _, initial = opened(workers, framework, pairing)
    slots = {f"velocity/{key}": np.zeros_like(array) for key, array in initial.items()}
    with pytest.raises(EvaluationError, match="train knows gradient_descent, not 'momentum'"):
        trained(workers, framework, pairing, initial | slots, steps=1, report=[1])


MORE = """
import keras

def make():
    inputs = keras.Input((2,))
    z = keras.layers.Dense({units}, activation="sigmoid")(inputs)
    z = keras.layers.BatchNormalization(trainable={trained})(z)
    model = keras.Model(inputs, keras.layers.Dense(1)(z))
    model.compile(optimizer=keras.optimizers.SGD(0.1), loss="mean_squared_error")
    return model
"""


@pytest.mark.parametrize("learned", [True, False])
def test_a_model_that_learns_more_than_the_network_has_is_refused(
    workers: Workers, tmp_path: Path, learned: bool
) -> None:
    """Its gains and shifts would stay as they are in the loop, and move in `evaluate`."""
    network = Network((Dense(2, 3, "sigmoid"), Dense(3, 1)), Loss("squared_error"))
    path = tmp_path / "more.py"
    path.write_text(MORE.format(units=3, trained=learned))
    stream = np.random.default_rng(5)
    batch, initial = drawn_batch(network, stream, 6), drawn_parameters(network, stream)
    optimizer = optimizers.to_json(GradientDescent(0.1))
    model = f"{path}:make"
    described = {"model": model, "network": network.to_json(), "optimizer": optimizer}
    ask(workers, "keras", "open", twin="more", **described)
    ask(workers, "keras", "batch", {"inputs": batch.inputs, "targets": batch.targets}, batch="more")
    asked = {"twin": "more", "batch": "more", "steps": 1, "report": [1]}
    if learned:
        with pytest.raises(EvaluationError, match="learns 2 variables that the network does not"):
            ask(workers, "keras", "train", initial, **asked)
    else:
        assert ask(workers, "keras", "train", initial, **asked)["loss"].shape == (1,)


def record_of(pairing: Pairing, data: Any, weights: list[Any]) -> Record:
    """The points at which the definition is evaluated."""
    return Record(
        pairing=pairing.name,
        subject="",
        network=pairing.network,
        optimizer=pairing.optimizer,
        dtype="float64",
        quantities=pairing.quantities,
        waivers=(),
        references=(),
        steps=len(weights),
        batches={DATA: data},
        parameters={Point(DATA, step): each for step, each in enumerate(weights)},
    )
