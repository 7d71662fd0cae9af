"""positions: what tells places apart is added to them: a table that is learned, or waves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, partial
from math import ceil, inf, log
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar

import numpy as np

from backproof.mathematics.checking import fits
from backproof.mathematics.errors import UsageError
from backproof.mathematics.layers import plain_twins
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
from backproof.mathematics.layers.own import At, Change, LayerFault, LayerProbe
from backproof.mathematics.layers.port import Port

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from backproof.mathematics.arithmetic.operations import Ops
    from backproof.mathematics.layers.here import Here

T = TypeVar("T")

Form = Literal["learned", "sinusoid"]
Order = Literal["interleaved", "halves"]

LEARNED = "a_t = x_t + E_t, ∂L/∂E_t = Σ_samples ḡ_t"
WAVES = "a_t = x_t + [sin(ω_0 t), cos(ω_0 t), sin(ω_1 t), …], ω_i = base^(−2i/d), t = 0, 1, …"


@dataclass(frozen=True)
class Positions(Layer):
    """a_t = x_t + E_t of (positions, width), with the position t counted from 0.

    ``form``: E is "learned", a parameter (positions, width); or a "sinusoid", sin(t·ω_i) and
    cos(t·ω_i) with ω_i = base^(−2i/width), "interleaved" or in "halves". Source: Vaswani et al.,
    Attention is all you need, 2017, section 3.5.
    """

    form: Form = "learned"
    base: float = 10_000.0
    order: Order = "interleaved"

    kind: ClassVar[str] = "positions"
    faults: ClassVar[tuple[LayerFault, ...]] = (
        LayerFault(
            "table_of_last_sample",
            "the gradient of the table is that of the last sample alone",
            LEARNED,
            lambda at: table_gradient(at, last_sample),
        ),
        LayerFault(
            "table_averaged",
            "the gradient of the table is averaged over the samples, which the loss did already",
            LEARNED,
            lambda at: table_gradient(at, averaged),
        ),
        LayerFault(
            "table_shifted",
            "the gradient of the table is off by one position",
            LEARNED,
            lambda at: table_gradient(at, shifted),
        ),
        LayerFault(
            "backwards",
            "positions are counted from the end",
            "a_t = x_t + E_t, with t = 0 for the first",
            lambda at: from_the_end(at),
            "convention",
        ),
        LayerFault(
            "left_out",
            "nothing is added: all positions are alike",
            "a_t = x_t + E_t",
            lambda at: {f"added/{at.name}": lambda value, s: s.ops.exact(np.zeros(value.shape))},
        ),
        LayerFault(
            "exponent_doubled",
            "the exponent is doubled: i counts pairs of columns already",
            WAVES,
            lambda at: other_waves(at, exponent=2.0),
            "convention",
        ),
        LayerFault(
            "sine_for_cosine",
            "sine and cosine are exchanged",
            WAVES,
            lambda at: other_waves(at, shift=np.pi / 2),
            "convention",
        ),
        LayerFault(
            "counted_from_one",
            "the first position is 1, not 0",
            WAVES,
            lambda at: other_waves(at, first=1),
            "convention",
        ),
        LayerFault(
            "other_order",
            "sines and cosines stand in halves for interleaved, or the reverse",
            WAVES,
            lambda at: other_waves(at, turned=True),
            "convention",
        ),
    )
    hostile: ClassVar[tuple[LayerProbe, ...]] = (
        LayerProbe(
            "first_place_alone",
            lambda node, parameters, *_: first_alone(node, parameters),
        ),
    )

    def __post_init__(self) -> None:
        if not fits(self.form, Form):
            raise UsageError(f"Positions(form={self.form!r}): choose 'learned' or 'sinusoid'")
        if not fits(self.order, Order):
            raise UsageError(f"Positions(order={self.order!r}): choose 'interleaved' or 'halves'")
        if not fits(self.base, int | float) or not 1 < self.base < inf:
            raise UsageError(f"Positions(base={self.base!r}): give a number above 1")

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            (cls(), ((4, 3),)),
            (cls("sinusoid"), ((4, 6),)),
            (cls("sinusoid", 100.0, "halves"), ((3, 5),)),
        )

    @classmethod
    def drawn(cls, choose: Choose, *came: Shape) -> Positions | None:
        if len(came) != 1 or len(came[0]) != 2:
            return None
        forms: tuple[Form, ...] = ("learned", "sinusoid")
        orders: tuple[Order, ...] = ("interleaved", "halves")
        return cls(choose(forms), choose((10_000.0, 100.0)), choose(orders))

    def output(self, *inputs: Shape) -> Shape:
        if len(inputs) != 1 or len(inputs[0]) != 2:
            raise fitting(self.kind, "one input (positions, width)", *inputs)
        return inputs[0]

    def parameters(self, *inputs: Shape) -> dict[str, Parameter]:
        if self.form != "learned":
            return {}
        return {"table": Parameter(inputs[0], "table", inputs[0][0])}

    def forward(self, here: Here[T], *inputs: T) -> T:
        ops, shape = here.ops, shape_of(inputs[0])
        learned = self.form == "learned"
        table = here.parameter("table") if learned else self.waves(ops, *shape[1:])
        places = np.arange(shape[1] * shape[2]).reshape(shape[1:])
        added = here.site("added", ops.gather(table, np.array(np.broadcast_to(places, shape))))
        return ops.add(inputs[0], added)

    def waves(self, ops: Ops[T], positions: int, width: int) -> T:
        """The sinusoids, as far off as any way to compute them in the dtype is.

        base^(−2i/d), as exp(−(2i/d)·ln base) or as a power, is off by 2·ln base + 5 roundings at
        most, t times it by one more, and its sine by t·ω times as many, and by an ulp or two.
        """
        table = ops.exact(self.table(positions, width))
        room = 1 + np.arange(positions)[:, None] * self.frequencies(width)[None]
        size = ops.exact(np.ascontiguousarray(room))
        times = ceil(2 * log(self.base)) + 8
        return ops.add(table, ops.subtract(ops.charged(size, times), size))

    def frequencies(self, width: int, exponent: float = 1.0) -> NDArray[np.float64]:
        """ω of each column."""
        pairs = ceil(width / 2)
        each = np.arange(width) // 2 if self.order == "interleaved" else np.arange(width) % pairs
        return np.asarray(float(self.base) ** (-exponent * 2 * each / width))

    def table(
        self, positions: int, width: int, first: int = 0, shift: float = 0.0, exponent: float = 1.0
    ) -> NDArray[np.float64]:
        """(positions, width)."""
        angles = (first + np.arange(positions))[:, None] * self.frequencies(width, exponent)[None]
        odd = np.arange(width) % 2 == 1
        cosine = odd if self.order == "interleaved" else np.arange(width) >= ceil(width / 2)
        exchanged = cosine if not shift else ~cosine
        return np.asarray(np.where(exchanged, np.cos(angles), np.sin(angles)))

    def backward(self, here: Here[T], cotangent: T, *inputs: T) -> tuple[T | None, ...]:
        """What arrives goes on as it is; the table gets its sum over the samples.

        ::

        ∂L/∂E_t = Σ_samples ḡ_t,   x̄ = ḡ
        """
        if self.form == "learned":
            further = here.further_terms("table")
            here.gradient("table", here.ops.total(cotangent, 0, further))
        return (here.passed(cotangent),)

    def products(self, *inputs: Shape) -> int:
        return inputs[0][0] * inputs[0][1]

    def summary(self) -> str:
        """``learned``, or ``sinusoid``."""
        return self.form if self.order == "interleaved" else f"{self.form} in {self.order}"

    def latex(self, symbols: Symbols) -> Formulas:
        x, i, g = symbols.inputs[0], symbols.number, symbols.arriving
        if self.form == "learned":
            table = symbols.parameters["table"]
            return Formulas(
                forward=rf"A_{{{i}}} = {x} + {table}",
                delta="",
                cotangents=(g,),
                gradients={"table": rf"\sum_n {g}"},
            )
        waves = rf"\sin(t\, {self.base:g}^{{-2 j / d}})"
        waves += rf",\ \cos(t\, {self.base:g}^{{-2 j / d}})"
        return Formulas(
            forward=rf"A_{{{i}}} = {x} + S, \quad S_t = [{waves}]_j",
            delta="",
            cotangents=(g,),
            gradients={},
        )

    def keras(self, *inputs: Shape) -> Port:
        if self.form != "learned":
            return plain_twins.in_keras(self, partial(self._waves, keras_numbers), *inputs)
        import keras

        def make(bare: bool, regularizers: Mapping[str, Any]) -> Any:
            return keras_places()(*inputs[0], embeddings_regularizer=regularizers.get("table"))

        weights = {"table": ("embeddings", (0, 1))}
        return Port(make, keras.layers.Embedding, weights, self._apply, seen=False)

    def torch(self, *inputs: Shape) -> Port:
        if self.form != "learned":
            return plain_twins.in_torch(self, partial(self._waves, torch_numbers), *inputs)
        from torch import nn

        def make(bare: bool) -> Any:
            return torch_places()(nn.Embedding(*inputs[0]))

        weights = {"table": ("weight", (0, 1))}
        return Port(make, nn.Embedding, weights, self._apply, seen=False)

    def jax(self, *inputs: Shape) -> Port:
        if self.form != "learned":
            return plain_twins.in_jax(partial(self._waves, jax_numbers))
        return Port(self._apply)

    def _apply(self, bare: bool) -> Callable[[Mapping[str, Any], Any], Any]:
        return lambda parameters, x: x + parameters["table"]

    def _waves(self, numbers: Callable[[Any], Any], parameters: Mapping[str, Any], x: Any) -> Any:
        """As tutorials write it, in the dtype of x; ``numbers``: arange, exp, sin, cos, stack."""
        arange, exp, sin, cos, stack, joined = numbers(x)
        positions, width = x.shape[1:]
        pairs = ceil(width / 2)
        rates = exp(arange(pairs) * (-2 * log(self.base) / width))
        angles = arange(positions)[:, None] * rates[None]
        parts = [sin(angles), cos(angles)]
        if self.order == "interleaved":
            return x + stack(parts)[:, :width]
        return x + joined(parts)[:, :width]


def torch_numbers(x: Any) -> Any:
    """What the waves are made of, in the dtype of x."""
    import torch

    return (
        lambda n: torch.arange(n, dtype=x.dtype),
        *(torch.exp, torch.sin, torch.cos),
        lambda parts: torch.stack(parts, dim=-1).flatten(1),
        lambda parts: torch.cat(parts, dim=1),
    )


def keras_numbers(x: Any) -> Any:
    """Likewise."""
    from keras import ops

    return (
        lambda n: ops.cast(ops.arange(n), x.dtype),
        *(ops.exp, ops.sin, ops.cos),
        lambda parts: ops.reshape(ops.stack(parts, axis=-1), (parts[0].shape[0], -1)),
        lambda parts: ops.concatenate(parts, axis=1),
    )


def jax_numbers(x: Any) -> Any:
    """Likewise."""
    import jax.numpy as jnp

    return (
        lambda n: jnp.arange(n, dtype=x.dtype),
        *(jnp.exp, jnp.sin, jnp.cos),
        lambda parts: jnp.stack(parts, axis=-1).reshape(parts[0].shape[0], -1),
        lambda parts: jnp.concatenate(parts, axis=1),
    )


@cache
def torch_places() -> Any:
    """A module that adds an embedding of the places, as GPTs do."""
    import torch
    from torch import nn

    class Places(nn.Module):  # type: ignore[misc]  # PyTorch is Any here
        def __init__(self, inner: Any) -> None:
            super().__init__()
            self.inner = inner

        def forward(self, x: Any) -> Any:
            return x + self.inner(torch.arange(x.shape[1]))

    return Places


@cache
def keras_places() -> Any:
    """Likewise."""
    import keras

    class Places(keras.layers.Embedding):  # type: ignore[misc]  # Keras has no types here
        def call(self, inputs: Any) -> Any:
            """x and the rows of its places."""
            return inputs + super().call(keras.ops.arange(self.input_dim))

        def compute_output_shape(self, input_shape: Any) -> Any:
            """As it comes."""
            return input_shape

    return Places


def shape_of(x: Any) -> tuple[int, ...]:
    """The shape, which every arithmetic has."""
    shape: tuple[int, ...] = x.shape
    return shape


def positions_of(at: At) -> Positions:
    """The node's layer."""
    layer: Any = at.layer
    return layer  # type: ignore[no-any-return]


def table_gradient(at: At, make: Callable[[Any, Any], Any]) -> dict[str, Change]:
    """Another gradient of a learned table, made of what arrives."""
    if positions_of(at).form != "learned":
        return {}
    if make is shifted and at.inputs[0][0] == 1:
        return {}
    return {f"data_gradient/{at.name}/table": lambda value, s: make(s.ops, s.values[at.arriving])}


def last_sample(ops: Any, arrived: Any) -> Any:
    """That of the last sample."""
    places = np.arange(int(np.prod(arrived.shape))).reshape(arrived.shape)
    return ops.gather(arrived, places[-1])


def averaged(ops: Any, arrived: Any) -> Any:
    """The mean over the samples."""
    return ops.scale(ops.total(arrived, 0), 1.0, arrived.shape[0])


def shifted(ops: Any, arrived: Any) -> Any:
    """The sum, a row too late."""
    summed = ops.total(arrived, 0)
    places = np.arange(int(np.prod(summed.shape))).reshape(summed.shape)
    return ops.gather(summed, np.roll(places, 1, axis=0))


def from_the_end(at: At) -> dict[str, Change]:
    """The table upside down, forwards and backwards."""
    if at.inputs[0][0] == 1:
        return {}

    def change(value: Any, s: Any) -> Any:
        places = np.arange(int(np.prod(value.shape))).reshape(value.shape)
        return s.ops.gather(value, np.ascontiguousarray(np.flip(places, axis=-2)))

    changes: dict[str, Change] = {f"added/{at.name}": change}
    if positions_of(at).form == "learned":
        changes[f"data_gradient/{at.name}/table"] = change
    return changes


def other_waves(at: At, *, turned: bool = False, **fields: float) -> dict[str, Change]:
    """Waves that are computed otherwise."""
    layer, shape = positions_of(at), at.inputs[0]
    if layer.form != "sinusoid":
        return {}
    other: Order = "halves" if layer.order == "interleaved" else "interleaved"
    of = Positions("sinusoid", layer.base, other) if turned else layer
    table = of.table(*shape, **fields)  # type: ignore[arg-type]
    if np.array_equal(table, layer.table(*shape)):
        return {}
    return {
        f"added/{at.name}": lambda value, s: s.ops.exact(
            np.array(np.broadcast_to(table, value.shape))
        )
    }


def first_alone(node: At, parameters: dict[str, Any]) -> None:
    """Of a learned table, all rows but the first are 0."""
    if "table" in node.parameters:
        parameters[node.parameters["table"]][1:] = 0


PART = Positions
