"""The hand derivation of a network's gradients, as Markdown with LaTeX."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

from backproof.mathematics import losses
from backproof.mathematics.latex import decimal, shown, times
from backproof.mathematics.network.network import Dense, Network
from backproof.mathematics.optimizers import Optimizer

# A symbol of a formula that gets its layer's number: Z and A, where no letter stands beside them.
SYMBOL = re.compile(r"(?<![A-Za-z\\])([ZA])(?![A-Za-z_])")
# A sum of squares or of sizes, over all elements of a parameter.
NORMS = {"l2": r"\sum %s^2", "l1": r"\sum |%s|"}


def derived(network: Network, name: str = "network", optimizer: Optimizer | None = None) -> str:
    """Layers and parameter count, forward pass, loss, gradients, and one step of the optimizer."""
    sections = [
        f"# {name}",
        layers_table(network),
        f"Inputs X (n, {network.fan_in}) and targets Y (n, {network.fan_out}), n samples. "
        "Beside the products of matrices, ⊙ multiplies element by element; functions, quotients "
        "and powers are taken so too. [c] is 1 where c holds, else 0; **1** is a column of ones, "
        "as many as fit; Σ goes over all elements.",
        "## Forward",
        *map(displayed, forward(network)),
        "## Loss",
        *loss_of(network),
        "## Backward",
        *backward(network),
        "## Gradients",
        *map(displayed, gradients(network)),
    ]
    if optimizer is not None:
        sections += ["## One step", step_of(optimizer), *map(displayed, optimizer.latex())]
    return "\n\n".join(sections) + "\n"


def displayed(formula: str) -> str:
    """A formula on a line of its own."""
    return f"$$\n{formula}\n$$"


def layers_table(network: Network) -> str:
    """One row a layer, and the total."""
    counts = network.parameter_counts()
    rows = ["| layer | kernel | bias | activation | parameters |", "|---|---|---|---|---:|"]
    for name, layer in network.named_layers():
        bias = f"({layer.biases},)" if layer.bias else "none"
        rows.append(
            f"| {name} | ({layer.fan_in}, {layer.fan_out}) | {bias} | {layer.activation.name} | "
            f"{counts[name]} |"
        )
    rows.append(f"| total | | | | {sum(counts.values())} |")
    return "\n".join(rows)


def numbered(formula: str, index: int) -> str:
    """Z and A of a formula as those of a layer."""
    return SYMBOL.sub(rf"\1_{{{index}}}", formula)


def below(index: int) -> str:
    """What comes into a layer."""
    return f"A_{{{index - 1}}}" if index > 1 else "X"


def forward(network: Network) -> Iterator[str]:
    """Pre-activation and activation of each layer."""
    for index, layer in enumerate(network.layers, start=1):
        bias = {True: rf" + \mathbf{{1}}\, b_{{{index}}}", False: "", "scalar": f" + b_{{{index}}}"}
        value, _ = layer.activation.latex()
        yield (
            rf"Z_{{{index}}} = {below(index)} W_{{{index}}}{bias[layer.bias]}, \qquad "
            rf"A_{{{index}}} = {numbered(value, index)}"
        )


def coefficient(network: Network) -> str:
    """What the sum of all elements of the loss is multiplied by: scale and divisors."""
    loss = network.loss
    divisors = ["n"] if loss.batch == "mean" else []
    if loss.outputs == "mean" and not losses.named(loss.kind).BY_ROW and network.fan_out > 1:
        divisors.insert(0, str(network.fan_out))
    if not divisors:
        return times(loss.scale)
    divisor = r"\, ".join(divisors)
    return rf"\frac{{{shown(loss.scale)}}}{{{divisor}}} "


def penalised(network: Network) -> Iterator[str]:
    """The parameters that a penalty is on, as symbols."""
    for index, layer in enumerate(network.layers, start=1):
        yield f"W_{{{index}}}"
        if layer.bias and network.penalty.biases:
            yield f"b_{{{index}}}"


def loss_of(network: Network) -> Iterator[str]:
    """The loss and its element, with its penalties."""
    element, _, _ = losses.named(network.loss.kind).latex()
    terms = [rf"{coefficient(network)}\sum \ell"]
    for kind, norm in NORMS.items():
        amount = getattr(network.penalty, kind)
        if amount:
            sums = " + ".join(norm % symbol for symbol in penalised(network))
            terms.append(rf"{times(amount)}\left( {sums} \right)")
    yield displayed(rf"\ell = {numbered(element, len(network.layers))}")
    yield displayed(rf"L = {' + '.join(terms)}")


def backward(network: Network) -> Iterator[str]:
    """Δ of each layer, from last to first, and why the last is as plain as it is."""
    yield "With Δ for the derivative of the loss by Z of a layer, from the last to the first:"
    _, _, why = losses.named(network.loss.kind).latex()
    if why:
        yield (
            "The last activation cancels against the loss: the derivative of ℓ by "
            f"$Z_{{{len(network.layers)}}}$ is ${numbered(why, len(network.layers))}$."
        )
    yield from map(displayed, deltas(network))


def deltas(network: Network) -> Iterator[str]:
    """Δ of each layer, from last to first."""
    head, last = losses.named(network.loss.kind), len(network.layers)
    _, slope, _ = head.latex()
    arriving = rf"{coefficient(network).rstrip()}({numbered(slope, last)})"
    yield pulled(network.layers[-1], last, arriving, taken_back=head.ACTIVATION is None)
    for index in range(last - 1, 0, -1):
        back = rf"(\Delta_{{{index + 1}}} W_{{{index + 1}}}^\top)"
        yield pulled(network.layers[index - 1], index, back)


def pulled(layer: Dense, index: int, arriving: str, *, taken_back: bool = True) -> str:
    """Δ of a layer, from what arrives at its activation."""
    delta = rf"\Delta_{{{index}}}"
    _, slope = layer.activation.latex()
    if not taken_back or slope == "1":
        return f"{delta} = {arriving}"
    if whole := layer.activation.latex_vjp():
        return rf"G = {arriving}, \qquad {delta} = {numbered(whole, index)}"
    told = numbered(slope, index)
    closed = told.startswith("[") and told.count("[") == 1
    return rf"{delta} = {arriving} \odot {told if closed else f'({told})'}"


def gradients(network: Network) -> Iterator[str]:
    """By every kernel and bias."""
    for index, layer in enumerate(network.layers, start=1):
        delta = rf"\Delta_{{{index}}}"
        kernel, bias = f"W_{{{index}}}", f"b_{{{index}}}"
        by_kernel = rf"{below(index)}^\top {delta}{by_penalty(network, kernel)}"
        yield rf"\frac{{\partial L}}{{\partial {kernel}}} = {by_kernel}"
        if layer.bias:
            total = rf"\sum {delta}" if layer.bias == "scalar" else rf"\mathbf{{1}}^\top {delta}"
            extra = by_penalty(network, bias) if network.penalty.biases else ""
            yield rf"\frac{{\partial L}}{{\partial {bias}}} = {total}{extra}"


def by_penalty(network: Network, symbol: str) -> str:
    """The gradient of the penalties by one parameter."""
    l2, l1 = network.penalty.l2, network.penalty.l1
    told = rf" + {times(Decimal(2) * decimal(l2))}{symbol}" if l2 else ""
    return told + (rf" + {times(l1)}\mathrm{{sign}}\, {symbol}" if l1 else "")


def step_of(optimizer: Optimizer) -> str:
    """What is to be known of the formulas of a step."""
    said = f"{type(optimizer).__name__}, for each parameter W"
    if optimizer.SLOTS:
        said += "; what is kept from step to step is 0 before the first"
    if optimizer.COUNTS:
        said += ", and t counts the steps from 1"
    return said + ":"
