"""PyTorch's optimizers, and those written for forms that it has not."""

from __future__ import annotations

from collections.abc import Iterator
from math import sqrt
from typing import Any

import torch

from backproof.mathematics.errors import UsageError
from backproof.mathematics.optimizers import Optimizer

# What PyTorch calls the slots.
SLOTS = {
    "velocity": "momentum_buffer",
    "mean_square": "square_avg",
    "first_moment": "exp_avg",
    "second_moment": "exp_avg_sq",
}


def own_optimizer(optimizer: Optimizer, module: Any) -> torch.optim.Optimizer:
    """PyTorch's optimizer of that name, with the same coefficients."""
    if optimizer.name not in OPTIMIZERS:
        raise UsageError(
            f"no PyTorch twin for optimizer {optimizer.name!r}: give a model with "
            "configure_optimizers"
        )
    made: torch.optim.Optimizer = OPTIMIZERS[optimizer.name](module.parameters(), optimizer)
    return made


def set_count(optimizer: torch.optim.Optimizer, described: Optimizer, count: int) -> None:
    """Tell it how many steps were made before."""
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            optimizer.state[parameter]["step"] = torch.tensor(float(count))
        # PyTorch adds ε to the corrected root: (√v + ε)/√(1 − β₂ᵗ) has another one at each step.
        if getattr(described, "epsilon_at", "") == "raw" and isinstance(
            optimizer, torch.optim.Adam
        ):
            o: Any = described
            group["eps"] = o.epsilon / sqrt(1 - o.beta_2 ** (count + 1))


class Written(torch.optim.Optimizer):  # type: ignore[misc]  # PyTorch is Any here
    """A step written by hand: W − change(gradient, state)."""

    def __init__(self, parameters: Iterator[Any], described: Any) -> None:
        super().__init__(parameters, {})
        self.described = described

    def step(self) -> None:  # type: ignore[override, unused-ignore]
        """Make one step."""
        with torch.no_grad():
            for group in self.param_groups:
                for parameter in group["params"]:
                    change = self.change(parameter, parameter.grad, self.state[parameter])
                    parameter.sub_(change)

    def change(self, w: Any, gradient: Any, state: dict[str, Any]) -> Any:
        """What a step takes off w; the state is changed in place."""
        raise NotImplementedError


class RMSpropInside(Written):
    """ε in the root, as Keras has it."""

    def change(self, w: Any, gradient: Any, state: dict[str, Any]) -> Any:
        o = self.described
        v = state["square_avg"].mul_(o.rho).addcmul_(gradient, gradient, value=1 - o.rho)
        return o.learning_rate * gradient / (v + o.epsilon).sqrt()


class WrittenAdam(Written):
    """ε in the root, or no bias correction; with decoupled decay where there is one."""

    def change(self, w: Any, gradient: Any, state: dict[str, Any]) -> Any:
        o = self.described
        m = state["exp_avg"].lerp_(gradient, 1 - o.beta_1)
        v = state["exp_avg_sq"].mul_(o.beta_2).addcmul_(gradient, gradient, value=1 - o.beta_2)
        state["step"] += 1
        if o.bias_correction:
            t = state["step"].item()
            m, v = m / (1 - o.beta_1**t), v / (1 - o.beta_2**t)
        size = (v + o.epsilon).sqrt() if o.epsilon_at == "inside" else v.sqrt() + o.epsilon
        return o.learning_rate * (m / size + getattr(o, "weight_decay", 0.0) * w)


def rmsprop(parameters: Iterator[Any], o: Any) -> Any:
    """PyTorch's own has ε beside the root."""
    if o.inside:
        return RMSpropInside(parameters, o)
    return torch.optim.RMSprop(parameters, o.learning_rate, alpha=o.rho, eps=o.epsilon)


def adam(parameters: Iterator[Any], o: Any) -> Any:
    """PyTorch's own has ε beside the corrected root."""
    if o.epsilon_at == "inside" or not o.bias_correction:
        return WrittenAdam(parameters, o)
    betas = (o.beta_1, o.beta_2)
    if o.name == "adamw":
        return torch.optim.AdamW(
            parameters, o.learning_rate, betas, o.epsilon, weight_decay=o.weight_decay
        )
    return torch.optim.Adam(parameters, o.learning_rate, betas, o.epsilon)


OPTIMIZERS: dict[str, Any] = {
    "gradient_descent": lambda parameters, o: torch.optim.SGD(parameters, o.learning_rate),
    "momentum": lambda parameters, o: torch.optim.SGD(
        parameters,
        o.learning_rate,
        momentum=o.momentum,
        dampening=o.dampening,
        nesterov=o.nesterov,
    ),
    "rmsprop": rmsprop,
    "adam": adam,
    "adamw": adam,
}
