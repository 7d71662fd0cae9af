"""Positions: tables and waves, by hand, in float32 too; a table that is a head as well."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from backproof import Dense, Embedding, Loss, Network, Node, Positions, Shared, UsageError, verify
from backproof.mathematics.network.parameters import Batch, Parameters

LONG, WIDTH = 12, 6


def network(form: Any) -> Network:
    """A bigram model that knows where it is; its table is its head."""
    return Network(
        (
            Node("embed", Embedding(7, WIDTH), "inputs"),
            Node("placed", Positions(form)),
            Node("hidden", Dense(WIDTH, WIDTH)),
            Node(
                "head",
                Dense(WIDTH, 7, "softmax", bias=False),
                shared={"kernel": Shared("embed/table", transposed=True)},
            ),
        ),
        Loss("categorical_cross_entropy", "samples"),
        inputs=(LONG,),
    )


def waves(dtype: Any, exponent: float = 1.0) -> Any:
    """As tutorials write it, in the dtype."""
    pairs = np.arange(0, WIDTH, 2, dtype=dtype)
    rates = np.exp(pairs * dtype(-exponent * np.log(10_000.0) / WIDTH))
    angles = np.arange(LONG, dtype=dtype)[:, None] * rates
    return np.stack([np.sin(angles), np.cos(angles)], axis=-1).reshape(LONG, WIDTH)


def by_hand(p: Parameters, batch: Batch, exponent: float = 1.0) -> dict[str, Any]:
    x, table, w, b = (
        batch.inputs.astype(int),
        p["embed/table"],
        p["hidden/kernel"],
        p["hidden/bias"],
    )
    learned = "placed/table" in p
    e = table[x] + (p["placed/table"] if learned else waves(table.dtype.type, exponent))
    h = e @ w + b
    z = h @ table.T
    z = z - z.max(axis=-1, keepdims=True)
    total = np.exp(z).sum(axis=-1, keepdims=True)
    dz = (np.exp(z) / total - batch.targets) / len(x)
    dh = dz @ table
    de = dh @ w.T
    dtable = np.einsum("ntv,ntd->vd", dz, h)
    np.add.at(dtable, x, de)
    found = {
        "activation/placed": e,
        "loss": -(batch.targets * (z - np.log(total))).sum() / len(x),
        "gradient/embed/table": dtable,
        "gradient/hidden/kernel": np.einsum("nti,ntj->ij", e, dh),
        "gradient/hidden/bias": dh.sum(axis=(0, 1)),
    }
    return found | ({"gradient/placed/table": de.sum(axis=0)} if learned else {})


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("form", ["learned", "sinusoid"])
def test_right_code_matches(form: str, dtype: Any) -> None:
    report = verify(network(form), by_hand, references=["torch"], dtype=dtype)
    assert str(report.status) == "MATCH", report.cause


def test_an_exponent_that_is_doubled_is_named() -> None:
    report = verify(network("sinusoid"), lambda p, b: by_hand(p, b, 2.0), references=["torch"])
    assert str(report.status) == "MISMATCH"
    assert "the exponent is doubled" in report.cause


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"form": "rotary"}, "choose 'learned' or 'sinusoid'"),
        ({"order": "thirds"}, "choose 'interleaved' or 'halves'"),
        ({"base": 0.5}, "give a number above 1"),
        ({"base": "10000"}, "give a number above 1"),
    ],
)
def test_fields_are_checked(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        Positions(**fields)


def test_a_sample_without_positions_is_refused() -> None:
    with pytest.raises(UsageError, match=r"positions takes one input \(positions, width\)"):
        Network((Dense(3, 2), Positions()), Loss("squared_error"))
