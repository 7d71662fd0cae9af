"""Ulps: how many an implementation's functions err, against certified values.

IEEE 754 fixes none of these functions, so what an implementation is charged for them is measured:
exhaustively in float16 and bfloat16, on samples over the whole range, tails and subnormals too, in
float32 and float64. The table is kept in `charges.csv`.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, pi, sqrt

import numpy as np
from flint import arb, ctx
from numpy.typing import NDArray
from scipy import special

from backproof.mathematics.arithmetic.rounding.model import FLOOR, TANH_IS_ONE, Rounding, round_to
from backproof.mathematics.functions.gelu import CUBIC, certified_inner
from backproof.mathematics.functions.softmax import certified_softmax, softmax_own

Values = NDArray[np.floating]

# A sample misses the worst argument. Measured on twice as many points, the largest error of a
# sample of this size grew by less than a tenth (see docs/bounds.md); it is charged this much more.
SAMPLED_MARGIN = 1.5
SAMPLES = 40_000
BITS = 160


@dataclass(frozen=True)
class Measured:
    """The worst error of one function of one implementation, in ulps of the exact result."""

    implementation: str
    mode: str
    function: str
    dtype: str
    ulps: float
    at: float
    points: int
    exhaustive: bool

    @property
    def charged(self) -> float:
        """What the balls charge: the measured error, with a margin where points were sampled."""
        return self.ulps * (1 if self.exhaustive else SAMPLED_MARGIN)


def softplus(x: arb) -> arb:
    """log(1 + e^x) without overflow."""
    return x.nonnegative_part() + (-abs(x)).exp().log1p()


EXACT: dict[str, Callable[[arb], arb]] = {
    "exp": lambda x: x.exp(),
    "log": lambda x: x.log(),
    "sqrt": lambda x: x.sqrt(),
    "log1p": lambda x: x.log1p(),
    "sigmoid": lambda x: 1 / (1 + (-x).exp()),
    "tanh": lambda x: x.tanh(),
    "softplus": softplus,
    "expm1": lambda x: x.expm1(),
    "erf": lambda x: x.erf(),
    "erfc": lambda x: x.erfc(),
    "log1pexp": softplus,
    "gelu": lambda x: x * (-x * arb(0.5).sqrt()).erfc() / 2,
    "gelu_tanh": lambda x: x * (1 + certified_inner(x)[0].tanh()) / 2,
}
# The size that an error counts at, where it is not that of the result: of a distribution's, at
# least 1, and of a GELU's, that of its argument; see the rule of `gelu`.
SIZES: dict[str, Callable[[Values, Values], Values]] = {
    "erf": lambda x, f: np.maximum(np.abs(f), 1),
    "erfc": lambda x, f: np.maximum(f, 1),
    "gelu": lambda x, f: np.abs(x),
    "gelu_tanh": lambda x, f: np.abs(x),
}

# NumPy's and SciPy's own, which hand-written code calls.
NUMPY: dict[str, Callable[[Values], Values]] = {
    "exp": np.exp,
    "log": np.log,
    "sqrt": np.sqrt,
    "log1p": np.log1p,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "tanh": np.tanh,
    "softplus": lambda x: np.logaddexp(x.dtype.type(0), x),
    "expm1": np.expm1,
    "log1pexp": lambda x: np.logaddexp(x.dtype.type(0), x),
    "gelu": lambda x: 0.5 * x * (1 + special.erf(x / sqrt(2))),
    "gelu_tanh": lambda x: 0.5 * x * (1 + np.tanh(sqrt(2 / pi) * (x + float(CUBIC) * x**3))),
    "softmax": lambda z: (e := np.exp(z - z.max(axis=1, keepdims=True))) / e.sum(1, keepdims=True),
}
SCIPY: dict[str, Callable[[Values], Values]] = {
    "log1p": special.log1p,
    "sigmoid": special.expit,
    "softplus": lambda x: -special.log_expit(-x),
    "softmax": lambda z: special.softmax(z, axis=1),
    "erf": special.erf,
    "erfc": special.erfc,
    "expm1": special.expm1,
    "log1pexp": lambda x: -special.log_expit(-x),
    "gelu": lambda x: x * special.ndtr(x),
}
LOCAL = {"numpy": NUMPY, "scipy": SCIPY}


def arguments(function: str, dtype: str, stream: np.random.Generator) -> Values:
    """Points of the dtype (as float64 or float32, which hold them) at which a function is measured.

    All there are in the half precisions; else uniform ones where the function does something,
    log-uniform ones over all sizes, and the neighbours of 0, ±1 and of the ends of the range.
    """
    rounding = Rounding.of(dtype)
    if dtype in ("float16", "bfloat16"):
        bits = np.arange(2**16, dtype=np.uint32)
        x = (
            bits.astype(np.uint16).view(np.float16).astype(np.float32)
            if dtype == "float16"
            else (bits << 16).view(np.float32)
        )
    else:
        limit = -np.log(rounding.tiny) * 1.06  # beyond: zero, or infinity
        third = SAMPLES // 3
        uniform = stream.uniform(-limit, limit, third)
        moderate = stream.normal(size=third) * 8
        # A sigmoid of 2²⁰ is as settled as one of 2¹⁰²³, whose exact value has too many digits.
        widest = 1023 if function in ("log", "log1p", "sqrt") else 20
        exponents = stream.uniform(np.log2(rounding.tiny) - 10, -np.log2(rounding.tiny), third)
        sizes = 2.0 ** np.clip(exponents, -1074, widest) * stream.choice([-1, 1], third)
        near = [
            base + sign * 2.0**-k for base in (0, 1, -1) for k in range(1, 60) for sign in (-1, 1)
        ]
        x = np.concatenate([uniform, moderate, sizes, near]).astype(dtype)
    x = x[np.isfinite(x)]
    if function in ("log", "sqrt"):  # where subnormals are flushed, that of one is that of zero
        x = np.abs(x)
        x = x[x >= rounding.tiny]
    if function == "log1p":
        x = x[x > -1]
    return np.unique(x)


def measure(
    implementation: str,
    mode: str,
    dtype: str,
    compute: Callable[[str, Values], Values],
    functions: list[str],
    known: dict[str, tuple[Values, list[arb]]],
) -> list[Measured]:
    """The worst error of each function; ``known`` keeps exact values between implementations."""
    found = []
    for function in functions:
        if function == "softmax":
            found.append(measure_softmax(implementation, mode, dtype, compute))
            continue
        if function not in known:
            x = arguments(function, dtype, np.random.default_rng(0))
            before, ctx.prec = ctx.prec, BITS
            known[function] = x, [EXACT[function](arb(v)) for v in x.tolist()]
            ctx.prec = before
        x, exact = known[function]
        # The rule of the binary cross-entropy grants its softplus three roundings of the size of z.
        granted: Values | float = 0.0
        if function == "softplus":
            with np.errstate(divide="ignore"):
                granted = 1.5 * np.abs(x) / np.array([float(value) for value in exact])
        computed = compute(function, x).astype(np.float64)
        if function == "tanh":  # a value that is not 1 where the rules take it to be is no number
            computed = np.where(
                (np.abs(x) >= TANH_IS_ONE) & (computed != np.sign(x)), np.nan, computed
            )
        error, at = gentlest(computed, exact, x, Rounding.of(dtype), granted, SIZES.get(function))
        found.append(
            Measured(implementation, mode, function, dtype, error, at, len(x), "16" in dtype)
        )
    return found


def gentlest(
    computed: Values,
    exact: list[arb],
    x: Values,
    rounding: Rounding,
    allowed: Values | float,
    size_of: Callable[[Values, Values], Values] | None,
) -> tuple[float, float]:
    """`worst`; in float16 with gradual underflow, unless the function flushes its small results."""
    if rounding.dtype == "float16":
        gradual = worst(
            computed, exact, x, rounding, allowed, size_of, rounding.losing("gradual").tiny
        )
        if gradual[0] <= FLOOR:
            return gradual
    return worst(computed, exact, x, rounding, allowed, size_of)


def worst(
    computed: Values,
    exact: list[arb],
    x: Values,
    rounding: Rounding,
    allowed: Values | float = 0.0,
    size_of: Callable[[Values, Values], Values] | None = None,
    lost: float | None = None,
) -> tuple[float, float]:
    """The largest (|computed − exact| − η)/(2u·|exact|) − allowed, and where; inf for a NaN.

    ``size_of`` the argument and the result stands in the place of |exact| where it is given; η is
    ``lost``, or the smallest normal number.

    Overflow to infinity is right where the exact result exceeds the dtype's largest number.
    """
    high = np.array([float(value) for value in exact])
    low = np.array(
        [float(v - h) if np.isfinite(h) else 0.0 for v, h in zip(exact, high, strict=True)]
    )
    largest = (1 - rounding.unit) * 2 / rounding.tiny  # within a factor of 2 of the dtype's largest
    beyond = np.abs(high) > largest / 2
    with np.errstate(all="ignore"):
        error = np.abs((computed - high) - low) - (rounding.tiny if lost is None else lost)
        size = size_of(x.astype(np.float64), high) if size_of else np.abs(high)
        ulps = np.where(size == 0, 0, error / (2 * rounding.unit * size)) - allowed
    ulps = np.where(beyond, 0.0, np.where(np.isnan(ulps), np.inf, ulps))
    at = int(np.argmax(ulps))
    return max(float(ulps[at]), 0.0), float(x[at])


def measure_softmax(
    implementation: str, mode: str, dtype: str, compute: Callable[[str, Values], Values]
) -> Measured:
    """What the softmax errs beyond the roundings that its rule derives, in ulps of each element."""
    stream = np.random.default_rng(1)
    rounding = Rounding.of(dtype)
    rows = 500 if "16" in dtype else 4000
    limit = 0.5 / rounding.unit if "16" in dtype else 600.0
    scale = np.minimum(2.0 ** stream.uniform(-4, 9, (rows, 1)), limit)
    wide = stream.normal(size=(rows, 8)) * scale
    z = round_to(wide, dtype)
    before, ctx.prec = ctx.prec, BITS
    exact = [p for row in z.tolist() for p in certified_softmax([arb(v) for v in row])]
    ctx.prec = before
    p = np.reshape([float(value) for value in exact], z.shape)
    own = softmax_own(z.astype(np.float64), p, rounding) / (2 * rounding.unit)
    computed = compute("softmax", z).astype(np.float64).ravel()
    # The rule grants a softmax four η, for exp, sum and quotient may each be flushed or clamped.
    error, at = worst(computed, exact, z.ravel(), rounding, own.ravel(), lost=4 * rounding.tiny)
    return Measured(implementation, mode, "softmax", dtype, error, at, z.size, exhaustive=False)


def to_csv(measured: list[Measured]) -> str:
    """The table as it is kept in ``charges.csv``."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(
        [
            "implementation",
            "mode",
            "function",
            "dtype",
            "ulps",
            "charged",
            "at",
            "points",
            "exhaustive",
        ]
    )
    for m in sorted(measured, key=lambda m: (m.implementation, m.mode, m.function, m.dtype)):
        writer.writerow(
            [
                m.implementation,
                m.mode,
                m.function,
                m.dtype,
                f"{m.ulps:.2f}",
                f"{ceil(100 * m.charged) / 100:.2f}",
                f"{m.at:.6g}",
                m.points,
                "yes" if m.exhaustive else "no",
            ]
        )
    return text.getvalue()
