"""How people and frameworks standardise, as an `Adversary` computes it; and the checks of the rule.

One group is a list. Means and variances in one pass, two, or part by part; x̂ divided, or folded
into a product and a sum; the way back in four forms.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from flint import arb

from backproof.mathematics.arithmetic.balls.ball import Ball
from backproof.mathematics.arithmetic.standard import Standard
from tests.mathematics.arithmetic.adversary import ONE, ZERO, Adversary, Row
from tests.mathematics.arithmetic.ball_cases import Rows, Source, flat, share, trials
from tests.mathematics.arithmetic.ball_sums import turned

Moments = Callable[[Adversary, Row, int], tuple[arb, arb]]


def two_passes(m: Adversary, x: Row, divisor: int) -> tuple[arb, arb]:
    mean = m.divide(m.total(x), arb(len(x)))
    apart = [m.subtract(v, mean) for v in x]
    return mean, m.divide(m.dot(apart, apart), arb(divisor))


def welford(m: Adversary, x: Row, divisor: int) -> tuple[arb, arb]:
    mean, squares = x[0], ZERO
    for k, v in enumerate(x[1:], 2):
        off = m.subtract(v, mean)
        mean = m.add(mean, m.divide(off, arb(k)))
        squares = m.add(squares, m.multiply(off, m.subtract(v, mean)))
    return mean, m.divide(squares, arb(divisor))


def merged(m: Adversary, x: Row, divisor: int) -> tuple[arb, arb]:
    """Chan, Golub and LeVeque, of halves, each summed up or merged itself."""

    def of(part: Row) -> tuple[arb, arb]:
        if len(part) <= 2:
            mean = m.divide(m.total(part), arb(len(part)))
            apart = [m.subtract(v, mean) for v in part]
            return mean, m.dot(apart, apart)
        (a, of_a), (b, of_b) = of(part[: len(part) // 2]), of(part[len(part) // 2 :])
        n, k = len(part) // 2, len(part) - len(part) // 2
        off = m.subtract(b, a)
        mean = m.add(a, m.multiply(off, m.divide(arb(k), arb(n + k))))
        weight = m.divide(arb(n * k), arb(n + k))
        return mean, m.add(m.add(of_a, of_b), m.multiply(m.multiply(off, off), weight))

    mean, squares = of(x)
    return mean, m.divide(squares, arb(divisor))


def of_squares(m: Adversary, x: Row, divisor: int) -> tuple[arb, arb]:
    """E[x²] − E[x]², or nothing where that is negative."""
    n = arb(len(x))
    mean = m.divide(m.total(x), n)
    v = m.subtract(m.divide(m.dot(x, x), n), m.multiply(mean, mean))
    v = v if v > 0 else ZERO
    return mean, v if divisor == len(x) else m.divide(m.multiply(v, n), arb(divisor))


MOMENTS: tuple[Moments, ...] = (two_passes, welford, merged)


@dataclass
class Of:
    """A group as a machine standardises it."""

    m: Adversary
    x: Row
    by: Standard
    moments: Moments

    def __post_init__(self) -> None:
        m, by, x = self.m, self.by, self.x
        self.n, self.divisor = len(x), len(x) - by.unbiased
        if by.centred:
            self.mean, self.v = self.moments(m, x, self.divisor)
        else:
            self.mean, self.v = ZERO, m.divide(m.dot(x, x), arb(self.divisor))
        epsilon = m.coefficient(arb(by.epsilon), 1)
        self.sigma = m.sqrt(self.v)
        self.s = m.sqrt(m.add(self.v, epsilon)) if by.inside else m.add(self.sigma, epsilon)

    @property
    def apart(self) -> Row:
        return [self.m.subtract(v, self.mean) for v in self.x] if self.by.centred else self.x

    def normal(self) -> Row:
        m, kind = self.m, self.m.random.randrange(3)
        if kind == 0:
            return [m.divide(c, self.s) for c in self.apart]
        root = m.divide(ONE, self.s)
        if kind == 1:
            return [m.multiply(c, root) for c in self.apart]
        shift = m.multiply(-self.mean, root)
        return [m.add(m.multiply(v, root), shift) for v in self.x]

    def back(self, g: Row) -> Row:
        forms = [self.plainly, self.at_once]
        if self.by.inside and self.by.centred:
            forms += [self.in_stages, self.uncentred]
        return self.m.random.choice(forms)(g)

    def direction(self, normal: Row) -> Row:
        """x̂, or (x − μ)/√v."""
        m = self.m
        return normal if self.by.inside else [m.divide(c, self.sigma) for c in self.apart]

    def plainly(self, g: Row) -> Row:
        m, normal = self.m, self.normal()
        along = m.divide(m.dot(g, normal), arb(self.divisor))
        mean = m.divide(m.total(g), arb(self.n)) if self.by.centred else ZERO
        terms = zip(g, self.direction(normal), strict=True)
        inner = [m.subtract(m.subtract(v, mean), m.multiply(q, along)) for v, q in terms]
        return [m.divide(v, self.s) for v in inner]

    def at_once(self, g: Row) -> Row:
        """(N·g − Σg − q·Σ(g·x̂)·N/d)/(N·s), as it is often written."""
        m, normal, n = self.m, self.normal(), arb(self.n)
        along = m.dot(g, normal)
        if self.by.unbiased:
            along = m.multiply(along, m.divide(n, arb(self.divisor)))
        total = m.total(g) if self.by.centred else ZERO
        found = []
        for v, q in zip(g, self.direction(normal), strict=True):
            inner = m.subtract(m.subtract(m.multiply(n, v), total), m.multiply(q, along))
            found.append(m.multiply(m.divide(m.divide(ONE, n), self.s), inner))
        return found

    def in_stages(self, g: Row) -> Row:
        """By the variance and the mean, as in the paper on batch normalization."""
        m, apart, d, n = self.m, self.apart, arb(self.divisor), arb(self.n)
        root = m.divide(ONE, self.s)
        cube = m.multiply(m.multiply(root, root), root)
        of_v = m.multiply(m.dot(g, apart), m.multiply(-ONE / 2, cube))
        of_mean = m.multiply(-m.total(g), root)
        zero = m.divide(m.multiply(arb(-2), m.total(apart)), d)
        of_mean = m.divide(m.add(of_mean, m.multiply(of_v, zero)), n)
        through = [m.multiply(of_v, m.divide(2 * c, d)) for c in apart]
        terms = zip(g, through, strict=True)
        return [m.add(m.add(m.multiply(v, root), t), of_mean) for v, t in terms]

    def uncentred(self, g: Row) -> Row:
        """By Σ g·x and Σ g, as PyTorch's layer norm."""
        m, x, root = self.m, self.x, self.m.divide(ONE, self.s)
        of_x, of_one = m.dot(g, x), m.total(g)
        each = m.divide(root, arb(self.divisor))
        inner = m.subtract(m.multiply(of_one, self.mean), of_x)
        b = m.multiply(m.multiply(m.multiply(inner, each), root), root)
        c = m.subtract(m.multiply(-b, self.mean), m.multiply(of_one, m.divide(root, arb(self.n))))
        terms = zip(g, x, strict=True)
        return [m.add(m.add(m.multiply(root, v), m.multiply(b, t)), c) for v, t in terms]


def exactly(x: Row, by: Standard) -> tuple[Row, arb, arb, arb]:
    """C, v, √v and s."""
    mean = sum(x, ZERO) / len(x) if by.centred else ZERO
    apart = [v - mean for v in x]
    v = sum((c * c for c in apart), ZERO) / (len(x) - by.unbiased)
    return apart, v, v.sqrt(), (v + by.epsilon).sqrt() if by.inside else v.sqrt() + by.epsilon


def exact_back(x: Row, g: Row, by: Standard) -> Row:
    apart, _, sigma, s = exactly(x, by)
    along = sum((v * c / s for v, c in zip(g, apart, strict=True)), ZERO)
    along /= len(x) - by.unbiased
    mean = sum(g, ZERO) / len(x) if by.centred else ZERO
    over = s if by.inside else sigma
    return [(v - mean - c / over * along) / s for v, c in zip(g, apart, strict=True)]


def drawn(random: Random, columns: int) -> Standard:
    """Any convention, along the first axis of a matrix or the last."""
    return Standard(
        (random.choice((0, 1)) if columns > 1 else 0,),
        random.choice((1e-3, 1e-5, 1e-8, 0.0, 0.25)),
        inside=random.random() < 0.6,
        unbiased=random.random() < 0.3,
        centred=random.random() < 0.75,
    )


@dataclass(frozen=True)
class Drawn:
    """A matrix, what comes back to it, and how it is standardised."""

    x: Ball
    g: Ball
    by: Standard

    def groups(self, rows: Rows) -> Rows:
        return turned(rows) if self.by.axes == (0,) else rows

    def in_order(self, groups: Rows) -> Row:
        return flat(turned(groups) if self.by.axes == (0,) else groups)


def case(source: Source, many: int = 6) -> Drawn:
    shape = source.random.randint(2, many), source.random.randint(2, many)
    return Drawn(source.ball(shape), source.ball(shape), drawn(source.random, shape[1]))


def check_variance(source: Source, moments: tuple[Moments, ...] = MOMENTS) -> float:
    """The variance of each group, or its mean square."""
    of, worst = case(source), 0.0
    result = source.ops.variance(of.x, of.by)
    for own, (x,) in trials(source.random, of.x):
        machine = Adversary(source.rounding, own)
        exact = [exactly(row, of.by)[1] for row in of.groups(x.exact)]
        chosen = own.choice(moments)
        computed = [Of(machine, row, of.by, chosen).v for row in of.groups(x.computed)]
        worst = max(worst, share(result, exact, computed, "variance"))
    return worst


def check_standardise(source: Source, moments: tuple[Moments, ...] = MOMENTS) -> float:
    """x̂, where no group may have a deviation of 0."""
    of, worst = case(source), 0.0
    result = source.ops.standardise(of.x, of.by)
    if not bounded(result):
        return 0.0
    for own, (x,) in trials(source.random, of.x):
        machine = Adversary(source.rounding, own)
        exact = []
        for row in of.groups(x.exact):
            apart, *_, s = exactly(row, of.by)
            exact.append([c / s for c in apart])
        chosen = own.choice(moments)
        computed = [Of(machine, row, of.by, chosen).normal() for row in of.groups(x.computed)]
        worst = max(worst, share(result, of.in_order(exact), of.in_order(computed), "x̂"))
    return worst


def check_pulled(source: Source, moments: tuple[Moments, ...] = MOMENTS) -> float:
    """x̄, likewise."""
    of, worst = case(source), 0.0
    result = source.ops.standardise_vjp(of.x, of.g, of.by)
    if not bounded(result):
        return 0.0
    for own, (x, g) in trials(source.random, of.x, of.g):
        machine = Adversary(source.rounding, own)
        exact_pairs = zip(of.groups(x.exact), of.groups(g.exact), strict=True)
        exact = [exact_back(row, back, of.by) for row, back in exact_pairs]
        chosen = own.choice(moments)
        pairs = zip(of.groups(x.computed), of.groups(g.computed), strict=True)
        computed = [Of(machine, row, of.by, chosen).back(back) for row, back in pairs]
        worst = max(worst, share(result, of.in_order(exact), of.in_order(computed), "x̄"))
    return worst


def bounded(ball: Ball) -> bool:
    """Whether every element is."""
    return ball.radius is not None and bool((ball.radius < float("inf")).all())


CHECKS = {
    "variance": check_variance,
    "standardise": check_standardise,
    "standardise pulled": check_pulled,
}
