"""attention: softmax(q kᵀ/√d) v, of queries, keys and values that come in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from backproof.mathematics.checking import came, fits
from backproof.mathematics.errors import UsageError
from backproof.mathematics.layers import attending, attending_faults, attending_twins, plain_twins
from backproof.mathematics.layers.attending import Heads
from backproof.mathematics.layers.layer import (
    Choose,
    Example,
    Formulas,
    Layer,
    Shape,
    Symbols,
    fitting,
    is_length,
)
from backproof.mathematics.layers.own import LayerFault, LayerProbe
from backproof.mathematics.layers.port import Port

if TYPE_CHECKING:
    from backproof.mathematics.arithmetic.operations import Ops
    from backproof.mathematics.functions import Activation
    from backproof.mathematics.layers.here import Here

T = TypeVar("T")

# Tokens are told apart as whole numbers of float32.
MOST_TOKENS = 1 << 24


@dataclass(frozen=True)
class Attention(Layer):
    """Scaled dot-product attention of (queries, heads·d), (keys, groups·d) and (keys, groups·e).

    ``heads``, each with its own block of columns; ``groups`` of keys and values, as many as heads
    where none are given, each serving heads/groups of them (grouped queries). ``scaled``: by 1/√d.
    ``causal``: a query sees the keys up to its own place, ``aligned`` at the "first" or at the
    "last" of both. ``padding``: the token that is hidden as a key; then the tokens, (keys,), are
    the last input. Source: Vaswani et al., Attention is all you need, 2017; of groups, Ainslie et
    al., GQA, 2023.
    """

    heads: int = 1
    groups: int | None = None
    scaled: bool = True
    causal: bool = False
    aligned: Literal["first", "last"] = "first"
    padding: int | None = None

    kind: ClassVar[str] = "attention"
    several: ClassVar[bool] = True
    compares: ClassVar[bool] = True
    faults: ClassVar[tuple[LayerFault, ...]] = (
        *attending_faults.FAULTS,
        *attending_faults.OF_MASKS,
        *attending_faults.OF_LENGTHS,
    )
    hostile: ClassVar[tuple[LayerProbe, ...]] = attending_faults.HOSTILE

    def __post_init__(self) -> None:
        for name in ("heads", "groups"):
            given = getattr(self, name)
            if not is_length(given) and not (name == "groups" and given is None):
                raise UsageError(f"Attention({name}={given!r}): give a whole number of at least 1")
        if self.groups is not None and self.heads % self.groups:
            fit = [n for n in range(1, self.heads + 1) if self.heads % n == 0]
            raise UsageError(
                f"Attention(heads={self.heads}, groups={self.groups}): each group serves as many "
                f"heads, so that the groups must divide them; {', '.join(map(str, fit))} would"
            )
        for name in ("scaled", "causal"):
            if not isinstance(getattr(self, name), bool):
                raise UsageError(
                    f"Attention({name}={came(getattr(self, name))}): give True or False"
                )
        if not fits(self.aligned, Literal["first", "last"]):
            raise UsageError(f"Attention(aligned={self.aligned!r}): choose 'first' or 'last'")
        token = self.padding
        if token is not None and not (is_length(token) or (type(token) is int and token == 0)):
            raise UsageError(
                f"Attention(padding={token!r}): give the token that is hidden, a whole number, or "
                "None"
            )

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            (cls(), ((3, 2), (3, 2), (3, 3))),
            (cls(2, causal=True), ((3, 4), (3, 4), (3, 4))),
            (cls(2, 1, causal=True, aligned="last"), ((2, 4), (3, 2), (3, 2))),
            (cls(2, scaled=False, padding=0), ((3, 4), (3, 4), (3, 2), (3,))),
        )

    @classmethod
    def drawn(cls, choose: Choose, *came: Shape) -> Attention | None:
        if len(came) != 3 or any(len(shape) != 2 for shape in came):
            return None
        q, k, v = came
        if k[0] != v[0]:
            return None
        heads = [n for n in (1, 2, 3, 4) if q[1] % n == 0]
        ways = [
            (n, m)
            for n in heads
            for m in range(1, n + 1)
            if n % m == 0 and k[1] == q[1] // n * m and v[1] % m == 0
        ]
        if not ways:
            return None
        many, groups = choose(ways)
        causal = choose((False, True))
        aligned: tuple[Literal["first", "last"], ...] = ("first", "last")
        return cls(
            many,
            groups,
            choose((True, False)),
            causal,
            choose(aligned if q[0] <= k[0] else aligned[:1]),
        )

    @property
    def form(self) -> Heads:
        """Its heads."""
        return Heads(self.heads, self.groups or self.heads, self.scaled)

    @property
    def hidden(self) -> int | None:
        """The token that is hidden as a key."""
        return self.padding

    @property
    def indices(self) -> int | None:
        return None if self.padding is None else MOST_TOKENS

    @property
    def indices_at(self) -> int:
        return 3

    def ignores_shifts(self, index: int = 0) -> bool:
        """What is added to all keys moves all scores of a query alike."""
        return index == 1

    @property
    def functions(self) -> tuple[Activation, ...]:
        return (attending.softmax(),)

    def output(self, *inputs: Shape) -> Shape:
        of = self.form
        tokens = ", and the tokens (keys,)" if self.padding is not None else ""
        wanted = (
            f"queries (positions, {of.heads}·d), keys (positions, {of.groups}·d) and values "
            f"(positions, {of.groups}·e) of as many positions as the keys{tokens}"
        )
        if len(inputs) != 3 + (self.padding is not None):
            raise fitting(self.kind, wanted, *inputs)
        q, k, v = inputs[:3]
        fit = all(len(shape) == 2 for shape in (q, k, v)) and k[0] == v[0]
        fit = fit and q[1] % of.heads == 0 and k[1] * of.heads == q[1] * of.groups
        fit = fit and v[1] % of.groups == 0 and inputs[3:] in ((), ((k[0],),))
        if not fit:
            raise fitting(self.kind, wanted, *inputs)
        if self.causal and self.aligned == "last" and q[0] > k[0]:
            raise fitting(
                self.kind,
                "at most as many queries as keys where a causal mask is aligned at the last, or "
                "the first queries see nothing",
                *inputs,
            )
        return (q[0], v[1] * of.each)

    def width_of_head(self, *inputs: Shape) -> int:
        """d."""
        return inputs[0][1] // self.heads

    def live(
        self, ops: Ops[T], inputs: Sequence[T], aligned: str | None = None
    ) -> NDArray[np.bool_]:
        """(samples or 1, queries, keys): which keys each query sees."""
        queries, keys = attending.shape_of(inputs[0])[1], attending.shape_of(inputs[1])[1]
        seen = np.ones((1, queries, keys), bool)
        if self.causal:
            seen = attending.causal(queries, keys, aligned or self.aligned)
        if self.padding is None:
            return seen
        tokens = ops.indices(inputs[3], MOST_TOKENS)
        return np.asarray(seen & (tokens != self.padding)[:, None])

    def admitted(self, inputs: NDArray[Any]) -> NDArray[Any]:
        """No sample begins with a hidden token: its first query would see nothing."""
        if self.padding is None or not (inputs[:, 0] == self.padding).any():
            return inputs
        found = inputs.copy()
        found[found[:, 0] == self.padding, 0] = int(self.padding == 0)
        return found

    @property
    def asks(self) -> str:
        return f"samples that do not begin with {self.padding}, which is hidden as a key"

    def forward(self, here: Here[T], *inputs: T) -> T:
        q, k, v = inputs[:3]
        return attending.forward(here, self.form, q, k, v, self.live(here.ops, inputs))

    def backward(self, here: Here[T], cotangent: T, *inputs: T) -> tuple[T | None, ...]:
        """See `attending.backward`."""
        further = tuple(here.further_terms_below(index) for index in range(3))
        live = self.live(here.ops, inputs)
        found = attending.backward(here, self.form, cotangent, live, further)  # type: ignore[arg-type]
        back = tuple(x if here.wants(index) else None for index, x in enumerate(found))
        return (*back, *(None for _ in inputs[3:]))

    def summands(self, *inputs: Shape) -> tuple[int, ...]:
        queries, keys = inputs[0][0], inputs[1][0]
        shared = queries * self.form.each
        return (keys, shared, shared, *(1 for _ in inputs[3:]))

    def products(self, *inputs: Shape) -> int:
        (queries, width), (keys, _), (_, columns) = inputs[:3]
        return queries * keys * (width + columns * self.form.each + self.heads)

    def summary(self) -> str:
        """``2 heads, causal``."""
        return told(self.form, self.causal, self.padding)

    def latex(self, symbols: Symbols) -> Formulas:
        q, k, v = symbols.inputs[:3]
        return Formulas(
            forward=forward_latex(self, q, k, v, symbols.number),
            delta="",
            cotangents=(*back_latex(self, q, k, v, symbols), *("" for _ in symbols.inputs[3:])),
            gradients={},
        )

    def keras(self, *inputs: Shape) -> Port:
        return plain_twins.in_keras(self, partial(self._apply, attending_twins.in_keras), *inputs)

    def torch(self, *inputs: Shape) -> Port:
        return plain_twins.in_torch(self, partial(self._apply, attending_twins.in_torch), *inputs)

    def jax(self, *inputs: Shape) -> Port:
        return plain_twins.in_jax(partial(self._apply, attending_twins.in_jax))

    def _apply(self, attend: Any, parameters: Any, q: Any, k: Any, v: Any, *tokens: Any) -> Any:
        queries, keys = q.shape[1], k.shape[1]
        live: Any = None
        if self.causal:
            live = attending.causal(queries, keys, self.aligned)[None]
        if tokens:
            kept = (tokens[0] != self.padding)[:, None, None, :]
            live = kept if live is None else twin_of_mask(live, kept) & kept
        return attend(self.form, q, k, v, live)


def twin_of_mask(mask: NDArray[np.bool_], like: Any) -> Any:
    """The mask as what the framework has; NumPy's own where that goes with it."""
    if type(like).__module__.startswith("torch"):
        import torch

        return torch.as_tensor(mask)
    return mask


def told(of: Heads, causal: bool, padding: int | None = None) -> str:
    """What is special about an attention."""
    parts = [f"{of.heads} head{'s' * (of.heads > 1)}"]
    parts += [f"{of.groups} group{'s' * (of.groups > 1)}"] if of.groups != of.heads else []
    parts += ["not scaled"] * (not of.scaled) + ["causal"] * causal
    parts += [f"without token {padding}"] if padding is not None else []
    return ", ".join(parts)


def forward_latex(layer: Any, q: str, k: str, v: str, number: int) -> str:
    """A and the weights P of it, for each head."""
    of: Heads = layer.form
    scores = rf"{q} {k}^\top"
    if of.scaled:
        scores = rf"\frac{{{scores}}}{{\sqrt{{d}}}}"
    if layer.causal or layer.hidden is not None:
        scores += " + M"
    mask = r", \quad M = -\infty \text{ where a key is hidden, else } 0" if "+ M" in scores else ""
    heads = rf" \quad \text{{in each of {of.heads} heads}}" if of.heads > 1 else ""
    return rf"P = \operatorname{{softmax}}({scores}){mask}, \qquad A_{{{number}}} = P {v}{heads}"


def back_latex(layer: Any, q: str, k: str, v: str, symbols: Symbols) -> tuple[str, str, str]:
    """The cotangents of queries, keys and values; S̄ is written out."""
    of: Heads = layer.form
    g = symbols.arriving
    back = rf"{g} {v}^\top"
    scores = rf"(P \odot ({back} - (P \odot {back})\, \mathbf{{1}} \mathbf{{1}}^\top))"
    share = r"\tfrac{1}{\sqrt{d}} " if of.scaled else ""
    added = r"\sum_{\text{heads}} " if of.each > 1 else ""
    return (
        rf"({share}{scores} {k})",
        rf"({added}{share}{scores}^\top {q})",
        rf"({added}P^\top {g})",
    )


PART = Attention
