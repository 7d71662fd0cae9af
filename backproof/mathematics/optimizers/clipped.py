"""clipped: any optimizer whose gradients are cut off first, by value or by norm.

By norm, g·c/max(‖g‖ + ε, c), of each parameter or of all of them together: Pascanu, Mikolov and
Bengio, On the difficulty of training recurrent neural networks, ICML 2013.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import numpy as np
from flint import arb

from backproof.mathematics.arithmetic.balls.ball import SLACK, Ball
from backproof.mathematics.arithmetic.rounding.model import Rounding
from backproof.mathematics.checking import check_fields, finite
from backproof.mathematics.errors import UsageError
from backproof.mathematics.functions import Activation, Values
from backproof.mathematics.latex import shown
from backproof.mathematics.optimizers import Optimizer
from backproof.mathematics.optimizers.around import Around

if TYPE_CHECKING:
    from backproof.mathematics.arithmetic.certified_values import Certified
    from backproof.mathematics.arithmetic.operations import Ops

T = TypeVar("T")

# What PyTorch adds to a norm.
OF_TORCH = 1e-6


@dataclass(frozen=True)
class Clipped(Around):
    """An optimizer that gets its gradients clipped: by exactly one of the three limits.

    ``value``: each element to [−value, value]. ``norm``: each parameter's gradient to that norm.
    ``global_norm``: all of them together. ``epsilon``: is added to the norm; 1e-6 in PyTorch, 0 in
    Keras.
    """

    optimizer: Optimizer
    value: float = 0.0
    norm: float = 0.0
    global_norm: float = 0.0
    epsilon: float = 0.0

    name: ClassVar[str] = "clipped"

    def __post_init__(self) -> None:
        check_fields(self)
        limits = {"value": self.value, "norm": self.norm, "global_norm": self.global_norm}
        finite("Clipped", **limits, epsilon=self.epsilon)
        if sum(limit > 0 for limit in limits.values()) != 1 or min(limits.values()) < 0:
            raise UsageError("Clipped(…): give one of value, norm and global_norm, above 0")
        self.take_over()

    def latex(self) -> list[str]:
        g = r"\frac{\partial L}{\partial W}"
        limit = shown(self.value or self.norm or self.global_norm)
        if self.value:
            told = rf"{g} \leftarrow \min(\max({g}, -{limit}), {limit})"
        else:
            over = r"\sum_{W} " if self.global_norm else ""
            size = rf"\sqrt{{{over}\| {g} \|^2}}"
            size += rf" + {shown(self.epsilon)}" if self.epsilon else ""
            told = rf"{g} \leftarrow {limit}\, {g} / \max({size}, {limit})"
        return [told, *self.optimizer.latex()]

    def prepared(self, ops: Ops[T], gradients: Mapping[str, T]) -> dict[str, T]:
        gradients = self.optimizer.prepared(ops, gradients)
        if self.value:
            cut = Limits(-self.value, self.value)
            return {name: ops.activate(cut, g) for name, g in gradients.items()}
        if self.norm:
            return {name: self._within(ops, {name: g})[name] for name, g in gradients.items()}
        return self._within(ops, gradients)

    def _within(self, ops: Ops[T], gradients: Mapping[str, T]) -> dict[str, T]:
        """Those gradients, within a norm that they have together."""
        limit = self.norm or self.global_norm
        sizes = {name: int(np.prod(g.shape)) for name, g in gradients.items()}  # type: ignore[attr-defined]
        whole = sum(sizes.values())
        squares = [
            ops.total(ops.multiply(g, g), further_terms=whole - sizes[name])
            for name, g in gradients.items()
        ]
        norm = ops.sqrt(ops.sum_of_charged(squares))
        if self.epsilon:
            norm = ops.add(norm, ops.constant(self.epsilon, norm, 1))
        least = ops.activate(Limits(limit, inf), norm)
        share = ops.divide(ops.constant(limit, least, 1), least)
        return {
            name: ops.charged(
                ops.multiply(g, ops.gather(share, np.zeros(g.shape, np.intp))),  # type: ignore[attr-defined]
                1,
            )
            for name, g in gradients.items()
        }

    def keras(self) -> Any:
        """Keras's own clipping, which adds nothing to a norm."""
        if self.epsilon:
            raise UsageError("Keras adds nothing to a norm: Clipped(…, epsilon=0) is what it has")
        made = self.optimizer.keras()  # type: ignore[attr-defined]
        made.clipvalue = self.value or None
        made.clipnorm = self.norm or None
        made.global_clipnorm = self.global_norm or None
        return made

    def torch(self, parameters: Iterator[Any]) -> Any:
        """PyTorch's own clipping, before each step; it adds 1e-6 to a norm."""
        import torch

        own = list(parameters)
        made = self.optimizer.torch(iter(own))  # type: ignore[attr-defined]
        step = made.step
        groups = [own] if self.global_norm else [[p] for p in own]

        def within(group: list[Any]) -> None:
            limit = self.norm or self.global_norm
            if self.epsilon == OF_TORCH:
                torch.nn.utils.clip_grad_norm_(group, limit)
                return
            norm = torch.sqrt(sum(p.grad.square().sum() for p in group)) + self.epsilon
            for p in group:
                p.grad.mul_(limit / norm.clamp(min=limit))

        def clipped() -> None:
            if self.value:
                torch.nn.utils.clip_grad_value_(own, self.value)
            else:
                for group in groups:
                    within(group)
            step()

        made.step = clipped
        return made

    def jax_prepared(self, gradients: dict[str, Any]) -> dict[str, Any]:
        import jax.numpy as jnp

        gradients = self.optimizer.jax_prepared(gradients)
        if self.value:
            return {name: jnp.clip(g, -self.value, self.value) for name, g in gradients.items()}
        squares = {name: jnp.sum(jnp.square(g)) for name, g in gradients.items()}
        if self.global_norm:
            squares = dict.fromkeys(squares, sum(squares.values()))
        limit = self.norm or self.global_norm
        norms = {name: jnp.sqrt(total) + self.epsilon for name, total in squares.items()}
        return {n: g * (limit / jnp.maximum(norms[n], limit)) for n, g in gradients.items()}


@dataclass(frozen=True)
class Limits(Activation):
    """min(max(x, low), high), of values that nothing is taken back through."""

    low: float
    high: float

    name: ClassVar[str] = "limits"

    def latex(self) -> tuple[str, str]:
        raise NotImplementedError

    def value(self, z: Values) -> Values:
        cut: Values = np.clip(z, self.low, self.high).astype(z.dtype)
        return cut

    def vjp(self, z: Values, a: Values, cotangent: Values) -> Values:
        raise NotImplementedError

    def ball(self, z: Ball, rounding: Rounding) -> Ball:
        """The radius of z, unless it is surely beyond; and a limit is held."""
        value = np.clip(z.value, self.low, self.high)
        reach = z.reach
        below, above = z.value - reach <= self.low, z.value + reach >= self.high
        inside = ~(z.value + reach <= self.low) & ~(z.value - reach >= self.high)
        radius = np.asarray(inside * z.radius_with(0.0) * SLACK)
        for beyond, limit in ((below, self.low), (above, self.high)):
            if np.isfinite(limit):
                radius = radius + beyond * (2 * rounding.unit * abs(limit))
        return Ball(value, radius)

    def vjp_ball(self, z: Ball, a: Ball, cotangent: Ball, rounding: Rounding) -> Ball:
        raise NotImplementedError

    def certified(self, z: Certified) -> Certified:
        def cut(x: arb) -> arb:
            x = x.max(arb(self.low))
            return x.min(arb(self.high)) if np.isfinite(self.high) else x

        return z.map(cut)

    def vjp_certified(self, z: Certified, a: Certified, cotangent: Certified) -> Certified:
        raise NotImplementedError


PART = Clipped
