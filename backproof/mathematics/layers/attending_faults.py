"""What people get wrong in attention, and the inputs that show it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backproof.mathematics.arithmetic.contraction import contract
from backproof.mathematics.layers import attending
from backproof.mathematics.layers.attending import Heads
from backproof.mathematics.layers.own import At, Change, LayerFault, LayerProbe

Mask = NDArray[np.bool_]
Changes = Mapping[str, Change]

FORWARD = "A = softmax(Q Kᵀ/√d) V"
SCORES = "S̄ = P ⊙ (P̄ − Σ_keys P ⊙ P̄)"
MASKED = "softmax over the keys that a query sees, exp(−∞) = 0 at the others"
SPLIT = "(samples, positions, heads·d) → (samples, positions, heads, d) → heads before positions"


def heads_of(at: At) -> Heads:
    """The node's heads."""
    layer: Any = at.layer
    found: Heads = layer.form
    return found


def live_of(at: At, s: Any, **other: Any) -> Mask:
    """Which keys each query sees; by other fields, where some are given."""
    layer: Any = at.layer
    found: Mask = layer.live(s.ops, [s.values[source] for source in at.sources], **other)
    return found


def lengths(at: At) -> tuple[int, int]:
    """How many queries and keys there are."""
    return at.inputs[0][0], at.inputs[1 if len(at.inputs) > 1 else 0][0]


def width_of(at: At) -> int:
    """The width of a head."""
    layer: Any = at.layer
    width: int = layer.width_of_head(*at.inputs)
    return width


def rescaled(at: At, factor: float, *sites: str) -> Changes:
    """The values at those sites, times a factor."""
    if factor == 1 or not heads_of(at).scaled:
        return {}
    return {f"{site}/{at.name}": lambda value, s: s.ops.scale(value, factor) for site in sites}


def weights_by(at: At, live: Callable[[Any], Mask]) -> Changes:
    """The weights under another mask."""
    return {
        f"weights/{at.name}": lambda value, s: attending.weights_of(
            s.ops, s.values[f"scores/{at.name}"], live(s)
        )
    }


def unmasked(at: At) -> Changes:
    """The weights without any mask."""
    if not is_masked(at):
        return {}
    return weights_by(at, lambda s: np.ones((1, *lengths(at)), bool))


def is_masked(at: At) -> bool:
    """Whether a query does not see all keys."""
    layer: Any = at.layer
    return bool((layer.causal and lengths(at)[1] > 1) or layer.hidden is not None)


def masked_after(at: At) -> Changes:
    """The softmax over all keys, and then zeros at the hidden ones: rows do not add up to 1."""
    if not is_masked(at):
        return {}

    def change(value: Any, s: Any) -> Any:
        scores = s.values[f"scores/{at.name}"]
        every = attending.weights_of(s.ops, scores, np.ones((1, *lengths(at)), bool))
        live = np.broadcast_to(live_of(at, s)[:, None], value.shape)
        return s.ops.multiply(every, s.ops.exact(live.astype(float)))

    return {f"weights/{at.name}": change}


def one_more(at: At) -> Changes:
    """A causal mask that lets each query see the next key, too."""
    layer: Any = at.layer
    if not layer.causal or lengths(at)[1] < 2:
        return {}

    def live(s: Any) -> Mask:
        right = live_of(at, s)
        return np.concatenate([right[:, 1:], np.ones_like(right[:, :1])], axis=1) | right

    return weights_by(at, live)


def mask_turned(at: At) -> Changes:
    """A causal mask that shows what comes later: rows and columns exchanged."""
    layer: Any = at.layer
    queries, keys = lengths(at)
    if not layer.causal or keys < 2 or queries != keys or layer.hidden is not None:
        return {}
    return weights_by(at, lambda s: np.swapaxes(live_of(at, s), 1, 2))


def other_corner(at: At) -> Changes:
    """A causal mask that is aligned at the other end of the keys."""
    layer: Any = at.layer
    queries, keys = lengths(at)
    if not layer.causal or queries >= keys:
        return {}
    other = "last" if getattr(layer, "aligned", "first") == "first" else "first"
    return weights_by(at, lambda s: live_of(at, s, aligned=other))


def over_queries(at: At) -> Changes:
    """The softmax over the queries of each key."""
    queries, keys = lengths(at)
    if queries < 2 or keys < 2 or is_masked(at):
        return {}

    def change(value: Any, s: Any) -> Any:
        scores = s.ops.transpose(s.values[f"scores/{at.name}"], (0, 1, 3, 2))
        found = attending.weights_of(s.ops, scores, np.ones((1, keys, queries), bool))
        return s.ops.transpose(found, (0, 1, 3, 2))

    return {f"weights/{at.name}": change}


def scores_back(at: At, make: Callable[[Any, Any, Any], Any]) -> Changes:
    """The cotangent of the scores, made of the weights and theirs."""
    if lengths(at)[1] < 2:
        return {}

    def change(value: Any, s: Any) -> Any:
        found = make(s.ops, s.values[f"weights/{at.name}"], s.values[f"weights_back/{at.name}"])
        of = heads_of(at)
        return s.ops.scale(found, attending.scale_of(of, width_of(at))) if of.scaled else found

    return {f"scores_back/{at.name}": change}


def diagonal(ops: Any, p: Any, back: Any) -> Any:
    """P ⊙ (1 − P) ⊙ P̄."""
    ones = ops.exact(np.ones(p.shape))
    return ops.multiply(ops.multiply(p, ops.subtract(ones, p)), back)


def reshaped_heads(at: At, *sites: str) -> Changes:
    """Heads taken by a reshape alone: (samples, positions, heads·d) as (samples, heads, …)."""

    def change(value: Any, s: Any) -> Any:
        samples, heads, positions, width = value.shape
        flat = attending.merged(s.ops, value)
        return s.ops.reshaped(flat, (samples, heads, positions, width))

    of = heads_of(at)
    if of.heads == 1 or of.groups == 1 or min(lengths(at)) < 2:
        return {}
    return {f"{site}/{at.name}": change for site in sites}


def joined_by_reshape(at: At) -> Changes:
    """The heads put together without bringing the positions before them."""
    of = heads_of(at)
    if of.heads == 1 or lengths(at)[0] < 2:
        return {}

    def change(value: Any, s: Any) -> Any:
        return s.ops.reshaped(attending.split(s.ops, value, of.heads), value.shape)

    return {f"merged/{at.name}": change}


def interleaved(at: At) -> Changes:
    """Heads that take every other column, where each should take its own block of them."""
    of = heads_of(at)
    if of.heads == 1 or of.groups != of.heads or width_of(at) == 1:
        return {}

    def change(value: Any, s: Any) -> Any:
        samples, many, positions, width = value.shape
        flat = attending.merged(s.ops, value)
        parts = s.ops.reshaped(flat, (samples, positions, width, many))
        return s.ops.transpose(parts, (0, 3, 1, 2))

    return {f"{site}/{at.name}": change for site in ("queries", "keys")}


def exchanged_back(at: At) -> Changes:
    """What belongs to the queries goes back to the keys, and the reverse."""
    of = heads_of(at)
    if lengths(at)[0] != lengths(at)[1] or of.groups != of.heads:
        return {}

    def of_queries(s: Any) -> Any:
        back = s.values[f"scores_back/{at.name}"]
        keys = s.values[f"keys/{at.name}"]
        found = contract(s.ops, "nhts,nhsd->nhtd", back, keys)
        return attending.merged(s.ops, found)

    def of_keys(s: Any) -> Any:
        back = s.values[f"scores_back/{at.name}"]
        queries = s.values[f"queries/{at.name}"]
        return attending.merged(s.ops, contract(s.ops, "nhts,nhtd->nhsd", back, queries))

    return {
        f"queries_back/{at.name}": lambda value, s: of_keys(s),
        f"keys_back/{at.name}": lambda value, s: of_queries(s),
    }


def not_transposed(at: At, site: str, left: str, right: str) -> Changes:
    """v̄ = P ḡ for Pᵀ ḡ, or k̄ = S̄ q for S̄ᵀ q: only where there are as many keys as queries."""
    of = heads_of(at)
    if lengths(at)[0] != lengths(at)[1] or of.groups != of.heads or lengths(at)[0] < 2:
        return {}

    def change(value: Any, s: Any) -> Any:
        found = contract(
            s.ops,
            "nhst,nhtd->nhsd",
            s.values[f"{left}/{at.name}"],
            s.values[f"{right}/{at.name}"],
        )
        return attending.merged(s.ops, found)

    return {f"{site}/{at.name}": change}


def last_head_alone(at: At) -> Changes:
    """Of the heads that share keys and values, the last one alone gives them a gradient."""
    of = heads_of(at)
    if of.each == 1:
        return {}

    def last(ops: Any, x: Any) -> Any:
        samples, _, *rest = x.shape
        places = np.arange(int(np.prod(x.shape))).reshape(samples, of.groups, of.each, *rest)
        return ops.gather(x, places[:, :, -1])

    def of_keys(value: Any, s: Any) -> Any:
        back = last(s.ops, s.values[f"scores_back/{at.name}"])
        queries = last(s.ops, s.values[f"queries/{at.name}"])
        return attending.merged(s.ops, contract(s.ops, "nhts,nhtd->nhsd", back, queries))

    def of_values(value: Any, s: Any) -> Any:
        weights = last(s.ops, s.values[f"weights/{at.name}"])
        back = last(s.ops, s.values[f"heads_back/{at.name}"])
        return attending.merged(s.ops, contract(s.ops, "nhts,nhtd->nhsd", weights, back))

    return {f"keys_back/{at.name}": of_keys, f"values_back/{at.name}": of_values}


def fault(
    name: str, sentence: str, formula: str, changes: Callable[[At], Changes], sort: Any = None
) -> LayerFault:
    """A fault of attention; mathematical, unless it is said to be a convention."""
    return LayerFault(name, sentence, formula, changes, sort or "mathematical")


FAULTS = (
    fault(
        "scale_missing",
        "the scores are not divided by √d",
        FORWARD,
        lambda at: rescaled(at, width_of(at) ** 0.5, "scores", "scores_back"),
        "convention",
    ),
    fault(
        "scale_forgotten_backwards",
        "what goes back through the scores is not divided by √d",
        "q̄ = S̄ k/√d, k̄ = S̄ᵀ q/√d",
        lambda at: rescaled(at, width_of(at) ** 0.5, "scores_back"),
    ),
    fault(
        "scaled_by_width",
        "the scores are divided by d, where √d is wanted",
        FORWARD,
        lambda at: rescaled(at, width_of(at) ** -0.5, "scores", "scores_back"),
        "convention",
    ),
    fault(
        "keys_not_scaled_backwards",
        "the gradient of the keys is not divided by √d, that of the queries is",
        "k̄ = S̄ᵀ q/√d",
        lambda at: rescaled(at, width_of(at) ** 0.5, "keys_back"),
    ),
    fault(
        "softmax_over_queries",
        "the softmax is taken over the queries of each key, not over the keys of each query",
        FORWARD,
        over_queries,
    ),
    fault(
        "jacobian_without_sum",
        "the softmax is taken back as P ⊙ P̄, without the sum over the keys",
        SCORES,
        lambda at: scores_back(at, lambda ops, p, back: ops.multiply(p, back)),
    ),
    fault(
        "jacobian_diagonal",
        "the softmax is taken back as if each weight depended on its own score alone: "
        "P ⊙ (1 − P) ⊙ P̄",
        SCORES,
        lambda at: scores_back(at, diagonal),
    ),
    fault(
        "jacobian_left_out",
        "the softmax is not taken back at all: the scores get what arrives at the weights",
        SCORES,
        lambda at: scores_back(at, lambda ops, p, back: back),
    ),
    fault(
        "heads_by_reshape",
        "queries, keys and values are cut into heads by a reshape, without bringing the heads "
        "before the positions",
        SPLIT,
        lambda at: reshaped_heads(at, "queries", "keys", "values"),
    ),
    fault(
        "joined_by_reshape",
        "the heads are put together by a reshape, without bringing the positions before them",
        SPLIT,
        joined_by_reshape,
    ),
    fault(
        "heads_interleaved",
        "each head of queries and keys takes every other column, where it should have a block of "
        "its own",
        SPLIT,
        interleaved,
    ),
    fault(
        "queries_for_keys_backwards",
        "queries and keys get each other's gradient",
        "q̄ = S̄ k/√d, k̄ = S̄ᵀ q/√d",
        exchanged_back,
    ),
    fault(
        "keys_not_transposed",
        "the gradient of the keys is S̄ q, without the transpose",
        "k̄ = S̄ᵀ q/√d",
        lambda at: not_transposed(at, "keys_back", "scores_back", "queries"),
    ),
    fault(
        "values_not_transposed",
        "the gradient of the values is P ḡ, without the transpose",
        "v̄ = Pᵀ ḡ",
        lambda at: not_transposed(at, "values_back", "weights", "heads_back"),
    ),
)

OF_MASKS = (
    fault(
        "mask_after_softmax",
        "hidden keys are set to 0 after the softmax, so that the weights of a row do not add up "
        "to 1",
        MASKED,
        masked_after,
    ),
    fault("mask_forgotten", "every query sees all keys", MASKED, unmasked),
    fault(
        "mask_off_by_one",
        "each query sees the next key, too",
        MASKED,
        one_more,
    ),
    fault(
        "mask_turned",
        "each query sees what comes later, not what came before: the mask is transposed",
        MASKED,
        mask_turned,
    ),
)

OF_LENGTHS = (
    fault(
        "mask_at_other_corner",
        "the mask is aligned at the other end of the keys",
        MASKED,
        other_corner,
        "convention",
    ),
    fault(
        "last_head_of_group",
        "of the heads that share keys and values, the last one alone gives them a gradient",
        "k̄ = Σ_heads S̄ᵀ q/√d, v̄ = Σ_heads Pᵀ ḡ",
        last_head_alone,
    ),
)


def alike(node: At, parameters: dict[str, Any], inputs: Any, stream: Any) -> None:
    """All positions of the first samples are equal: weights are even, and so are outputs."""
    inputs[:3] = inputs[:3, :1] if inputs.ndim > 2 else inputs[:3]
    if inputs.ndim == 2:
        inputs[:3, 1:] = inputs[:3, :1]


def one_stands_out(node: At, parameters: dict[str, Any], inputs: Any, stream: Any) -> None:
    """One position much larger than the others: one key takes nearly all of each query."""
    if inputs.ndim > 2:
        inputs[:, inputs.shape[1] // 2] *= 6
    else:
        inputs[:, -1] = inputs[:, 0]


HOSTILE = (
    LayerProbe("positions_alike", alike),
    LayerProbe("one_key_stands_out", one_stands_out),
)
