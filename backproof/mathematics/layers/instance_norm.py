"""instance_norm: each channel of each sample standardised over its positions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any, ClassVar

from backproof.mathematics.arithmetic.standard import Standard
from backproof.mathematics.layers import plain_norms
from backproof.mathematics.layers.layer import Choose, Example, Shape, fitting
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
    SUMMED_ALL,
    SUMMED_MEAN,
    VARIANCE_SIGN,
    VARIANCE_TWICE,
    Normalised,
    as_if,
    norm_of,
)
from backproof.mathematics.layers.own import At, LayerFault
from backproof.mathematics.layers.port import Port


@dataclass(frozen=True)
class InstanceNorm(Normalised):
    """a = γ ⊙ (x − μ)/√(v + ε) + β, μ and v of each channel over a sample's positions.

    γ and β are (C,). Source: Ulyanov, Vedaldi and Lempitsky, Instance normalization, 2016.
    """

    epsilon: float = 1e-5
    scale: bool = True
    bias: bool = True
    inside: bool = True
    unbiased: bool = False

    kind: ClassVar[str] = "instance_norm"
    least_axes: ClassVar[int] = 2
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
        EPSILON_PLACE,
        DIVISOR,
        LayerFault(
            "over_the_samples_too",
            "mean and deviation of a channel are those of all samples, as in a batch norm",
            "μ and s of each channel of each sample",
            lambda at: as_if(at, OverSamples(*fields_of(at))),
            "convention",
        ),
    )
    hostile = (*HOSTILE, HOSTILE_SCALE)

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            (cls(), ((3, 4),)),
            (cls(0.1, scale=False, bias=False, unbiased=True), ((4, 3),)),
            (cls(1e-3, inside=False, bias=False), ((5, 2),)),
        )

    @classmethod
    def drawn(cls, choose: Choose, *came: Shape) -> InstanceNorm | None:
        if len(came) != 1 or len(came[0]) < 2 or prod(came[0][:-1]) < 2:
            return None
        affine = choose((True, True, False))
        inside, unbiased = choose((True, True, False)), choose((False, False, True))
        return cls(choose((1e-5, 1e-3, 0.1)), affine, affine, inside, unbiased)

    def output(self, *inputs: Shape) -> Shape:
        shape = super().output(*inputs)
        if self.unbiased and prod(shape[:-1]) < 2:
            raise fitting(self.kind, "two positions or more to divide by N − 1", *inputs)
        return shape

    def ignores_shifts(self, index: int = 0) -> bool:
        return True

    def viewed(self, shape: Shape) -> Shape:
        return shape

    def standard(self, shape: Shape) -> Standard:
        axes = tuple(range(1, len(shape) - 1))
        return Standard(axes, self.epsilon, self.inside, self.unbiased)

    def affine(self, shape: Shape) -> Shape:
        return shape[-1:]

    def over(self) -> str:
        return "positions"

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
                groups=-1,
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

        kinds = {2: nn.InstanceNorm1d, 3: nn.InstanceNorm2d, 4: nn.InstanceNorm3d}
        axes = len(inputs[0])
        if not self.plain or self.scale != self.bias or axes not in kinds:
            return plain_norms.torch_port(self, *inputs)
        kind = kinds[axes]

        def make(bare: bool) -> Any:
            own = kind(inputs[0][-1], self.epsilon, affine=self.scale)
            return plain_norms.channels_last(own, inputs[0])

        named = {"scale": ("weight", (0,)), "bias": ("bias", (0,))}
        return plain_norms.port_of(
            self, make, kind, named, plain_norms.torch(self), *inputs, first=True
        )

    def jax(self, *inputs: Shape) -> Port:
        return Port(lambda bare: plain_norms.jax(self))


class OverSamples(InstanceNorm):
    """As an instance norm, but over all samples."""

    def standard(self, shape: Shape) -> Standard:
        return Standard(tuple(range(len(shape) - 1)), self.epsilon, self.inside)


def fields_of(at: At) -> tuple[Any, ...]:
    """The fields of a node's layer, in order."""
    norm = norm_of(at)
    assert isinstance(norm, InstanceNorm)
    return (norm.epsilon, norm.scale, norm.bias, norm.inside)


PART = InstanceNorm
