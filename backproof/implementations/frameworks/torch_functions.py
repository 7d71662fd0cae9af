"""PyTorch's activations for the twins, and the functions that are calibrated."""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
import torch.nn.functional as F

from backproof.implementations.protocol import Tensors
from backproof.mathematics import functions, losses
from backproof.mathematics.functions import Activation
from backproof.mathematics.layers.port import as_module

MODES = ("eager",)
# The arrays that a function of `apply` may take, in this order.
ARGUMENTS = ("x", "kernel", "bias", "targets")
FUNCTIONS: dict[str, Any] = {
    "exp": torch.exp,
    "log": torch.log,
    "sqrt": torch.sqrt,
    "log1p": torch.log1p,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "expm1": torch.expm1,
    "erf": torch.erf,
    "erfc": torch.erfc,
    "log1pexp": lambda z: F.softplus(z, threshold=40),
    "gelu": F.gelu,
    "gelu_tanh": lambda z: F.gelu(z, approximate="tanh"),
    # As the binary cross-entropy has it; F.softplus is cut off at 20 and loses half its digits.
    "softplus": lambda z: F.binary_cross_entropy_with_logits(
        z, torch.zeros_like(z), reduction="none"
    ),
    "softmax": lambda z: torch.softmax(z, dim=1),
}

# `affine` is nn.Linear, which keeps a kernel as (fan_out, fan_in).
SUMS: dict[str, Any] = {
    "product": torch.mul,
    "affine": lambda x, kernel, bias: F.linear(x, kernel.T.contiguous(), bias),
    "sum": torch.sum,
    "column_sum": lambda x: x.sum(dim=0),
    "row_sum": lambda x: x.sum(dim=1),
    "mean": torch.mean,
}


def activation(described: Activation) -> Any:
    """An activation as its file has it for PyTorch, as a module."""
    return as_module(functions.twin(described, "torch"))


@cache
def last_activation(name: str | None) -> Any:
    """The activation that a module leaves to its loss: of its outputs."""
    return activation(functions.named(name or "linear"))


def apply(function: str | Activation, mode: str, given: Tensors, dtype: str) -> Tensors:
    """A function and its gradients, for `backproof calibrate`."""
    held = {name: torch.tensor(array).to(getattr(torch, dtype)) for name, array in given.items()}
    arguments = {name: held[name] for name in ARGUMENTS if name in held}
    pulled = [name for name in arguments if name != "targets" and "cotangent" in given]
    for name in pulled:
        arguments[name].requires_grad_()
    if not isinstance(function, str):
        compute = activation(function)
    elif function in FUNCTIONS | SUMS:
        compute = (FUNCTIONS | SUMS)[function]
    else:
        compute = losses.twin(losses.named(function), "torch")
    y = compute(*arguments.values())
    results = {"y": y}
    if pulled:
        y.backward(held["cotangent"].reshape(y.shape))
        results |= {f"gradient/{name}": arguments[name].grad for name in pulled}
    wide = torch.tensor(given["x"]).dtype
    return {name: value.detach().to(wide).numpy() for name, value in results.items()}
