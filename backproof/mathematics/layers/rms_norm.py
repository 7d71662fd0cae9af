"""rms_norm: each sample, or each of its positions, divided by the root of its mean square."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

from backproof.mathematics.arithmetic.standard import Standard
from backproof.mathematics.layers import plain_norms
from backproof.mathematics.layers.layer import Choose, Example, Shape, fitting, is_length
from backproof.mathematics.layers.layer_norm import LayerNorm
from backproof.mathematics.layers.normalised import (
    EPSILON_PLACE,
    EPSILONS,
    GIVEN_VARIANCE,
    HOSTILE,
    HOSTILE_SCALE,
    NOT_ROOT,
    SCALE_FORGOTTEN,
    SCALE_OF_INPUT,
    SCALE_OUTSIDE,
    SUMMED_ALL,
    VARIANCE_SIGN,
    VARIANCE_TWICE,
    Normalised,
    as_if,
    norm_of,
)
from backproof.mathematics.layers.own import At, Change, LayerFault
from backproof.mathematics.layers.port import Port


@dataclass(frozen=True)
class RMSNorm(Normalised):
    """a = γ ⊙ x/√(mean x² + ε), and β where there is one, over the last ``axes`` of a sample.

    Source: Zhang and Sennrich, Root mean square layer normalization, 2019.
    """

    axes: int = 1
    epsilon: float = 1e-6
    scale: bool = True
    bias: bool = False
    inside: bool = True

    kind: ClassVar[str] = "rms_norm"
    faults: ClassVar[tuple[LayerFault, ...]] = (
        *EPSILONS,
        VARIANCE_SIGN,
        VARIANCE_TWICE,
        SUMMED_ALL,
        GIVEN_VARIANCE,
        SCALE_OF_INPUT,
        SCALE_FORGOTTEN,
        SCALE_OUTSIDE,
        EPSILON_PLACE,
        NOT_ROOT,
        LayerFault(
            "mean_taken_off",
            "the mean is taken off first, as in a layer norm",
            "x̂ = x/√(mean x² + ε)",
            lambda at: with_a_mean(at),
            "convention",
        ),
        LayerFault(
            "sum_of_squares",
            "the sum of the squares stands where their mean belongs",
            "s = √(mean x² + ε)",
            lambda at: as_if(at, OfSum(*fields_of(at))),
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
            (cls(epsilon=0.1, scale=False), ((2, 3),)),
            (cls(axes=2, epsilon=1e-3, bias=True, inside=False), ((3, 4),)),
        )

    @classmethod
    def drawn(cls, choose: Choose, *came: Shape) -> RMSNorm | None:
        if len(came) != 1 or not came[0]:
            return None
        return cls(
            choose(range(1, len(came[0]) + 1)),
            choose((1e-6, 1e-3, 0.1)),
            choose((True, True, False)),
            choose((False, False, True)),
            choose((True, True, False)),
        )

    def output(self, *inputs: Shape) -> Shape:
        if len(inputs) == 1 and len(inputs[0]) < self.axes:
            raise fitting(self.kind, f"one input of at least {self.axes} axes", *inputs)
        return super().output(*inputs)

    def viewed(self, shape: Shape) -> Shape:
        return shape

    def standard(self, shape: Shape) -> Standard:
        return Standard(tuple(range(-self.axes, 0)), self.epsilon, self.inside, centred=False)

    def affine(self, shape: Shape) -> Shape:
        return shape[-self.axes :]

    def over(self) -> str:
        return "features"

    def keras(self, *inputs: Shape) -> Port:
        import keras

        axes = tuple(range(self.axes))
        if not self.inside or self.bias or not self.scale:
            return plain_norms.keras_port(self, *inputs)

        def make(bare: bool, regularizers: Mapping[str, Any]) -> Any:
            kind = penalised_scale() if regularizers.get("scale") else keras.layers.RMSNormalization
            made = kind(axis=list(range(-self.axes, 0)), epsilon=self.epsilon)
            made.of_scale = regularizers.get("scale")
            return made

        return plain_norms.port_of(
            self,
            make,
            keras.layers.RMSNormalization,
            {"scale": ("scale", axes)},
            plain_norms.keras(self),
            *inputs,
        )

    def torch(self, *inputs: Shape) -> Port:
        from torch import nn

        axes = tuple(range(self.axes))
        if not self.inside or self.bias:
            return plain_norms.torch_port(self, *inputs)

        def make(bare: bool) -> Any:
            return nn.RMSNorm(inputs[0][-self.axes :], self.epsilon, self.scale)

        named = {"scale": ("weight", axes)}
        return plain_norms.port_of(self, make, nn.RMSNorm, named, plain_norms.torch(self), *inputs)

    def jax(self, *inputs: Shape) -> Port:
        return Port(lambda bare: plain_norms.jax(self))


@cache
def penalised_scale() -> Any:
    """Keras's layer with a penalty on γ, which its own takes none for."""
    import keras

    class Penalised(keras.layers.RMSNormalization):  # type: ignore[misc]  # Keras has no types here
        def build(self, input_shape: Any) -> None:
            """As Keras does it, then the penalty."""
            super().build(input_shape)
            self.scale.regularizer = self.of_scale

    return Penalised


class OfSum(RMSNorm):
    """As an RMS norm, but divided by the root of the sum of squares."""

    def normal(self, ops: Any, x: Any, terms: int = 0) -> Any:
        return self._shrunk(ops, x, super().normal(ops, self._grown(ops, x), terms))

    def _grown(self, ops: Any, x: Any) -> Any:
        return ops.scale(x, float(self.terms(x.shape)) ** 0.5)

    def _shrunk(self, ops: Any, x: Any, value: Any) -> Any:
        return ops.scale(value, float(self.terms(x.shape)) ** -0.5)

    def pulled(self, ops: Any, x: Any, cotangent: Any) -> Any:
        back = super().pulled(ops, self._grown(ops, x), self._shrunk(ops, x, cotangent))
        return self._grown(ops, back)

    def terms(self, shape: Shape) -> int:
        """How many numbers a group has."""
        return self.standard(shape).groups(shape).terms


def with_a_mean(at: At) -> dict[str, Change]:
    """A layer norm with the same fields."""
    norm = norm_of(at)
    assert isinstance(norm, RMSNorm)
    return as_if(at, LayerNorm(norm.axes, norm.epsilon, norm.scale, norm.bias, norm.inside))


def fields_of(at: At) -> tuple[Any, ...]:
    """The fields of a node's layer, in order."""
    norm = norm_of(at)
    assert isinstance(norm, RMSNorm)
    return (norm.axes, norm.epsilon, norm.scale, norm.bias, norm.inside)


PART = RMSNorm
