"""What random rounding errors cost: K replicas beside K plain NumPy evaluations in float64."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np

from backproof.comparison.pairing.pairing import load
from backproof.mathematics.arithmetic.floating import Float
from backproof.mathematics.arithmetic.operations import Ops
from backproof.mathematics.arithmetic.random.spread import REPLICAS, spreads
from backproof.mathematics.arithmetic.rounding.model import Rounding
from backproof.mathematics.definition.evaluate import evaluate
from backproof.mathematics.definition.sites import Intervention
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.parameters import Batch, Parameters
from tests.mathematics.arithmetic.random_networks import dense, point
from tests.project import ROOT

# Of each measurement, that one of a few milliseconds has its fastest too.
SECONDS, ROUNDS = 2.0, 3


def cases() -> Iterator[tuple[str, Network, Parameters, Batch]]:
    """Label, network, parameters and batch."""
    (pairing,) = load(ROOT / "comparisons" / "circles.py")
    batch, parameters = pairing.start(ROOT, "float64")
    yield "circles", pairing.network, parameters, batch
    for activation in ("relu", "tanh"):
        network = dense((784, 512, 256, 10), activation)
        yield f"784-512-256-10 {activation}", network, *point(network, 128, "float64")


def seconds(function: Callable[[], object]) -> float:
    """The processor time of one call, in all threads: others may be at work on the machine."""
    begun = time.process_time()
    function()
    return time.process_time() - begun


def ratios() -> Iterator[tuple[str, float, str]]:
    """The ratios of the fastest of interleaved evaluations, all that a bound needs among them."""
    for label, network, parameters, batch in cases():

        def evaluation(
            ops: Ops[Any],
            intervene: Intervention,
            network: Network = network,
            parameters: Parameters = parameters,
            batch: Batch = batch,
        ) -> Mapping[str, Any]:
            return evaluate(ops, network, parameters, batch, intervene)

        def plain(
            network: Network = network, parameters: Parameters = parameters, batch: Batch = batch
        ) -> None:
            for _ in range(REPLICAS):
                evaluate(Float(), network, parameters, batch)

        for dtype in ("float64", "float32"):
            model = Rounding.of(dtype)
            replicas = partial(spreads, evaluation, model, chance=1e-15)
            with np.errstate(all="ignore"):
                pairs: list[tuple[float, float]] = []
                while len(pairs) < ROUNDS or sum(map(sum, pairs)) < SECONDS:
                    pairs.append((seconds(plain), seconds(replicas)))
            once, many = (min(column) for column in zip(*pairs, strict=True))
            yield (
                f"random: {label}, {REPLICAS} replicas for {dtype}, {many:.3f} s / as many plain "
                f"NumPy evaluations, {once:.3f} s",
                many / once,
                "<= 3",
            )
