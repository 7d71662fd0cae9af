"""The hand derivation of a network's gradients, as Markdown with LaTeX."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from functools import cached_property

from backproof.mathematics.latex import decimal, numbered, shown, times
from backproof.mathematics.layers.layer import Formulas, Symbols
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.node import INPUTS, Node
from backproof.mathematics.network.penalty import Penalty
from backproof.mathematics.optimizers import Optimizer

# A sum of squares or of sizes, over all elements of a parameter.
NORMS = {"l2": r"\sum %s^2", "l1": r"\sum |%s|"}
LETTERS = {"kernel": "W", "bias": "b", "scale": r"\gamma", "table": "E"}


def derived(network: Network, name: str = "network", optimizer: Optimizer | None = None) -> str:
    """Layers and parameter count, forward pass, loss, gradients, and one step of the optimizer."""
    by_node = Derivation(network)
    sections = [
        f"# {name}",
        layers_table(network),
        f"Inputs X {shape(network.input_shape)} and targets Y {shape(network.output_shape)}, n "
        "samples. "
        "Beside the products of matrices, ⊙ multiplies element by element; functions, quotients "
        "and powers are taken so too. [c] is 1 where c holds, else 0; **1** is a column of ones, "
        "as many as fit; Σ goes over all elements.",
        "## Forward",
        *(displayed(by_node.formulas(node).forward) for node in network.nodes),
        "## Loss",
        *by_node.loss(),
        "## Backward",
        *by_node.backward(),
        "## Gradients",
        *map(displayed, by_node.gradients()),
    ]
    if optimizer is not None:
        sections += ["## One step", step_of(optimizer), *map(displayed, optimizer.latex())]
    return "\n\n".join(sections) + "\n"


def displayed(formula: str) -> str:
    """A formula on a line of its own."""
    return f"$$\n{formula}\n$$"


def shape(of_one: tuple[int, ...]) -> str:
    """The shape of n samples."""
    return f"({', '.join(['n', *map(str, of_one)])})"


def layers_table(network: Network) -> str:
    """One row a node, and the total."""
    counts = network.parameter_counts()
    rows = ["| layer | kernel | bias | activation | parameters |", "|---|---|---|---|---:|"]
    for node in network.nodes:
        own = node.layer.parameters(*network.shapes_into(node))
        by_role = {parameter.role: str(parameter.shape) for parameter in own.values()}
        function = node.layer.function
        rows.append(
            f"| {node.name} | {by_role.get('kernel', 'none')} | {by_role.get('bias', 'none')} | "
            f"{'' if function is None else function.name} | {counts.get(node.name, 0)} |"
        )
    rows.append(f"| total | | | | {sum(counts.values())} |")
    return "\n".join(rows)


def coefficient(network: Network) -> str:
    """What the sum of all elements of the loss is multiplied by: scale and divisors."""
    loss = network.loss
    positions = network.rows(1)
    counts = {"samples": "n", "valid": r"|\{\text{rows not ignored}\}|", "sum": ""}
    counted = counts.get(loss.batch, f"{positions} n" if positions > 1 else "n")
    divisors = [counted] if counted else []
    if loss.outputs == "mean" and not network.loss_function.BY_ROW and network.outputs > 1:
        divisors.insert(0, str(network.outputs))
    if not divisors:
        return times(loss.scale)
    divisor = r"\, ".join(divisors)
    return rf"\frac{{{shown(loss.scale)}}}{{{divisor}}} "


class Derivation:
    """The formulas of every node of a network, with what arrives at each."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.numbers = {node.name: index for index, node in enumerate(network.nodes, start=1)}

    def output(self, name: str) -> str:
        """What a node gives."""
        return "X" if name == INPUTS else f"A_{{{self.numbers[name]}}}"

    def symbol(self, parameter: str) -> str:
        """A parameter, by its role and its node; by its own name where a role has several."""
        node, _, own = parameter.partition("/")
        role = self.network.parameters[parameter].role
        alike = [
            name
            for name, each in self.network.parameters.items()
            if name.startswith(f"{node}/") and each.role == role
        ]
        number = self.numbers[node]
        mark = str(number) if len(alike) == 1 else rf"{number},\mathrm{{{own}}}"
        return f"{LETTERS[role]}_{{{mark}}}"

    def used(self, node: Node) -> dict[str, str]:
        """The parameters of a node as symbols, by its own names."""
        return {
            own: self.symbol(use.parameter) + (r"^\top" if use.transposed else "")
            for own, use in self.network.uses[node.name].items()
        }

    def formulas(self, node: Node, arriving: str = "") -> Formulas:
        """A node's formulas, given what arrives at its output."""
        network = self.network
        return node.layer.latex(
            Symbols(
                inputs=tuple(map(self.output, node.inputs)),
                number=self.numbers[node.name],
                parameters=self.used(node),
                arriving=arriving or self.arriving[node.name],
                by_preactivation=node is network.last and network.loss_of == "fused",
            )
        )

    @cached_property
    def arriving(self) -> dict[str, str]:
        """What arrives at each node's output: the sum over the nodes that take it."""
        network = self.network
        _, slope, _ = network.loss_function.latex()
        last = self.numbers[network.last.name]
        found = {
            network.last.name: rf"{coefficient(network).rstrip()}({self.of_loss(slope, last)})"
        }
        terms: dict[str, list[str]] = {}
        for node in reversed(network.nodes):
            if node is not network.last:
                given = terms[node.name]
                joined = " + ".join(given)
                found[node.name] = joined if len(given) == 1 else f"({joined})"
            cotangents = self.formulas(node, found[node.name]).cotangents
            for source, cotangent in zip(node.inputs, cotangents, strict=True):
                terms.setdefault(source, []).append(cotangent)
        return found

    def of_loss(self, formula: str, last: int) -> str:
        """Z and A of the loss as those of the last node: of logits, Z is what it gives."""
        told = numbered(formula, last)
        if self.network.loss_of != "logits":
            return told
        z, a = rf"A_{{{last}}}", rf"\hat{{A}}_{{{last}}}"
        return told.replace(f"A_{{{last}}}", a).replace(f"Z_{{{last}}}", z)

    def loss(self) -> Iterator[str]:
        """The loss and its element, with its penalties."""
        network = self.network
        element, _, _ = network.loss_function.latex()
        terms = [rf"{coefficient(network)}\sum \ell"]
        for penalty in network.penalties:
            names = [n for n in network.parameters if network.penalty_on(n) == penalty]
            for kind in penalty.orders():
                sums = " + ".join(NORMS[kind] % self.symbol(name) for name in names)
                terms.append(rf"{amount(penalty, kind)}\left( {sums} \right)")
        last = self.numbers[network.last.name]
        yield displayed(rf"\ell = {self.of_loss(element, last)}")
        yield displayed(rf"L = {' + '.join(terms)}")

    def backward(self) -> Iterator[str]:
        """Δ of each layer, from last to first, and why the last is as plain as it is."""
        yield "With Δ for the derivative of the loss by Z of a layer, from the last to the first:"
        network, last = self.network, self.numbers[self.network.last.name]
        _, _, why = network.loss_function.latex()
        if why and network.loss_of == "fused":
            yield (
                "The last activation cancels against the loss: the derivative of ℓ by "
                f"$Z_{{{last}}}$ is ${numbered(why, last)}$."
            )
        deltas = (self.formulas(node).delta for node in reversed(network.nodes))
        yield from (displayed(delta) for delta in deltas if delta)

    def gradients(self) -> Iterator[str]:
        """By every parameter: the sum over the nodes that use it, and its penalties."""
        network = self.network
        parts: dict[str, list[str]] = {}
        for node in network.nodes:
            given = self.formulas(node).gradients
            for own, use in network.uses[node.name].items():
                told = rf"({given[own]})^\top" if use.transposed else given[own]
                parts.setdefault(use.parameter, []).append(told)
        for name in network.parameters:
            symbol = self.symbol(name)
            extra = by_penalty(network.penalty_on(name), symbol)
            total = " + ".join(parts[name])
            yield rf"\frac{{\partial L}}{{\partial {symbol}}} = {total}{extra}"


def amount(penalty: Penalty, kind: str) -> str:
    """The coefficient of a penalty, by its divisor."""
    coefficient = getattr(penalty, kind)
    if penalty.batch == "mean":
        return rf"\frac{{{shown(coefficient)}}}{{n}} "
    return times(coefficient)


def by_penalty(penalty: Penalty, symbol: str) -> str:
    """The gradient of the penalties by one parameter."""

    def part(c: float | Decimal) -> str:
        return rf"\frac{{{shown(c)}}}{{n}} " if penalty.batch == "mean" else times(c)

    told = rf" + {part(Decimal(2) * decimal(penalty.l2))}{symbol}" if penalty.l2 else ""
    return told + (rf" + {part(penalty.l1)}\mathrm{{sign}}\, {symbol}" if penalty.l1 else "")


def step_of(optimizer: Optimizer) -> str:
    """What is to be known of the formulas of a step."""
    said = f"{type(optimizer).__name__}, for each parameter W"
    if optimizer.SLOTS:
        said += "; what is kept from step to step is 0 before the first"
    if optimizer.COUNTS:
        said += ", and t counts the steps from 1"
    return said + ":"
