"""One check a rule: a random case of it, and an AssertionError if its ball does not cover it.

A check returns the largest share of the radius that the value or an adversary came to. The same
checks run under Hypothesis (`test_ball_rules`), on weakened rules, where they must fail
(`test_ball_weakened`), and on ordinary data, where the share must be large (`test_ball_tightness`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import partial
from math import inf
from random import Random

import numpy as np
from flint import arb

from backproof.mathematics import losses
from backproof.mathematics.arithmetic.balls.ball import Ball
from backproof.mathematics.arithmetic.balls.operations import BallOps
from backproof.mathematics.arithmetic.rounding.model import CHARGED, FLOOR, Rounding
from tests.mathematics.arithmetic.adversary import ZERO, Adversary
from tests.mathematics.arithmetic.ball_cases import (
    DTYPES,
    Inputs,
    Row,
    Rows,
    Source,
    flat,
    share,
    trials,
)
from tests.mathematics.arithmetic.ball_forms import (
    EXACT,
    EXACT_LOSS,
    EXACT_PULL,
    EXACT_SLOPE,
    FORMS,
    FUNCTIONS,
    LOSSES,
    PULLS,
    SLOPES,
    dot,
)
from tests.mathematics.arithmetic.ball_orders import ORDERS
from tests.mathematics.arithmetic.ball_sums import turned

Check = Callable[[Source], float]
Charges = tuple[tuple[str, float], ...]


def check_matmul(source: Source) -> float:
    """Inner products in any order of summation, with products rounded or fused."""
    (rows, inner), columns = source.shape(5), source.random.randint(1, 3)
    a, b = source.ball((rows, inner)), source.ball((inner, columns))
    result, worst = source.ops.matmul(a, b), 0.0
    for own, (left, right) in trials(source.random, a, b):
        machine = Adversary(source.rounding, own)
        exact = [dot(row, column) for row in left.exact for column in turned(right.exact)]
        computed = [
            machine.dot(row, column) for row in left.computed for column in turned(right.computed)
        ]
        worst = max(worst, share(result, exact, computed, "matmul"))
    return worst


def check_affine(source: Source) -> float:
    """The bias is a term of the inner product, wherever in it, or is added in the end."""
    (rows, inner), columns = source.shape(4), source.random.randint(1, 3)
    a, b, bias = source.ball((rows, inner)), source.ball((inner, columns)), source.ball((columns,))
    result, worst = source.ops.affine(a, b, bias), 0.0
    for own, (left, right, last) in trials(source.random, a, b, bias):
        machine, within = Adversary(source.rounding, own), own.random() < 0.5
        exact = [
            dot(row, column) + t
            for row in left.exact
            for column, t in zip(turned(right.exact), last.exact[0], strict=True)
        ]
        computed = [
            machine.dot(row, column, [t]) if within else machine.add(machine.dot(row, column), t)
            for row in left.computed
            for column, t in zip(turned(right.computed), last.computed[0], strict=True)
        ]
        worst = max(worst, share(result, exact, computed, "affine"))
    return worst


def check_joined(source: Source) -> float:
    """A sum of columns and single terms, all of them added in any order, or the sums first."""
    (rows, columns), more = source.shape(4), source.random.randint(1, 2)
    a, terms = source.ball((rows, columns)), [source.ball((columns,)) for _ in range(more)]
    ops = source.ops
    result, worst = (
        ops.sum_of_charged(
            [ops.total(a, 0, further_terms=more), *(ops.charged(t, rows + more - 1) for t in terms)]
        ),
        0.0,
    )
    for own, (x, *others) in trials(source.random, a, *terms):
        machine, within = Adversary(source.rounding, own), own.random() < 0.5
        singles = [turned([t.exact[0] for t in others]), turned([t.computed[0] for t in others])]
        exact = [
            sum(column + single, ZERO)
            for column, single in zip(turned(x.exact), singles[0], strict=True)
        ]
        computed = [
            machine.total(single + column if within else [machine.total(column), *single])
            for column, single in zip(turned(x.computed), singles[1], strict=True)
        ]
        worst = max(worst, share(result, exact, computed, "joined"))
    return worst


def check_pairs(
    source: Source,
    rule: Callable[[BallOps, Ball, Ball], Ball],
    exact: Callable[[arb, arb], arb],
    computed: Callable[[Adversary, arb, arb], arb],
    *,
    row: bool = False,
) -> float:
    """An elementwise rule of two arrays, or of an array and a row that goes to each of its rows."""
    rows, columns = source.shape(3)
    a = source.ball((rows, columns))
    b = source.ball((columns,) if row else (rows, columns))
    if source.random.random() < 0.3 and not row:  # they cancel, or are the same
        b = Ball(source.random.choice((1, -1)) * a.value, b.radius)
    result, worst, repeats = rule(source.ops, a, b), 0.0, rows if row else 1
    for own, (left, right) in trials(source.random, a, b):
        machine = Adversary(source.rounding, own)
        sharp = map(exact, flat(left.exact), flat(right.exact * repeats))
        blunt = map(partial(computed, machine), flat(left.computed), flat(right.computed * repeats))
        worst = max(worst, share(result, list(sharp), list(blunt), "elementwise"))
    return worst


check_plus = partial(
    check_pairs, rule=lambda ops, a, b: ops.add(a, b), exact=arb.__add__, computed=Adversary.add
)
check_minus = partial(
    check_pairs,
    rule=lambda ops, a, b: ops.subtract(a, b),
    exact=arb.__sub__,
    computed=Adversary.subtract,
)
check_times = partial(
    check_pairs,
    rule=lambda ops, a, b: ops.multiply(a, b),
    exact=arb.__mul__,
    computed=Adversary.multiply,
)


def check_scale(source: Source) -> float:
    """A coefficient c/divisor that is reached in some roundings, or applied in two steps."""
    random, a = source.random, source.ball(source.shape(3))
    tiny = source.rounding.tiny
    c = random.choice((1.0, 0.5, 50.0, 0.1, 1e-3, tiny, 0.9 * tiny, random.uniform(0, 10)))
    divisor, roundings = random.choice(((1, 1), (1, 2), (1, 3), (7, 4), (3, 4), (1000, 4)))
    result, worst, factor = source.ops.scale(a, c, divisor, roundings), 0.0, arb(c) / divisor
    for own, (x,) in trials(random, a):
        m = Adversary(source.rounding, own)
        held = arb(c) if c == int(c) else m.coefficient(arb(c), 1)
        forms: tuple[Callable[[arb], arb], ...] = (
            lambda v, m=m: m.multiply(v, m.coefficient(factor, roundings)),
            lambda v, m=m, held=held: divided(m, m.multiply(v, held), divisor),
            lambda v, m=m, held=held: m.multiply(divided(m, v, divisor), held),
        )
        form = own.choice(forms) if not c == divisor == 1 else arb.__pos__
        exact, computed = [v * factor for v in flat(x.exact)], list(map(form, flat(x.computed)))
        worst = max(worst, share(result, exact, computed, f"scale by {c}/{divisor}"))
    return worst


def check_divide(source: Source) -> float:
    """A quotient, as one division or by a reciprocal; of divisors that cannot be 0."""
    shape = source.shape(3)
    a, b = source.ball(shape), source.ball(shape)
    result, worst = source.ops.divide(a, b), 0.0
    for own, (x, y) in trials(source.random, a, b):
        machine = Adversary(source.rounding, own)
        pairs = list(zip(flat(x.exact), flat(y.exact), flat(x.computed), flat(y.computed)))
        # Where a divisor may be 0 nothing is said: the radius is infinite there.
        open_ = [p == 0 or q == 0 for _, p, _, q in pairs]
        exact = [ZERO if o else s / p for o, (s, p, _, _) in zip(open_, pairs)]
        computed = [ZERO if o else machine.divide(t, q) for o, (_, _, t, q) in zip(open_, pairs)]
        assert result.radius is not None
        finite = [r for r, o in zip(np.ravel(result.radius).tolist(), open_) if o and r < inf]
        assert not finite, f"the divisor may be 0, but the radius is {finite}"
        worst = max(worst, share(result, exact, computed, "quotient"))
    return worst


def check_sqrt(source: Source) -> float:
    """A root of what is not negative, however near to 0 it may be."""
    drawn = source.ball(source.shape(3))
    a = Ball(np.abs(drawn.value), drawn.radius)
    result, worst = source.ops.sqrt(a), 0.0
    for own, (x,) in trials(source.random, a):
        machine = Adversary(source.rounding, own)
        exact = [max(v, ZERO).sqrt() for v in flat(x.exact)]
        computed = [machine.sqrt(max(v, ZERO)) for v in flat(x.computed)]
        worst = max(worst, share(result, exact, computed, "root"))
    return worst


def check_constant(source: Source) -> float:
    """A coefficient, whole or broken, that is reached in some roundings."""
    random, tiny = source.random, source.rounding.tiny
    like = source.ball(source.shape(2))
    c = random.choice((Fraction(1, 3), Fraction(0.999) ** 5, 1e-8, 0.5, 0.9 * tiny, 3 * tiny))
    roundings = random.choice((1, 2, 5, 40))
    result, worst = source.ops.constant(c, like, roundings), 0.0
    truth = arb(Fraction(c).numerator) / arb(Fraction(c).denominator)
    for own, _ in trials(random, like):
        machine = Adversary(source.rounding, own)
        computed = [machine.coefficient(truth, roundings) for _ in range(like.value.size)]
        worst = max(worst, share(result, [truth] * len(computed), computed, f"constant {c}"))
    return worst


def divided(machine: Adversary, v: arb, divisor: int) -> arb:
    return machine.rounded(v / divisor, ZERO if divisor & (divisor - 1) == 0 else None)


def check_sum(
    source: Source, rule: Callable[[BallOps, Ball], Ball], groups: Callable[[Rows], Rows]
) -> float:
    """Sums in any order."""
    a = source.ball(source.shape(6))
    result, worst = rule(source.ops, a), 0.0
    for own, (x,) in trials(source.random, a):
        machine = Adversary(source.rounding, own)
        exact = [sum(group, ZERO) for group in groups(x.exact)]
        computed = list(map(machine.total, groups(x.computed)))
        worst = max(worst, share(result, exact, computed, "sum"))
    return worst


check_total = partial(check_sum, rule=lambda ops, a: ops.total(a), groups=lambda rows: [flat(rows)])
check_column_total = partial(check_sum, rule=lambda ops, a: ops.total(a, 0), groups=turned)
check_row_total = partial(
    check_sum, rule=lambda ops, a: a.row_total(ops.rounding), groups=lambda rows: rows
)


def check_exact(source: Source) -> float:
    """Data are known exactly, but an implementation may take a subnormal number for zero."""
    value = source.values(source.shape())
    result, worst = source.ops.exact(value), 0.0
    for flushes in (True, False):
        exact = [arb(v) for v in value.ravel().tolist()]
        computed = [ZERO if flushes and abs(x) < arb(source.rounding.tiny) else x for x in exact]
        worst = max(worst, share(result, exact, computed, "exact"))
    return worst


def check_simple(
    source: Source, rule: Callable[[BallOps, Ball], Ball], function: Callable[[arb], arb]
) -> float:
    """A function of an element that rounds nothing."""
    a = source.ball(source.shape(3))
    result, worst = rule(source.ops, a), 0.0
    for _, (x,) in trials(source.random, a):
        exact, computed = map(function, flat(x.exact)), map(function, flat(x.computed))
        worst = max(worst, share(result, list(exact), list(computed), "elementwise"))
    return worst


def check_activation(source: Source, name: str) -> float:
    """An activation in each of its forms."""
    z = source.logits(source.shape())
    result, worst = source.ops.activate(FUNCTIONS[name], z), 0.0
    for own, (x,) in trials(source.random, z):
        machine, form = Adversary(source.rounding, own), own.choice(list(FORMS[name]))
        exact = flat(list(map(EXACT[name], x.exact)))
        computed = flat([FORMS[name][form](machine, row) for row in x.computed])
        worst = max(worst, share(result, exact, computed, f"{name} {form!r} of {z.value}"))
    return worst


# Their derivatives look at the sign of a, which is that of z whatever the radius says.
SIGNED = ("relu", "leaky_relu")


def activated(machine: Adversary, name: str, exact: Rows, computed: Rows, a: Ball) -> Rows:
    """What an implementation keeps as f(z): what a form gives, or anything that the ball allows."""
    if machine.random.random() < 0.5 or a.radius is None or name.split()[0] in SIGNED:
        form = machine.random.choice(list(FORMS[name].values()))
        return [form(machine, row) for row in computed]
    side = machine.random.choice((1, -1, 0))
    return [
        [x + arb(r) * (side or machine.random.choice((1, -1))) for x, r in zip(*rows, strict=True)]
        for rows in zip(exact, a.radius.tolist(), strict=True)
    ]


def check_pull(source: Source, name: str) -> float:
    """A cotangent taken back through an activation, from a or from z."""
    size, f = source.shape(3), FUNCTIONS[name]
    z, g = source.logits(size), source.ball(size)
    a = source.ops.activate(f, z)
    result, worst = source.ops.vjp(f, z, a, g), 0.0
    for own, (x, cotangent) in trials(source.random, z, g):
        machine, form = Adversary(source.rounding, own), own.choice(list(PULLS[name]))
        kept = activated(machine, name, list(map(EXACT[name], x.exact)), x.computed, a)
        exact = flat(list(map(EXACT_PULL[name], x.exact, cotangent.exact)))
        rows = zip(x.computed, kept, cotangent.computed, strict=True)
        computed = flat([PULLS[name][form](machine, *row) for row in rows])
        worst = max(worst, share(result, exact, computed, f"{name} pulled, {form!r} at {z.value}"))
    return worst


def check_loss(
    source: Source,
    kind: str,
    part: int,
    exact: dict[str, Callable[[Row, Row, Row], Row]],
    forms: dict[str, dict[str, Callable[[Adversary, Row, Row, Row], Row]]],
) -> float:
    """The rows (part 0) or the slopes (part 1) of a loss in each of their forms."""
    module, size = losses.named(kind), source.shape(3)
    y, name = source.targets(kind, size), module.ACTIVATION
    z = source.logits(size) if name else source.ball(size)
    a = source.ops.activate(FUNCTIONS[name], z) if name else z
    result, worst = source.ops.loss_and_slope(module, z, a, y)[part], 0.0
    for own, (x, t) in trials(source.random, z, y):
        machine, form = Adversary(source.rounding, own), own.choice(list(forms[kind]))
        sharp = list(map(EXACT[name], x.exact)) if name else x.exact
        blunt = activated(machine, name, sharp, x.computed, a) if name else x.computed
        truth = flat(list(map(exact[kind], x.exact, sharp, t.exact)))
        rows = zip(x.computed, blunt, t.computed, strict=True)
        computed = flat([forms[kind][form](machine, *row) for row in rows])
        what = f"{kind} {form!r} at {z.value} for {y.value}"
        worst = max(worst, share(result, truth, computed, what))
    return worst


CHECKS: dict[str, Check] = {
    **ORDERS,
    "matmul": check_matmul,
    "affine": check_affine,
    "joined": check_joined,
    "plus": check_plus,
    "minus": check_minus,
    "plus row": partial(check_plus, row=True),
    "minus row": partial(check_minus, row=True),
    "times": check_times,
    "scale": check_scale,
    "divide": check_divide,
    "sqrt": check_sqrt,
    "constant": check_constant,
    "total": check_total,
    "column total": check_column_total,
    "row total": check_row_total,
    "exact": check_exact,
    "magnitude": partial(check_simple, rule=lambda ops, a: ops.magnitude(a), function=abs),
    "sign": partial(check_simple, rule=lambda ops, a: ops.sign(a), function=arb.sgn),
    "doubled": partial(check_simple, rule=lambda ops, a: a.doubled(), function=lambda x: 2 * x),
    **{name: partial(check_activation, name=name) for name in EXACT},
    **{f"{name} pulled": partial(check_pull, name=name) for name in EXACT},
    **{
        f"{kind} {what}": partial(check_loss, kind=kind, part=part, exact=exact, forms=forms)
        for kind in EXACT_LOSS
        for part, (what, exact, forms) in enumerate(
            (("rows", EXACT_LOSS, LOSSES), ("slopes", EXACT_SLOPE, SLOPES))
        )
    },
}


# What `calibrate` may find an implementation's functions to err by, in ulps. Where they are rounded
# correctly, only their own charges cover the roundings around them.
SHARP: Charges = tuple((name, 0.5) for name in (*CHARGED, "log1p"))
CHARGES: tuple[Charges, ...] = (
    (),
    SHARP,
    (("sigmoid", 30.0), ("softmax", 50.0), ("softplus", 40.0), ("tanh", 9.0)),
    (("exp", 11.0), ("log", 7.0), ("log1p", 100.0)),
    (("erf", 30.0), ("erfc", 2.0), ("expm1", 9.0), ("gelu", 20.0), ("log1pexp", 50.0)),
    (("erfc", 40.0), ("exp", 0.5), ("expm1", 0.5), ("gelu_tanh", 30.0), ("tanh", 0.5)),
)


def model(dtype: str, charges: Charges) -> Rounding:
    """The rounding model. In float64 a function is charged what NumPy's, which is a value, errs."""
    if dtype == "float64":
        charges = tuple((name, max(ulps, FLOOR)) for name, ulps in charges)
    return Rounding.of(dtype, charges)


def searched(
    check: Check,
    cases: int,
    *,
    dtypes: Sequence[str] = DTYPES,
    inputs: Inputs = "any",
    charges: Sequence[Charges] = CHARGES,
    arithmetic: Callable[[Rounding], BallOps] = BallOps,
    enough: float = inf,
) -> float:
    """The largest share over so many cases, or the first that is ``enough``.

    Fails at the first case that is not covered.
    """
    worst = 0.0
    for seed in range(cases):
        random = Random(seed)
        rounding = model(dtypes[seed % len(dtypes)], random.choice(charges))
        worst = max(worst, check(Source(arithmetic(rounding), random, inputs)))
        if worst >= enough:
            break
    return worst
