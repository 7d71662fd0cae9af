"""prelu: a = x for x > 0, else α x, with a slope α that is learned.

Source: He et al., Delving deep into rectifiers, ICCV 2015. At exactly 0 the slope is α, as in
PyTorch. Keras's own layer adds two rectifiers, and has 0 there, which is no subgradient.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar

import numpy as np

from backproof.mathematics.arithmetic.balls.ball import Ball
from backproof.mathematics.arithmetic.rounding.model import Rounding
from backproof.mathematics.checking import fits
from backproof.mathematics.errors import UsageError
from backproof.mathematics.functions import Values, exactly_at
from backproof.mathematics.functions.relu import Relu
from backproof.mathematics.layers.here import in_rows
from backproof.mathematics.layers.layer import (
    Choose,
    Example,
    Formulas,
    Layer,
    Parameter,
    Shape,
    Symbols,
    fitting,
)
from backproof.mathematics.layers.own import At, LayerFault, LayerProbe, zeros
from backproof.mathematics.layers.port import Port

if TYPE_CHECKING:
    from flint import arb

    from backproof.mathematics.arithmetic.certified_values import Certified
    from backproof.mathematics.arithmetic.operations import Ops
    from backproof.mathematics.functions import Activation
    from backproof.mathematics.layers.here import Here

T = TypeVar("T")

Slopes = Literal["unit", "shared"]


@dataclass(frozen=True)
class Part(Relu):
    """max(x, 0), with slope 0 at 0; or, ``below``, min(x, 0), with slope 1 there."""

    below: bool = False

    name: ClassVar[str] = "prelu"

    def value(self, z: Values) -> Values:
        return np.minimum(z, 0) if self.below else np.maximum(z, 0)

    def vjp(self, z: Values, a: Values, cotangent: Values) -> Values:
        return cotangent * (z <= 0 if self.below else z > 0)

    def ball(self, z: Ball, rounding: Rounding) -> Ball:
        """As the rectifier's, of −z where it is the part below."""
        return (
            negative(super().ball(negative(z), rounding))
            if self.below
            else super().ball(z, rounding)
        )

    def vjp_ball(self, z: Ball, a: Ball, cotangent: Ball, rounding: Rounding) -> Ball:
        """As the rectifier's; at an exact 0 both parts have a share of what comes, 1 together."""
        turned = negative(z) if self.below else z
        pulled = super().vjp_ball(turned, a, cotangent, replace(rounding, at_kinks=()))
        kink = exactly_at(z, 0.0)
        if not kink.any():
            return pulled
        share = rounding.at_kink(self.name, 0.0)
        share = 1 - share if self.below else share
        radius = np.where(kink, share * radius_of(cotangent), radius_of(pulled))
        return Ball(np.where(kink, share * cotangent.value, pulled.value), radius)

    def certified(self, z: Certified) -> Certified:
        return z.map(lambda x: -(-x).nonnegative_part()) if self.below else super().certified(z)

    def vjp_certified(self, z: Certified, a: Certified, cotangent: Certified) -> Certified:
        if not self.below:
            return super().vjp_certified(z, a, cotangent)

        def passed(x: arb, g: arb) -> arb:
            if x <= 0:
                return g
            return g * 0 if x > 0 else g.union(g * 0)

        return z.zip(passed, cotangent)


def radius_of(ball: Ball) -> Values:
    """The radius as an array."""
    return np.zeros_like(ball.value) if ball.radius is None else ball.radius


def negative(ball: Ball) -> Ball:
    """Exactly −ball."""
    return Ball(-ball.value, ball.radius)


ABOVE, BELOW = Part(), Part(below=True)


def apart(ops: Ops[T], x: T) -> tuple[T, T]:
    """max(x, 0) and min(x, 0)."""
    above = in_rows(ops, lambda rows: ops.activate(ABOVE, rows), x)
    return above, in_rows(ops, lambda rows: ops.activate(BELOW, rows), x)


def spread(ops: Ops[T], slope: T, x: T) -> T:
    """The slope of each element of x."""
    shape: tuple[int, ...] = x.shape  # type: ignore[attr-defined] # every arithmetic has it
    units: int = slope.shape[0]  # type: ignore[attr-defined]
    return ops.gather(slope, np.broadcast_to(np.arange(shape[-1]) % units, shape))


def summed(ops: Ops[T], terms: T, units: int, further_terms: int = 0) -> T:
    """What a slope's gradient is the sum of: over all axes but the last, or over that too."""
    shape: tuple[int, ...] = terms.shape  # type: ignore[attr-defined]
    if units == shape[-1] and units > 1:
        axes = tuple(range(len(shape) - 1))
        return ops.total(terms, axis=axes, further_terms=further_terms)
    return ops.reshaped(ops.total(terms, further_terms=further_terms), (1,))


@dataclass(frozen=True)
class PReLU(Layer):
    """A rectifier with a learned slope below 0: one for each unit, or one that all share.

    ``slopes``: "unit", of the last axis; or "shared".
    """

    slopes: Slopes = "unit"

    kind: ClassVar[str] = "prelu"
    faults: ClassVar[tuple[LayerFault, ...]] = (
        LayerFault(
            "slope_forgotten",
            "the cotangent goes back as it came, as if every input were above 0",
            "x̄ = ḡ ⊙ ([x > 0] + α [x ≤ 0])",
            lambda at: {back: came_in(at) for back in at.back if back},
        ),
        LayerFault(
            "rectified_back",
            "the cotangent goes back by the rectifier's slope, 0 below 0 in place of α",
            "x̄ = ḡ ⊙ ([x > 0] + α [x ≤ 0])",
            lambda at: {back: rectified(at) for back in at.back if back},
        ),
        LayerFault(
            "slope_negated",
            "the cotangent goes back with −α below 0, in place of α",
            "x̄ = ḡ ⊙ ([x > 0] + α [x ≤ 0])",
            lambda at: {back: negated(at) for back in at.back if back},
        ),
        LayerFault(
            "sides_exchanged",
            "the cotangent goes back with α above 0, and as it came below",
            "x̄ = ḡ ⊙ ([x > 0] + α [x ≤ 0])",
            lambda at: {back: exchanged(at) for back in at.back if back},
        ),
        LayerFault(
            "slope_of_all_inputs",
            "the gradient of the slope takes all inputs, not those below 0 alone",
            "∂L/∂α = Σ ḡ ⊙ min(x, 0)",
            lambda at: {f"data_gradient/{at.name}/slope": of_all(at)},
        ),
        LayerFault(
            "slope_never_learns",
            "the gradient of the slope is zero",
            "∂L/∂α = Σ ḡ ⊙ min(x, 0)",
            lambda at: {f"data_gradient/{at.name}/slope": zeros},
        ),
        LayerFault(
            "larger_of_two",
            "the larger of x and α x is taken, which is another function where α is above 1",
            "a = max(x, 0) + α min(x, 0)",
            lambda at: {f"activation/{at.name}": larger(at)},
        ),
    )
    hostile: ClassVar[tuple[LayerProbe, ...]] = (
        LayerProbe("odd_slopes", lambda node, p, x, stream: odd_slopes(node, p)),
    )

    def __post_init__(self) -> None:
        if not fits(self.slopes, Slopes):
            raise UsageError(f"PReLU(slopes={self.slopes!r}): choose 'unit' or 'shared'")

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return ((cls(), ((4,),)), (cls("shared"), ((3,),)), (cls(), ((2, 3),)))

    @classmethod
    def drawn(cls, choose: Choose, *came: Shape) -> PReLU | None:
        slopes: tuple[Slopes, ...] = ("unit", "shared")
        return cls(choose(slopes)) if len(came) == 1 and came[0] else None

    @property
    def functions(self) -> tuple[Activation, ...]:
        return (ABOVE,)

    def output(self, *inputs: Shape) -> Shape:
        if len(inputs) != 1 or not inputs[0]:
            raise fitting(self.kind, "one input of at least one axis", *inputs)
        return inputs[0]

    def parameters(self, *inputs: Shape) -> dict[str, Parameter]:
        return {"slope": Parameter((1 if self.slopes == "shared" else inputs[0][-1],), "scale")}

    def forward(self, here: Here[T], *inputs: T) -> T:
        ops, x = here.ops, inputs[0]
        above, below = apart(ops, x)
        return ops.add(above, ops.multiply(spread(ops, here.parameter("slope"), x), below))

    def backward(self, here: Here[T], cotangent: T, *inputs: T) -> tuple[T | None, ...]:
        """x̄ = ḡ ⊙ ([x > 0] + α [x ≤ 0]), ∂L/∂α = Σ ḡ ⊙ min(x, 0)."""
        ops, x = here.ops, inputs[0]
        above, below = apart(ops, x)
        slope = here.value("slope")
        terms = ops.multiply(cotangent, below)
        units: int = slope.shape[0]  # type: ignore[attr-defined]
        here.gradient("slope", summed(ops, terms, units, here.further_terms("slope")))
        if not here.wants():
            return (None,)
        passed = in_rows(ops, lambda *of: ops.vjp(ABOVE, *of), x, above, cotangent)
        scaled = in_rows(ops, lambda *of: ops.vjp(BELOW, *of), x, below, cotangent)
        scaled = ops.multiply(spread(ops, slope, x), scaled)
        return (here.passed(ops.add(passed, scaled)),)

    def gradient_summands(self, rows: int, *inputs: Shape) -> dict[str, int]:
        axes = inputs[0] if self.slopes == "shared" else inputs[0][:-1]
        return {"slope": rows * int(np.prod(axes, dtype=int))}

    def summary(self) -> str:
        return "prelu" if self.slopes == "unit" else "prelu with one slope"

    def latex(self, symbols: Symbols) -> Formulas:
        x, alpha, g = symbols.inputs[0], symbols.parameters["slope"], symbols.arriving
        row = alpha if self.slopes == "shared" else rf"\mathbf{{1}}\, {alpha}"
        below = rf"\min({x}, 0)"
        total = r"\sum" if self.slopes == "shared" else r"\mathbf{1}^\top"
        return Formulas(
            forward=rf"A_{{{symbols.number}}} = \max({x}, 0) + {row} \odot {below}",
            delta="",
            cotangents=(rf"{g} \odot \left( [{x} > 0] + {row} \odot [{x} \le 0] \right)",),
            gradients={"slope": rf"{total} \left( {g} \odot {below} \right)"},
        )

    def keras(self, *inputs: Shape) -> Port:
        import keras

        units = self.parameters(*inputs)["slope"].shape

        class LastAxis(keras.layers.PReLU):  # type: ignore[misc]  # Keras has no types here
            """Slopes of the last axis alone, whatever axes stand before it; α at 0."""

            def build(self, input_shape: Any) -> None:
                self.alpha = self.add_weight(
                    shape=units, name="alpha", regularizer=self.alpha_regularizer
                )

            def call(self, x: Any) -> Any:
                return keras.ops.where(x > 0, x, self.alpha * x)

        def make(bare: bool, regularizers: Mapping[str, Any]) -> Any:
            return LastAxis(alpha_regularizer=regularizers.get("slope"))

        weights = {"slope": ("alpha", (0,))}
        return Port(make, keras.layers.PReLU, weights, self._apply(keras.ops.where))

    def torch(self, *inputs: Shape) -> Port:
        import torch
        from torch import nn

        class LastAxis(nn.PReLU):  # type: ignore[misc]  # PyTorch's units are the second axis
            def forward(self, x: Any) -> Any:
                return super().forward(x.movedim(-1, 1)).movedim(1, -1)

        units = self.parameters(*inputs)["slope"].shape[0]
        kind = nn.PReLU if len(inputs[0]) == 1 else LastAxis
        weights = {"slope": ("weight", (0,))}
        return Port(lambda bare: kind(units), nn.PReLU, weights, self._apply(torch.where))

    def jax(self, *inputs: Shape) -> Port:
        import jax.numpy as jnp

        return Port(self._apply(jnp.where))

    def _apply(self, where: Any) -> Any:
        """The layer as array code."""
        return lambda bare: lambda parameters, x: where(x > 0, x, parameters["slope"] * x)


def came_in(at: At) -> Any:
    """What arrives."""
    return lambda value, s: s.values[at.arriving]


def parts_of(at: At, s: Any) -> tuple[Any, Any, Any]:
    """What arrives, taken back through the part above 0 and the part below; and α."""
    x, g = s.values[at.sources[0]], s.values[at.arriving]

    def pulled(part: Part) -> Any:
        return in_rows(s.ops, lambda z, g: s.ops.vjp(part, z, s.ops.activate(part, z), g), x, g)

    return pulled(ABOVE), pulled(BELOW), spread(s.ops, s.values[f"slope/{at.name}"], x)


def rectified(at: At) -> Any:
    """What arrives, where the input is above 0."""
    return lambda value, s: parts_of(at, s)[0]


def negated(at: At) -> Any:
    """With the other sign below 0."""

    def change(value: Any, s: Any) -> Any:
        above, below, slope = parts_of(at, s)
        return s.ops.subtract(above, s.ops.multiply(slope, below))

    return change


def exchanged(at: At) -> Any:
    """With α on the other side."""

    def change(value: Any, s: Any) -> Any:
        above, below, slope = parts_of(at, s)
        return s.ops.add(s.ops.multiply(slope, above), below)

    return change


def of_all(at: At) -> Any:
    """The slope's gradient by all inputs."""

    def change(value: Any, s: Any) -> Any:
        terms = s.ops.multiply(s.values[at.arriving], s.values[at.sources[0]])
        return summed(s.ops, terms, value.shape[0])

    return change


def larger(at: At) -> Any:
    """max(x, α x), as α x and what x exceeds it by."""

    def change(value: Any, s: Any) -> Any:
        x = s.values[at.sources[0]]
        scaled = s.ops.multiply(spread(s.ops, s.values[f"slope/{at.name}"], x), x)
        return s.ops.add(scaled, apart(s.ops, s.ops.subtract(x, scaled))[0])

    return change


def odd_slopes(node: At, parameters: dict[str, Any]) -> None:
    """Slopes of both signs, of 0, 1 and more: of a few, those that tell the most forms apart."""
    slope = parameters[node.parameters["slope"]]
    slope[...] = np.resize((1.75, -0.5, 0.0, 1.0), slope.shape)


PART = PReLU
