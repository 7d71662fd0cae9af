"""Attention: held against loops as people write them, and what does not fit is told."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from backproof import (
    Attention,
    Dense,
    Embedding,
    Loss,
    Network,
    Node,
    SelfAttention,
    UsageError,
    verify,
)
from backproof.mathematics.arithmetic.balls.operations import BallOps
from backproof.mathematics.arithmetic.floating import Float
from backproof.mathematics.arithmetic.rounding.model import Rounding
from backproof.mathematics.layers import attending
from backproof.mathematics.network.parameters import Batch
from tests.mathematics.layers.around import Alone, Case, point

LAYERS = [
    Case(Attention(2), ((3, 4), (5, 4), (5, 6))),
    Case(Attention(4, 2, causal=True), ((3, 8), (5, 4), (5, 2))),
    Case(Attention(2, 1, causal=True, aligned="last", scaled=False), ((3, 4), (5, 2), (5, 3))),
    Case(Attention(1, padding=2), ((2, 3), (4, 3), (4, 2), (4,))),
]


def looped(layer: Any, inputs: Any) -> Any:
    """Sample by sample, head by head, query by query."""
    q, k, v, *tokens = inputs
    groups = layer.groups or layer.heads
    d, e = q.shape[2] // layer.heads, v.shape[2] // groups
    out = np.zeros((len(q), q.shape[1], layer.heads * e))
    ahead = k.shape[1] - q.shape[1] if layer.aligned == "last" else 0
    for n in range(len(q)):
        for head in range(layer.heads):
            g = head // (layer.heads // groups)
            for t in range(q.shape[1]):
                scores = []
                for s in range(k.shape[1]):
                    hidden = layer.causal and s > t + ahead
                    hidden |= bool(tokens) and tokens[0][n, s] == layer.padding
                    query = q[n, t, head * d : (head + 1) * d]
                    score = query @ k[n, s, g * d : (g + 1) * d]
                    score = score / np.sqrt(d) if layer.scaled else score
                    scores.append(-np.inf if hidden else score)
                p = np.exp(np.array(scores) - max(scores))
                p /= p.sum()
                out[n, t, head * e : (head + 1) * e] = p @ v[n, :, g * e : (g + 1) * e]
    return out


@pytest.mark.parametrize("case", LAYERS, ids=str)
def test_it_is_what_loops_give(case: Case) -> None:
    at = point(case)
    found = Alone(Float(), case.layer, at).forward()
    np.testing.assert_allclose(found, looped(case.layer, at.inputs), rtol=1e-12)


def test_what_is_hidden_has_a_weight_of_exactly_nothing() -> None:
    case = Case(Attention(2, causal=True), ((3, 4), (3, 4), (3, 4)))
    alone: Alone[Any] = Alone(BallOps(Rounding.of("float32")), case.layer, point(case))
    alone.all()
    hidden = ~attending.causal(3, 3)[0]
    for site in ("weights/here", "scores_back/here"):
        ball = alone.values[site]
        assert not ball.value[..., hidden].any()
        assert not ball.radius[..., hidden].any()
        assert ball.radius[..., 2, :].all()


def padded() -> Network:
    return Network(
        (
            Node("e", Embedding(6, 4), "inputs"),
            Node("q", Dense(4, 4), "e"),
            Node("k", Dense(4, 4), "e"),
            Node("v", Dense(4, 2), "e"),
            Node("a", Attention(2, causal=True, padding=0), ("q", "k", "v", "inputs")),
            Node("o", Dense(2, 3)),
        ),
        Loss("squared_error"),
        inputs=(5,),
    )


def test_a_bias_that_moves_all_keys_alike_has_no_gradient() -> None:
    assert padded().unmoved == {"k/bias": "k/kernel"}
    separate = Network((SelfAttention(4, 2), Dense(4, 3)), Loss("squared_error"), inputs=(5, 4))
    assert separate.unmoved == {"self_attention_1/key_bias": "self_attention_1/query_bias"}


def test_a_sample_that_begins_with_what_is_hidden_is_told() -> None:
    inputs = np.ones((2, 5))
    inputs[1, 0] = 0
    batch = Batch(inputs, np.zeros((2, 5, 3)))
    with pytest.raises(UsageError) as error:
        verify(padded(), lambda p, b: {}, batch=batch, references=["torch"])
    wanted = "sample 1 of the inputs: node 'a' takes samples that do not begin with 0"
    assert wanted in str(error.value)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: Attention(0), "Attention(heads=0): give a whole number of at least 1"),
        (lambda: Attention(4, 3), "the groups must divide them; 1, 2, 4 would"),
        (lambda: Attention(scaled=1), "Attention(scaled=an int, 1): give True or False"),
        (lambda: Attention(aligned="end"), "choose 'first' or 'last'"),
        (lambda: Attention(padding=-1), "the token that is hidden, a whole number, or None"),
        (lambda: SelfAttention(6, 4), "the heads must divide the width; 1, 2, 3, 6 would"),
        (lambda: SelfAttention(8, 4, groups=3), "the groups must divide the heads; 1, 2, 4 would"),
        (lambda: SelfAttention(0), "SelfAttention(width=0)"),
        (lambda: SelfAttention(4, packed="yes"), "SelfAttention(packed="),
    ],
)
def test_wrong_fields_are_told(make: Any, told: str) -> None:
    with pytest.raises(UsageError) as error:
        make()
    assert told in str(error.value)


@pytest.mark.parametrize(
    ("layer", "shapes", "told"),
    [
        (Attention(2), ((3, 3), (3, 3), (3, 3)), "queries (positions, 2·d), keys"),
        (Attention(), ((3, 4), (5, 4), (4, 4)), "values (positions, 1·e) of as many positions"),
        (Attention(), ((3, 4), (5, 4)), "but gets (3, 4) and (5, 4)"),
        (Attention(padding=0), ((3, 4),) * 3, "and the tokens (keys,)"),
        (
            Attention(causal=True, aligned="last"),
            ((5, 4), (3, 4), (3, 4)),
            "at most as many queries as keys",
        ),
        (SelfAttention(4), ((3, 5),), "one input (positions, 4), its width, but gets (3, 5)"),
    ],
)
def test_inputs_that_do_not_fit_are_told(layer: Any, shapes: Any, told: str) -> None:
    with pytest.raises(UsageError) as error:
        layer.output(*shapes)
    assert told in str(error.value)
