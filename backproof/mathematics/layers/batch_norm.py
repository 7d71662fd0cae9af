"""batch_norm: each channel standardised over the samples; by running statistics afterwards."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from math import ceil, prod
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar

import numpy as np

from backproof.mathematics.arithmetic import standardised
from backproof.mathematics.arithmetic.standard import Standard
from backproof.mathematics.errors import UsageError
from backproof.mathematics.latex import decimal
from backproof.mathematics.layers import plain_norms
from backproof.mathematics.layers.layer import Buffer, Choose, Example, Formulas, Shape, Symbols
from backproof.mathematics.layers.normalised import (
    DIVISOR,
    EPSILON_PLACE,
    EPSILONS,
    FORMULA,
    GIVEN_MEAN,
    GIVEN_MOMENTS,
    GIVEN_VARIANCE,
    HOSTILE,
    HOSTILE_SCALE,
    SCALE_FORGOTTEN,
    SCALE_OF_CENTRED,
    SCALE_OF_INPUT,
    SUMMED_ALL,
    SUMMED_MEAN,
    SUMS_FOR_MEANS,
    VARIANCE_SIGN,
    VARIANCE_TWICE,
    Normalised,
    as_if,
    backwards,
    norm_of,
    with_larger_means,
)
from backproof.mathematics.layers.own import At, Change, LayerFault
from backproof.mathematics.layers.port import Port

if TYPE_CHECKING:
    from backproof.mathematics.layers.here import Here

T = TypeVar("T")

Divisor = Literal["biased", "unbiased"]


def in_training(at: At, changes: Callable[[At], Mapping[str, Change]]) -> dict[str, Change]:
    """The changes, where the statistics are those of the batch."""
    return dict(changes(at)) if norm_of(at).by_batch else {}


@dataclass(frozen=True)
class BatchNorm(Normalised):
    """a = γ ⊙ (x − μ)/√(v + ε) + β, μ and v of each channel over samples and positions.

    In training a step moves the running mean and variance, which start at 0 and 1: r becomes
    k·r + (1 − k)·(μ or v). ``momentum`` is the share ``of`` the "old" value, k, as in Keras, or of
    the "new" one, 1 − k, as in PyTorch. ``running``: whether the running variance is fed with the
    "biased" one, as in Keras, or the "unbiased" one, as in PyTorch; v itself is biased, but for
    ``unbiased``. Not in ``training``, the running values stand for μ and v, and stay. Of samples
    with several axes each channel has one mean, or each position its own (``per="element"``).

    Source: Ioffe and Szegedy, Batch normalization, 2015.
    """

    momentum: float = 0.9
    epsilon: float = 1e-5
    scale: bool = True
    bias: bool = True
    inside: bool = True
    unbiased: bool = False
    training: bool = True
    of: Literal["old", "new"] = "old"
    running: Divisor = "biased"
    per: Literal["channel", "element"] = "channel"

    kind: ClassVar[str] = "batch_norm"
    shares: ClassVar[bool] = False
    faults: ClassVar[tuple[LayerFault, ...]] = (
        *(
            replace(fault, changes=partial(in_training, changes=fault.changes))
            for fault in (
                *(GIVEN_VARIANCE, GIVEN_MEAN, GIVEN_MOMENTS, SCALE_OF_INPUT, SCALE_FORGOTTEN),
                *(EPSILON_PLACE, DIVISOR, *EPSILONS, VARIANCE_SIGN, VARIANCE_TWICE),
                *(SUMMED_MEAN, SUMMED_ALL, SUMS_FOR_MEANS, SCALE_OF_CENTRED),
                LayerFault(
                    "means_over_samples_backwards",
                    "the sums of the way back are divided by the number of samples, not by that "
                    "of samples and positions",
                    FORMULA,
                    lambda at: over_the_samples_alone(at),
                ),
            )
        ),
        LayerFault(
            "over_the_features",
            "mean and deviation are those of each sample over its features, as in a layer norm",
            "μ and s of each channel, over the samples",
            lambda at: in_training(at, lambda at: as_if(at, OverFeatures(*fields_of(at)))),
            "convention",
        ),
        LayerFault(
            "momentum_the_other_way",
            "the momentum is taken for the share of the new value where it is that of the old one, "
            "or the other way round",
            "running = k·running + (1 − k)·new",
            lambda at: moved_otherwise(at, lambda norm: {"of": other_share(norm)}),
            "convention",
        ),
        LayerFault(
            "running_variance_of_the_other_divisor",
            "the running variance is fed with the unbiased variance where the biased belongs, or "
            "the other way round",
            "running = k·running + (1 − k)·Σ(x − μ)²/N",
            lambda at: moved_otherwise(at, lambda norm: {"running": other_divisor(norm)}),
            "convention",
        ),
        LayerFault(
            "momentum_of_the_variance_the_other_way",
            "the momentum of the running variance alone is taken for the share of the other value",
            "running = k·running + (1 − k)·new",
            lambda at: moved_otherwise(
                at, lambda norm: {"of": other_share(norm)}, "running_variance"
            ),
        ),
        LayerFault(
            "running_mean_not_moved",
            "the running mean stays as it is, while the running variance is moved",
            "running = k·running + (1 − k)·new",
            lambda at: moved_otherwise(
                at, lambda norm: {"momentum": 1.0, "of": "old"}, "running_mean"
            ),
        ),
        LayerFault(
            "running_values_exchanged",
            "the running mean is fed with the variance, and the running variance with the mean",
            "running = k·running + (1 − k)·new",
            lambda at: fed_the_other_way(at),
        ),
        LayerFault(
            "running_deviation",
            "the running variance is fed with the deviation s",
            "running = k·running + (1 − k)·Σ(x − μ)²/N",
            lambda at: fed_with_the_deviation(at),
        ),
        LayerFault(
            "running_values_not_moved",
            "the running mean and variance stay as they are",
            "running = k·running + (1 − k)·new",
            lambda at: moved_otherwise(at, lambda norm: {"momentum": 1.0, "of": "old"}),
        ),
        LayerFault(
            "running_values_replaced",
            "the running mean and variance become those of this batch alone",
            "running = k·running + (1 − k)·new",
            lambda at: moved_otherwise(at, lambda norm: {"momentum": 0.0, "of": "old"}),
        ),
        LayerFault(
            "running_values_in_training",
            "the running mean and variance are used in training",
            "μ and v of the batch",
            lambda at: with_running_values(at),
        ),
    )
    hostile = (*HOSTILE, HOSTILE_SCALE)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.momentum <= 1:
            raise UsageError(
                f"BatchNorm(momentum={self.momentum!r}): give the share of the {self.of} value, "
                "between 0 and 1"
            )

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            (cls(), ((4,),)),
            (cls(0.1, of="new", running="unbiased"), ((2, 3),)),
            (cls(0.6, 0.1, bias=False, unbiased=True, running="unbiased"), ((3,),)),
            (cls(0.99, 1e-3, scale=False, inside=False, per="element"), ((2, 3),)),
            (cls(training=False), ((2, 3),)),
        )

    @classmethod
    def drawn(cls, choose: Choose, *came: Shape) -> BatchNorm | None:
        if len(came) != 1 or not came[0]:
            return None
        return cls(
            choose((0.9, 0.99, 0.5)),
            choose((1e-3, 1e-5, 0.1)),
            choose((True, True, False)),
            choose((True, True, False)),
            choose((True, True, False)),
            choose((False, False, True)),
            choose((True, True, False)),
            choose(("old", "new")),
            choose(("biased", "unbiased")),
            choose(("channel", "channel", "element")),
        )

    @property
    def keeps(self) -> float:  # type: ignore[override] # a property of the fields
        """The share of the old running value."""
        return self.momentum if self.of == "old" else 1 - self.momentum

    @property
    def by_batch(self) -> bool:  # type: ignore[override]
        """Whether its statistics are those of the batch."""
        return self.training

    @property
    def couples(self) -> bool:  # type: ignore[override]
        """Whether what it gives for a sample depends on the others of the batch."""
        return self.training

    @property
    def feeds_unbiased(self) -> bool:  # type: ignore[override]
        """Whether the running variance is fed with the unbiased one."""
        return self.running == "unbiased"

    def viewed(self, shape: Shape) -> Shape:
        return shape

    def standard(self, shape: Shape) -> Standard:
        axes = (0,) if self.per == "element" else tuple(range(len(shape) - 1))
        return Standard(axes, self.epsilon, self.inside, self.unbiased)

    def affine(self, shape: Shape) -> Shape:
        return shape if self.per == "element" else shape[-1:]

    def before(self, shape: Shape) -> tuple[int, ...]:
        return (0,) if self.per == "element" else tuple(range(len(shape) - 1))

    def over(self) -> str:
        return "samples"

    def buffers(self, *inputs: Shape) -> dict[str, Buffer]:
        shape = self.affine(inputs[0])
        return {
            "running_mean": Buffer(shape),
            "running_variance": Buffer(shape, 1.0, positive=True),
        }

    def ignores_shifts(self, index: int = 0) -> bool:
        return self.training

    def least_samples(self, *inputs: Shape) -> int:
        positions = 1 if self.per == "element" else prod(inputs[0][:-1])
        return 2 if self.training and positions == 1 else 1

    def forward(self, here: Here[T], *inputs: T) -> T:
        ops, x = here.ops, inputs[0]
        for name, value in self.after(ops, x, here.buffer).items():
            here.move(name, value)
        if self.training:
            return super().forward(here, x)
        mean, variance = (here.buffer(f"running_{name}") for name in ("mean", "variance"))
        a = here.site("normal", self.by_given(ops, x, mean, variance))
        if self.scale:
            a = ops.multiply(a, here.parameter("scale"))
        return ops.add(a, ops.as_summand(here.parameter("bias"), 1)) if self.bias else a

    def backward(self, here: Here[T], cotangent: T, *inputs: T) -> tuple[T | None, ...]:
        """As a norm; with given μ and s, x̄ = ḡ ⊙ γ/s."""
        if self.training:
            return super().backward(here, cotangent, *inputs)
        ops, x = here.ops, inputs[0]
        shape: Shape = x.shape  # type: ignore[attr-defined] # every arithmetic has it
        axes = self.before(shape)
        mean, variance = (here.buffer(f"running_{name}") for name in ("mean", "variance"))
        if self.scale:
            further = here.further_terms("scale")
            terms = prod(shape[: len(axes)]) + further
            each = ops.multiply(cotangent, self.by_given(ops, x, mean, variance, terms))
            here.gradient("scale", ops.total(each, axes, further))
        if self.bias:
            here.gradient("bias", ops.total(cotangent, axes, here.further_terms("bias")))
        if not here.wants():
            return (None,)
        if self.scale:
            cotangent = ops.multiply(cotangent, here.value("scale"))
        back = here.site("normal_back", cotangent)
        return (here.passed(ops.divide(back, self.deviation(ops, variance))),)

    def summands(self, *inputs: Shape) -> tuple[int, ...]:
        return super().summands(*inputs) if self.training else (1,)

    def deviation(self, ops: Any, variance: Any) -> Any:
        """s of a given variance."""
        if not self.epsilon:
            return ops.sqrt(variance)
        epsilon = ops.constant(self.epsilon, variance, 1)
        inside = self.inside
        return (
            ops.sqrt(ops.add(variance, epsilon)) if inside else ops.add(ops.sqrt(variance), epsilon)
        )

    def by_given(self, ops: Any, x: Any, mean: Any, variance: Any, terms: int = 0) -> Any:
        """(x − μ)/s of given μ and v, which code may fold into a product and a sum."""
        roundings = standardised.UNCENTRED + terms
        apart = ops.subtract(ops.as_summand(x, roundings), ops.as_summand(mean, roundings))
        return ops.divide(apart, self.deviation(ops, variance))

    def after(self, ops: Any, x: Any, before: Any) -> dict[str, Any]:
        """The running values as a step leaves them; ``before(name)``: as it found them."""
        names = ("running_mean", "running_variance")
        if not self.training:
            return {name: before(name) for name in names}
        by = replace(self.standard(x.shape), unbiased=self.running == "unbiased")
        groups = by.groups(x.shape)
        new = (ops.scale(ops.total(x, groups.axes), 1, groups.terms), ops.variance(x, by))
        return {
            name: self.mixed(ops, before(name), value)
            for name, value in zip(names, new, strict=True)
        }

    def mixed(self, ops: Any, old: Any, new: Any) -> Any:
        """k·old + (1 − k)·new, or old + (1 − k)·(new − old)."""
        keeps = Fraction(self.momentum)
        shares = (keeps, 1 - keeps) if self.of == "old" else (1 - keeps, keeps)
        parts = [
            ops.multiply(ops.as_summand(part, 3), ops.constant(share, part, complement(share)))
            for share, part in zip(shares, (old, new), strict=True)
        ]
        return ops.add(*parts)

    def latex(self, symbols: Symbols) -> Formulas:
        told = super().latex(symbols)
        i = symbols.number
        if not self.training:
            return self._by_given_latex(symbols, told)
        k = decimal(self.momentum)
        old, new = (k, f"(1 - {k})") if self.of == "old" else (f"(1 - {k})", k)
        v = rf"\frac{{N}}{{N - 1}} v_{{{i}}}" if self.running == "unbiased" else f"v_{{{i}}}"
        if self.unbiased:
            v = f"v_{{{i}}}" if self.running == "unbiased" else rf"\frac{{N - 1}}{{N}} v_{{{i}}}"
        moved = (
            rf", \qquad \bar{{\mu}}_{{{i}}}' = {old} \bar{{\mu}}_{{{i}}} + {new} \mu_{{{i}}}, "
            rf"\qquad \bar{{v}}_{{{i}}}' = {old} \bar{{v}}_{{{i}}} + {new} {v}"
        )
        return replace(told, forward=told.forward + moved)

    def _by_given_latex(self, symbols: Symbols, told: Formulas) -> Formulas:
        i, x = symbols.number, symbols.inputs[0]
        epsilon = f" + {decimal(self.epsilon)}" if self.epsilon else ""
        v = rf"\bar{{v}}_{{{i}}}"
        root = rf"\sqrt{{{v}{epsilon}}}" if self.inside else rf"\sqrt{{{v}}}{epsilon}"
        normal = told.forward.rpartition(r"\qquad")[2]
        forward = (
            rf"s_{{{i}}} = {root}, \qquad \hat{{X}}_{{{i}}} = "
            rf"\frac{{{x} - \bar{{\mu}}_{{{i}}}}}{{s_{{{i}}}}}, \qquad{normal}"
        )
        back = rf"\frac{{G_{{{i}}}}}{{s_{{{i}}}}}"
        return replace(told, forward=forward, cotangents=(back,))

    def keras(self, *inputs: Shape) -> Port:
        import keras

        plain = self.inside and not self.unbiased and self.running == "biased"
        if not plain or (self.per == "element" and len(inputs[0]) > 1):
            return plain_norms.keras_port(self, *inputs)

        def make(bare: bool, regularizers: Mapping[str, Any]) -> Any:
            batch_norm = keras.layers.BatchNormalization
            kind = batch_norm if self.training else plain_norms.keras_inferring()
            return kind(
                momentum=self.keeps,
                epsilon=self.epsilon,
                center=self.bias,
                scale=self.scale,
                beta_regularizer=regularizers.get("bias"),
                gamma_regularizer=regularizers.get("scale"),
            )

        named = {"scale": ("gamma", (0,)), "bias": ("beta", (0,))}
        port = plain_norms.port_of(
            self, make, keras.layers.BatchNormalization, named, plain_norms.keras(self), *inputs
        )
        homes = {"running_mean": "moving_mean", "running_variance": "moving_variance"}
        return replace(port, buffers=homes, apply=None)

    def torch(self, *inputs: Shape) -> Port:
        from torch import nn

        shape = inputs[0]
        kinds = {1: nn.BatchNorm1d, 2: nn.BatchNorm1d, 3: nn.BatchNorm2d, 4: nn.BatchNorm3d}
        plain = self.inside and not (self.training and self.unbiased)
        plain = plain and self.scale == self.bias and len(shape) in kinds
        if not plain or (self.per == "element" and len(shape) > 1):
            return plain_norms.torch_port(self, *inputs)
        kind = kinds[len(shape)]
        made = kind if self.running == "unbiased" else plain_norms.feeding_biased(kind)

        def make(bare: bool) -> Any:
            own = made(shape[-1], self.epsilon, momentum=1 - self.keeps, affine=self.scale)
            return plain_norms.channels_last(own if self.training else own.eval(), shape)

        named = {"scale": ("weight", (0,)), "bias": ("bias", (0,))}
        port = plain_norms.port_of(
            self, make, kind, named, plain_norms.torch(self), *inputs, first=True
        )
        homes = {"running_mean": "running_mean", "running_variance": "running_var"}
        return replace(port, buffers=homes, apply=None)

    def jax(self, *inputs: Shape) -> Port:
        names = {name: name for name in self.buffers(*inputs)}
        moved = plain_norms.moving(self, plain_norms.in_jax())
        return Port(lambda bare: plain_norms.jax(self), buffers=names, moved=moved)


class OverFeatures(BatchNorm):
    """As a batch norm, but over each sample: what code does that takes the wrong axis."""

    def standard(self, shape: Shape) -> Standard:
        return Standard(tuple(range(1, len(shape))), self.epsilon, self.inside)


def complement(share: Fraction) -> int:
    """How many roundings a share takes that may be known as 1 − the other."""
    return 1 + ceil((1 - share) / share) if share else 0


def batch_norm_of(at: At) -> BatchNorm:
    """The layer of a node."""
    norm = norm_of(at)
    assert isinstance(norm, BatchNorm)
    return norm


def other_share(norm: BatchNorm) -> str:
    """The other convention of the momentum."""
    return "new" if norm.of == "old" else "old"


def other_divisor(norm: BatchNorm) -> str:
    """The other convention of the running variance."""
    return "biased" if norm.running == "unbiased" else "unbiased"


def fed_with_the_deviation(at: At) -> dict[str, Change]:
    """The running variance moved towards s."""
    norm = batch_norm_of(at)
    if not norm.training:
        return {}

    def change(value: Any, s: Any) -> Any:
        x = s.values[at.sources[0]]
        new = norm.deviation(s.ops, s.ops.variance(x, norm.standard(x.shape)))
        return norm.mixed(s.ops, running(at, s, "running_variance"), new)

    return {f"updated/{at.name}/running_variance": change}


def fed_the_other_way(at: At) -> dict[str, Change]:
    """The running mean moved towards v, the running variance towards μ."""
    norm = batch_norm_of(at)
    if not norm.training:
        return {}

    def moved(own: str, other: str) -> Change:
        def change(value: Any, s: Any) -> Any:
            zero = s.ops.exact(np.zeros(value.shape))
            shares = norm.after(s.ops, s.values[at.sources[0]], lambda name: zero)
            return s.ops.add(s.ops.subtract(value, shares[own]), shares[other])

        return change

    mean, variance = "running_mean", "running_variance"
    return {
        f"updated/{at.name}/{mean}": moved(mean, variance),
        f"updated/{at.name}/{variance}": moved(variance, mean),
    }


def over_the_samples_alone(at: At) -> dict[str, Change]:
    """N/n times as much is taken off; nothing where a sample has one position."""
    norm, positions = batch_norm_of(at), prod(at.inputs[0][:-1])
    if norm.per == "element" or positions == 1:
        return {}
    return backwards(at, partial(with_larger_means, times=lambda by, x: positions))


def moved_otherwise(at: At, fields: Any, *names: str) -> dict[str, Change]:
    """The running values moved with other fields; where these are the same, nothing.

    ``names``: of those that are; by default, all that the fields bear on.
    """
    norm = batch_norm_of(at)
    other: BatchNorm = replace(norm, **fields(norm))
    same = (other.keeps, other.running) == (norm.keeps, norm.running)
    if not norm.training or same:
        return {}

    def moved(name: str) -> Change:
        def change(value: Any, s: Any) -> Any:
            x = s.values[at.sources[0]]
            return other.after(s.ops, x, lambda own: running(at, s, own))[name]

        return change

    both = ("running_mean", "running_variance")
    names = names or (both if other.keeps != norm.keeps else both[1:])
    return {f"updated/{at.name}/{name}": moved(name) for name in names}


def running(at: At, scope: Any, own: str) -> Any:
    """A running value before the step."""
    full = f"{at.name}/{own}"
    buffer = scope.network.buffers[full]
    rest = np.full(buffer.shape, buffer.start, scope.batch.targets.dtype)
    return scope.ops.exact(scope.parameters.get(full, rest))


def with_running_values(at: At) -> dict[str, Change]:
    """x̂ by the running values, forwards alone."""
    norm = batch_norm_of(at)
    if not norm.training:
        return {}

    def change(value: Any, s: Any) -> Any:
        mean, variance = (running(at, s, f"running_{name}") for name in ("mean", "variance"))
        return norm.by_given(s.ops, s.values[at.sources[0]], mean, variance)

    return {f"normal/{at.name}": change}


def fields_of(at: At) -> tuple[Any, ...]:
    """The fields of a node's layer, in order."""
    n = batch_norm_of(at)
    return (n.momentum, n.epsilon, n.scale, n.bias, n.inside, False, n.training, n.of)


PART = BatchNorm
