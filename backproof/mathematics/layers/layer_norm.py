"""layer_norm: each sample, or each of its positions, standardised by its own mean and deviation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any, ClassVar, Literal

from backproof.mathematics.arithmetic.standard import Standard
from backproof.mathematics.layers import plain_norms
from backproof.mathematics.layers.layer import Choose, Example, Shape, fitting, is_length
from backproof.mathematics.layers.normalised import (
    DIVISOR,
    EPSILON_PLACE,
    EPSILONS,
    GIVEN_MEAN,
    GIVEN_MOMENTS,
    GIVEN_VARIANCE,
    HOSTILE,
    HOSTILE_SCALE,
    NOT_ROOT,
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
from backproof.mathematics.layers.own import At, LayerFault
from backproof.mathematics.layers.port import Port


@dataclass(frozen=True)
class LayerNorm(Normalised):
    """a = γ ⊙ (x − μ)/√(v + ε) + β over the last ``axes`` of a sample.

    γ and β have the shape of those axes, or of the last one alone, as ``affine_shape`` says.
    ``unbiased``: v divides by N − 1. Source: Ba, Kiros and Hinton, Layer normalization, 2016.
    """

    axes: int = 1
    epsilon: float = 1e-5
    scale: bool = True
    bias: bool = True
    inside: bool = True
    unbiased: bool = False
    affine_shape: Literal["all", "last"] = "all"

    kind: ClassVar[str] = "layer_norm"
    faults: ClassVar[tuple[LayerFault, ...]] = (
        *EPSILONS,
        VARIANCE_SIGN,
        VARIANCE_TWICE,
        SUMMED_MEAN,
        SUMMED_ALL,
        SCALE_OF_CENTRED,
        GIVEN_VARIANCE,
        GIVEN_MEAN,
        GIVEN_MOMENTS,
        SCALE_OF_INPUT,
        SCALE_FORGOTTEN,
        SCALE_OUTSIDE,
        EPSILON_PLACE,
        DIVISOR,
        NOT_ROOT,
        LayerFault(
            "over_the_samples",
            "mean and deviation are those of each feature over the samples, as in a batch norm",
            "μ and s of each sample, over its features",
            lambda at: as_if(at, OverSamples(*fields_of(at))),
            "convention",
        ),
    )
    hostile = (*HOSTILE, HOSTILE_SCALE)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not is_length(self.axes):
            raise fitting(self.kind, "axes=1 or more, counted from the last", (self.axes,))

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            (cls(), ((5,),)),
            (cls(epsilon=0.1, scale=False, unbiased=True), ((2, 3),)),
            (cls(axes=2, epsilon=1e-3, inside=False, affine_shape="last"), ((3, 4),)),
            (cls(axes=2, bias=False), ((2, 3),)),
        )

    @classmethod
    def drawn(cls, choose: Choose, *came: Shape) -> LayerNorm | None:
        if len(came) != 1 or not came[0] or came[0][-1] < 2:
            return None
        return cls(
            choose(range(1, len(came[0]) + 1)),
            choose((1e-5, 1e-3, 0.1)),
            choose((True, True, False)),
            choose((True, True, False)),
            choose((True, True, False)),
            choose((False, False, True)),
        )

    def output(self, *inputs: Shape) -> Shape:
        if len(inputs) == 1 and len(inputs[0]) < self.axes:
            raise fitting(self.kind, f"one input of at least {self.axes} axes", *inputs)
        shape = super().output(*inputs)
        if self.unbiased and prod(shape[-self.axes :]) < 2:
            raise fitting(self.kind, "two numbers or more to divide by N − 1", *inputs)
        return shape

    def viewed(self, shape: Shape) -> Shape:
        return shape

    def standard(self, shape: Shape) -> Standard:
        axes = tuple(range(-self.axes, 0))
        return Standard(axes, self.epsilon, self.inside, self.unbiased)

    def affine(self, shape: Shape) -> Shape:
        return shape[-1:] if self.affine_shape == "last" else shape[-self.axes :]

    def over(self) -> str:
        return "features"

    @property
    def plain(self) -> bool:
        """Whether frameworks' own layers have its form."""
        whole = self.affine_shape == "all" or self.axes == 1 or not (self.scale or self.bias)
        return self.inside and not self.unbiased and whole

    def keras(self, *inputs: Shape) -> Port:
        import keras

        if not self.plain:
            return plain_norms.keras_port(self, *inputs)

        def make(bare: bool, regularizers: Mapping[str, Any]) -> Any:
            return keras.layers.LayerNormalization(
                axis=list(range(-self.axes, 0)),
                epsilon=self.epsilon,
                center=self.bias,
                scale=self.scale,
                beta_regularizer=regularizers.get("bias"),
                gamma_regularizer=regularizers.get("scale"),
            )

        axes = tuple(range(self.axes))
        named = {"scale": ("gamma", axes), "bias": ("beta", axes)}
        return plain_norms.port_of(
            self, make, keras.layers.LayerNormalization, named, plain_norms.keras(self), *inputs
        )

    def torch(self, *inputs: Shape) -> Port:
        from torch import nn

        if not self.plain or (self.bias and not self.scale):
            return plain_norms.torch_port(self, *inputs)

        def make(bare: bool) -> Any:
            shape = inputs[0][-self.axes :]
            return nn.LayerNorm(shape, self.epsilon, self.scale, bias=self.bias)

        axes = tuple(range(self.axes))
        named = {"scale": ("weight", axes), "bias": ("bias", axes)}
        return plain_norms.port_of(
            self, make, nn.LayerNorm, named, plain_norms.torch(self), *inputs
        )

    def jax(self, *inputs: Shape) -> Port:
        return Port(lambda bare: plain_norms.jax(self))


class OverSamples(LayerNorm):
    """As a layer norm, but over the samples: what code does that takes the wrong axis."""

    def standard(self, shape: Shape) -> Standard:
        return Standard((0,), self.epsilon, self.inside)


def fields_of(at: At) -> tuple[Any, ...]:
    """The fields of a node's layer, in order."""
    norm = norm_of(at)
    assert isinstance(norm, LayerNorm)
    return (norm.axes, norm.epsilon, norm.scale, norm.bias, norm.inside, False, norm.affine_shape)


PART = LayerNorm
