"""A precision contract: its own bounds; a narrower accumulation told from a wrong formula."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backproof import (
    Dense,
    Embedding,
    LayerNorm,
    Loss,
    Network,
    Precision,
    UsageError,
    check,
    verify,
)
from backproof.comparison.record.record import Record
from backproof.mathematics.arithmetic.rounding.model import round_to

PRECISION = Precision("bfloat16", accumulate="float32")
NARROW = "are accumulated in bfloat16, one term after the other, and not in float32"


def stored(x: Any) -> Any:
    return round_to(np.asarray(x), "bfloat16")


def one_by_one(terms: Any) -> Any:
    """The sum over the first axis, held in bfloat16."""
    total = np.zeros(terms.shape[1:], np.float32)
    for term in terms:
        total = stored(total + term)
    return total


def forward(x: Any, w: Any, b: Any) -> Any:
    return stored(stored(x @ w) + b), (x, w)


def backward(dout: Any, cache: Any) -> Any:
    x, w = cache
    return stored(dout @ w.T), stored(x.T @ dout), stored(dout.sum(axis=0))


def narrow_bias(dout: Any, cache: Any) -> Any:
    dx, dw, _ = backward(dout, cache)
    return dx, dw, one_by_one(dout)


def narrow_kernel(dout: Any, cache: Any) -> Any:
    x, w = cache
    return stored(dout @ w.T), one_by_one(x[:, :, None] * dout[:, None, :]), one_by_one(dout)


def mean_bias(dout: Any, cache: Any) -> Any:
    dx, dw, _ = backward(dout, cache)
    return dx, dw, stored(dout.mean(axis=0))


def test_sums_accumulated_as_declared_match() -> None:
    report = check(Dense(3, 4), forward=forward, backward=backward, precision=PRECISION)
    report.assert_match()
    assert "its bounds are those of bfloat16, accumulated in float32" in str(report)
    assert "long_sums" in {row.point for row in report.rows}


@pytest.mark.parametrize(("wrong", "named"), [(narrow_bias, "bias"), (narrow_kernel, "kernel")])
def test_sums_accumulated_more_narrowly_are_told(wrong: Any, named: str) -> None:
    report = check(Dense(3, 4), forward=forward, backward=wrong, precision=PRECISION)
    assert report.cause is not None
    assert report.cause.startswith(f"the sums of gradient/dense_1/{named} {NARROW}, as is declared")
    off = {row.name for row in report.rows if row.status.value == "MISMATCH"}
    assert off == {f"gradient/dense_1/{name}" for name in {named, "bias"}}


def test_declared_as_it_is_a_narrow_sum_is_not_held_to_more() -> None:
    """In its own precision it is right, where its bound says anything at all."""
    report = check(
        Dense(3, 4), forward=forward, backward=narrow_bias, precision=Precision("bfloat16")
    )
    assert not any(row.status.value == "MISMATCH" for row in report.rows)


def test_a_wrong_formula_is_none_of_precision() -> None:
    report = check(Dense(3, 4), forward=forward, backward=mean_bias, precision=PRECISION)
    assert "the gradient of the bias is the mean over the samples" in report.cause


def test_repeated_tokens_show_a_narrow_sum() -> None:
    def of_tokens(tokens: Any, table: Any) -> Any:
        return table[tokens], (tokens, table)

    def back(dout: Any, cache: Any) -> Any:
        tokens, table = cache
        found = np.zeros_like(table)
        np.add.at(found, tokens, dout)
        return {"table": stored(found)}

    def narrow(dout: Any, cache: Any) -> Any:
        tokens, table = cache
        found = np.zeros_like(table)
        for token, each in zip(tokens.ravel(), dout.reshape(-1, table.shape[1]), strict=True):
            found[token] = stored(found[token] + each)
        return {"table": found}

    asked = {"inputs": (5,), "precision": PRECISION, "forward": of_tokens}
    check(Embedding(6, 4), backward=back, **asked).assert_match()
    report = check(Embedding(6, 4), backward=narrow, **asked)
    assert report.cause.startswith(f"the sums of gradient/embedding_1/table {NARROW}")


@pytest.mark.slow(3)
def test_a_norm_is_computed_inside_and_stored() -> None:
    def norm(x: Any, gamma: Any, beta: Any) -> Any:
        wide = x.astype(np.float32)
        s = np.sqrt(wide.var(-1, keepdims=True) + np.float32(1e-5))
        normal = stored((wide - wide.mean(-1, keepdims=True)) / s)
        return stored(stored(normal * gamma) + beta), (normal, s, gamma)

    def back(dout: Any, cache: Any) -> Any:
        normal, s, gamma = cache
        g = stored(dout * gamma)
        inner = g - g.mean(-1, keepdims=True) - normal * (g * normal).mean(-1, keepdims=True)
        return stored(inner / s), stored((dout * normal).sum(0)), stored(dout.sum(0))

    layer = LayerNorm(epsilon=1e-5)
    asked: dict[str, Any] = {"inputs": (8,), "precision": PRECISION}
    check(layer, forward=norm, backward=back, **asked).assert_match()


def test_float16_of_numpy_is_accumulated_in_float16_over_the_first_axis() -> None:
    def plain(x: Any, w: Any, b: Any) -> Any:
        assert x.dtype == w.dtype == np.float16
        return x @ w + b, (x, w)

    def back(dout: Any, cache: Any, dtype: Any = None) -> Any:
        x, w = cache
        return dout @ w.T, x.T @ dout, dout.sum(axis=0, dtype=dtype).astype(np.float16)

    def wide(dout: Any, cache: Any) -> Any:
        return back(dout, cache, np.float32)

    precision = Precision("float16", "float32")
    check(Dense(3, 4), forward=plain, backward=wide, precision=precision).assert_match()
    report = check(Dense(3, 4), forward=plain, backward=back, precision=precision)
    assert report.cause.startswith("the sums of gradient/dense_1/bias are accumulated in float16")


@pytest.mark.slow(3)
def test_casts_are_where_they_are_declared() -> None:
    def cast(x: Any, w: Any, b: Any) -> Any:
        return stored(x @ w + b), (x, w)

    def back(dout: Any, cache: Any) -> Any:
        x, w = cache
        return dout @ w.T, x.T @ dout, dout.sum(axis=0)

    precision = Precision("bfloat16", "float32", casts=("activation",))
    check(Dense(3, 4), forward=cast, backward=back, precision=precision).assert_match()
    assert not check(Dense(3, 4), forward=cast, backward=back, dtype="float32").passed

    def elsewhere(dout: Any, cache: Any) -> Any:
        dx, dw, db = back(dout, cache)
        return dx, stored(dw), db

    report = check(Dense(3, 4), forward=cast, backward=elsewhere, precision=precision)
    assert {row.name for row in report.rows if row.status.value == "MISMATCH"} == {
        "gradient/dense_1/kernel"
    }


def test_tensors_of_torch_are_bfloat16() -> None:
    torch = pytest.importorskip("torch")

    def of_torch(x: Any, w: Any, b: Any) -> Any:
        assert x.dtype == w.dtype == torch.bfloat16
        return x @ w + b, (x, w)

    def back(dout: Any, cache: Any) -> Any:
        x, w = cache
        return dout @ w.T, x.T @ dout, dout.sum(axis=0)

    asked: dict[str, Any] = {"precision": PRECISION, "arrays": "torch"}
    check(Dense(3, 4), forward=of_torch, backward=back, **asked).assert_match()


def recorded(back: Any) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    x, dout = stored(rng.uniform(1, 2, (2000, 3))), stored(rng.uniform(0.5, 1, (2000, 4)))
    w, b = stored(rng.normal(size=(3, 4))), stored(rng.normal(size=4))
    y, cache = forward(x, w, b)
    dx, dw, db = back(dout, cache)
    return {
        "inputs": x,
        "parameters": {"kernel": w, "bias": b},
        "upstream": dout,
        "outputs": y,
        "gradients": {"inputs": dx, "kernel": dw, "bias": db},
    }


def test_recorded_numbers_have_a_contract_too() -> None:
    check.recorded(Dense(3, 4), **recorded(backward), precision=PRECISION).assert_match()
    report = check.recorded(Dense(3, 4), **recorded(narrow_bias), precision=PRECISION)
    assert report.cause.startswith(f"the sums of gradient/dense_1/bias {NARROW}")


def test_a_stored_record_keeps_its_contract(tmp_path: Path) -> None:
    report = check.recorded(Dense(3, 4), **recorded(backward), precision=PRECISION)
    (record,) = report.records
    record.save(tmp_path)
    assert Record.load(tmp_path).precision == PRECISION


def test_a_dtype_beside_another_contract_is_refused() -> None:
    with pytest.raises(UsageError, match="leave dtype out"):
        check(Dense(3, 4), forward=forward, backward=backward, dtype="float32", precision=PRECISION)
    with pytest.raises(UsageError, match="precision=Precision"):
        verify(Network((Dense(3, 4),), Loss("squared_error")), forward, dtype="bfloat16")
