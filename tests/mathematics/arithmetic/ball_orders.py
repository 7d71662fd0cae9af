"""Checks of the definition's sums, in any order and with the coefficient applied anywhere."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from random import Random

import numpy as np
from flint import arb

from backproof.mathematics.arithmetic.balls.ball import Ball
from backproof.mathematics.arithmetic.balls.operations import BallOps
from backproof.mathematics.definition.evaluate import reduced
from backproof.mathematics.definition.penalties import penalties
from backproof.mathematics.definition.sums import sums_of
from backproof.mathematics.layers.dense import Dense
from backproof.mathematics.network.loss import Loss
from backproof.mathematics.network.network import Network
from backproof.mathematics.network.penalty import Penalty
from tests.mathematics.arithmetic.adversary import ZERO, Adversary
from tests.mathematics.arithmetic.ball_cases import Source, flat, share, trials
from tests.mathematics.arithmetic.ball_forms import dot
from tests.mathematics.arithmetic.ball_sums import (
    applied,
    coefficient,
    pulls,
    whole_gradient,
    whole_loss,
)

KERNEL = "dense_1/kernel"
PENALTIES = (Penalty(), Penalty(l2=0.01), Penalty(l2=0.5, l1=1.0), Penalty(l2=0.7, l1=3.0))


def layer(random: Random, fan_in: int, outputs: int) -> Network:
    """One layer with any reduction, scale and penalty."""
    batch, over_outputs = random.choice(("mean", "sum")), random.choice(("mean", "sum"))
    loss = Loss("squared_error", batch, over_outputs, random.choice((1.0, 0.5, 0.7, 3.0, 50.0)))
    return Network((Dense(fan_in, outputs, bias=False),), loss, random.choice(PENALTIES))


def check_loss_sum(source: Source) -> float:
    """What samples and outputs add to a loss, none of it negative, and the weights' penalties."""
    random, (samples, outputs) = source.random, source.shape(3)
    network = layer(random, random.randint(1, 2), outputs)
    data = source.ops.exact(np.abs(source.values((samples, outputs))))
    w = source.ops.exact(source.values((network.fan_in, outputs)))
    result, worst = loss_of(source.ops, network, data, w), 0.0
    loss, penalty = network.loss, network.penalty
    for own, (x, v) in trials(random, data, w):
        m = Adversary(source.rounding, own)
        exact = sum(flat(x.exact), ZERO) * loss.scale / loss.divisor(samples, outputs)
        exact += sum((penalty.l2 * t * t + penalty.l1 * abs(t) for t in flat(v.exact)), ZERO)
        parts = coefficient(m, loss, samples, outputs)
        computed = whole_loss(m, x.computed, parts, [flat(v.computed)], penalty)
        worst = max(worst, share(result, [exact], [computed], f"{loss} with {penalty}"))
    return worst


def loss_of(ops: BallOps, network: Network, data: Ball, w: Ball) -> Ball:
    """The loss of one layer, as the definition has it."""
    samples, weights = len(data.value), w.value.size
    sums = sums_of(network, samples)
    ops, terms = ops.enlarged(sums.enlargement), data.value.size + sums.penalties
    parts = [reduced(ops, ops.total(data, further_terms=sums.penalties), network, samples)]
    parts += [value for _, value, _ in penalties(ops, network.penalty, w, terms - weights, samples)]
    return ops.sum_of_charged(parts)


def check_penalised_gradient(source: Source) -> float:
    """A sum over samples, multiplied by the loss's coefficient, and what penalties add to it."""
    random, samples = source.random, source.random.randint(1, 5)
    network = layer(random, 1, 1)
    left, slope = source.ball((1, samples)), source.ball((samples, 1))
    w = source.ops.exact(source.values((1, 1)))
    result, worst = gradient_of(source.ops, network, left, slope, w), 0.0
    loss, penalty = network.loss, network.penalty
    for own, (a, d, v) in trials(random, left, slope, w):
        m = Adversary(source.rounding, own)
        factor = arb(loss.scale) / loss.divisor(samples, 1)
        exact = dot(flat(a.exact), flat(d.exact)) * factor
        exact += sum((c * t for c, t in pulls(penalty, v.exact[0][0])), ZERO)
        parts = coefficient(m, loss, samples, 1)
        early = [part for part in parts if own.random() < 0.5]
        late = [part for part in parts if part not in early]
        delta = [applied(early, x) for x in flat(d.computed)]
        added = pulls(penalty, v.computed[0][0])
        computed = whole_gradient(m, flat(a.computed), delta, late, added)
        worst = max(worst, share(result, [exact], [computed], f"{loss} with {penalty}"))
    return worst


def gradient_of(ops: BallOps, network: Network, left: Ball, slope: Ball, w: Ball) -> Ball:
    """The gradient of one weight, as the definition has it."""
    samples = len(slope.value)
    sums = sums_of(network, samples)
    ops, kinds = ops.enlarged(sums.enlargement), sums.kinds[KERNEL]
    parts = [ops.matmul(left, reduced(ops, slope, network, samples), further_terms=kinds)]
    for _, _, pull in penalties(ops, network.penalty, w, 0, samples):
        parts.append(ops.charged(pull, samples + kinds - 1))
    return ops.sum_of_charged(parts)


ORDERS = {"loss sum": check_loss_sum, "penalised gradient": check_penalised_gradient}


class Apart(BallOps):
    """Ball arithmetic that takes every sum to be over before another term is added to it.

    And every coefficient to be applied where the definition applies it, in five roundings at most.
    """

    def matmul(self, a: Ball, b: Ball, further_terms: int = 0) -> Ball:
        return super().matmul(a, b)

    def scale(self, a: Ball, c: float, divisor: int = 1, roundings: int = 1) -> Ball:
        return a if c == divisor else super().scale(a, c, divisor, min(roundings, 4))

    def enlarged(self, factor: float) -> BallOps:
        return self

    def affine(self, a: Ball, kernel: Ball, bias: Ball | None) -> Ball:
        z = self.matmul(a, kernel)
        return z if bias is None else self.add(z, bias)

    def total(self, a: Ball, axis: int | None = None, further_terms: int = 0) -> Ball:
        return super().total(a, axis)

    def charged(self, a: Ball, times: int) -> Ball:
        return a

    def sum_of_charged(self, parts: Sequence[Ball]) -> Ball:
        return reduce(self.add, parts)
