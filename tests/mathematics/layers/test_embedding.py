"""Embeddings: repeated tokens, a table that is a head as well, and what is no index."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from backproof import Dense, Embedding, Loss, Network, Node, Shared, UsageError, verify
from backproof.mathematics.arithmetic.indices import are_indices, indices
from backproof.mathematics.arithmetic.random.accumulating import errors_of
from backproof.mathematics.arithmetic.random.spread import spreads
from backproof.mathematics.arithmetic.rounding.model import Rounding
from backproof.mathematics.network.parameters import Batch, Parameters

TIED = Network(
    (
        Node("embed", Embedding(7, 3), "inputs"),
        Node("hidden", Dense(3, 3, "tanh")),
        Node(
            "head",
            Dense(3, 7, "softmax", bias=False),
            shared={"kernel": Shared("embed/table", transposed=True)},
        ),
    ),
    Loss("categorical_cross_entropy"),
    inputs=(5,),
)


def tied(p: Parameters, batch: Batch, *, repeated: bool = True, both: bool = True) -> Any:
    """A language model of one position, as people write it."""
    table, w, b = p["embed/table"], p["hidden/kernel"], p["hidden/bias"]
    x = batch.inputs.astype(int)
    e = table[x]
    h = np.tanh(e @ w + b)
    z = h @ table.T
    z = z - z.max(axis=-1, keepdims=True)
    p_ = np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True)
    n = x.size
    dz = (p_ - batch.targets) / n
    dh = (dz @ table) * (1 - h**2)
    de = dh @ w.T
    dtable = np.einsum("ntv,ntd->vd", dz, h) if both else np.zeros_like(table)
    if repeated:
        np.add.at(dtable, x, de)
    else:
        dtable[x] += de
    return {
        "loss": -(batch.targets * (z - np.log(np.exp(z).sum(axis=-1, keepdims=True)))).sum() / n,
        "gradient/embed/table": dtable,
        "gradient/hidden/kernel": np.einsum("nti,ntj->ij", e, dh),
        "gradient/hidden/bias": dh.sum(axis=(0, 1)),
    }


def test_a_table_that_is_a_head_too_gets_both_gradients() -> None:
    report = verify(TIED, tied, references=["torch"])
    assert str(report.status) == "MATCH", report.cause


def test_repeated_tokens_that_overwrite_each_other_are_named() -> None:
    report = verify(TIED, lambda p, b: tied(p, b, repeated=False), references=["torch"])
    assert str(report.status) == "MISMATCH"
    assert "in embed, a token that occurs several times gets the gradient" in report.cause


def test_a_head_without_its_gradient_is_caught() -> None:
    report = verify(TIED, lambda p, b: tied(p, b, both=False), references=["torch"])
    assert str(report.status) == "MISMATCH"


@pytest.mark.parametrize("spread", [0.0, 0.5])
def test_many_terms_of_one_sign_are_within_the_random_bound(spread: float) -> None:
    """Added one by one, they are off by far more than u·√N of their norm; equal ones most."""
    stream = np.random.default_rng(3)
    terms = (0.1 * (1 + spread * stream.uniform(-1, 1, (20_000, 1)))).astype(np.float32)
    index = np.zeros(terms.shape, np.intp)
    rounding = Rounding.of("float32")
    found = spreads(
        lambda ops, intervene: {"it": ops.scatter(ops.exact(terms), index, (1,))},
        rounding,
        chance=1e-9,
        replicas=32,
        errors=errors_of(rounding),
    )["it"]
    one_by_one = np.add.accumulate(terms[:, 0])[-1]
    off = abs(float(one_by_one) - float(terms.astype(np.float64).sum()))
    alone = rounding.unit * np.sqrt(len(terms)) * np.linalg.norm(terms)
    assert 3 * alone < off < 4 * found.sigma[0]


@pytest.mark.parametrize(("wrong", "told"), [(7, "7"), (-1, "-1"), (0.5, "0.5")])
def test_what_is_no_index_is_told_with_its_node(wrong: float, told: str) -> None:
    inputs = np.zeros((2, 5))
    inputs[1, 2] = wrong
    batch = Batch(inputs, np.eye(7)[np.zeros((2, 5), int)])
    with pytest.raises(UsageError) as error:
        verify(TIED, tied, batch=batch, references=["torch"])
    wanted = (
        f"the inputs at (1, 2) are {told}, but node 'embed' takes indices: whole numbers from 0 "
        "to 6"
    )
    assert wanted in str(error.value)


def test_indices_stay_and_all_else_becomes_one() -> None:
    whole = np.array([0.0, 3.0, 6.0])
    assert indices(whole, 7).tolist() == [0, 3, 6]
    drawn = np.random.default_rng(0).normal(size=1000) * 1e6
    found = indices(drawn, 7)
    assert set(found.tolist()) == set(range(7))
    assert are_indices(found, 7).all()
    assert not are_indices(np.array([-1.0, 7.0, 0.5]), 7).any()


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: Embedding(0, 3), "Embedding(vocabulary=0): give a whole number of at least 1"),
        (lambda: Embedding(3, 2, "max"), "choose None, 'sum' or 'mean'"),  # type: ignore[arg-type]
        (
            lambda: Network((Dense(3, 3), Embedding(3, 2)), Loss("squared_error")),
            "node 'embedding_1' takes indices, whole numbers below 3, but gets what "
            "'dense_1' gives: let it take 'inputs' there",
        ),
        (
            lambda: Network(
                (Embedding(3, 2),), Loss("squared_error"), inputs=(4,), input_gradient=True
            ),
            "its inputs are indices, by which there is no gradient",
        ),
    ],
)
def test_what_does_not_fit_is_told(make: Any, told: str) -> None:
    with pytest.raises(UsageError) as error:
        make()
    assert told in str(error.value)
