"""PyTorch's activations and losses for the twins, and the functions that are calibrated."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from backproof.implementations.frameworks import twin_of
from backproof.implementations.protocol import Tensors
from backproof.mathematics import functions
from backproof.mathematics.functions import Activation

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

# `dense` is nn.Linear, which keeps a kernel as (fan_out, fan_in).
SUMS: dict[str, Any] = {
    "product": torch.mul,
    "dense": lambda x, kernel, bias: F.linear(x, kernel.T.contiguous(), bias),
    "sum": torch.sum,
    "column_sum": lambda x: x.sum(dim=0),
    "row_sum": lambda x: x.sum(dim=1),
    "mean": torch.mean,
}
LOSSES: dict[str, Any] = {
    "binary_cross_entropy": partial(F.binary_cross_entropy_with_logits, reduction="none"),
    "categorical_cross_entropy": partial(F.cross_entropy, reduction="none"),
    "hinge": lambda a, y: torch.clamp(1 - y * a, min=0),
    "squared_error": partial(F.mse_loss, reduction="none"),
}


def activation(described: Activation) -> Any:
    """An activation as its file has it for PyTorch, as a module."""
    made = twin_of("activation", described, "torch")()
    return made if isinstance(made, nn.Module) else Applied(made)


@cache
def last_activation(name: str | None) -> Any:
    """The activation that a module leaves to its loss: of its outputs."""
    return activation(functions.named(name or "linear"))


class Applied(nn.Module):  # type: ignore[misc]  # PyTorch is Any here
    """A function as a module."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, z: Any) -> Any:
        return self.function(z)


def apply(function: str | Activation, mode: str, given: Tensors, dtype: str) -> Tensors:
    """A function and its gradients, for `backproof calibrate`."""
    held = {name: torch.tensor(array).to(getattr(torch, dtype)) for name, array in given.items()}
    arguments = {name: held[name] for name in ARGUMENTS if name in held}
    pulled = [name for name in arguments if name != "targets" and "cotangent" in given]
    for name in pulled:
        arguments[name].requires_grad_()
    if isinstance(function, str):
        compute = (FUNCTIONS | SUMS | LOSSES)[function]
    else:
        compute = activation(function)
    y = compute(*arguments.values())
    results = {"y": y}
    if pulled:
        y.backward(held["cotangent"].reshape(y.shape))
        results |= {f"gradient/{name}": arguments[name].grad for name in pulled}
    wide = torch.tensor(given["x"]).dtype
    return {name: value.detach().to(wide).numpy() for name, value in results.items()}
