"""Drawing: random networks with parameters and data, as Hypothesis draws and shrinks them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from hypothesis import HealthCheck, Phase, assume, given, seed, settings
from hypothesis import strategies as st

from backproof.mathematics import functions, losses
from backproof.mathematics.arithmetic.floating import Float
from backproof.mathematics.arithmetic.rounding.model import Rounding, round_to
from backproof.mathematics.definition.evaluate import evaluate
from backproof.mathematics.functions import Activation
from backproof.mathematics.layers import kinds
from backproof.mathematics.network.loss import Loss, Reduction
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.parameters import Batch, Parameters
from backproof.mathematics.network.penalty import Penalty
from backproof.mathematics.probes.drawn import drawn_batch, drawn_buffers, drawn_parameters

# Relu first, to which a case shrinks; in bfloat16 nothing but the first four has a bound for long.
OFTEN = ("softmax", "gelu")
SMOOTH = ("swish", "mish", "relu6", "hard_sigmoid")
FIRST = (
    *("relu", "sigmoid", "tanh", "linear", "selu", "softplus", "leaky_relu", "elu"),
    *SMOOTH,
    *OFTEN,
)
# The losses to which a case shrinks.
SIMPLEST = ("binary_cross_entropy", "categorical_cross_entropy", "hinge", "squared_error")
RECTIFIED_OR_BOUNDED = functions.examples(*FIRST[:4])


@dataclass(frozen=True)
class Drawn:
    """What random networks are drawn from, beside activations of one's own.

    Kernels have variance 1/fan_in, times one of ``scales``: of one layer, or of all in equal parts,
    so that rounding errors grow by about as much and not by its power. ``factors``: scales of the
    loss; ``depths``: how many layers; ``wide``: of some, the width of one layer between; 0 of those
    without; ``weighted``: whether samples may have weights.

    Scales are in proportion to a dtype's digits. A unit that saturates, or a softmax, takes as many
    digits off its inputs as these have before the point: at 1000, float32 has four left, the next
    such layer one, and no right answer exists of which a bound could tell wrong ones.
    """

    depths: tuple[int, ...]
    widths: tuple[int, ...]
    rows: tuple[int, ...]
    scales: tuple[float, ...]
    factors: tuple[float, ...] = (1.0, 0.5, 2.0, 0.3)
    activations: tuple[Activation, ...] = functions.examples(*FIRST, *OFTEN)
    losses: tuple[str, ...] = tuple(
        name
        for name in (*SIMPLEST, *sorted({*losses.names()} - {*SIMPLEST}))
        if not losses.PARTS.get(name).SIGNED
    )
    wide: tuple[int, ...] = (0,)
    weighted: bool = False


# Mostly ordinary weights, some extreme; mostly small networks, some deep or wide.
LARGE = Drawn(
    depths=(*(1, 2, 3, 4, 5, 6) * 3, 12, 30),
    widths=(1, 2, 3, 5, 8, 16, 33, 64),
    rows=(1, 2, 3, 10, 37, 100, 300),
    scales=(1.0, 1.0, 1.0, 0.3, 3.0, 1e-3, 30.0, 1000.0),
    wide=(*(0,) * 10, 256, 1024),
)
LARGE_FLOAT32 = replace(LARGE, scales=(1.0, 1.0, 1.0, 0.3, 3.0, 1e-3, 10.0, 30.0))
# A power of 1/8 is 16 u in bfloat16, and 128 u in float16: so many roundings may lie between the
# data and a gradient. In bfloat16 the tail of an exponential, or a GELU, takes that many alone; and
# so, of every second or third, does a loss that smooths its targets and then subtracts them. One
# that ignores labels is left out too: with it 82 % and 87 % of two draws were decided, and why is
# not understood yet.
SMALL = {
    "float16": Drawn(
        depths=(1, 1, 2, 3), widths=(1, 2, 3, 5, 8), rows=(1, 2, 3, 10), scales=(1.0, 1.0, 0.3)
    ),
    "bfloat16": Drawn(
        depths=(1, 1, 2),
        widths=(1, 2, 3),
        rows=(1, 1, 2),
        scales=(1.0, 0.3, 0.1),
        factors=(1.0, 0.5, 2.0),
        activations=RECTIFIED_OR_BOUNDED,
        losses=tuple(n for n in LARGE.losses if not n.startswith(("smoothed_", "masked_"))),
    ),
}
DRAWN = {"float64": LARGE, "float32": LARGE_FLOAT32, **SMALL}
# How many roundings, or smallest numbers, may lie between an implementation's probability and ours.
ROOM = 64
# A network and a number of samples: what a framework compiles for.
Shape = tuple[Network, int]
# A strategy of networks.
Networks = Callable[[Drawn], st.SearchStrategy[Network]]


@dataclass(frozen=True, eq=False)
class Case:
    """A network with one point to evaluate it at."""

    network: Network
    parameters: Parameters
    batch: Batch


def further() -> list[str]:
    """The activations beside those: of a user's own, say."""
    return [name for name in functions.names() if name not in FIRST]


@st.composite
def networks(draw: st.DrawFn, drawn: Drawn = LARGE) -> Network:
    """A chain of any depth, widths, activations, loss with its reductions, and penalty."""
    depth = draw(st.sampled_from(drawn.depths))
    width = st.sampled_from(drawn.widths)
    widths = [draw(width) for _ in range(depth + 1)]
    if depth > 1 and (wide := draw(st.sampled_from(drawn.wide))):
        widths[draw(st.integers(1, depth - 1))] = wide
    hidden = st.sampled_from((*drawn.activations, *functions.examples(*further())))
    kind = draw(st.sampled_from(drawn.losses))
    fused = losses.named(kind).ACTIVATION
    last = functions.named(fused) if fused else draw(hidden)
    chosen = [draw(hidden) for _ in range(depth - 1)] + [last]
    reduction: st.SearchStrategy[Reduction] = st.sampled_from(("mean", "sum"))
    coefficient = st.sampled_from((0.0, 0.0, 0.005, 0.1))
    return Network(
        layers=tuple(
            kinds.from_json(
                {
                    "fan_in": fan_in,
                    "fan_out": fan_out,
                    "activation": functions.to_json(activation),
                    "bias": draw(st.booleans()),
                }
            )
            for fan_in, fan_out, activation in zip(widths, widths[1:], chosen, strict=False)
        ),
        loss=Loss(kind, draw(reduction), draw(reduction), draw(st.sampled_from(drawn.factors))),
        penalty=Penalty(draw(coefficient), draw(coefficient), draw(st.booleans())),
    )


def shapes(drawn: Drawn, of: Networks = networks) -> st.SearchStrategy[Shape]:
    """Networks and numbers of samples."""
    return st.tuples(of(drawn), st.sampled_from(drawn.rows))


def bucket(
    drawn: Drawn, count: int, chosen_seed: int | str, of: Networks = networks
) -> list[Shape]:
    """So many networks with their numbers of samples, the smallest first."""
    found: list[Shape] = []

    @seed(chosen_seed)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(shapes(drawn, of))
    def collect(shape: Shape) -> None:
        found.append(shape)

    collect()
    return sorted(found, key=lambda shape: sum(shape[0].parameter_counts().values()))


@st.composite
def cases(draw: st.DrawFn, among: st.SearchStrategy[Shape], dtype: str, drawn: Drawn) -> Case:
    """A network with random parameters and data, rounded to the dtype; some have zero weights."""
    network, samples = draw(among)
    samples = max(samples, network.least_samples)
    scales = draw(scalings(network, drawn))
    kept = draw(st.sampled_from((1.0, 1.0, 1.0, 0.7)))
    stream = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    parameters = {
        name: round_to(scales(name) * array * (stream.random(array.shape) < kept), dtype)
        for name, array in drawn_parameters(network, stream).items()
    }
    buffers = drawn_buffers(network, stream)
    parameters |= {name: round_to(array, dtype) for name, array in buffers.items()}
    batch = drawn_batch(network, stream, samples)
    if network.decision == "argmax" and network.outputs == 1:
        batch = replace(batch, targets=np.ones_like(batch.targets))
    if drawn.weighted and draw(st.booleans()):
        batch = replace(batch, weights=stream.uniform(0, 2, samples))
    batch = batch.astype(dtype)
    assume(finite(network, parameters, batch, dtype))
    return Case(network, parameters, batch)


@st.composite
def scalings(draw: st.DrawFn, network: Network, drawn: Drawn) -> Callable[[str], float]:
    """By what each parameter is multiplied: those of one layer, or all in equal parts."""
    scale = draw(st.sampled_from(drawn.scales))
    layers = list(dict.fromkeys(name.partition("/")[0] for name in network.parameters))
    alone = draw(st.sampled_from((None, *layers)))
    if alone is None:
        share = scale ** (1 / len(layers))
        return lambda name: share
    return lambda name: scale if name.partition("/")[0] == alone else 1.0


def finite(network: Network, parameters: Parameters, batch: Batch, dtype: str) -> bool:
    """Whether a loss that is taken of probabilities is finite of these, and of all near them.

    A unit may saturate until its probability is 0 or 1, in one implementation and not in another.
    """
    loss = network.loss_function
    if loss is network.loss.function:
        return True
    with np.errstate(all="ignore"):
        outputs = evaluate(Float(), network, parameters, batch)[f"activation/{network.last.name}"]
        rows = (-1, network.outputs)
        a, y = (each.reshape(rows).astype(np.float64) for each in (outputs, batch.targets))
        rounding = Rounding.of(dtype)
        around = [a * (1 + ROOM * side * rounding.unit) for side in (-1, 0, 1)]
        around = [each * (np.abs(each) >= ROOM * rounding.tiny) for each in around]
        # Whatever the target: 0·log 0, which is 0 for the definition, is no number for others.
        found = [
            value for each in around for t in (y, 1 - y) for value in loss.value(each, each, t)
        ]
    return all(bool(np.isfinite(value).all()) for value in found)
