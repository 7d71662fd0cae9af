"""binary_cross_entropy: softplus(z) − y·z for each logit z; derivative σ(z) − y."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from flint import arb

from backproof.mathematics import functions
from backproof.mathematics.arithmetic.balls.ball import SLACK, Ball
from backproof.mathematics.arithmetic.balls.outputs import Output, guards, known
from backproof.mathematics.arithmetic.balls.probabilities import binary, in_form, weighted
from backproof.mathematics.losses import ROWS, LossFunction, Values

if TYPE_CHECKING:
    from backproof.mathematics.arithmetic.certified_values import Certified
    from backproof.mathematics.arithmetic.rounding.model import Rounding
    from backproof.mathematics.losses import Decision
ZERO = arb(0)


@dataclass(frozen=True)
class BinaryCrossEntropy(LossFunction):
    """For targets in [0, 1], of the logits z; with a sigmoid as the last activation."""

    name: ClassVar[str] = "binary_cross_entropy"
    ACTIVATION: ClassVar[str | None] = "sigmoid"
    BY_ROW: ClassVar[bool] = False
    DECISION: ClassVar[Decision | None] = "threshold"
    LABELS: ClassVar[tuple[float, float] | None] = (0.0, 1.0)

    def latex(self) -> tuple[str, str, str]:
        """By Z the derivative is plain: what the sigmoid's has, the logarithms' divide by."""
        element = r"-Y \odot \log A - (1 - Y) \odot \log(1 - A)"
        why = r"\frac{A - Y}{A \odot (1 - A)} \odot A \odot (1 - A) = A - Y"
        return element, "A - Y", why

    def value(self, z: Values, a: Values, y: Values) -> tuple[Values, Values]:
        """−y·log σ(z) − (1 − y)·log(1 − σ(z)), in the form max(z, 0) − y·z + log1p(exp(−|z|))."""
        rows = np.log1p(np.exp(-np.abs(z)))
        rows += np.maximum(z, 0) - y * z
        return rows, a - y

    def other_value(self, z: Values, a: Values, y: Values) -> tuple[Values, Values]:
        """softplus(z) − y·z, and (1 − y)·σ(z) − y·(1 − σ(z))."""
        return np.logaddexp(z.dtype.type(0), z) - y * z, (1 - y) * a - y * (1 - a)

    def ball(self, z: Ball, a: Ball, y: Ball, rounding: Rounding) -> tuple[Ball, Ball]:
        """Rows move by r_z·|σ − y| (and |σ − y| by at most r_z/2 over the reach of 2r_z).

        Roundings of the rows: softplus(z) may be evaluated whole (`logaddexp`) or as
        max(z, 0) + log1p(exp(−|z|)), and y·z taken off it: each term at its own size. PyTorch takes
        (1 − y)·z − log σ(z), so that up to four roundings are of the size of z. The derivative
        σ(z) − y errs as σ does, and by its own rounding. Of TensorFlow's [z > 0] − y ∓ e/(1 + e)
        the last term, the smaller of σ and 1 − σ, rounds five times; the first is exact for a
        target of 0 or 1, and so is each product in y·(σ − 1) + (1 − y)·σ. JAX's is that of its
        softplus, minus y.
        """
        rows, slope = BinaryCrossEntropy.value(self, z.value, a.value, y.value)
        inner, outer = rounding.charge("exp"), rounding.charge("log1p")
        charge = 3 * rounding.unit + rounding.charge("softplus", inner + outer + inner * outer)
        # PyTorch's (1 − y)·z − log σ(z) has terms of the size of z where the loss is small.
        terms = 4 * rounding.unit
        charge *= 1 + terms  # and what rounds after the function rounds its error too
        share = charge * y.magnitude
        share += terms
        softplus = y.value * z.value  # what cancels in y·z + rows is far below terms·|z|
        softplus += rows
        radius = share * np.abs(z.value)
        radius += charge * softplus
        if z.radius is not None:
            share += charge
            share *= 2
            moved = np.abs(slope)
            moved += z.radius
            moved *= 1 + 2 * charge
            moved += share
            moved *= z.radius
            radius += moved
        radius *= SLACK
        radius += rounding.eta
        if self.name in rounding.slopes:
            one = Ball(np.ones_like(z.value), None)
            a = functions.named("softplus").vjp_ball(z, a, one, rounding)
        assert a.radius is not None
        own = np.minimum(a.value, 1 - a.value)
        own *= 5
        own += 2 * np.abs(slope)
        soft = (y.value != 0) & (y.value != 1)
        if soft.any():
            own += 4 * soft * np.abs((z.value > 0) - y.value)
        own *= rounding.unit
        own += (1 + 8 * rounding.unit) * a.radius
        own *= SLACK
        own += rounding.eta
        return in_form(z, a, y, rounding, (Ball(rows, radius), Ball(slope, own)), binary)

    def certified(self, z: Certified, a: Certified, y: Certified) -> tuple[Certified, Certified]:
        """softplus(z) − y·z; the cancellation for large z costs bits, of which there are more."""
        rows = z.zip(lambda x, t: x.nonnegative_part() + (-abs(x)).exp().log1p() - t * x, y)
        return rows, a.zip(lambda p, t: p - t, y)

    def check_targets(self, y: Values) -> str | None:
        """Targets are probabilities."""
        outside = (y < 0) | (y > 1)
        return f"target {y[outside][0]} is not in [0, 1]" if outside.any() else None

    def terms(self, y: Values) -> int:
        """One for each output; of a target between 0 and 1, −y·log a and −(1 − y)·log(1 − a)."""
        return y.size + int(np.count_nonzero((y > 0) & (y < 1)))

    def keras(self) -> Any:
        import keras

        own = keras.losses.BinaryCrossentropy(from_logits=True, reduction=None)
        return lambda outputs, targets: own(targets, outputs)

    def torch(self) -> Any:
        import torch.nn.functional as F

        return partial(F.binary_cross_entropy_with_logits, reduction="none")

    def jax(self) -> Any:
        import jax

        return lambda z, y: jax.nn.softplus(z) - y * z

    def of_outputs(self) -> LossFunction | None:
        return BinaryOfOutputs()

    def rounded_steps(self) -> Mapping[str, Callable[[Rounding, Ball, Ball], Values]]:
        return {ROWS: rounded_rows}


def rounded_rows(rounding: Rounding, z: Ball, a: Ball) -> Values:
    """PyTorch rounds log σ(z) to the dtype; TensorFlow exp(−|z|) and its log1p, by u each."""
    size: Values = np.logaddexp(0, -z.value) + 2 * np.log1p(np.exp(-np.abs(z.value)))
    if z.radius is not None:
        size += 6 * z.radius
    return rounding.unit * size + 2 * rounding.eta


@dataclass(frozen=True)
class BinaryOfOutputs(LossFunction):
    """−y·log a − (1 − y)·log(1 − a) for each output a, wherever it comes from; by a its derivative.

    Where a is 0 or 1, or outside of them, the loss or its derivative is infinite, NaN or one of
    several numbers, by the form: there nothing is compared.
    """

    name: ClassVar[str] = "binary_cross_entropy of outputs"
    ACTIVATION: ClassVar[str | None] = None
    BY_ROW: ClassVar[bool] = False
    DECISION: ClassVar[Decision | None] = "threshold"
    LABELS: ClassVar[tuple[float, float] | None] = (0.0, 1.0)

    def latex(self) -> tuple[str, str, str]:
        """The element, and its derivative by A."""
        return FUSED.latex()[0], r"\frac{A - Y}{A \odot (1 - A)}", ""

    def value(self, z: Values, a: Values, y: Values) -> tuple[Values, Values]:
        """−y·log a − (1 − y)·log1p(−a) and −y/a + (1 − y)/(1 − a), without terms of weight 0."""
        rest = 1 - y
        with np.errstate(all="ignore"):
            rows = -weighted(y, np.log(a)) - weighted(rest, np.log1p(-a))
            slope = weighted(rest, 1 / (1 - a)) - weighted(y, 1 / a)
        return rows, slope

    def other_value(self, z: Values, a: Values, y: Values) -> tuple[Values, Values]:
        """The logarithm of 1 − a, and (a − y)/(a(1 − a))."""
        rest = 1 - a
        with np.errstate(all="ignore"):
            rows = -weighted(y, np.log(a)) - weighted(1 - y, np.log(rest))
            return rows, (a - y) / (a * rest)

    def ball(self, z: Ball, a: Ball, y: Ball, rounding: Rounding) -> tuple[Ball, Ball]:
        """By the errors of log a, log(1 − a), 1/a and 1/(1 − a), as `outputs.Output` has them.

        Rows: −y·log a has a product and a sum, −(1 − y)·log(1 − a) also its 1 − y: γ₂ and γ₃.
        Underflow may take η from each product, from either logarithm, from the sum, and from y and
        1 − y, which their logarithms multiply.

        The derivative is (1 − y)/(1 − a) − y/a; let T be the sum of the two. As (a − y)/(a(1 − a))
        it is no larger than T, and rounds five times, or six: a − y, 1 − a, their product, the
        division as a product with a reciprocal; or a division by a, and another by 1 − a. Of
        −y/a + (1 − y)/(1 − a) the second term rounds five times: 1 − y, 1 − a, the division, the
        sum. So γ₆·T. Underflow may take η from a − y or from y, which is divided by a(1 − a), from
        1 − y, and from what follows.

        An epsilon inside of the logarithm makes one sum more, and of 1/a 1/(a + ε), less by
        ε/(a(a + ε)). Where a may have reached a clip or a floor, the derivative may be 0, or have a
        denominator that is larger (or one 1 − clip times as large, on the other side): it lies
        between 0 and T/(1 − clip), term by term.
        """
        one, other = Output.of(a), Output.complement(a, rounding)
        rows, slope = self.value(z.value, a.value, y.value)
        rest = 1 - y.value
        form = guards(rounding)
        with np.errstate(all="ignore"):
            room = one.least * other.least
            inside = (one.least > 0) & (other.least > 0) & (room >= 2 * rounding.tiny)
            radius: Values = np.zeros_like(rows)
            lost: Values = np.full_like(rows, 5.0)
            terms: Values = np.zeros_like(rows)
            own: Values = np.zeros_like(rows)
            for weight, p, roundings in ((y.value, one, 2), (rest, other, 3)):
                error, size = p.logarithm(rounding)
                radius += weighted(weight, error + rounding.gamma(roundings) * size)
                lost += size
                error, size = p.reciprocal()
                own += weighted(weight, error)
                terms += weighted(weight, size)
                if form.epsilon:
                    epsilon = form.epsilon * (1 + 4 * rounding.unit)
                    own += weighted(weight, size * epsilon / (p.least + epsilon))
            gamma = rounding.gamma(7 if form.epsilon else 6)
            own += gamma * terms
            bent = one.bent(rounding) | other.bent(rounding)
            bent |= room <= form.slope_floor * (1 + 2.0**-20)
            own += bent * terms * ((1 + gamma) / (1 - form.clip - 4 * rounding.unit))
            radius = SLACK * radius + lost * rounding.eta
            own = SLACK * own + 7 * rounding.eta / room
        return known(inside, rows, radius), known(inside, slope, own)

    def certified(self, z: Certified, a: Certified, y: Certified) -> tuple[Certified, Certified]:
        """As `value`."""

        def row(p: arb, t: arb) -> arb:
            return sum((-w * q.log() for w, q in ((t, p), (1 - t, 1 - p)) if not w.is_zero()), ZERO)

        def slope(p: arb, t: arb) -> arb:
            return sum((w / q for w, q in ((-t, p), (1 - t, 1 - p)) if not w.is_zero()), ZERO)

        return a.zip(row, y), a.zip(slope, y)

    def check_targets(self, y: Values) -> str | None:
        return FUSED.check_targets(y)

    def terms(self, y: Values) -> int:
        return FUSED.terms(y)

    def keras(self) -> Any:
        """Not Keras's own, which clips at 1e-7; the mean over the outputs is as its own has it."""
        from keras import ops

        return lambda a, y: ops.mean(-y * ops.log(a) - (1 - y) * ops.log(1 - a), axis=-1)

    def torch(self) -> Any:
        import torch

        return lambda a, y: -y * torch.log(a) - (1 - y) * torch.log(1 - a)

    def jax(self) -> Any:
        import jax.numpy as jnp

        return lambda a, y: -y * jnp.log(a) - (1 - y) * jnp.log(1 - a)


FUSED = BinaryCrossEntropy()
PART = BinaryCrossEntropy
