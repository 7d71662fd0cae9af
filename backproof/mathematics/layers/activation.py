"""activation: a = f(x), a function as a node of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from backproof.mathematics import functions
from backproof.mathematics.functions import Activation as Function
from backproof.mathematics.latex import activated, delta
from backproof.mathematics.layers.here import in_rows
from backproof.mathematics.layers.layer import (
    Choose,
    Example,
    Formulas,
    Layer,
    Shape,
    Symbols,
    fitting,
)
from backproof.mathematics.layers.own import At, Change, LayerFault, instead
from backproof.mathematics.layers.port import Port, as_module

if TYPE_CHECKING:
    from backproof.mathematics.layers.here import Here

T = TypeVar("T")


@dataclass(frozen=True)
class Activation(Layer):
    """A function of its input: of each element, or of each row along the last axis (softmax)."""

    activation: Function

    kind: ClassVar[str] = "activation"
    faults: ClassVar[tuple[LayerFault, ...]] = (
        LayerFault(
            "slope_forgotten",
            "the cotangent goes back without the activation's derivative",
            "x̄ = ḡ ⊙ f′(x)",
            lambda at: {f"delta/{at.name}": instead(at.arriving)} if curved(at) else {},
        ),
        LayerFault(
            "slope_of_the_output",
            "the derivative is taken at the activation, not at what comes in",
            "x̄ = ḡ ⊙ f′(x)",
            lambda at: {f"delta/{at.name}": at_the_output(at)} if bent(at) else {},
        ),
        LayerFault(
            "left_out",
            "the activation is left out, forwards and backwards",
            "a = f(x)",
            lambda at: (
                {
                    f"activation/{at.name}": instead(f"z/{at.name}"),
                    f"delta/{at.name}": instead(at.arriving),
                }
                if curved(at)
                else {}
            ),
        ),
    )

    def __init__(self, activation: str | Function) -> None:
        activation = functions.as_activation(activation, "Activation")
        object.__setattr__(self, "activation", activation)

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return ((cls("tanh"), ((4,),)), (cls("softmax"), ((2, 3),)))

    @classmethod
    def drawn(cls, choose: Choose, *came: Shape) -> Activation | None:
        return cls(choose(choose.functions)) if len(came) == 1 and came[0] else None

    @property
    def function(self) -> Function:
        return self.activation

    def output(self, *inputs: Shape) -> Shape:
        if len(inputs) != 1 or not inputs[0]:
            raise fitting(self.kind, "one input of at least one axis", *inputs)
        return inputs[0]

    def forward(self, here: Here[T], *inputs: T) -> T:
        return here.activated(self.activation, inputs[0])

    def backward(self, here: Here[T], cotangent: T, *inputs: T) -> tuple[T | None, ...]:
        """x̄ = δ = ḡ ⊙ f′(x), or the vector-Jacobian product of a row."""
        return (here.passed(here.pulled(self.activation, cotangent)),)

    def summary(self) -> str:
        return self.activation.name

    def latex(self, symbols: Symbols) -> Formulas:
        x, i = symbols.inputs[0], symbols.number
        return Formulas(
            forward=rf"Z_{{{i}}} = {x}, \qquad {activated(self.activation, i)}",
            delta=delta(
                self.activation, i, symbols.arriving, taken_back=not symbols.by_preactivation
            ),
            cotangents=(rf"\Delta_{{{i}}}",),
            gradients={},
        )

    def keras(self, *inputs: Shape) -> Port:
        import keras

        def make(bare: bool, regularizers: Mapping[str, Any]) -> Any:
            return keras.layers.Activation(
                "linear" if bare else functions.twin(self.activation, "keras")
            )

        return Port(make)

    def torch(self, *inputs: Shape) -> Port:
        from torch import nn

        return Port(
            lambda bare: (
                nn.Identity() if bare else as_module(functions.twin(self.activation, "torch"))
            )
        )

    def jax(self, *inputs: Shape) -> Port:
        def make(bare: bool) -> Any:
            f = None if bare else functions.twin(self.activation, "jax")
            return lambda parameters, x: x if f is None else f(x)

        return Port(make)


def curved(at: At) -> bool:
    """Whether it is another function than the identity, and takes its cotangent back itself."""
    assert at.layer.function is not None
    return bool(at.arriving) and at.layer.function.name != "linear"


def bent(at: At) -> bool:
    """Whether its slope at f(x) is another than at x: rectifiers have the sign of both alone."""
    assert at.layer.function is not None
    return curved(at) and at.layer.function.name not in ("relu", "leaky_relu")


def at_the_output(at: At) -> Change:
    """What arrives, taken back by the derivative at the activation."""
    f = at.layer.function
    assert f is not None

    def change(value: Any, scope: Any) -> Any:
        def pulled(a: Any, g: Any) -> Any:
            return scope.ops.vjp(f, a, scope.ops.activate(f, a), g)

        given = scope.values[f"activation/{at.name}"], scope.values[at.arriving]
        return in_rows(scope.ops, pulled, *given)

    return change


PART = Activation
