"""dense: a = f(x W + b), over the last axis."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar

from backproof.mathematics import functions
from backproof.mathematics.checking import fits
from backproof.mathematics.errors import UsageError
from backproof.mathematics.functions import Activation
from backproof.mathematics.latex import activated, delta
from backproof.mathematics.layers.layer import (
    Choose,
    Example,
    Formulas,
    Layer,
    Parameter,
    Shape,
    Symbols,
    fitting,
    is_length,
)
from backproof.mathematics.layers.port import Port, as_module

if TYPE_CHECKING:
    from backproof.mathematics.layers.here import Here

T = TypeVar("T")

# One for each unit, none, or a single one that all units of the layer share.
Bias = bool | Literal["scalar"]


@dataclass(frozen=True)
class Dense(Layer):
    """A dense layer: ``activation(inputs @ kernel + bias)``, kernel (fan_in, fan_out).

    ``activation`` is a name, or one with fields: ``activations.named("leaky_relu", alpha=0.1)``.
    Of inputs (…, fan_in) with more axes, each position is one row.
    """

    fan_in: int
    fan_out: int
    activation: Activation = field(default_factory=lambda: functions.named("linear"))
    bias: Bias = True

    kind: ClassVar[str] = "dense"

    def __init__(
        self, fan_in: int, fan_out: int, activation: str | Activation = "linear", bias: Bias = True
    ) -> None:
        if not is_length(fan_in) or not is_length(fan_out):
            raise UsageError(
                f"Dense(fan_in={fan_in!r}, fan_out={fan_out!r}): both are whole numbers, and must "
                "be at least 1"
            )
        activation = functions.as_activation(activation, "Dense")
        if not fits(bias, Bias):
            raise UsageError(f"Dense(bias={bias!r}): choose True, False or 'scalar'")
        for name, value in (
            ("fan_in", int(fan_in)),
            ("fan_out", int(fan_out)),
            ("activation", activation),
            ("bias", bias),
        ):
            object.__setattr__(self, name, value)

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            (cls(3, 4, "tanh"), ((3,),)),
            (cls(3, 2, "softmax", bias=False), ((2, 3),)),
            (cls(3, 4, "sigmoid", bias="scalar"), ((3,),)),
        )

    @classmethod
    def drawn(cls, choose: Choose, *came: Shape) -> Dense | None:
        if len(came) != 1 or not came[0]:
            return None
        biases: tuple[Bias, ...] = (True, False, "scalar")
        return cls(came[0][-1], choose(choose.widths), choose(choose.functions), choose(biases))

    @property
    def biases(self) -> int:
        """How many biases it has."""
        return 1 if self.bias == "scalar" else self.fan_out * bool(self.bias)

    @property
    def accepts(self) -> Shape:
        return (self.fan_in,)

    @property
    def function(self) -> Activation:
        return self.activation

    def output(self, *inputs: Shape) -> Shape:
        if len(inputs) != 1 or not inputs[0] or inputs[0][-1] != self.fan_in:
            raise fitting("dense", f"one input (…, {self.fan_in}), its fan_in", *inputs)
        return (*inputs[0][:-1], self.fan_out)

    def parameters(self, *inputs: Shape) -> dict[str, Parameter]:
        found = {"kernel": Parameter((self.fan_in, self.fan_out), "kernel", self.fan_in)}
        if self.bias:
            found["bias"] = Parameter((self.biases,), "bias")
        return found

    def forward(self, here: Here[T], *inputs: T) -> T:
        kernel = here.parameter("kernel")
        bias = here.parameter("bias") if self.bias else None
        z = here.ops.affine(self._rows(here, inputs[0]), kernel, bias)
        return here.activated(self.activation, self._shaped(here, z, inputs[0]))

    def backward(self, here: Here[T], cotangent: T, *inputs: T) -> tuple[T | None, ...]:
        """Equations BP1 to BP4 of Nielsen, Neural Networks and Deep Learning, chapter 2.

        ::

        δ = ḡ ⊙ f′(z),   ∂L/∂W = xᵀ δ,   ∂L/∂b = Σ_samples δ,   x̄ = δ Wᵀ
        """
        ops, x = here.ops, self._rows(here, inputs[0])
        delta = self._rows(here, here.pulled(self.activation, cotangent))
        also = here.further_terms("kernel")
        here.gradient("kernel", ops.matmul(ops.transpose(x), delta, further_terms=also))
        if self.bias:
            # A scalar bias is that of every unit: its gradient sums over them too.
            axis = None if self.bias == "scalar" else 0
            summed = ops.total(delta, axis=axis, further_terms=here.further_terms("bias"))
            here.gradient("bias", ops.reshaped(summed, (1,)) if axis is None else summed)
        if not here.wants():
            return (None,)
        kernel = ops.transpose(here.value("kernel"))
        back = ops.matmul(delta, kernel, further_terms=here.further_terms_below())
        return (self._shaped(here, back, inputs[0]),)

    def _rows(self, here: Here[T], x: T) -> T:
        """As (rows, units)."""
        shape: tuple[int, ...] = x.shape  # type: ignore[attr-defined] # every arithmetic has it
        if len(shape) == 2:
            return x
        return here.ops.reshaped(x, (prod(shape[:-1]), shape[-1]))

    def _shaped(self, here: Here[T], rows: T, x: T) -> T:
        """With the axes of x before the last."""
        shape: tuple[int, ...] = x.shape  # type: ignore[attr-defined]
        if len(shape) == 2:
            return rows
        units: int = rows.shape[-1]  # type: ignore[attr-defined]
        return here.ops.reshaped(rows, (*shape[:-1], units))

    def summands(self, *inputs: Shape) -> tuple[int, ...]:
        return (self.fan_out,)

    def gradient_summands(self, rows: int, *inputs: Shape) -> dict[str, int]:
        positions = rows * prod(inputs[0][:-1])
        found = {"kernel": positions}
        if self.bias:
            found["bias"] = positions
        return found

    def sums(self, *inputs: Shape) -> dict[str, int]:
        return {"z": self.fan_in}

    def products(self, *inputs: Shape) -> int:
        return self.fan_in * self.fan_out * prod(inputs[0][:-1])

    def summary(self) -> str:
        """``5 relu``, and what is special about its biases."""
        biases = {True: "", False: " without bias", "scalar": " with a scalar bias"}[self.bias]
        return f"{self.fan_out} {self.activation.name}{biases}"

    def latex(self, symbols: Symbols) -> Formulas:
        x, i = symbols.inputs[0], symbols.number
        w, b = symbols.parameters["kernel"], symbols.parameters.get("bias", "")
        added = {True: rf" + \mathbf{{1}}\, {b}", False: "", "scalar": f" + {b}"}[self.bias]
        d = rf"\Delta_{{{i}}}"
        gradients = {"kernel": rf"{x}^\top {d}"}
        if self.bias:
            scalar = self.bias == "scalar"
            gradients["bias"] = rf"\sum {d}" if scalar else rf"\mathbf{{1}}^\top {d}"
        return Formulas(
            forward=rf"Z_{{{i}}} = {x} {w}{added}, \qquad {activated(self.activation, i)}",
            delta=delta(
                self.activation, i, symbols.arriving, taken_back=not symbols.by_preactivation
            ),
            cotangents=(rf"({d} {w}^\top)",),
            gradients=gradients,
        )

    def keras(self, *inputs: Shape) -> Port:
        import keras

        kind = keras.layers.Dense if self.bias != "scalar" else scalar_bias()

        def make(bare: bool, regularizers: Mapping[str, Any]) -> Any:
            return kind(
                self.fan_out,
                activation=None if bare else functions.twin(self.activation, "keras"),
                use_bias=bool(self.bias),
                kernel_regularizer=regularizers.get("kernel"),
                bias_regularizer=regularizers.get("bias"),
            )

        weights = {"kernel": ("kernel", (0, 1)), "bias": ("bias", (0,))}
        named = {name: weights[name] for name in self.parameters()}

        def function() -> Any:
            return keras.activations.get(functions.twin(self.activation, "keras"))

        return Port(make, keras.layers.Dense, named, self._apply(function))

    def torch(self, *inputs: Shape) -> Port:
        import torch
        from torch import nn

        def make(bare: bool) -> Any:
            linear = nn.Linear(self.fan_in, self.fan_out, bias=bool(self.bias))
            if self.bias == "scalar":  # one number, which F.linear adds to every unit
                linear.bias = nn.Parameter(torch.zeros(1))
            return (
                linear
                if bare
                else nn.Sequential(linear, as_module(functions.twin(self.activation, "torch")))
            )

        weights = {"kernel": ("weight", (1, 0)), "bias": ("bias", (0,))}
        named = {name: weights[name] for name in self.parameters()}
        return Port(
            make, nn.Linear, named, self._apply(lambda: functions.twin(self.activation, "torch"))
        )

    def jax(self, *inputs: Shape) -> Port:
        return Port(self._apply(lambda: functions.twin(self.activation, "jax")))

    def _apply(self, function: Callable[[], Any]) -> Callable[[bool], Any]:
        """The layer as plain array code, which reads the same in every framework."""

        def make(bare: bool) -> Any:
            f = None if bare else function()

            def apply(parameters: Mapping[str, Any], x: Any) -> Any:
                z = x @ parameters["kernel"]
                if self.bias:
                    z = z + parameters["bias"]
                return z if f is None else f(z)

            return apply

        return make


def scalar_bias() -> Any:
    """A Keras layer whose units share one bias, (1,)."""
    import keras

    class ScalarBias(keras.layers.Dense):  # type: ignore[misc]  # Keras has no types here
        def build(self, input_shape: Any) -> None:
            """The kernel as in a layer without a bias, then one number."""
            self.use_bias = False
            super().build(input_shape)
            self.use_bias = True
            self.bias = self.add_weight(
                name="bias", shape=(1,), initializer="zeros", regularizer=self.bias_regularizer
            )

    return ScalarBias


PART = Dense
