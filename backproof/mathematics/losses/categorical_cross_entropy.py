"""categorical_cross_entropy: logsumexp(z) − Σ y·z for a row of logits; softmax(z) − y."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from flint import arb

from backproof.mathematics.arithmetic.balls.ball import SLACK, Ball, growth
from backproof.mathematics.arithmetic.balls.outputs import Output, guards, known
from backproof.mathematics.arithmetic.balls.probabilities import categorical, in_form, weighted
from backproof.mathematics.arithmetic.certified_values import Certified, stacked
from backproof.mathematics.arithmetic.rounding.model import U64, inflated
from backproof.mathematics.functions.softmax import row_maximum, row_sum, single
from backproof.mathematics.losses import ROWS, SLOPE, LossFunction, Values

if TYPE_CHECKING:
    from backproof.mathematics.arithmetic.rounding.model import Rounding
    from backproof.mathematics.losses import Decision


@dataclass(frozen=True)
class CategoricalCrossEntropy(LossFunction):
    """For rows of targets that sum to 1, of the logits z; with a softmax as the last activation."""

    name: ClassVar[str] = "categorical_cross_entropy"
    ACTIVATION: ClassVar[str | None] = "softmax"
    BY_ROW: ClassVar[bool] = True
    DECISION: ClassVar[Decision | None] = "argmax"
    LABELS: ClassVar[tuple[float, float] | None] = (0.0, 1.0)

    def latex(self) -> tuple[str, str, str]:
        """By Z the derivative is plain, as the targets of a row sum to 1."""
        element = r"-(Y \odot \log A)\, \mathbf{1}"
        why = r"-Y + (Y\, \mathbf{1} \mathbf{1}^\top) \odot A = A - Y"
        return element, "A - Y", why

    def value(self, z: Values, a: Values, y: Values) -> tuple[Values, Values]:
        """−Σ y·log softmax(z); the targets of a row sum to 1."""
        shifted = z - row_maximum(z)
        rows = np.log(row_sum(np.exp(shifted))) - row_sum(y * shifted)
        return rows, a - y

    def other_value(self, z: Values, a: Values, y: Values) -> tuple[Values, Values]:
        """Σ y·(logsumexp(z) − z)."""
        largest = z.max(axis=1, keepdims=True)
        total = np.log(np.exp(z - largest).sum(axis=1, keepdims=True)) + largest
        return (y * (total - z)).sum(axis=1, keepdims=True), a - y

    def ball(self, z: Ball, a: Ball, y: Ball, rounding: Rounding) -> tuple[Ball, Ball]:
        """Rows move by Σ_j r_j·|p_j − y_j|, and p_j by at most a factor exp(4r) over the reach.

        Roundings of the rows, with D = max − z, p the softmax and L = log Σ exp(−D) ≤ log m: Σ is
        off by the charge on exp, by u·Σ p·D ≤ u·log m and by the sum over m; its logarithm by that
        and the charge on log; L + max by u·(|max| + L); Σ y·z, or Σ y·(D + L), which is the row
        itself, by γ·(|max| + row), for all that is in it is at most that in size. Where the targets
        sum to 1 only nearly, forms differ by (Σy − 1)·lse. The derivative is the softmax (see
        there) minus y. Where that is exactly 1, rows are exactly 0, and 1 − y is exact.
        """
        rows, slope = self.value(z.value, a.value, y.value)
        if single(z, rounding) and rounding.form.of == "logits":
            return Ball(rows, np.zeros_like(rows)), Ball(slope, np.zeros_like(slope))
        m = z.value.shape[1]
        spread = float(np.log(m))
        inner = rounding.charge("exp") + rounding.unit * spread + rounding.gamma_of_sum(m, 0)
        off = np.abs(row_sum(y.value) - 1)
        off += m * U64
        size = np.abs(row_maximum(z.value))
        size += np.abs(rows)
        size += spread
        if z.radius is not None:
            weight = np.abs(slope)
            weight += (growth(z.radius, 4) - 1) * a.value
            weight *= z.radius
            largest = row_maximum(z.radius)
            moved = np.minimum(row_sum(weight) + 2.0**-48 * largest, 2 * largest)
            size += 2 * (moved + largest)
        radius = size * (off + rounding.gamma_of_sum(m, 5))
        radius += inner * (1 + 2 * inner) + (rounding.charge("log") + 2 * rounding.unit) * spread
        if z.radius is not None:
            radius += moved
        radius *= SLACK
        radius += rounding.eta
        assert a.radius is not None
        own = a.radius_with(rounding.unit + rounding.gamma_of_sum(m, 1) + float(off.max()))
        own += rounding.unit * y.magnitude
        own *= SLACK
        own += rounding.eta
        return in_form(z, a, y, rounding, (Ball(rows, radius), Ball(slope, own)), categorical)

    def certified(self, z: Certified, a: Certified, y: Certified) -> tuple[Certified, Certified]:
        """−Σ y·log p of the certified softmax, whose elements have a full relative precision."""
        pairs = zip(a.by_row(list), y.by_row(list), strict=True)
        rows = [
            [
                -sum(
                    (t * p.log() for p, t in zip(row, targets, strict=True) if not t.is_zero()),
                    arb(0),
                )
            ]
            for row, targets in pairs
        ]
        return stacked(rows), a.zip(lambda p, t: p - t, y)

    def check_targets(self, y: Values) -> str | None:
        """A row of targets must be a distribution: p·Σy − y = p − y, as all have it."""
        # Sums of m numbers in the targets' dtype: any order errs by at most m·eps.
        off = np.abs(y.astype(np.float64).sum(axis=1) - 1) > y.shape[1] * np.finfo(y.dtype).eps
        if (y < 0).any() or off.any():
            row = int(np.flatnonzero((y < 0).any(axis=1) | off)[0])
            given = y[row].tolist()
            return f"row {row} of the targets is {given}, which does not sum to 1: give one_hot"
        return None

    def terms(self, y: Values) -> int:
        """−y·log p for each class with a target above 0."""
        return int(np.count_nonzero(y))

    def keras(self) -> Any:
        import keras

        own = keras.losses.CategoricalCrossentropy(from_logits=True, reduction=None)
        return lambda outputs, targets: own(targets, outputs)

    def torch(self) -> Any:
        import torch.nn.functional as F

        return partial(F.cross_entropy, reduction="none")

    def jax(self) -> Any:
        import jax
        import jax.numpy as jnp

        return lambda z, y: -jnp.sum(y * jax.nn.log_softmax(z, axis=1), axis=1)

    def of_outputs(self) -> LossFunction | None:
        return CategoricalOfOutputs()

    def rounded_steps(self) -> Mapping[str, Callable[[Rounding, Ball, Ball], Values]]:
        return {ROWS: rounded_rows, SLOPE: rounded_slope}


def rounded_rows(rounding: Rounding, z: Ball, a: Ball) -> Values:
    """PyTorch rounds Σ = Σ exp(z − max) to the dtype, off by u in the logarithm, and log Σ too."""
    return rounding.unit * (1 + log_sum(z)) + rounding.eta


def rounded_slope(rounding: Rounding, z: Ball, a: Ball) -> Values:
    """PyTorch's softmax is exp(log p): there too, and log p rounds at its size.

    Of e^δ − 1 all is taken in, for δ ≤ 1; beyond, log p is so large that p is lost in its radius.
    """
    largest = 0.0 if z.radius is None else 4 * float(z.radius.max())
    delta = 1 + log_sum(z) + largest - np.log(a.value + 2.0**-1022)
    size: Values = a.magnitude * delta * np.exp(2.0**-7 * delta)
    return rounding.unit * size + 2 * rounding.eta


def log_sum(z: Ball) -> Values:
    """log Σ exp(z − max) of each row, at most: it moves by no more than twice what z does."""
    moved = 0.0 if z.radius is None else 4 * z.radius.max(axis=1, keepdims=True)
    total: Values = np.exp(z.value - row_maximum(z.value)).sum(axis=1, keepdims=True)
    return np.log(total) + moved


@dataclass(frozen=True)
class CategoricalOfOutputs(LossFunction):
    """−Σ y·log a for a row of outputs a, wherever they come from; by a its derivative, −y/a.

    Where an a is 0 or less, loss or derivative is infinite, NaN or, by some forms, 0: there nothing
    is compared.
    """

    name: ClassVar[str] = "categorical_cross_entropy of outputs"
    ACTIVATION: ClassVar[str | None] = None
    BY_ROW: ClassVar[bool] = True
    DECISION: ClassVar[Decision | None] = "argmax"
    LABELS: ClassVar[tuple[float, float] | None] = (0.0, 1.0)

    def latex(self) -> tuple[str, str, str]:
        """The element, and its derivative by A."""
        return FUSED.latex()[0], r"-\frac{Y}{A}", ""

    def value(self, z: Values, a: Values, y: Values) -> tuple[Values, Values]:
        """A target of 0 takes its term away."""
        with np.errstate(all="ignore"):
            return -row_sum(weighted(y, np.log(a))), -weighted(y, 1 / a)

    def ball(self, z: Ball, a: Ball, y: Ball, rounding: Rounding) -> tuple[Ball, Ball]:
        """By the errors of log a and 1/a, as `outputs.Output` has them.

        Rows: m products and their sum round each term m times. Underflow may take η from each
        product and logarithm, from each sum, and from y, which the logarithm multiplies. An
        a above 1 makes a term negative. Of a batch's sum, in whatever order, roundings are
        charged at the size of the rows, which such terms make smaller than the terms together, by
        twice what is negative: that much of each row, once, goes into its radius, which counts
        twice in its magnitude.

        The derivative rounds twice, as a product with a reciprocal. Underflow may take η from y,
        which a divides, and from the quotient. For epsilon, clip and floor: see the binary one; an
        a above 1 that is clipped to 1 − clip has a derivative of 1/(1 − clip) at most.
        """
        p, m = Output.of(a), a.shape[1]
        rows, slope = self.value(z.value, a.value, y.value)
        form = guards(rounding)
        with np.errstate(all="ignore"):
            inside = p.least >= 2 * rounding.tiny
            error, size = p.logarithm(rounding)
            terms = weighted(
                y.value, error + rounding.gamma_of_sum(m, 0) * size + p.above_one(rounding)
            )
            radius = inflated(m + 56) * row_sum(terms) + row_sum(3 + size) * rounding.eta
            error, size = p.reciprocal()
            gamma = rounding.gamma(3 if form.epsilon else 2)
            bent = p.bent(rounding) * ((1 + gamma) / (1 - form.clip - 4 * rounding.unit))
            error = error + gamma * size + bent * np.maximum(size, 1)
            if form.epsilon:
                epsilon = form.epsilon * (1 + 4 * rounding.unit)
                error += size * epsilon / (p.least + epsilon)
            own = SLACK * weighted(y.value, error) + (1 + size) * rounding.eta
        whole = np.asarray(inside.all(axis=1, keepdims=True))
        return known(whole, rows, radius), known(inside, slope, own)

    def certified(self, z: Certified, a: Certified, y: Certified) -> tuple[Certified, Certified]:
        """As `value`."""
        slope = a.zip(lambda p, t: arb(0) if t.is_zero() else -t / p, y)
        return FUSED.certified(z, a, y)[0], slope

    def check_targets(self, y: Values) -> str | None:
        return FUSED.check_targets(y)

    def terms(self, y: Values) -> int:
        return FUSED.terms(y)

    def keras(self) -> Any:
        """Not Keras's own, which divides by the sum of the outputs, and clips."""
        from keras import ops

        return lambda a, y: -ops.sum(y * ops.log(a), axis=-1)

    def torch(self) -> Any:
        import torch

        return lambda a, y: -(y * torch.log(a)).sum(dim=1)

    def jax(self) -> Any:
        import jax.numpy as jnp

        return lambda a, y: -jnp.sum(y * jnp.log(a), axis=1)


FUSED = CategoricalCrossEntropy()
PART = CategoricalCrossEntropy
