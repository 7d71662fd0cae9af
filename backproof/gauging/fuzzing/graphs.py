"""Random graphs of layers, as Hypothesis draws and shrinks them: each kind says how it is drawn.

A graph grows node by node; what nothing takes is joined at the end. It ends in what its loss takes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product
from typing import Any

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

from backproof.gauging.fuzzing.drawing import LARGE, SMALL, Drawn, further
from backproof.mathematics import functions, losses
from backproof.mathematics.arithmetic.floating import Float
from backproof.mathematics.definition.evaluate import evaluate
from backproof.mathematics.errors import UsageError
from backproof.mathematics.functions import Activation
from backproof.mathematics.layers import kinds
from backproof.mathematics.layers.kinds import DEFAULT_KIND, LAYERS
from backproof.mathematics.layers.layer import Layer, Parameter, Shape
from backproof.mathematics.network.loss import Loss, OverBatch, Reduction
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.node import INPUTS, Node, Shared
from backproof.mathematics.network.penalty import Penalty
from backproof.mathematics.probes.drawn import drawn_batch, drawn_parameters

# Smaller than chains: their samples may have three axes, and layers may multiply.
LARGE_GRAPHS = replace(
    LARGE,
    depths=(2, 2, 3, 4, 5, 6),
    widths=(1, 2, 3, 5, 8),
    rows=(1, 2, 3, 10, 37),
    scales=(1.0, 1.0, 1.0, 0.3, 3.0, 1e-3),
    wide=(0,),
    weighted=True,
)
GRAPHS = {
    "float64": LARGE_GRAPHS,
    "float32": LARGE_GRAPHS,
    "float16": replace(SMALL["float16"], depths=(2, 2, 3), widths=(1, 2, 3), weighted=True),
    "bfloat16": replace(SMALL["bfloat16"], depths=(2,), weighted=True),
}
# How many axes samples have before the last, and how long each is: rows, sequences, images.
AXES_BEFORE = (0, 0, 1, 2)
LENGTHS = (2, 3, 5)
# How many more times than another the kind is drawn that most layers are of.
OFTEN = 3
# How many inputs a layer that joins takes.
JOINED = (2, 2, 3)


@dataclass(frozen=True)
class Choosing:
    """What a layer is drawn by: see `layers.layer.Choose`."""

    pick: Callable[[Sequence[Any]], Any]
    widths: Sequence[int]
    functions: Sequence[Activation]

    def __call__(self, options: Sequence[Any], /) -> Any:
        """One of the options."""
        return self.pick(options)


class Growing:
    """A graph on its way: its nodes so far, the shapes they give, and how its layers are drawn."""

    def __init__(self, choose: Choosing, inputs: Shape) -> None:
        self.choose = choose
        self.simplest = replace(choose, pick=lambda options: options[0])
        self.nodes: list[Node] = []
        self.shapes: dict[str, Shape] = {INPUTS: inputs}
        # The simplest kind first, to which a case shrinks.
        names = (DEFAULT_KIND, *(name for name in LAYERS.names() if name != DEFAULT_KIND))
        self.kinds = [LAYERS.get(name) for name in names]
        self.often = [*self.kinds[:1] * OFTEN, *self.kinds]

    @property
    def ends(self) -> list[str]:
        """The nodes that none takes, the latest first."""
        taken = {source for node in self.nodes for source in node.inputs}
        return [name for name in reversed(self.shapes) if name not in taken]

    def layer(self, choose: Choosing, kind: type[Layer], *sources: str) -> Layer | None:
        """A layer of that kind behind those nodes, if it takes what they give."""
        found = kind.drawn(choose, *(self.shapes[source] for source in sources))
        if found is None or found.indices is None or sources[found.indices_at] == INPUTS:
            return found
        return None  # what another node gives is no index

    def place(self, layer: Layer | None, *sources: str) -> str:
        """Place a layer; the name of its node."""
        assert layer is not None
        name = f"{layer.kind}_{1 + sum(node.layer.kind == layer.kind for node in self.nodes)}"
        self.nodes.append(Node(name, layer, sources))
        self.shapes[name] = layer.output(*(self.shapes[source] for source in sources))
        return name

    def grow(self) -> None:
        """One more node, more often behind nodes that none takes yet."""
        known = list(reversed(self.shapes))
        kind = self.choose(self.often)
        count = self.choose(JOINED) if kind.several else 1
        fitting = [
            sources
            for sources in (*product(self.ends, repeat=count), *product(known, repeat=count))
            if self.layer(self.simplest, kind, *sources) is not None
        ]
        if not fitting:  # no two shapes alike, say
            kind, fitting = self.kinds[0], [(known[0],)]
        sources = self.choose(fitting)
        self.place(self.layer(self.choose, kind, *sources), *sources)

    def join_ends(self) -> None:
        """Join what none takes, two nodes at a time."""
        while len(self.ends) > 1:
            first, second = self.ends[:2]
            ways = list(self.ways(first, second, (None,)))
            if not ways:
                single = [kind for kind in self.kinds if not kind.several]
                ways = list(self.ways(first, second, (None, *single)))
            assume(ways)
            layers, kind = self.choose(ways)
            sources = [
                source if layer is None else self.place(layer, source)
                for source, layer in zip((first, second), layers, strict=True)
            ]
            self.place(self.layer(self.choose, kind, *sources), *sources)

    def ways(
        self, first: str, second: str, between: Sequence[type[Layer] | None]
    ) -> Iterator[tuple[tuple[Layer | None, ...], type[Layer]]]:
        """Which kinds join two nodes, with which layers behind them that make their shapes fit."""
        for behind in product(between, repeat=2):
            layers = tuple(
                None if kind is None else self.layer(self.simplest, kind, source)
                for kind, source in zip(behind, (first, second), strict=True)
            )
            shapes = [
                self.shapes[source] if layer is None else layer.output(self.shapes[source])
                for layer, source in zip(layers, (first, second), strict=True)
            ]
            for kind in self.kinds:
                found = kind.drawn(self.simplest, *shapes) if kind.several else None
                if found is not None and found.indices is None:
                    yield layers, kind

    def parameters(self, node: Node) -> dict[str, Parameter]:
        """The parameters of a node's layer, its own or shared."""
        return node.layer.parameters(*(self.shapes[source] for source in node.inputs))

    def end(self, loss: Loss) -> None:
        """Add a layer whose outputs the loss takes, unless the last one is left as it is.

        Of a graph without any parameters, one that has some.
        """
        (last,) = self.ends
        given = self.nodes[-1].layer.function
        learns = any(map(self.parameters, self.nodes))
        fit = learns and takes(loss, given, self.shapes[last][-1])
        if fit and self.choose((False, True)):
            return
        wanted = loss.function.ACTIVATION
        fused = () if wanted is None else (functions.named(wanted),)
        taken = [f for f in (*fused, *fused, *self.choose.functions) if takes(loss, f, 2)]
        choose = replace(self.choose, functions=taken)
        behind = (self.layer(replace(self.simplest, functions=taken), k, last) for k in self.kinds)
        applying = [
            kind
            for kind, layer in zip(self.kinds, behind, strict=True)
            if layer is not None and layer.function is not None
            if learns or layer.parameters(self.shapes[last])
        ]
        layer = self.layer(choose, choose(applying), last)
        self.place(layer, last)

    def share(self) -> None:
        """Let nodes take parameters of nodes before them, where the shapes fit."""
        held: dict[str, Parameter] = {}
        for index, node in enumerate(self.nodes):
            shared = {}
            for name, parameter in self.parameters(node).items():
                options = [
                    Shared(other, transposed)
                    for other, known in held.items()
                    if known.role == parameter.role
                    for transposed in (False, True)
                    if node.layer.shares
                    if known.shape[:: -1 if transposed else 1] == parameter.shape
                    if len(known.shape) > 1 or not transposed
                ]
                chosen = self.choose((None, None, *options)) if options else None
                if chosen is None:
                    held[f"{node.name}/{name}"] = parameter
                else:
                    shared[name] = chosen
            self.nodes[index] = Node(node.name, node.layer, node.inputs, shared)


@lru_cache
def takes(loss: Loss, function: Activation | None, outputs: int) -> bool:
    """Whether the loss is finite of what that function gives: no logarithm is below 0."""
    if function is None:
        return True
    fields = {"fan_in": outputs, "fan_out": outputs, "activation": functions.to_json(function)}
    stream = np.random.default_rng(0)
    try:
        network = Network((kinds.from_json(fields),), loss)
        batch = drawn_batch(network, stream, 40)
    except UsageError:  # the loss has no form that takes them
        return False
    with np.errstate(all="ignore"):
        found = evaluate(Float(), network, drawn_parameters(network, stream), batch)
    return all(bool(np.isfinite(value).all()) for value in found.values())


@st.composite
def graphs(draw: st.DrawFn, drawn: Drawn = LARGE_GRAPHS) -> Network:
    """Skips, joins, shared parameters, samples of one to three axes, any loss of any outputs."""

    def pick(options: Sequence[Any]) -> Any:
        return draw(st.sampled_from(options))

    # Few different widths, so that many shapes fit each other.
    widths = tuple(pick(drawn.widths) for _ in range(2))
    choose = Choosing(pick, widths, (*drawn.activations, *functions.examples(*further())))
    before = tuple(pick(LENGTHS) for _ in range(pick(AXES_BEFORE)))
    graph = Growing(choose, (*before, widths[0]))
    reductions: tuple[Reduction, ...] = ("mean", "sum")
    kind = pick(drawn.losses)
    over: tuple[OverBatch, ...] = (*reductions, "samples")
    over = (*over, "valid") if losses.named(kind).IGNORES else over
    loss = Loss(kind, pick(over), pick(reductions), pick(drawn.factors))
    for _ in range(pick(drawn.depths)):
        graph.grow()
    graph.join_ends()
    graph.end(loss)
    last = graph.nodes[-1]
    assume(takes(loss, last.layer.function, graph.shapes[last.name][-1]))
    graph.share()
    return Network(tuple(graph.nodes), loss, penalties(pick, graph), inputs=graph.shapes[INPUTS])


def penalties(pick: Callable[[Sequence[Any]], Any], graph: Growing) -> Penalty | dict[str, Penalty]:
    """One on all parameters, or one on each of some nodes that hold some of their own."""

    def one() -> Penalty:
        coefficients = (0.0, 0.0, 0.005, 0.1)
        return Penalty(
            pick(coefficients), pick(coefficients), pick((False, True)), pick(("sum", "mean"))
        )

    if pick((True, False)):
        return one()
    holding = [node for node in graph.nodes if graph.parameters(node).keys() - dict(node.shared)]
    return {node.name: one() for node in holding if pick((False, True))}
