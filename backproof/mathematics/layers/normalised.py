"""What the norms share: x̂ = (x − μ)/s by groups, then γ and β; and what is got wrong in it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from math import prod
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import numpy as np

from backproof.mathematics.arithmetic.standard import Standard
from backproof.mathematics.checking import check_fields
from backproof.mathematics.errors import UsageError
from backproof.mathematics.latex import decimal
from backproof.mathematics.layers.layer import Formulas, Layer, Parameter, Shape, Symbols, fitting
from backproof.mathematics.layers.own import At, Change, LayerFault, LayerProbe

if TYPE_CHECKING:
    from backproof.mathematics.layers.here import Here

T = TypeVar("T")


class Normalised(Layer):
    """A norm: a = γ ⊙ x̂ + β, each optional. Its fields besides say what a group is.

    ``epsilon`` stands ``inside`` of the root, √(v + ε), or outside, √v + ε.
    """

    several: ClassVar[bool] = False
    least_axes: ClassVar[int] = 1
    """How many axes a sample must have."""

    by_batch: ClassVar[bool] = True
    """Whether its statistics are those of the batch."""
    feeds_unbiased: ClassVar[bool] = False
    """Whether a running variance is fed with the unbiased one."""
    keeps: ClassVar[float] = 1.0
    """The share of the old running value."""

    epsilon: float
    scale: bool
    bias: bool
    inside: bool

    def __post_init__(self) -> None:
        check_fields(self)
        if not self.epsilon >= 0:
            raise UsageError(f"{type(self).__name__}(epsilon={self.epsilon!r}): it is at least 0")

    @abstractmethod
    def viewed(self, shape: Shape) -> Shape:
        """The shape, samples and all, in which its groups are whole axes."""

    @abstractmethod
    def standard(self, shape: Shape) -> Standard:
        """How that is standardised."""

    @abstractmethod
    def affine(self, shape: Shape) -> Shape:
        """The shape of γ and β, for samples of that shape: that of its last axes."""

    def output(self, *inputs: Shape) -> Shape:
        if len(inputs) != 1 or len(inputs[0]) < self.least_axes:
            few = {1: "one axis", 2: "two axes", 3: "three axes"}[self.least_axes]
            raise fitting(self.kind, f"one input of at least {few}", *inputs)
        return inputs[0]

    def parameters(self, *inputs: Shape) -> dict[str, Parameter]:
        shape = self.affine(inputs[0])
        found = {}
        if self.scale:
            found["scale"] = Parameter(shape, "scale")
        if self.bias:
            found["bias"] = Parameter(shape, "bias")
        return found

    def normal(self, ops: Any, x: Any, terms: int = 0) -> Any:
        """x̂, which a sum of so many terms may be taken of: see `Ops.standardise`."""
        by, shape = self.standard(x.shape), self.viewed(x.shape)
        return ops.reshaped(ops.standardise(ops.reshaped(x, shape), by, terms), x.shape)

    def pulled(self, ops: Any, x: Any, cotangent: Any) -> Any:
        """The cotangent of x̂, taken back to x."""
        by, shape = self.standard(x.shape), self.viewed(x.shape)
        x_in, g_in = ops.reshaped(x, shape), ops.reshaped(cotangent, shape)
        return ops.reshaped(ops.standardise_vjp(x_in, g_in, by), x.shape)

    def before(self, shape: Shape) -> tuple[int, ...]:
        """The axes that γ and β do not have."""
        return tuple(range(len(shape) - len(self.affine(shape[1:]))))

    def forward(self, here: Here[T], *inputs: T) -> T:
        a = here.site("normal", self.normal(here.ops, inputs[0]))
        if self.scale:
            a = here.ops.multiply(a, here.parameter("scale"))
        if self.bias:  # which may be joined with −μγ/s first, and rounds there
            a = here.ops.add(a, here.ops.as_summand(here.parameter("bias"), 1))
        return a

    def backward(self, here: Here[T], cotangent: T, *inputs: T) -> tuple[T | None, ...]:
        """x̄ of ḡ ⊙ γ, as `Ops.standardise_vjp` states it; γ̄ = Σ ḡ ⊙ x̂ and β̄ = Σ ḡ."""
        ops, x = here.ops, inputs[0]
        shape: Shape = x.shape  # type: ignore[attr-defined] # every arithmetic has it
        axes = self.before(shape)
        terms = prod(shape[: len(axes)])
        if self.scale:
            further = here.further_terms("scale")
            each = ops.multiply(cotangent, self.normal(ops, x, terms + further))
            here.gradient("scale", ops.total(each, axes, further))
        if self.bias:
            here.gradient("bias", ops.total(cotangent, axes, here.further_terms("bias")))
        if not here.wants():
            return (None,)
        if self.scale:
            cotangent = ops.multiply(cotangent, here.value("scale"))
        return (here.passed(self.pulled(ops, x, here.site("normal_back", cotangent))),)

    def summands(self, *inputs: Shape) -> tuple[int, ...]:
        """ḡ/s, and what comes by way of μ and s."""
        return (3,)

    def gradient_summands(self, rows: int, *inputs: Shape) -> dict[str, int]:
        positions = prod(inputs[0]) // prod(self.affine(inputs[0]))
        return dict.fromkeys(self.parameters(*inputs), rows * positions)

    def products(self, *inputs: Shape) -> int:
        return 4 * prod(inputs[0])

    def over(self) -> str:
        """What a group is, in words of a formula."""
        return "groups"

    def latex(self, symbols: Symbols) -> Formulas:
        x, i, g = symbols.inputs[0], symbols.number, symbols.arriving
        gamma, beta = (symbols.parameters.get(name, "") for name in ("scale", "bias"))
        by = self.standard((2, 2, 2, 2))
        group = rf"\mathrm{{{self.over()}}}"
        n, d = "N", "(N - 1)" if by.unbiased else "N"
        mean = rf"\mu_{{{i}}} = \frac{{1}}{{{n}}} \sum_{{{group}}} {x}, \qquad " * by.centred
        apart = rf"({x} - \mu_{{{i}}})" if by.centred else x
        v = rf"v_{{{i}}} = \frac{{1}}{{{d}}} \sum_{{{group}}} {apart}^2"
        epsilon = f" + {decimal(by.epsilon)}" if by.epsilon else ""
        root = rf"\sqrt{{v_{{{i}}}{epsilon}}}" if by.inside else rf"\sqrt{{v_{{{i}}}}}{epsilon}"
        normal = rf"\hat{{X}}_{{{i}}}"
        scaled = rf"{gamma} \odot {normal}" if gamma else normal
        forward = (
            rf"{mean}{v}, \qquad s_{{{i}}} = {root}, \qquad {normal} = "
            rf"\frac{{{apart}}}{{s_{{{i}}}}}, \qquad A_{{{i}}} = {scaled}"
            + (f" + {beta}" if beta else "")
        )
        back = rf"G_{{{i}}}"
        along = rf"\frac{{1}}{{{d}}} \sum_{{{group}}} {back} \odot {normal}"
        toward = normal if by.inside else rf"\frac{{{apart}}}{{\sqrt{{v_{{{i}}}}}}}"
        mean_back = rf" - \frac{{1}}{{{n}}} \sum_{{{group}}} {back}" * by.centred
        inner = rf"{back}{mean_back} - {toward} \odot {along}"
        gradients = {}
        if gamma:
            gradients["scale"] = rf"\sum {g} \odot {normal}"
        if beta:
            gradients["bias"] = rf"\sum {g}"
        return Formulas(
            forward=forward,
            delta=rf"{back} = {g}" + (rf" \odot {gamma}" if gamma else ""),
            cotangents=(rf"\frac{{1}}{{s_{{{i}}}}} ({inner})",),
            gradients=gradients,
        )

    def summary(self) -> str:
        """``layer_norm``, and what it is without."""
        lacking = [name for name in ("scale", "bias") if not getattr(self, name)]
        return self.kind + (f" without {' and '.join(lacking)}" if lacking else "")


# --- what is got wrong --------------------------------------------------------------------------


def norm_of(at: At) -> Normalised:
    """The layer of a node, which is a norm."""
    assert isinstance(at.layer, Normalised)
    return at.layer


def upstream(at: At, scope: Any) -> Any:
    """The cotangent of x̂."""
    g = scope.values[at.arriving]
    return scope.ops.multiply(g, scope.values[f"scale/{at.name}"]) if norm_of(at).scale else g


def as_if(at: At, other: Normalised) -> dict[str, Change]:
    """The whole node as another norm would have it, forwards and backwards."""
    found: dict[str, Change] = {
        f"normal/{at.name}": lambda value, s: other.normal(s.ops, s.values[at.sources[0]])
    }
    if at.back[0]:
        found[at.back[0]] = lambda value, s: other.pulled(
            s.ops, s.values[at.sources[0]], upstream(at, s)
        )
    if norm_of(at).scale:
        found[f"data_gradient/{at.name}/scale"] = scale_gradient(
            at, lambda ops, x: other.normal(ops, x)
        )
    return found


def scale_gradient(at: At, of: Any) -> Change:
    """γ̄ = Σ ḡ ⊙ something of x."""

    def change(value: Any, s: Any) -> Any:
        x = s.values[at.sources[0]]
        each = s.ops.multiply(s.values[at.arriving], of(s.ops, x))
        return s.ops.total(each, norm_of(at).before(x.shape))

    return change


def backwards(at: At, rule: Any) -> dict[str, Change]:
    """Another x̄: ``rule(ops, by, x, g)`` of x and the cotangent of x̂, viewed by groups."""
    if not at.back[0]:
        return {}

    def change(value: Any, s: Any) -> Any:
        norm, x = norm_of(at), s.values[at.sources[0]]
        shape = norm.viewed(x.shape)
        parts = (s.ops.reshaped(each, shape) for each in (x, upstream(at, s)))
        return s.ops.reshaped(rule(s.ops, norm.standard(x.shape), *parts), x.shape)

    return {at.back[0]: change}


def means(ops: Any, by: Standard, x: Any, divisor: int | None = None) -> Any:
    """The mean of each group, at all of its elements."""
    groups = by.groups(x.shape)
    total = ops.scale(ops.total(x, groups.axes), 1, divisor or groups.terms)
    return ops.gather(total, groups.places)


def over_s(ops: Any, by: Standard, x: Any, g: Any) -> Any:
    """g/s."""
    v = ops.gather(ops.variance(x, by), by.groups(x.shape).places)
    if not by.epsilon:
        return ops.divide(g, ops.sqrt(v))
    epsilon = ops.constant(by.epsilon, v, 1)
    s = ops.sqrt(ops.add(v, epsilon)) if by.inside else ops.add(ops.sqrt(v), epsilon)
    return ops.divide(g, s)


def without_mean(ops: Any, by: Standard, x: Any, g: Any) -> Any:
    """(g − q·P)/s: the mean of g is left in."""
    return ops.add(ops.standardise_vjp(x, g, by), over_s(ops, by, x, means(ops, by, g)))


def without_variance(ops: Any, by: Standard, x: Any, g: Any) -> Any:
    """(g − mean g)/s: s is taken for given."""
    inner = ops.subtract(g, means(ops, by, g)) if by.centred else g
    return over_s(ops, by, x, inner)


def scale_outside(at: At) -> dict[str, Change]:
    """γ multiplies x̄, not what is summed up in it."""
    if not norm_of(at).scale or not at.back[0]:
        return {}
    return {
        at.back[0]: lambda value, s: s.ops.multiply(
            norm_of(at).pulled(s.ops, s.values[at.sources[0]], s.values[at.arriving]),
            s.values[f"scale/{at.name}"],
        )
    }


FORMULA = "x̄ = (g − mean g − x̂·mean(g ⊙ x̂))/s, g = ḡ ⊙ γ"

GIVEN_VARIANCE = LayerFault(
    "variance_term_missing",
    "the deviation is taken for given on the way back: its dependence on x is left out",
    FORMULA,
    lambda at: backwards(at, without_variance),
)
GIVEN_MEAN = LayerFault(
    "mean_term_missing",
    "the mean is taken for given on the way back: its dependence on x is left out",
    FORMULA,
    lambda at: backwards(at, without_mean),
)
GIVEN_MOMENTS = LayerFault(
    "moments_taken_for_given",
    "mean and deviation are taken for given on the way back, as if x̂ were x times a number",
    FORMULA,
    lambda at: backwards(at, over_s),
)
SCALE_OF_INPUT = LayerFault(
    "scale_gradient_of_the_input",
    "the gradient of γ is taken with x, not with x̂",
    "γ̄ = Σ ḡ ⊙ x̂",
    lambda at: (
        {f"data_gradient/{at.name}/scale": scale_gradient(at, lambda ops, x: x)}
        if norm_of(at).scale
        else {}
    ),
)
SCALE_FORGOTTEN = LayerFault(
    "scale_forgotten_backwards",
    "the cotangent goes back without γ",
    "g = ḡ ⊙ γ",
    lambda at: (
        {
            at.back[0]: lambda value, s: norm_of(at).pulled(
                s.ops, s.values[at.sources[0]], s.values[at.arriving]
            )
        }
        if at.back[0] and norm_of(at).scale
        else {}
    ),
)
SCALE_OUTSIDE = LayerFault(
    "scale_outside_the_sums",
    "γ multiplies the result of the way back, not what is summed up in it: right while γ = 1",
    FORMULA,
    scale_outside,
)
NOT_ROOT = LayerFault(
    "divided_by_the_variance",
    "x − μ is divided by v + ε, without a root, which the way back takes for s as well",
    "x̂ = (x − μ)/√(v + ε)",
    lambda at: {
        f"normal/{at.name}": squared_deviation(at),
        **backwards(at, by_squared_deviation),
        **scale_by(at, f"normal/{at.name}"),
    },
)


def scale_by(at: At, site: str) -> dict[str, Change]:
    """γ̄ = Σ ḡ ⊙ what stands at a site."""
    if not norm_of(at).scale:
        return {}

    def change(value: Any, s: Any) -> Any:
        each = s.ops.multiply(s.values[at.arriving], s.values[site])
        return s.ops.total(each, norm_of(at).before(each.shape))

    return {f"data_gradient/{at.name}/scale": change}


def by_squared_deviation(ops: Any, by: Standard, x: Any, g: Any) -> Any:
    """The formula of the way back, with s² for s."""
    normal = over_s(ops, by, x, ops.standardise(x, by))
    divisor = by.groups(x.shape).divisor
    along = means(ops, by, ops.multiply(g, normal), divisor)
    inner = ops.subtract(g, ops.multiply(normal, along))
    if by.centred:
        inner = ops.subtract(inner, means(ops, by, g))
    return over_s(ops, by, x, over_s(ops, by, x, inner))


def squared_deviation(at: At) -> Change:
    """x̂/s."""

    def change(value: Any, s: Any) -> Any:
        norm, x = norm_of(at), s.values[at.sources[0]]
        shape, by = norm.viewed(x.shape), norm.standard(x.shape)
        x_in, v_in = (s.ops.reshaped(each, shape) for each in (x, value))
        return s.ops.reshaped(over_s(s.ops, by, x_in, v_in), x.shape)

    return change


def other_epsilon_place(at: At) -> dict[str, Change]:
    """ε on the other side of the root."""
    norm = norm_of(at)
    return as_if(at, replace(norm, inside=not norm.inside)) if norm.epsilon else {}  # type: ignore[type-var]


EPSILON_PLACE = LayerFault(
    "epsilon_at_the_other_place",
    "ε stands outside of the root where it belongs inside, or inside where it belongs outside",
    "s = √(v + ε)",
    other_epsilon_place,
    "convention",
)


def other_divisor(at: At) -> dict[str, Change]:
    """N − 1 for N, or N for N − 1."""
    norm: Any = norm_of(at)
    return as_if(at, replace(norm, unbiased=not norm.unbiased))


DIVISOR = LayerFault(
    "other_divisor_of_the_variance",
    "the variance is divided by N − 1 where N belongs, or by N where N − 1 belongs",
    "v = Σ (x − μ)²/N",
    other_divisor,
    "convention",
)


def other_epsilon(epsilon: float) -> LayerFault:
    """ε as another framework, or another layer, has it."""

    def changes(at: At) -> dict[str, Change]:
        norm: Any = norm_of(at)
        return {} if norm.epsilon == epsilon else as_if(at, replace(norm, epsilon=epsilon))

    return LayerFault(
        f"epsilon_{epsilon:g}", f"ε is {epsilon:g}", "ε as it is declared", changes, "convention"
    )


EPSILONS = tuple(other_epsilon(each) for each in (1e-3, 1e-5, 1e-6, 1e-8))


def variance_term(times: int) -> Any:
    """x̄ with so many times its term −q·P/s."""

    def rule(ops: Any, by: Standard, x: Any, g: Any) -> Any:
        right, plain = ops.standardise_vjp(x, g, by), without_variance(ops, by, x, g)
        term = ops.subtract(right, plain)
        return ops.add(plain, term if times == 1 else ops.scale(term, float(times)))

    return rule


def summed_mean(ops: Any, by: Standard, x: Any, g: Any) -> Any:
    """x̄ with the sum of g where its mean belongs."""
    n = by.groups(x.shape).terms
    more = over_s(ops, by, x, ops.scale(means(ops, by, g), float(n - 1)))
    return ops.subtract(ops.standardise_vjp(x, g, by), more)


VARIANCE_SIGN = LayerFault(
    "variance_term_with_the_other_sign",
    "the term that comes by way of the variance has the other sign",
    FORMULA,
    lambda at: backwards(at, variance_term(-1)),
)
VARIANCE_TWICE = LayerFault(
    "variance_term_twice",
    "the term that comes by way of the variance is there twice, as without the ½ of a root",
    FORMULA,
    lambda at: backwards(at, variance_term(2)),
)
SUMMED_MEAN = LayerFault(
    "sum_for_the_mean_backwards",
    "the cotangent's sum is taken off where its mean belongs",
    FORMULA,
    lambda at: backwards(at, summed_mean),
)
SUMMED_ALL = LayerFault(
    "not_divided_by_the_number",
    "the way back is N times as large: its division by N is missing",
    FORMULA,
    lambda at: backwards(at, times_the_number),
)


def with_larger_means(
    ops: Any, by: Standard, x: Any, g: Any, times: Callable[[Standard, Any], int]
) -> Any:
    """(g − k·mean g − k·x̂·mean(g ⊙ x̂))/s."""
    whole = over_s(ops, by, x, g)
    taken_off = ops.subtract(whole, ops.standardise_vjp(x, g, by))
    return ops.subtract(whole, ops.scale(taken_off, float(times(by, x)), 1))


SUMS_FOR_MEANS = LayerFault(
    "sums_for_both_means_backwards",
    "sums are taken off where the means of g and of g ⊙ x̂ belong",
    FORMULA,
    lambda at: backwards(
        at, partial(with_larger_means, times=lambda by, x: by.groups(x.shape).terms)
    ),
)


def times_the_number(ops: Any, by: Standard, x: Any, g: Any) -> Any:
    """N·x̄."""
    n = by.groups(x.shape).terms
    return ops.scale(ops.standardise_vjp(x, g, by), float(n))


SCALE_OF_CENTRED = LayerFault(
    "scale_gradient_not_divided",
    "the gradient of γ is taken with x − μ, not divided by s",
    "γ̄ = Σ ḡ ⊙ x̂",
    lambda at: (
        {f"data_gradient/{at.name}/scale": scale_gradient(at, partial(apart, at))}
        if norm_of(at).scale
        else {}
    ),
)


def apart(at: At, ops: Any, x: Any) -> Any:
    """x − μ."""
    norm = norm_of(at)
    shape, by = norm.viewed(x.shape), norm.standard(x.shape)
    viewed = ops.reshaped(x, shape)
    return ops.reshaped(ops.subtract(viewed, means(ops, by, viewed)), x.shape)


# --- what hides in it ---------------------------------------------------------------------------


def constant_feature(at: At, parameters: dict[str, Any], inputs: Any, stream: Any) -> None:
    """The same number everywhere along one feature of the network's inputs.

    With ε outside of the root nothing is known there, for √v has no derivative at 0.
    """
    if norm_of(at).inside:
        inputs[..., 0] = 0.5


def far_mean(at: At, parameters: dict[str, Any], inputs: Any, stream: Any) -> None:
    """All inputs are near one large number: the mean is a hundred times the deviation."""
    inputs *= 0.1
    inputs += 10


def small_deviation(at: At, parameters: dict[str, Any], inputs: Any, stream: Any) -> None:
    """The variance is as small as ε."""
    inputs *= 2.0**-8


def nothing_to_scale(at: At, parameters: dict[str, Any], inputs: Any, stream: Any) -> None:
    """γ is 0 in places and negative in others."""
    for own, name in at.parameters.items():
        if own == "scale":
            flat = parameters[name].reshape(-1)
            flat[::2] = -np.abs(flat[::2])
            flat[::3] = 0


HOSTILE = (
    LayerProbe("constant_feature", constant_feature),
    LayerProbe("far_mean", far_mean),
    LayerProbe("variance_like_epsilon", small_deviation),
)
HOSTILE_SCALE = LayerProbe("scale_negative_or_zero", nothing_to_scale)
