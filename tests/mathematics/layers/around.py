"""Every kind of layer by its examples: alone, and in the middle of a network."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import numpy as np

from backproof.mathematics.arithmetic.operations import Ops
from backproof.mathematics.layers.conv1d import Conv1D
from backproof.mathematics.layers.dense import Dense
from backproof.mathematics.layers.embedding import Embedding
from backproof.mathematics.layers.global_average_pool import GlobalAveragePool
from backproof.mathematics.layers.here import Here
from backproof.mathematics.layers.kinds import LAYERS
from backproof.mathematics.layers.layer import Layer, Shape
from backproof.mathematics.network.loss import Loss
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.node import Node
from backproof.mathematics.network.parameters import Array
from backproof.mathematics.optimizers.gradient_descent import GradientDescent

T = TypeVar("T")

SAMPLES = 4
TOKENS = 4
OPTIMIZER = GradientDescent(0.1)


@dataclass(frozen=True)
class Case:
    """A layer with the shapes of its inputs."""

    layer: Layer
    shapes: tuple[Shape, ...]

    def __str__(self) -> str:
        shapes = "-".join("x".join(map(str, shape)) for shape in self.shapes)
        return f"{self.layer.kind}-{self.layer.summary()}-{shapes}".replace(" ", "_")


def cases() -> list[Case]:
    """The examples of every kind there is."""
    return [Case(*each) for kind in LAYERS.names() for each in LAYERS.get(kind).examples()]


@dataclass(eq=False)
class Point:
    """Inputs, parameters, and what arrives from above: a layer by itself."""

    inputs: list[Array]
    parameters: dict[str, Array]
    arriving: Array
    mask: Array | None = None
    buffers: dict[str, Array] = field(default_factory=dict)


def point(case: Case, dtype: str = "float64", seed: int = 0) -> Point:
    """Drawn from a seed; no element is near 0."""
    stream = np.random.default_rng(seed)

    def draw(shape: Shape) -> Array:
        size = stream.uniform(0.25, 1.5, shape) * stream.choice((-1, 1), shape)
        return np.asarray(size.astype(dtype))

    inputs = [draw((SAMPLES, *shape)) for shape in case.shapes]
    if case.layer.indices is not None:
        at, below = case.layer.indices_at, min(case.layer.indices, TOKENS)
        tokens = stream.integers(below, size=inputs[at].shape).astype(dtype)
        inputs[at] = case.layer.admitted(tokens)
    shape = case.layer.mask(*case.shapes)
    return Point(
        inputs,
        {name: draw(each.shape) for name, each in case.layer.parameters(*case.shapes).items()},
        draw((SAMPLES, *case.layer.output(*case.shapes))),
        None if shape is None else stream.choice((0.0, 1.0), (SAMPLES, *shape)).astype(dtype),
        {name: abs(draw(each.shape)) for name, each in case.layer.buffers(*case.shapes).items()},
    )


@dataclass(eq=False)
class Alone(Generic[T]):
    """A layer that stands in no network: what it gives, forwards and backwards."""

    ops: Ops[T]
    layer: Layer
    at: Point
    values: dict[str, T] = field(default_factory=dict)
    gradients: dict[str, T] = field(default_factory=dict)
    moved: dict[str, T] = field(default_factory=dict)

    def here(self) -> Here[T]:
        def site(name: str, value: T) -> T:
            self.values[name] = value
            return value

        many = len(self.at.inputs)
        return Here(
            ops=self.ops,
            node="here",
            site_at=site,
            values=self.values,
            load=lambda name: self.ops.exact(self.at.parameters[name]),
            further=dict.fromkeys(self.at.parameters, 0),
            below=[0] * many,
            wanted=[index not in counted(self.layer) for index in range(many)],
            take_gradient=self.gradients.__setitem__,
            load_buffer=lambda name: self.ops.exact(self.at.buffers[name]),
            load_mask=lambda: self.ops.exact(self.at.mask),  # type: ignore[arg-type]
            take_moved=self.moved.__setitem__,
        )

    def forward(self) -> T:
        given = (self.ops.exact(x) for x in self.at.inputs)
        return self.layer.forward(self.here(), *given)

    def all(self) -> dict[str, T]:
        """What comes out, the cotangent of each input, and the gradient of each parameter."""
        here, inputs = self.here(), [self.ops.exact(x) for x in self.at.inputs]
        out = self.values["activation/here"] = self.layer.forward(here, *inputs)
        back = self.layer.backward(here, self.ops.exact(self.at.arriving), *inputs)
        found: dict[str, Any] = {"out": out}
        found |= {f"input {index}": each for index, each in enumerate(back) if each is not None}
        found |= {f"buffer {name}": each for name, each in self.moved.items()}
        return found | {f"gradient {name}": each for name, each in self.gradients.items()}


def network(case: Case) -> Network:
    """The layer between dense ones, each of its inputs coming from one of them."""
    above = Node("above", Dense(case.layer.output(*case.shapes)[-1], 2))
    if case.layer.indices is not None:
        tokens = case.shapes[case.layer.indices_at]
        below = [
            Node(f"below_{i}", Embedding(TOKENS, shape[-1]), "inputs")
            for i, shape in enumerate(case.shapes[:-1])
        ]
        sources = (*(node.name for node in below), "inputs")
        here = Node("here", case.layer, sources)
        return Network((*below, here, above), Loss("squared_error"), inputs=tokens)
    leading = {shape[:-1] for shape in case.shapes}
    before = max(leading)
    if before and () in leading:  # a sequence, and states beside it
        return with_states(case, above)
    layers: list[Layer] = [
        Dense(3, shape[-1], "tanh")
        if shape[:-1] == before
        else Conv1D(3, shape[-1], before[0] - shape[0] + 1, activation="tanh")
        for shape in case.shapes
    ]
    below = [Node(f"below_{i}", layer, "inputs") for i, layer in enumerate(layers)]
    here = Node("here", case.layer, tuple(node.name for node in below))
    return Network((*below, here, above), Loss("squared_error"), inputs=(*before, 3))


def with_states(case: Case, above: Node) -> Network:
    """The layer behind dense ones, those of its states behind the mean of the sequence."""
    nodes = [Node("mean", GlobalAveragePool(), "inputs")]
    for i, shape in enumerate(case.shapes):
        source = "inputs" if len(shape) > 1 else "mean"
        nodes.append(Node(f"below_{i}", Dense(3, shape[-1], "tanh"), source))
    here = Node("here", case.layer, tuple(node.name for node in nodes[1:]))
    inputs = (*case.shapes[0][:-1], 3)
    return Network((*nodes, here, above), Loss("squared_error"), inputs=inputs)


def counted(layer: Layer) -> set[int]:
    """Which of its inputs holds indices."""
    return set() if layer.indices is None else {layer.indices_at}
