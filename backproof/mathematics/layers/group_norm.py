"""group_norm: each sample standardised by groups of channels, over all positions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any, ClassVar

from backproof.mathematics.arithmetic.standard import Standard
from backproof.mathematics.errors import UsageError
from backproof.mathematics.layers import plain_norms
from backproof.mathematics.layers.layer import Choose, Example, Shape, fitting, is_length
from backproof.mathematics.layers.normalised import (
    DIVISOR,
    EPSILON_PLACE,
    EPSILONS,
    GIVEN_MEAN,
    GIVEN_VARIANCE,
    HOSTILE,
    HOSTILE_SCALE,
    SCALE_FORGOTTEN,
    SCALE_OF_CENTRED,
    SCALE_OF_INPUT,
    SCALE_OUTSIDE,
    SUMMED_ALL,
    SUMMED_MEAN,
    VARIANCE_SIGN,
    VARIANCE_TWICE,
    Normalised,
    as_if,
    norm_of,
)
from backproof.mathematics.layers.own import At, Change, LayerFault
from backproof.mathematics.layers.port import Port


@dataclass(frozen=True)
class GroupNorm(Normalised):
    """a = γ ⊙ (x − μ)/√(v + ε) + β, μ and v over all positions of C/``groups`` channels each.

    The channels are the last axis, and those of a group stand side by side. γ and β are (C,).
    Source: Wu and He, Group normalization, ECCV 2018.
    """

    groups: int
    epsilon: float = 1e-5
    scale: bool = True
    bias: bool = True
    inside: bool = True
    unbiased: bool = False

    kind: ClassVar[str] = "group_norm"
    faults: ClassVar[tuple[LayerFault, ...]] = (
        *EPSILONS,
        VARIANCE_SIGN,
        VARIANCE_TWICE,
        SUMMED_MEAN,
        SUMMED_ALL,
        SCALE_OF_CENTRED,
        GIVEN_VARIANCE,
        GIVEN_MEAN,
        SCALE_OF_INPUT,
        SCALE_FORGOTTEN,
        SCALE_OUTSIDE,
        EPSILON_PLACE,
        DIVISOR,
        LayerFault(
            "channels_of_a_group_apart",
            "every n-th channel is of one group, not those that stand side by side",
            "group g has the channels g·C/G to (g + 1)·C/G − 1",
            lambda at: interleaved(at),
            "convention",
        ),
        LayerFault(
            "by_position",
            "each position has a mean and a deviation of its own",
            "μ and s over all positions of a group's channels",
            lambda at: as_if(at, ByPosition(*fields_of(at))) if prod(at.inputs[0][:-1]) > 1 else {},
            "convention",
        ),
    )
    hostile = (*HOSTILE, HOSTILE_SCALE)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not is_length(self.groups):
            raise UsageError(
                f"GroupNorm(groups={self.groups!r}): give a whole number of at least 1"
            )

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            (cls(2), ((3, 4),)),
            (cls(2, 0.1, bias=False, unbiased=True), ((4,),)),
            (cls(3, 1e-3, inside=False), ((2, 6),)),
        )

    @classmethod
    def drawn(cls, choose: Choose, *came: Shape) -> GroupNorm | None:
        if len(came) != 1 or not came[0]:
            return None
        channels = came[0][-1]
        fitting_groups = [n for n in range(1, channels + 1) if channels % n == 0]
        fitting_groups = [n for n in fitting_groups if prod(came[0]) // n > 1]
        if not fitting_groups:
            return None
        return cls(
            choose(fitting_groups),
            choose((1e-5, 1e-3, 0.1)),
            choose((True, True, False)),
            choose((True, True, False)),
            choose((True, True, False)),
            choose((False, False, True)),
        )

    def output(self, *inputs: Shape) -> Shape:
        shape = super().output(*inputs)
        if shape[-1] % self.groups:
            fits = [str(n) for n in range(1, shape[-1] + 1) if shape[-1] % n == 0]
            wanted = f"groups={' or '.join(fits)}, which divide {shape[-1]} channels,"
            raise fitting(f"{self.kind} with groups={self.groups}", wanted, *inputs)
        if self.unbiased and prod(shape) // self.groups < 2:
            raise fitting(self.kind, "two numbers or more in a group to divide by N − 1", *inputs)
        return shape

    def viewed(self, shape: Shape) -> Shape:
        return (*shape[:-1], self.groups, shape[-1] // self.groups)

    def standard(self, shape: Shape) -> Standard:
        axes = (*range(1, len(shape) - 1), len(shape))
        return Standard(axes, self.epsilon, self.inside, self.unbiased)

    def affine(self, shape: Shape) -> Shape:
        return shape[-1:]

    def over(self) -> str:
        return "group"

    @property
    def plain(self) -> bool:
        """Whether frameworks' own layers have its form."""
        return self.inside and not self.unbiased

    def keras(self, *inputs: Shape) -> Port:
        import keras

        if not self.plain:
            return plain_norms.keras_port(self, *inputs)

        def make(bare: bool, regularizers: Mapping[str, Any]) -> Any:
            return keras.layers.GroupNormalization(
                groups=self.groups,
                epsilon=self.epsilon,
                center=self.bias,
                scale=self.scale,
                beta_regularizer=regularizers.get("bias"),
                gamma_regularizer=regularizers.get("scale"),
            )

        named = {"scale": ("gamma", (0,)), "bias": ("beta", (0,))}
        return plain_norms.port_of(
            self, make, keras.layers.GroupNormalization, named, plain_norms.keras(self), *inputs
        )

    def torch(self, *inputs: Shape) -> Port:
        from torch import nn

        if not self.plain or self.scale != self.bias:
            return plain_norms.torch_port(self, *inputs)

        def make(bare: bool) -> Any:
            own = nn.GroupNorm(self.groups, inputs[0][-1], self.epsilon, self.scale)
            return plain_norms.channels_last(own, inputs[0])

        named = {"scale": ("weight", (0,)), "bias": ("bias", (0,))}
        return plain_norms.port_of(
            self, make, nn.GroupNorm, named, plain_norms.torch(self), *inputs, first=True
        )

    def jax(self, *inputs: Shape) -> Port:
        return Port(lambda bare: plain_norms.jax(self))


class Interleaved(GroupNorm):
    """As a group norm, but each group has every n-th channel."""

    def viewed(self, shape: Shape) -> Shape:
        return (*shape[:-1], shape[-1] // self.groups, self.groups)

    def standard(self, shape: Shape) -> Standard:
        axes = tuple(range(1, len(shape)))
        return Standard(axes, self.epsilon, self.inside, self.unbiased)


class ByPosition(GroupNorm):
    """As a group norm, but of each position by itself."""

    def standard(self, shape: Shape) -> Standard:
        return Standard((len(shape),), self.epsilon, self.inside)


def interleaved(at: At) -> dict[str, Change]:
    """The node with groups of every n-th channel, where that is something else."""
    norm = norm_of(at)
    assert isinstance(norm, GroupNorm)
    apart = 1 < norm.groups < at.inputs[0][-1]
    return as_if(at, Interleaved(*fields_of(at))) if apart else {}


def fields_of(at: At) -> tuple[Any, ...]:
    """The fields of a node's layer, in order."""
    norm = norm_of(at)
    assert isinstance(norm, GroupNorm)
    return (norm.groups, norm.epsilon, norm.scale, norm.bias, norm.inside, norm.unbiased)


PART = GroupNorm
