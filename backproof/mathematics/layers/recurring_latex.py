"""Formulas of the recurrent cells, for `backproof explain`."""

from __future__ import annotations

from typing import Any

from backproof.mathematics.layers.layer import Formulas, Symbols


def of_simple(layer: Any, symbols: Symbols) -> Formulas:
    """h_t = f(z_t)."""
    name = layer.activation.name
    summed = affine(symbols, "H_{t-1}")
    forward = rf"H_t = f(Z_t), \quad Z_t = {summed}, \quad f = \text{{{name}}}"
    delta = r"\bar{Z}_t = \bar{H}_t \odot f'(Z_t)"
    return formulas(layer, symbols, forward, delta, r"\bar{Z}_t " + turned(symbols))


def of_lstm(layer: Any, symbols: Symbols) -> Formulas:
    """Gates, cell and state."""
    letters = ", ".join(each.upper() for each in layer.order)
    forward = (
        rf"[{letters}] = [\sigma, \tanh](Z_t), \quad Z_t = {affine(symbols, 'H_{t-1}')}, \quad "
        r"C_t = F \odot C_{t-1} + I \odot G, \quad H_t = O \odot \tanh(C_t)"
    )
    delta = (
        r"\bar{C}_t = \bar{H}_t \odot O \odot (1 - \tanh^2(C_t)) + F_{t+1} \odot \bar{C}_{t+1}, "
        r"\quad \bar{Z}_t = [\bar{C}_t \odot G \odot I (1 - I), \bar{C}_t \odot C_{t-1} \odot "
        r"F (1 - F), \bar{C}_t \odot I \odot (1 - G^2), \bar{H}_t \odot \tanh(C_t) \odot O (1 - O)]"
    )
    return formulas(layer, symbols, forward, delta, r"\bar{Z}_t " + turned(symbols))


def of_gru(layer: Any, symbols: Symbols) -> Formulas:
    """Gates, what is new, and the state."""
    after = layer.reset == "after"
    x, w, u = (
        incoming(symbols),
        symbols.parameters["kernel"],
        symbols.parameters["recurrent_kernel"],
    )
    inner = rf"R \odot (H_{{t-1}} {u})" if after else rf"(R \odot H_{{t-1}}) {u}"
    forward = (
        rf"[Z, R] = \sigma({affine(symbols, 'H_{t-1}')}), \quad N = \tanh({x} {w} + {inner}), "
        r"\quad H_t = Z \odot H_{t-1} + (1 - Z) \odot N"
    )
    delta = (
        r"\bar{N} = \bar{H}_t \odot (1 - Z) \odot (1 - N^2), \quad \bar{Z} = \bar{H}_t \odot "
        r"(H_{t-1} - N) \odot Z (1 - Z), \quad \bar{Z}_t = [\bar{Z}, \bar{R}, \bar{N}]"
    )
    carried = r"\bar{H}_t \odot Z + [\bar{Z}, \bar{R}, R \odot \bar{N}] " + turned(symbols)
    reset = r"[\bar{Z}, \bar{R}, R \odot \bar{N}]" if after else r"\bar{Z}_t"
    return formulas(layer, symbols, forward, delta, carried, reset)


def affine(symbols: Symbols, state: str) -> str:
    """x W + h U, and the biases."""
    named = symbols.parameters
    biases = "".join(f" + {named[b]}" for b in ("bias", "recurrent_bias") if b in named)
    return f"{incoming(symbols)} {named['kernel']} + {state} {named['recurrent_kernel']}{biases}"


def incoming(symbols: Symbols) -> str:
    """What comes in at a step."""
    x = symbols.inputs[0]
    return f"({x})_t" if "_" in x else f"{x}_t"


def turned(symbols: Symbols) -> str:
    """The recurrent kernel's transpose."""
    return rf"{symbols.parameters['recurrent_kernel']}^\top"


def formulas(
    layer: Any,
    symbols: Symbols,
    forward: str,
    delta: str,
    carried: str,
    recurrent: str = r"\bar{Z}_t",
) -> Formulas:
    """All of a cell: what goes from step to step is written out."""
    i, x, named, g = symbols.number, incoming(symbols), symbols.parameters, symbols.arriving
    given = rf", \qquad A_{{{i}}} = " + ("[H_t]_t" if layer.sequences else "H_T")
    at_step = rf"[{g}]_{{t-1}} + " if layer.sequences else ""
    state = rf"\bar{{H}}_{{t-1}} = {at_step}{carried}"
    if not layer.sequences:
        state = rf"\bar{{H}}_T = {g}, \quad {state}"
    back = rf"\left({delta}, \quad {state}\right)"
    gradients = {
        "kernel": rf"\sum_{{n, t}} {x}^\top \bar{{Z}}_t",
        "recurrent_kernel": rf"\sum_{{n, t}} H_{{t-1}}^\top {recurrent}",
        "bias": r"\sum_{n, t} \bar{Z}_t",
        "recurrent_bias": rf"\sum_{{n, t}} {recurrent}",
    }
    kernel = named["kernel"]
    inputs_back = rf"[\bar{{Z}}_t {kernel}^\top]_t \quad \text{{where}} \quad {back}"
    states = [r"\bar{H}_0", r"\bar{C}_0"][: len(symbols.inputs) - 1]
    return Formulas(
        forward=forward + given,
        delta="",
        cotangents=(inputs_back, *states),
        gradients={name: each for name, each in gradients.items() if name in named},
    )
