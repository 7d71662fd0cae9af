"""Balls for half precision: what each operation computes in, and one rounding to the dtype.

With eight or eleven significant bits, what counts is how often a result rounds to the dtype. That
differs: a framework's product sums in float32 and rounds once, its softmax may round at every step.
So each operation has the precision that was measured for it (`Rounding.inside`, `precisions.csv`):
the rules of `BallOps` hold within it, and the result rounds once to the dtype. What was not found
to compute in a wider precision, or in sums longer than were measured, is charged in the dtype
itself.

Only frameworks compute in half precision, operation by operation. Their sums hold their own terms
alone; what else belongs to a sum (``further_terms``, `as_summand`) is added afterwards, by
`sum_of_charged`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import reduce

import numpy as np

from backproof.mathematics import functions
from backproof.mathematics.arithmetic.balls.ball import SLACK, Axis, Ball, Values, terms_of
from backproof.mathematics.arithmetic.balls.operations import BallOps, radius_of
from backproof.mathematics.arithmetic.rounding.model import Rounding, inflated
from backproof.mathematics.functions import PULLED, Activation
from backproof.mathematics.losses import ROWS, SLOPE, LossFunction

# What is summed over an axis, as `Rounding.inside` names it.
SUMS: dict[Axis, str] = {None: "sum", 0: "column_sum", 1: "row_sum"}
# A precision between float32 and the dtype: some steps round to the dtype, by the rules that the
# activation or the loss states for them.
STEPS = "float32, rounded steps"
UNKNOWN = "unknown"
# The longest sums that were measured.
MOST_TERMS = 600


class HalfOps(BallOps):
    """The operations of the definition on balls, for a framework in bfloat16 or float16."""

    def __init__(self, rounding: Rounding) -> None:
        self._given = rounding
        self._declared = {name: (precision, under) for name, precision, under in rounding.inside}
        super().__init__(rounding.losing(self._declared.get("arithmetic", (UNKNOWN, "flushed"))[1]))
        self._inside: dict[str, tuple[BallOps, Rounding | None]] = {}
        self._unknown = BallOps(rounding), None

    def _made_inside(self, operation: str) -> tuple[BallOps, Rounding | None]:
        """The arithmetic inside of an operation, and the model of the rounding that follows it.

        Made when it is first asked for: of the operations that there are, few are in a network.
        """
        if operation not in self._declared:
            return self._unknown
        if operation not in self._inside:
            precision, underflow = self._declared[operation]
            own = self._given.losing(underflow)
            if operation.endswith(PULLED):  # a derivative taken of the result calls nothing
                charges = (*own.charges, (operation.removesuffix(PULLED), 0.0))
                own = replace(own, charges=charges, whole=True)
            wide = Rounding.of(precision.partition(",")[0])
            wide = replace(wide, kinks=own.kinks, slopes=own.slopes, form=own.form)
            wide = replace(wide, same_branches=own.same_branches)
            in_dtype = precision == self._given.dtype
            self._inside[operation] = (BallOps(own), None) if in_dtype else (BallOps(wide), own)
        return self._inside[operation]

    def enlarged(self, factor: float) -> BallOps:
        if factor <= 1:
            return self
        return type(self)(replace(self._given, tiny=factor * self._given.tiny))

    def within(
        self,
        operation: str,
        compute: Callable[[BallOps], Ball],
        steps: Callable[[Rounding], Values] | None = None,
        *,
        measured: bool = True,
    ) -> Ball:
        """The operation in the precision that it computes in, rounded once to the dtype.

        ``steps``: the rule of its steps that round before that. ``measured``: whether operations
        of that size were.
        """
        precision = self._precision(operation) if measured else UNKNOWN
        inside, after = self._unknown if precision == UNKNOWN else self._made_inside(operation)
        result = compute(inside)
        if precision == STEPS:
            assert result.radius is not None
            assert after is not None
            assert steps is not None
            result = Ball(result.value, result.radius + SLACK * steps(after))
        return result if after is None else rounded(result, after)

    def _precision(self, operation: str) -> str:
        return self._declared.get(operation, (UNKNOWN,))[0]

    def matmul(self, a: Ball, b: Ball, further_terms: int = 0) -> Ball:
        measured = a.value.shape[-1] <= MOST_TERMS
        return self.within("matmul", lambda ops: ops.matmul(a, b), measured=measured)

    def affine(self, a: Ball, kernel: Ball, bias: Ball | None) -> Ball:
        """One sum that is rounded once, or a product that is rounded before the bias is added."""
        measured = a.value.shape[1] < MOST_TERMS

        def before(ops: BallOps) -> Ball:
            z = ops.affine(a, kernel, bias)
            after = self._made_inside("matmul")[1]
            if ops is self._unknown[0] or bias is None or after is None:
                return z
            product = ops.matmul(a, kernel)
            return Ball(z.value, rounded(Ball(product.value, z.radius), after).radius)

        return self.within("matmul", before, measured=measured)

    def total(self, a: Ball, axis: Axis = None, further_terms: int = 0) -> Ball:
        """A loss may be summed over its outputs first: then over what those sums give, rounded."""
        result = self._total(a, axis)
        if axis is None and a.value.ndim == 2 and min(a.value.shape) > 1:
            by_row = self._total(self._total(a, 1), None)
            result = Ball(result.value, np.maximum(radius_of(result), radius_of(by_row)))
        return result

    def _total(self, a: Ball, axis: Axis) -> Ball:
        terms = terms_of(a.value.shape, axis)
        measured = terms <= MOST_TERMS
        return self.within(SUMS.get(axis, "sum"), lambda ops: ops.total(a, axis), measured=measured)

    def as_summand(self, a: Ball, times: int) -> Ball:
        return a

    def sum_of_charged(self, parts: Sequence[Ball]) -> Ball:
        """The parts are added one by one, in any order: γ_{k−1}·Σ m of k parts."""
        if len(parts) == 1:
            return parts[0]
        joined = super().sum_of_charged(parts)
        size = reduce(np.add, [part.magnitude for part in parts])
        own = self.rounding.gamma(len(parts) - 1) * inflated(len(parts) + 8) * size
        assert joined.radius is not None
        return Ball(joined.value, joined.radius + own)

    def activate(self, f: Activation, z: Ball) -> Ball:
        if f.settled(z, self.rounding):
            return super().activate(f, z)

        def steps(after: Rounding) -> Values:
            return f.value_steps(after, z)

        return self.within(f.name, lambda ops: ops.activate(f, z), steps, measured=f.measured(z))

    def vjp(self, f: Activation, z: Ball, a: Ball, cotangent: Ball) -> Ball:
        if f.settled(z, self.rounding):
            return super().vjp(f, z, a, cotangent)

        def compute(ops: BallOps) -> Ball:
            return ops.vjp(f, z, a, cotangent)

        def steps(after: Rounding) -> Values:
            return f.vjp_steps(after, a, cotangent)

        return self.within(f.name + PULLED, compute, steps, measured=f.measured(z))

    def loss_and_slope(self, loss: LossFunction, z: Ball, a: Ball, y: Ball) -> tuple[Ball, Ball]:
        """Rows and slope, each in its own precision, which was found with targets of 0 and 1.

        The slope is taken of the layer's own activation where that was found to be so (it computes
        in a wider precision), else of one that rounds like the rest of it.
        """
        fused = None if loss.ACTIVATION is None else functions.named(loss.ACTIVATION)
        if fused is not None and fused.settled(z, self.rounding):
            return super().loss_and_slope(loss, z, a, y)
        rules = loss.rounded_steps()
        measured = was_measured(loss, z, y, self.rounding)
        found = []
        for part, which in enumerate((ROWS, SLOPE)):
            operation = loss.name + which
            precision = self._precision(operation) if measured else UNKNOWN
            whole = precision in (UNKNOWN, STEPS, self.rounding.dtype)

            def compute(ops: BallOps, part: int = part, whole: bool = whole) -> Ball:
                own = ops.activate(fused, z) if fused is not None and whole else a
                return ops.loss_and_slope(loss, z, own, y)[part]

            def steps(after: Rounding, which: str = which) -> Values:
                return rules[which](after, z, a)

            found.append(self.within(operation, compute, steps, measured=measured))
        return found[0], found[1]


def was_measured(loss: LossFunction, z: Ball, y: Ball, rounding: Rounding) -> bool:
    """Whether a loss was measured on such operands: of logits, with targets of 0 and 1."""
    if rounding.form.of != "logits":
        return False
    if loss.ACTIVATION is None:
        return True
    hard = not (y.value * (1 - y.value)).any()
    return hard and functions.named(loss.ACTIVATION).measured(z)


def rounded(ball: Ball, rounding: Rounding) -> Ball:
    """One rounding more: what lies within the radius of the exact result is off by u of it."""
    radius = radius_of(ball)
    size = np.abs(ball.value) + 2 * radius
    return Ball(ball.value, SLACK * (radius + rounding.unit * size) + rounding.eta * (size > 0))
