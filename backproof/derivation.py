"""The hand derivation of a network's gradients, as Markdown with LaTeX."""

from __future__ import annotations

import re
from collections.abc import Iterator

from backproof import losses
from backproof.network import Dense, Network
from backproof.optimizers import Optimizer

# A symbol of a formula that gets its layer's number: Z and A, where no letter stands beside them.
SYMBOL = re.compile(r"(?<![A-Za-z\\])([ZA])(?![A-Za-z_])")


def derived(network: Network, name: str = "network", optimizer: Optimizer | None = None) -> str:
    """Layers and parameter count, forward pass, loss, gradients, and one step of the optimizer."""
    sections = [
        f"# {name}",
        layers_table(network),
        f"Inputs X (n, {network.fan_in}), targets Y (n, {network.fan_out}), n samples; ⊙ "
        "multiplies element by element, [c] is 1 where c holds and else 0, and **1** is a column "
        "of n ones.",
        "## Forward",
        *map(displayed, forward(network)),
        "## Loss",
        *loss_of(network),
        "## Backward",
        "With Δ for the derivative of the loss by Z of a layer, from the last to the first:",
        *map(displayed, deltas(network)),
        "## Gradients",
        *map(displayed, gradients(network)),
    ]
    if optimizer is not None:
        sections += ["## One step", f"{type(optimizer).__name__}, for each parameter W:"]
        sections += [displayed(line) for line in optimizer.latex()]
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


def factor(network: Network) -> str:
    """What the sum of all elements of the loss is multiplied by: scale and divisors."""
    loss = network.loss
    divisors = ["n"] if loss.batch == "mean" else []
    if loss.outputs == "mean" and not losses.named(loss.kind).BY_ROW and network.fan_out > 1:
        divisors.append(str(network.fan_out))
    scale = "" if loss.scale == 1 else f"{loss.scale:g}"
    if not divisors:
        return f"{scale}\\," if scale else ""
    below = r"\,".join(divisors)
    return rf"\frac{{{scale or 1}}}{{{below}}} "


def penalised(network: Network) -> list[str]:
    """The parameters that a penalty is on, as symbols."""
    names = []
    for index, layer in enumerate(network.layers, start=1):
        names.append(f"W_{{{index}}}")
        if layer.bias and network.penalty.biases:
            names.append(f"b_{{{index}}}")
    return names


def loss_of(network: Network) -> Iterator[str]:
    """The loss with its element, and its penalties."""
    head, last = losses.named(network.loss.kind), len(network.layers)
    element, _ = head.latex()
    over = r"\sum_{s}" if head.BY_ROW else r"\sum_{s,k}"
    terms = [rf"{factor(network)}{over} \ell"]
    for amount, power in ((network.penalty.l2, "square"), (network.penalty.l1, "size")):
        if amount:
            sums = " + ".join(
                rf"\sum {w}^2" if power == "square" else rf"\sum |{w}|" for w in penalised(network)
            )
            terms.append(rf"{amount:g} \left( {sums} \right)")
    yield displayed(rf"L = {' + '.join(terms)}")
    yield "over the samples s" + ("" if head.BY_ROW else " and the outputs k") + ", where"
    yield displayed(rf"\ell = {numbered(element, last)}")


def deltas(network: Network) -> Iterator[str]:
    """Δ of each layer, from last to first."""
    head, last = losses.named(network.loss.kind), len(network.layers)
    _, slope = head.latex()
    arriving = rf"{factor(network)}({numbered(slope, last)})".replace(r" (", "(")
    output = network.layers[-1]
    if head.ACTIVATION is not None:
        yield rf"\Delta_{{{last}}} = {arriving}"
    else:
        yield rf"\Delta_{{{last}}} = {pulled(output, last, arriving)}"
    for index in range(last - 1, 0, -1):
        back = rf"\Delta_{{{index + 1}}} W_{{{index + 1}}}^\top"
        layer = network.layers[index - 1]
        linear = layer.activation.name == "linear"
        yield rf"\Delta_{{{index}}} = {pulled(layer, index, back if linear else f'({back})')}"


def pulled(layer: Dense, index: int, arriving: str) -> str:
    """What arrives at an activation, taken back to its pre-activation."""
    _, slope = layer.activation.latex()
    if layer.activation.name == "softmax":  # each output depends on every pre-activation
        a = f"A_{{{index}}}"
        return (
            rf"{a} \odot \left( G - (G \odot {a})\, \mathbf{{1}}_k \mathbf{{1}}_k^\top \right), "
            rf"\qquad G = {arriving}"
        )
    if slope == "1":
        return arriving
    told = numbered(slope, index)
    return (
        rf"{arriving} \odot {told if told.startswith('[') and told.endswith(']') else f'({told})'}"
    )


def gradients(network: Network) -> Iterator[str]:
    """By every kernel and bias."""
    for index, layer in enumerate(network.layers, start=1):
        delta = rf"\Delta_{{{index}}}"
        own = rf"{below(index)}^\top {delta}{penalty_of(network, f'W_{{{index}}}')}"
        yield rf"\frac{{\partial L}}{{\partial W_{{{index}}}}} = {own}"
        if layer.bias:
            total = (
                rf"\sum_{{s,k}} {delta}"
                if layer.bias == "scalar"
                else rf"\mathbf{{1}}^\top {delta}"
            )
            extra = penalty_of(network, f"b_{{{index}}}") if network.penalty.biases else ""
            yield rf"\frac{{\partial L}}{{\partial b_{{{index}}}}} = {total}{extra}"


def penalty_of(network: Network, symbol: str) -> str:
    """The gradient of the penalties by one parameter."""
    l2, l1 = network.penalty.l2, network.penalty.l1
    told = rf" + {2 * l2:g}\, {symbol}" if l2 else ""
    return told + (rf" + {l1:g}\, \mathrm{{sign}}\, {symbol}" if l1 else "")
