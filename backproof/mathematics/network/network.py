"""What is computed, as frozen mathematics: nodes, loss, penalties."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from backproof.mathematics.arithmetic.indices import are_indices, indices
from backproof.mathematics.checking import check
from backproof.mathematics.errors import UsageError
from backproof.mathematics.layers import kinds
from backproof.mathematics.layers.blocks import Block
from backproof.mathematics.layers.layer import Buffer, Layer, Parameter, Shape, described, is_length
from backproof.mathematics.losses import Decision, LossFunction
from backproof.mathematics.network.graph import Use, checked, owners, shapes_of
from backproof.mathematics.network.loss import Loss
from backproof.mathematics.network.node import INPUTS, Node, placed
from backproof.mathematics.network.penalty import NONE, Penalty
from backproof.mathematics.network.shown import table

Penalties = tuple[tuple[str, Penalty], ...]

# The output above which a unit says yes, by the decision.
THRESHOLDS = {"threshold": 0.5, "sign": 0.0}
# What shows the derivation. It stands on all that is here, so it is imported when a notebook asks.
DERIVATION = "backproof.reports.page.derivation"


def is_shape(given: object) -> bool:
    """Whether it is the shape of a sample: one axis or more, none of them empty."""
    return isinstance(given, tuple | list) and bool(given) and all(map(is_length, given))


def are_penalties(given: object) -> bool:
    """Whether they are pairs of a node's name and its penalty."""
    return isinstance(given, tuple) and all(
        isinstance(pair, tuple) and len(pair) == 2 and isinstance(pair[1], Penalty)
        for pair in given
    )


@dataclass(frozen=True)
class Network:
    """Nodes in the order of computation, with a loss and penalties.

    ``layers``: layers, each taking what the one before gives, and called after its kind
    (``dense_1``, ``dense_2``); blocks (`Residual`, `Branches`, `Sequential`); or `Node`, which
    names its layer and what it takes. ``penalty``: one on all parameters, or one for each node,
    by its name. ``inputs``: the shape of one sample, where the first layer does not tell it.
    ``input_gradient``: whether the gradient of the loss by the inputs is a result as well.

    ``decision`` says how an output becomes a class, for the accuracy: ``threshold`` (output above
    ½), ``sign`` (above 0), ``argmax``, or None for no accuracy. By default the loss says it.
    """

    layers: tuple[Layer | Block | Node, ...]
    loss: Loss
    penalty: Penalty | Penalties = NONE
    decision: Decision | None = None
    inputs: Shape | None = None
    input_gradient: bool = False

    def __init__(
        self,
        layers: tuple[Layer | Block | Node, ...] | list[Layer | Block | Node],
        loss: Loss,
        penalty: Penalty | Mapping[str, Penalty] | Penalties = NONE,
        decision: Decision | None = None,
        inputs: Shape | None = None,
        input_gradient: bool = False,
    ) -> None:
        if not isinstance(layers, tuple | list):
            raise UsageError(
                f"Network(layers=…) is {described(layers)}; give a tuple of layers, blocks and "
                "nodes"
            )
        parts = tuple(layers)
        if not parts:
            raise UsageError("Network(layers=()): a network needs at least one layer")
        check("Network(loss=…)", "loss", loss, Loss)
        check("Network(decision=…)", "decision", decision, Decision | None)
        check("Network(input_gradient=…)", "input_gradient", input_gradient, bool)
        if inputs is not None and not is_shape(inputs):
            raise UsageError(
                f"Network(inputs={inputs!r}): give the shape of one sample, whole numbers of at "
                "least 1, as in (28, 28, 1)"
            )
        nodes = placed(parts)
        plain = all(isinstance(part, Layer) for part in parts)
        pairs = penalty.items() if isinstance(penalty, Mapping) else ()
        given = sorted(pairs, key=str) if isinstance(penalty, Mapping) else penalty
        found: dict[str, Any] = {
            "layers": parts if plain else nodes,
            "loss": loss,
            "penalty": tuple(given) if isinstance(given, list | tuple) else given,
            "inputs": None if inputs is None else tuple(map(int, inputs)),
            "input_gradient": input_gradient,
        }
        for name, value in found.items():
            object.__setattr__(self, name, value)
        checked(self.nodes, self.input_shape)
        if input_gradient and self.indices is not None:
            raise UsageError(
                "Network(input_gradient=True): its inputs are indices, by which there is no "
                "gradient; leave it out"
            )
        self._check_penalties()
        object.__setattr__(self, "decision", decision or self._usual_decision())

    def _check_penalties(self) -> None:
        if isinstance(self.penalty, Penalty):
            return
        if not are_penalties(self.penalty):
            raise UsageError(
                f"Network(penalty={self.penalty!r}): give a Penalty, or one for each node by its "
                "name, as in {'hidden': Penalty(l2=0.01)}"
            )
        holding = self.parameter_counts()
        for name, _ in self.penalty:
            if name not in holding:
                why = "it has no parameters of its own"
                why = why if name in self.node_names else "there is no such node"
                raise UsageError(
                    f"a penalty is on node {name!r}, but {why}; there are parameters in "
                    f"{', '.join(holding) or 'none'}"
                )

    def _usual_decision(self) -> Decision | None:
        decision = self.loss_function.DECISION
        # A logit says yes above 0, where a probability does above ½.
        return "sign" if decision == "threshold" and self.loss_of == "logits" else decision

    @cached_property
    def nodes(self) -> tuple[Node, ...]:
        """Its nodes in the order of computation."""
        return placed(self.layers)

    @cached_property
    def node_names(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(node.name for node in self.nodes)

    @property
    def last(self) -> Node:
        """The node whose output the loss is taken of."""
        return self.nodes[-1]

    @cached_property
    def indices(self) -> int | None:
        """Of how many things the inputs are indices; None where they are any numbers."""
        found = [node.layer.indices for node in self.nodes if node.indices_from == INPUTS]
        return min((each for each in found if each is not None), default=None)

    def admitted(self, inputs: NDArray[Any]) -> NDArray[Any]:
        """Indices that all nodes take, made of any numbers; the inputs themselves if they are."""
        if self.indices is None:
            return inputs
        if not are_indices(inputs, self.indices).all():
            inputs = indices(inputs, self.indices).astype(float)
        for node in self.nodes:
            if node.indices_from == INPUTS:
                inputs = node.layer.admitted(inputs)
        return inputs

    def unfit(self, inputs: NDArray[Any]) -> str | None:
        """What is wrong with these inputs, where they should be indices; None if they are."""
        if self.indices is None:
            return None
        if (fit := are_indices(inputs, self.indices)).all():
            for node in self.nodes:
                if node.indices_from == INPUTS:
                    off = np.argwhere(node.layer.admitted(inputs) != inputs)
                    if off.size:
                        return (
                            f"sample {off[0, 0]} of the inputs: node {node.name!r} takes "
                            f"{node.layer.asks}"
                        )
            return None
        at = tuple(int(place) for place in np.argwhere(~fit)[0])
        node = next(each for each in self.consumers[INPUTS] if each.layer.indices == self.indices)
        return (
            f"the inputs at {at} are {inputs[at]:g}, but node {node.name!r} takes indices: whole "
            f"numbers from 0 to {self.indices - 1}"
        )

    @cached_property
    def input_shape(self) -> Shape:
        """The shape of one sample."""
        first = self.nodes[0].layer.accepts
        if self.inputs is None and first is None:
            raise UsageError(
                f"{self.nodes[0].name} does not tell what comes in: give Network(inputs=(…)), the "
                "shape of one sample"
            )
        return self.inputs if self.inputs is not None else first or ()

    @cached_property
    def output_shapes(self) -> dict[str, Shape]:
        """The shape that each node gives for one sample, by its name; and that of "inputs"."""
        return shapes_of(self.nodes, self.input_shape)

    @property
    def output_shape(self) -> Shape:
        """The shape of the outputs of one sample."""
        return self.output_shapes[self.last.name]

    def named_layers(self) -> Iterator[tuple[str, Layer]]:
        """``("dense_1", layer)``, ``("dense_2", layer)``, … in the order of computation."""
        return ((node.name, node.layer) for node in self.nodes)

    @property
    def fan_in(self) -> int:
        """How many numbers a sample has along its last axis."""
        return self.input_shape[-1]

    @property
    def fan_out(self) -> int:
        """How many outputs a sample has along its last axis."""
        return self.outputs

    @property
    def outputs(self) -> int:
        """How many outputs there are along the last axis: classes, units."""
        return self.output_shape[-1]

    def rows(self, samples: int) -> int:
        """How many rows of outputs so many samples have: each position is one."""
        return samples * prod(self.output_shape[:-1])

    def valid(self, targets: NDArray[Any]) -> NDArray[np.bool_]:
        """Which rows of targets, of any axes, the loss does not ignore."""
        return self.loss_function.valid(targets.reshape(-1, targets.shape[-1]))

    def counted(self, targets: NDArray[Any]) -> int:
        """What a mean of the loss over the batch counts: rows, samples, or rows not ignored."""
        if self.loss.batch == "samples":
            return len(targets)
        if self.loss.batch == "valid":
            return int(np.count_nonzero(self.valid(targets)))
        return self.rows(len(targets))

    def shapes_into(self, node: Node) -> tuple[Shape, ...]:
        """The shapes that come into a node."""
        return tuple(self.output_shapes[name] for name in node.inputs)

    @cached_property
    def consumers(self) -> dict[str, tuple[Node, ...]]:
        """The nodes that take what a node gives, once for each time that they do."""
        return {
            name: tuple(node for node in self.nodes for taken in node.inputs if taken == name)
            for name in (INPUTS, *self.node_names)
        }

    @cached_property
    def uses(self) -> dict[str, dict[str, Use]]:
        """By node and its own name of a parameter: whose it is, and whether it is transposed."""
        return owners(self.nodes, self.output_shapes)

    @cached_property
    def parameters(self) -> dict[str, Parameter]:
        """Every parameter by its full name, ``dense_1/kernel``, in the order of computation."""
        return {
            f"{node.name}/{own}": parameter
            for node in self.nodes
            for own, parameter in node.layer.parameters(*self.shapes_into(node)).items()
            if own not in dict(node.shared)
        }

    @cached_property
    def buffers(self) -> dict[str, Buffer]:
        """State that a step moves without a gradient, by its full name."""
        return {
            f"{node.name}/{own}": buffer
            for node in self.nodes
            for own, buffer in node.layer.buffers(*self.shapes_into(node)).items()
        }

    @cached_property
    def masks(self) -> dict[str, Shape]:
        """The shape of the mask of one sample, by the node that takes it."""
        found = {node.name: node.layer.mask(*self.shapes_into(node)) for node in self.nodes}
        return {name: shape for name, shape in found.items() if shape is not None}

    @cached_property
    def unmoved(self) -> dict[str, str]:
        """Biases that nothing depends on, as what takes them ignores shifts: their gradient is 0.

        Each with a parameter of the same node, by whose gradient it is told how much 0 is.
        """
        found: dict[str, str] = {}
        for node in self.nodes:
            takers = self.consumers[node.name]
            function = node.layer.function
            own = node.layer.vanishing(*self.shapes_into(node))
            found |= {f"{node.name}/{name}": f"{node.name}/{own[name]}" for name in own}
            ignored = (
                taker.layer.ignores_shifts(index)
                for taker in takers
                for index, source in enumerate(taker.inputs)
                if source == node.name
            )
            if not takers or not all(ignored):
                continue
            if function is None or function.name != "linear":
                continue  # what it gives is no z + b
            roles = {
                n.partition("/")[2]: (n, each.role)
                for n, each in self.parameters.items()
                if n.startswith(f"{node.name}/")
            }
            kernel = next((name for name, role in roles.values() if role == "kernel"), None)
            for name, role in roles.values():
                if role == "bias" and kernel and not self.penalty_on(name).orders():
                    found[name] = kernel
        used = [use.parameter for uses in self.uses.values() for use in uses.values()]
        return {
            name: other
            for name, other in found.items()
            if used.count(name) == 1 and not self.penalty_on(name).orders()
        }

    @cached_property
    def least_samples(self) -> int:
        """How many samples a batch needs."""
        return max(node.layer.least_samples(*self.shapes_into(node)) for node in self.nodes)

    def shapes(self) -> dict[str, Shape]:
        """The shape of every parameter, by name, in the order of computation."""
        return {name: parameter.shape for name, parameter in self.parameters.items()}

    def parameter_counts(self) -> dict[str, int]:
        """The number of parameters of each node that has some, by its name."""
        counts: dict[str, int] = {}
        for name, parameter in self.parameters.items():
            node = name.partition("/")[0]
            counts[node] = counts.get(node, 0) + parameter.size
        return counts

    def penalty_on(self, name: str) -> Penalty:
        """The penalty on a parameter, by its full name; one of nothing where there is none."""
        if isinstance(self.penalty, Penalty):
            penalty = self.penalty
        else:
            penalty = dict(self.penalty).get(name.partition("/")[0], NONE)
        return penalty if penalty.covers(self.parameters[name]) else NONE

    @property
    def penalties(self) -> tuple[Penalty, ...]:
        """The different penalties there are."""
        found = dict.fromkeys(self.penalty_on(name) for name in self.parameters)
        return tuple(penalty for penalty in found if penalty.orders())

    @property
    def output_above(self) -> float:
        """The output above which a unit says yes, where that decides."""
        return THRESHOLDS[str(self.decision)]

    @property
    def yes_above(self) -> float:
        """The target above which a row says yes: of logits, targets are probabilities still."""
        no, yes = self.loss_function.LABELS or (
            (0.0, 0.0) if self.decision == "sign" else (0.0, 1.0)
        )
        return (no + yes) / 2

    @property
    def products(self) -> int:
        """How many products the forward pass of one sample takes."""
        return sum(node.layer.products(*self.shapes_into(node)) for node in self.nodes)

    @property
    def loss_of(self) -> Literal["fused", "logits", "outputs"]:
        """What the loss is taken of.

        "fused": of the pre-activations, together with the last function (softmax, sigmoid).
        "logits": of raw outputs, to which the loss applies that function itself. "outputs": of the
        outputs as they are.
        """
        wanted, function = self.loss.function.ACTIVATION, self.last.layer.function
        if wanted is None:
            return "outputs"
        if function is None or function.name == "linear":
            return "logits"
        return "fused" if function.name == wanted else "outputs"

    @property
    def loss_function(self) -> LossFunction:
        """The loss as it is taken here: of the logits, or of the outputs."""
        loss = self.loss.function
        if loss.ACTIVATION is None or self.loss_of != "outputs":
            return loss
        of_outputs = loss.of_outputs()
        if of_outputs is None:
            assert self.last.layer.function is not None
            raise UsageError(
                f"loss {loss.name!r} goes with {loss.ACTIVATION!r} in the last layer, which has "
                f"{self.last.layer.function.name!r}: change one of them"
            )
        return of_outputs

    @property
    def functions(self) -> frozenset[str]:
        """The names of its activations and of its loss."""
        applied = (f.name for node in self.nodes for f in node.layer.functions)
        return frozenset((*applied, self.loss.kind))

    def _repr_html_(self) -> str:
        """What a notebook shows: its nodes with shapes and counts, and the derivation, folded."""
        counts, own = self.parameter_counts(), self.shapes()
        rows = [
            (
                node.name,
                node.layer.summary(),
                ", ".join(f"{name} {self.output_shapes[name]}" for name in node.inputs),
                str(self.output_shapes[node.name]),
                ", ".join(
                    f"{name.partition('/')[2]} {shape}"
                    for name, shape in own.items()
                    if name.partition("/")[0] == node.name
                ),
                counts.get(node.name, 0),
            )
            for node in self.nodes
        ]
        penalties = [f"{k} {getattr(p, k):g}" for p in self.penalties for k in p.orders()]
        below = ", ".join([f"Loss: {self.loss.kind}", *penalties])
        total = f"{sum(counts.values()):,} parameters"
        columns = ("node", "layer", "takes", "gives", "parameters", "count")
        shown = table(columns, rows, f"{below}. {total}. Shapes are those of one sample.")
        return f"{shown}\n{importlib.import_module(DERIVATION).fragment(self)}"

    def to_json(self) -> dict[str, Any]:
        """A JSON object that `from_json` turns back into this network.

        A chain of plain layers is a list of them, as ever; anything else a list of nodes.
        """
        plain = all(isinstance(part, Layer) for part in self.layers)
        described: dict[str, Any] = (
            {"layers": [kinds.to_json(part) for part in self.layers if isinstance(part, Layer)]}
            if plain
            else {"nodes": [node.to_json() for node in self.nodes]}
        )
        described["loss"] = self.loss.to_json()
        described["penalty"] = (
            self.penalty.to_json()
            if isinstance(self.penalty, Penalty)
            else {"nodes": {name: penalty.to_json() for name, penalty in self.penalty}}
        )
        described["decision"] = self.decision
        if self.inputs is not None:
            described["inputs"] = list(self.inputs)
        if self.input_gradient:
            described["input_gradient"] = True
        return described

    @classmethod
    def from_json(cls, described: Mapping[str, Any]) -> Network:
        """The network that `to_json` described."""
        parts: Iterator[Layer | Node] = (
            map(Node.from_json, described["nodes"])
            if "nodes" in described
            else map(kinds.from_json, described["layers"])
        )
        penalty = described["penalty"]
        inputs = described.get("inputs")
        return cls(
            layers=tuple(parts),
            loss=Loss.from_json(described["loss"]),
            penalty={name: Penalty(**each) for name, each in penalty["nodes"].items()}
            if "nodes" in penalty
            else Penalty(**penalty),
            decision=described["decision"],
            inputs=None if inputs is None else tuple(inputs),
            input_gradient=described.get("input_gradient", False),
        )
