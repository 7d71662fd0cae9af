"""PReLU as people write it: right forms match, whatever they take at 0, and mistakes are named."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from backproof import Dense, Loss, Network, PReLU, UsageError, verify
from backproof.mathematics.network.parameters import Batch, Parameters

Values = Any
Forward = Callable[[Values, Values], Values]


def network(slopes: Any) -> Network:
    layers = (Dense(4, 6), PReLU(slopes), Dense(6, 5), PReLU(slopes), Dense(5, 2))
    return Network(layers, Loss("squared_error"))


def plain(x: Values, slope: Values) -> Values:
    return np.where(x > 0, x, slope * x)


def of_plain(x: Values, slope: Values) -> Values:
    return np.where(x > 0, 1, slope)


def by_hand(function: Forward, slope_of: Forward) -> Callable[[Parameters, Batch], Parameters]:
    def subject(p: Parameters, batch: Batch) -> Parameters:
        z, a = [], [batch.inputs]
        for k in (1, 2, 3):
            z.append(a[-1] @ p[f"dense_{k}/kernel"] + p[f"dense_{k}/bias"])
            a.append(z[-1] if k == 3 else function(z[-1], p[f"prelu_{k}/slope"]))
        error, given = a[-1] - batch.targets, {}
        given["loss"] = np.asarray((error**2).sum() / len(error))
        delta = 2 * error / len(error)
        for k in (3, 2, 1):
            given[f"gradient/dense_{k}/kernel"] = a[k - 1].T @ delta
            given[f"gradient/dense_{k}/bias"] = delta.sum(axis=0)
            if k > 1:
                back, slope = delta @ p[f"dense_{k}/kernel"].T, p[f"prelu_{k - 1}/slope"]
                terms = (back * np.minimum(z[k - 2], 0)).sum(axis=0)
                own = terms if len(slope) > 1 else terms.sum(keepdims=True)
                given[f"gradient/prelu_{k - 1}/slope"] = own
                delta = back * slope_of(z[k - 2], slope)
        return given

    return subject


@pytest.mark.parametrize("slopes", ["unit", "shared"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_right_forms_match(slopes: str, dtype: str) -> None:
    def two_parts(x: Values, slope: Values) -> Values:
        return np.maximum(x, 0) + slope * np.minimum(x, 0)

    def one_at_zero(x: Values, slope: Values) -> Values:
        return np.where(x >= 0, 1, slope).astype(x.dtype)

    for pair in ((plain, of_plain), (two_parts, one_at_zero)):
        report = verify(network(slopes), by_hand(*pair), references=["torch"], dtype=dtype)
        assert str(report.status) == "MATCH", report.cause


MISTAKES: dict[str, tuple[Forward, Forward, str]] = {
    "sign": (plain, lambda x, s: np.where(x > 0, 1, -s), "with −α below 0"),
    "rectifier": (plain, lambda x, s: 1.0 * (x > 0), "by the rectifier's slope"),
    "sides": (plain, lambda x, s: np.where(x > 0, s, 1), "with α above 0"),
    "larger": (lambda x, s: np.maximum(x, s * x), of_plain, "the larger of x and α x"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_named(name: str) -> None:
    function, slope_of, told = MISTAKES[name]
    report = verify(network("unit"), by_hand(function, slope_of), references=["torch"])
    assert str(report.status) == "MISMATCH"
    assert report.cause.startswith("in prelu_1 and prelu_2, ")
    assert told in report.cause


def test_another_word_for_its_slopes_is_refused() -> None:
    with pytest.raises(UsageError, match="choose 'unit' or 'shared'"):
        PReLU("each")  # type: ignore[arg-type]
