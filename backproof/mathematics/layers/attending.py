"""Scaled dot-product attention: what `attention` and `self_attention` are made of.

Keys that a query may not see take no part: its softmax is over the others alone, and its weights at
those keys are exactly 0 in every arithmetic, as exp(−∞) is. Source: Vaswani et al., Attention is
all you need, 2017, sections 3.2.1 and 3.2.2.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from backproof.mathematics import functions
from backproof.mathematics.arithmetic.contraction import contract

if TYPE_CHECKING:
    from backproof.mathematics.arithmetic.operations import Ops
    from backproof.mathematics.functions import Activation
    from backproof.mathematics.layers.here import Here

T = TypeVar("T")

# How often the scale may round a term, wherever it is applied: 1/√d, or its root on either side, is
# held in two roundings each and multiplies once each.
SCALED = 6


@dataclass(frozen=True)
class Heads:
    """So many heads; each of the ``groups`` of keys and values serves as many of them.

    ``scaled``: whether scores are divided by the root of a head's width.
    """

    heads: int
    groups: int
    scaled: bool = True

    @property
    def each(self) -> int:
        """How many heads a group serves."""
        return self.heads // self.groups


def softmax() -> Activation:
    """The function of a row of scores."""
    return functions.named("softmax")


def shape_of(x: Any) -> tuple[int, ...]:
    """The shape, which every arithmetic has."""
    shape: tuple[int, ...] = x.shape
    return shape


def split(ops: Ops[T], x: T, heads: int) -> T:
    """(samples, heads, positions, width of each) of (samples, positions, width)."""
    samples, positions, width = shape_of(x)
    parts = ops.reshaped(x, (samples, positions, heads, width // heads))
    return ops.transpose(parts, (0, 2, 1, 3))


def merged(ops: Ops[T], x: T) -> T:
    """The heads side by side: the reverse of `split`."""
    samples, heads, positions, width = shape_of(x)
    return ops.reshaped(ops.transpose(x, (0, 2, 1, 3)), (samples, positions, heads * width))


def grouped(ops: Ops[T], x: T, of: Heads) -> T:
    """(samples, groups, heads of each, …) of (samples, heads, …)."""
    samples, _, *rest = shape_of(x)
    return ops.reshaped(x, (samples, of.groups, of.each, *rest))


def flattened(ops: Ops[T], x: T) -> T:
    """The reverse of `grouped`."""
    samples, groups, each, *rest = shape_of(x)
    return ops.reshaped(x, (samples, groups * each, *rest))


def scale_of(of: Heads, width: int) -> float:
    """1/√d, or 1."""
    return float(width) ** -0.5 if of.scaled else 1.0


def forward(here: Here[T], of: Heads, q: T, k: T, v: T, live: NDArray[np.bool_]) -> T:
    """softmax(q kᵀ/√d) v for each head, side by side; ``live`` (samples or 1, queries, keys)."""
    ops = here.ops
    q = here.site("queries", split(ops, q, of.heads))
    k = here.site("keys", split(ops, k, of.groups))
    v = here.site("values", split(ops, v, of.groups))
    scores = here.site("scores", scores_of(ops, of, q, k))
    weights = here.site("weights", weights_of(ops, scores, live))
    attended = contract(ops, "ngrts,ngsd->ngrtd", grouped(ops, weights, of), v)
    return here.site("merged", merged(ops, flattened(ops, attended)))


def scores_of(ops: Ops[T], of: Heads, q: T, k: T) -> T:
    """q kᵀ/√d; code may apply the scale to either factor, or to the products."""
    width = shape_of(q)[-1]
    further = SCALED if of.scaled else 0
    found = contract(ops, "ngrtd,ngsd->ngrts", grouped(ops, q, of), k, further)
    found = flattened(ops, found)
    return ops.scale(found, scale_of(of, width), roundings=2) if of.scaled else found


def backward(
    here: Here[T],
    of: Heads,
    cotangent: T,
    live: NDArray[np.bool_],
    further: tuple[int, int, int] = (0, 0, 0),
) -> tuple[T, T, T]:
    """The cotangents of q, k and v.

    With P the weights, S the scores and ḡ what arrives at a head::

    v̄ = Pᵀ ḡ,   P̄ = ḡ vᵀ,   S̄ = P ⊙ (P̄ − Σ_keys P ⊙ P̄),   q̄ = S̄ k/√d,   k̄ = S̄ᵀ q/√d

    Code may take Σ P ⊙ P̄ as ⟨a, ḡ⟩ of what the head gives, which sums over the keys before: P̄ is
    charged as many terms more.
    """
    ops = here.ops
    q, k, v = here.value("queries"), here.value("keys"), here.value("values")
    weights = grouped(ops, here.value("weights"), of)
    keys, width = shape_of(k)[2], shape_of(q)[-1]
    arrived = here.site("heads_back", split(ops, cotangent, of.heads))
    arrived = grouped(ops, arrived, of)
    v_back = contract(ops, "ngrts,ngrtd->ngsd", weights, arrived, further[2])
    weights_back = contract(ops, "ngrtd,ngsd->ngrts", arrived, v, keys + 1)
    weights_back = here.site("weights_back", flattened(ops, weights_back))
    back = scores_back(ops, here.value("scores"), here.value("weights"), weights_back, live)
    if of.scaled:
        back = ops.scale(back, scale_of(of, width), roundings=2)
    back = grouped(ops, here.site("scores_back", back), of)
    scaled = SCALED if of.scaled else 0
    q_back = contract(ops, "ngrts,ngsd->ngrtd", back, k, scaled + further[0])
    k_back = contract(ops, "ngrts,ngrtd->ngsd", back, grouped(ops, q, of), scaled + further[1])
    return (
        here.site("queries_back", merged(ops, flattened(ops, q_back))),
        here.site("keys_back", merged(ops, k_back)),
        here.site("values_back", merged(ops, v_back)),
    )


def weights_of(ops: Ops[T], scores: T, live: NDArray[np.bool_]) -> T:
    """The softmax of each row of scores over the keys that its query sees."""
    f = softmax()
    return by_rows(ops, live, lambda z: ops.activate(f, z), scores)


def scores_back(ops: Ops[T], scores: T, weights: T, back: T, live: NDArray[np.bool_]) -> T:
    """The cotangent of the weights, taken back to the scores."""
    f = softmax()
    return by_rows(ops, live, lambda z, a, g: ops.vjp(f, z, a, g), scores, weights, back)


def by_rows(ops: Ops[T], live: NDArray[np.bool_], function: Callable[..., T], *given: T) -> T:
    """The function of the live elements of each row, and exact zeros at the others.

    Rows of as many live elements are taken together.
    """
    shape = shape_of(given[0])
    samples, heads, queries, keys = shape
    if live.all():
        flat = (samples * heads * queries, keys)
        return ops.reshaped(function(*(ops.reshaped(x, flat) for x in given)), shape)
    groups, where = rows_of(live.shape, live.tobytes(), samples, heads)
    parts = []
    for index in groups:
        found = function(*(ops.gather(x, index) for x in given))
        parts.append(ops.reshaped(found, (1, index.size)))
    # The last column is the exact zero of what is hidden; half a precision widens no other.
    parts.append(ops.exact(np.zeros((1, 1), np.float16)))
    return ops.gather(ops.concatenated(parts), where.reshape(shape))


@lru_cache(maxsize=64)
def rows_of(
    shape: tuple[int, ...], live: bytes, samples: int, heads: int
) -> tuple[tuple[NDArray[np.intp], ...], NDArray[np.intp]]:
    """For each number of live elements the places (rows, number), and where each element went."""
    mask = np.frombuffer(live, bool).reshape(shape)
    keys = shape[-1]
    rows = np.broadcast_to(mask[:, None], (samples, heads, *shape[1:])).reshape(-1, keys)
    counts = rows.sum(axis=1)
    where = np.full(rows.size, prod(rows.shape), np.intp)
    groups, start = [], 0
    for count in sorted(set(counts.tolist()) - {0}):
        index = np.flatnonzero(rows & (counts == count)[:, None]).reshape(-1, count)
        where[index.ravel()] = start + np.arange(index.size)
        start += index.size
        groups.append(index)
    where[where == rows.size] = start
    return tuple(groups), where


def causal(queries: int, keys: int, aligned: str = "first") -> NDArray[np.bool_]:
    """(1, queries, keys): which keys are not later than the query.

    ``aligned``: whether the first query stands at the first key, or the last at the last.
    """
    ahead = keys - queries if aligned == "last" else 0
    return np.tril(np.ones((queries, keys), bool), ahead)[None]
