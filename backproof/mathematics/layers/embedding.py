"""embedding: the rows of a table that the inputs name by their indices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from math import prod
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar

import numpy as np

from backproof.mathematics.checking import fits
from backproof.mathematics.errors import UsageError
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
from backproof.mathematics.layers.own import At, Change, LayerFault, LayerProbe
from backproof.mathematics.layers.port import Port

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from backproof.mathematics.layers.here import Here

T = TypeVar("T")

Bag = Literal["sum", "mean"] | None

GRADIENT = "∂L/∂E_k = Σ over all places of the token k of what arrives there"


@dataclass(frozen=True)
class Embedding(Layer):
    """a = E[x]: for each index its row of the table, (vocabulary, width).

    The inputs are whole numbers from 0 to ``vocabulary`` − 1, with any axes. ``bag``: the sum or
    the mean of the rows along the last of those. An index that occurs several times gets the sum of
    what arrives at all its places. Source: Bengio et al., A neural probabilistic language model,
    Journal of Machine Learning Research 3, 2003.
    """

    vocabulary: int
    width: int
    bag: Bag = None

    kind: ClassVar[str] = "embedding"
    faults: ClassVar[tuple[LayerFault, ...]] = (
        LayerFault(
            "last_occurrence",
            "a token that occurs several times gets the gradient of its last place alone: "
            "dE[x] += g, which keeps one of the repeated indices",
            GRADIENT,
            lambda at: table_gradient(at, lambda index: kept(index, last=True)),
        ),
        LayerFault(
            "first_occurrence",
            "a token that occurs several times gets the gradient of its first place alone",
            GRADIENT,
            lambda at: table_gradient(at, lambda index: kept(index, last=False)),
        ),
        LayerFault(
            "mean_of_occurrences",
            "the gradient of a token is divided by how often it occurs",
            GRADIENT,
            lambda at: averaged(at),
        ),
        LayerFault(
            "padding_row",
            "the first row of the table gets no gradient, as if it stood for padding",
            GRADIENT,
            lambda at: first_row_left_out(at),
            "convention",
        ),
        LayerFault(
            "off_by_one",
            "each token has the row before its own: indices that are counted from 1",
            "a = E[x]",
            lambda at: row_before(at),
        ),
        LayerFault(
            "row_before_backwards",
            "the gradient of each token goes to the row before its own",
            GRADIENT,
            lambda at: shifted_gradient(at),
        ),
        LayerFault(
            "scaled",
            "the rows are multiplied by the root of their width",
            "a = E[x]",
            lambda at: rooted(at),
            "convention",
        ),
        LayerFault(
            "sum_for_mean",
            "the rows of a bag are added up, where their mean is wanted",
            "a = Σ E[x]/T",
            lambda at: of_bag(at, "mean", forwards=True),
            "convention",
        ),
        LayerFault(
            "mean_not_taken_back",
            "what goes back to the rows of a bag is not divided by their number",
            "Ē = ḡ/T at each place",
            lambda at: of_bag(at, "mean", forwards=False),
        ),
    )
    hostile: ClassVar[tuple[LayerProbe, ...]] = (
        LayerProbe("one_token", lambda node, parameters, inputs, stream: fill(inputs)),
        LayerProbe("last_token", lambda node, parameters, inputs, stream: fill_last(node, inputs)),
        LayerProbe(
            "zipf_tokens", lambda node, parameters, inputs, stream: zipf(node, inputs, stream)
        ),
        LayerProbe("all_tokens", lambda node, parameters, inputs, stream: in_order(node, inputs)),
    )

    def __post_init__(self) -> None:
        for name in ("vocabulary", "width"):
            if not is_length(getattr(self, name)):
                raise UsageError(
                    f"Embedding({name}={getattr(self, name)!r}): give a whole number of at least 1"
                )
        if not fits(self.bag, Bag):
            raise UsageError(f"Embedding(bag={self.bag!r}): choose None, 'sum' or 'mean'")

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            (cls(3, 4), ((5,),)),
            (cls(5, 2, "sum"), ((2, 3),)),
            (cls(4, 3, "mean"), ((4,),)),
        )

    @classmethod
    def drawn(cls, choose: Choose, *came: Shape) -> Embedding | None:
        if len(came) != 1 or len(came[0]) > 2:
            return None
        bags: tuple[Bag, ...] = ("sum", "mean", None) if len(came[0]) > 1 else (None,)
        return cls(choose((3, 2, 7, 20)), choose(choose.widths), choose(bags))

    @property
    def indices(self) -> int:
        return self.vocabulary

    def output(self, *inputs: Shape) -> Shape:
        if len(inputs) != 1 or not inputs[0]:
            raise fitting(self.kind, "one input of indices, such as (positions,)", *inputs)
        return (*inputs[0][: None if self.bag is None else -1], self.width)

    def parameters(self, *inputs: Shape) -> dict[str, Parameter]:
        return {"table": Parameter((self.vocabulary, self.width), "table", self.vocabulary)}

    def forward(self, here: Here[T], *inputs: T) -> T:
        ops, index = here.ops, here.ops.indices(inputs[0], self.vocabulary)
        rows = here.site("rows", ops.gather(here.parameter("table"), places(index, self.width)))
        if self.bag is None:
            return rows
        summed = ops.total(rows, axis=index.ndim - 1)
        return ops.scale(summed, 1.0, index.shape[-1]) if self.bag == "mean" else summed

    def backward(self, here: Here[T], cotangent: T, *inputs: T) -> tuple[T | None, ...]:
        """The transpose of taking rows: what arrives is added up, token by token.

        ::

        ∂L/∂E_k = Σ_{places with x = k} ḡ,   divided by T where a bag is a mean of T rows
        """
        ops, index = here.ops, here.ops.indices(inputs[0], self.vocabulary)
        if self.bag is not None:
            if self.bag == "mean":
                cotangent = ops.scale(cotangent, 1.0, index.shape[-1])
            cotangent = ops.gather(cotangent, repeated(index.shape, self.width))
        cotangent = here.site("rows_back", cotangent)
        here.gradient("table", added(ops, cotangent, index, self, here.further_terms("table")))
        return (None,)

    def gradient_summands(self, rows: int, *inputs: Shape) -> dict[str, int]:
        return {"table": rows * prod(inputs[0])}

    def products(self, *inputs: Shape) -> int:
        return self.width * prod(inputs[0])

    def summary(self) -> str:
        """``8 of 100``, and whether it is a bag."""
        bag = "" if self.bag is None else f", {self.bag} of a bag"
        return f"{self.width} of {self.vocabulary}{bag}"

    def latex(self, symbols: Symbols) -> Formulas:
        x, i, e = symbols.inputs[0], symbols.number, symbols.parameters["table"]
        share = r"\frac{1}{T} " if self.bag == "mean" else ""
        told = f"{e}[{x}]" if self.bag is None else rf"{share}\sum_t {e}[{x}_t]"
        return Formulas(
            forward=rf"A_{{{i}}} = {told}",
            delta="",
            cotangents=("",),  # indices have no derivative
            gradients={
                "table": (
                    rf"\left({share}\sum_{{n, t:\, {x}_{{n t}} = k}} {symbols.arriving}\right)_k"
                )
            },
        )

    def keras(self, *inputs: Shape) -> Port:
        import keras

        weights = {"table": ("embeddings", (0, 1))}

        def make(bare: bool, regularizers: Mapping[str, Any]) -> Any:
            return (keras.layers.Embedding if self.bag is None else keras_bag())(
                self.vocabulary,
                self.width,
                embeddings_regularizer=regularizers.get("table"),
                **({} if self.bag is None else {"bag": self.bag}),
            )

        return Port(make, keras.layers.Embedding, weights, self._apply(self._in_keras))

    def torch(self, *inputs: Shape) -> Port:
        from torch import nn

        kind = nn.Embedding if self.bag is None else nn.EmbeddingBag
        mode = {} if self.bag is None else {"mode": self.bag}

        def make(bare: bool) -> Any:
            return of_whole_numbers()(kind(self.vocabulary, self.width, **mode))

        weights = {"table": ("weight", (0, 1))}
        return Port(make, kind, weights, self._apply(self._in_torch))

    def jax(self, *inputs: Shape) -> Port:
        return Port(self._apply(self._in_jax))

    def _apply(self, function: Any) -> Any:
        return lambda bare: lambda parameters, x: function(parameters["table"], x)

    def _in_keras(self, table: Any, x: Any) -> Any:
        from keras import ops

        rows = ops.take(table, ops.cast(x, "int32"), axis=0)
        if self.bag is None:
            return rows
        return (ops.mean if self.bag == "mean" else ops.sum)(rows, axis=-2)

    def _in_torch(self, table: Any, x: Any) -> Any:
        from torch.nn import functional

        rows = functional.embedding(x.long(), table)
        if self.bag is None:
            return rows
        return rows.mean(dim=-2) if self.bag == "mean" else rows.sum(dim=-2)

    def _in_jax(self, table: Any, x: Any) -> Any:
        rows = table[x.astype("int32")]
        if self.bag is None:
            return rows
        return rows.mean(axis=-2) if self.bag == "mean" else rows.sum(axis=-2)


@cache
def keras_bag() -> Any:
    """Keras's layer, with the sum or mean of a bag behind it."""
    import keras

    class Bagged(keras.layers.Embedding):  # type: ignore[misc]  # Keras has no types here
        def __init__(self, *given: Any, bag: str, **named: Any) -> None:
            super().__init__(*given, **named)
            self.reduce = keras.ops.mean if bag == "mean" else keras.ops.sum

        def call(self, inputs: Any) -> Any:
            """One row for each bag."""
            return self.reduce(super().call(inputs), axis=-2)

        def compute_output_shape(self, input_shape: Any) -> Any:
            """Without the axis of the bag."""
            return (*input_shape[:-1], self.output_dim)

    return Bagged


@cache
def of_whole_numbers() -> Any:
    """A module for one that takes indices: of numbers that are whole."""
    from torch import nn

    class OfWholeNumbers(nn.Module):  # type: ignore[misc]  # PyTorch is Any here
        def __init__(self, inner: Any) -> None:
            super().__init__()
            self.inner = inner

        def forward(self, x: Any) -> Any:
            index = x.long()
            if not isinstance(self.inner, nn.EmbeddingBag):
                return self.inner(index)
            rows = self.inner(index.reshape(-1, index.shape[-1]))  # it takes two axes alone
            return rows.reshape(*index.shape[:-1], rows.shape[-1])

    return OfWholeNumbers


def places(index: NDArray[np.intp], width: int) -> NDArray[np.intp]:
    """Where the rows of a table stand, counted row by row: (*index, width)."""
    return np.asarray(index[..., None] * width + np.arange(width))


def repeated(index_shape: Shape, width: int) -> NDArray[np.intp]:
    """For each place of a bag, where what arrives at the bag stands."""
    bags = np.arange(prod(index_shape[:-1])).reshape(*index_shape[:-1], 1)
    return np.ascontiguousarray(np.broadcast_to(places(bags, width), (*index_shape, width)))


def added(
    ops: Any, cotangent: Any, index: NDArray[np.intp], layer: Embedding, further_terms: int = 0
) -> Any:
    """The table's gradient: one sum for each token, of as many terms as it occurs."""
    most = int(np.bincount(index.ravel()).max())
    charged = ops.as_summand(cotangent, most - 1 + further_terms)
    return ops.scatter(charged, places(index, layer.width), (layer.vocabulary, layer.width))


def embedding_of(at: At) -> Embedding:
    """The node's layer."""
    layer: Any = at.layer
    return layer  # type: ignore[no-any-return]


def index_of(at: At, scope: Any) -> NDArray[np.intp]:
    """The indices that came in."""
    found: NDArray[np.intp] = scope.ops.indices(
        scope.values[at.sources[0]], embedding_of(at).vocabulary
    )
    return found


def table_gradient(at: At, keep: Any) -> dict[str, Change]:
    """The table's gradient, of some places alone."""

    def change(value: Any, scope: Any) -> Any:
        layer, index = embedding_of(at), index_of(at, scope)
        chosen = keep(index)
        arrived = scope.ops.gather(
            scope.values[f"rows_back/{at.name}"], places(chosen, layer.width)
        )
        return added(scope.ops, arrived, index.ravel()[chosen], layer)

    return {f"data_gradient/{at.name}/table": change}


def kept(index: NDArray[np.intp], *, last: bool) -> NDArray[np.intp]:
    """The last, or the first place of each token."""
    flat = index.ravel()
    order = flat[::-1] if last else flat
    _, first = np.unique(order, return_index=True)
    return np.asarray(np.sort(flat.size - 1 - first if last else first))


def averaged(at: At) -> dict[str, Change]:
    """The table's gradient, divided by how often each token occurs."""

    def change(value: Any, scope: Any) -> Any:
        layer = embedding_of(at)
        count = np.bincount(index_of(at, scope).ravel(), minlength=layer.vocabulary)
        share = np.repeat(1 / np.maximum(count, 1), layer.width).reshape(value.shape)
        return scope.ops.multiply(value, scope.ops.exact(share))

    return {f"data_gradient/{at.name}/table": change}


def first_row_left_out(at: At) -> dict[str, Change]:
    """The table's gradient, with zeros in its first row."""

    def change(value: Any, scope: Any) -> Any:
        kept = np.ones(value.shape)
        kept[0] = 0
        return scope.ops.multiply(value, scope.ops.exact(kept))

    return {f"data_gradient/{at.name}/table": change}


def row_before(at: At) -> dict[str, Change]:
    """The rows of the tokens before."""
    if embedding_of(at).vocabulary == 1:
        return {}

    def change(value: Any, scope: Any) -> Any:
        layer = embedding_of(at)
        index = (index_of(at, scope) - 1) % layer.vocabulary
        return scope.ops.gather(scope.values[f"table/{at.name}"], places(index, layer.width))

    return {f"rows/{at.name}": change}


def shifted_gradient(at: At) -> dict[str, Change]:
    """The table's gradient, a row too early."""
    if embedding_of(at).vocabulary == 1:
        return {}

    def change(value: Any, scope: Any) -> Any:
        rows = np.arange(value.shape[0] * value.shape[1]).reshape(value.shape)
        return scope.ops.gather(value, np.roll(rows, -1, axis=0))

    return {f"data_gradient/{at.name}/table": change}


def rooted(at: At) -> dict[str, Change]:
    """The rows times √width, and what goes back to them."""
    width = embedding_of(at).width
    if width == 1:
        return {}

    def change(value: Any, scope: Any) -> Any:
        return scope.ops.scale(value, float(width) ** 0.5)

    return {f"rows/{at.name}": change, f"rows_back/{at.name}": change}


def of_bag(at: At, bag: Bag, *, forwards: bool) -> dict[str, Change]:
    """Without the division by the number of rows, forwards and back, or back alone."""
    if embedding_of(at).bag != bag or at.inputs[0][-1] == 1:
        return {}
    many = float(at.inputs[0][-1])

    def change(value: Any, scope: Any) -> Any:
        return scope.ops.scale(value, many)

    back: dict[str, Change] = {f"rows_back/{at.name}": change}
    return {f"rows/{at.name}": change, **back} if forwards else back


def fill(inputs: Any) -> None:
    """One and the same token everywhere, but in the first sample."""
    inputs[1:] = 0


def fill_last(node: At, inputs: Any) -> None:
    """The last token of the table, everywhere but at the first place."""
    inputs.reshape(len(inputs), -1)[:, 1:] = embedding_of(node).vocabulary - 1


def zipf(node: At, inputs: Any, stream: Generator) -> None:
    """Tokens as rare as words are: the k-th with a frequency of 1/k."""
    share = 1 / (1 + np.arange(embedding_of(node).vocabulary))
    inputs[...] = stream.choice(len(share), size=inputs.shape, p=share / share.sum())


def in_order(node: At, inputs: Any) -> None:
    """All tokens one after another."""
    inputs[...] = np.arange(inputs.size).reshape(inputs.shape) % embedding_of(node).vocabulary


PART = Embedding
