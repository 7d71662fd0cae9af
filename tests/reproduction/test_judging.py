"""The verdicts: what passes, and what a digit more or less makes of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from backproof import Batch
from backproof.reproduction.judging import Verdict, exit_status, judge, unpublished
from backproof.reproduction.published import Key, Published
from backproof.reproduction.recipe import SUBJECT, Outcome, Reproduction, Sampling
from backproof.reproduction.rounding import neighbours, tolerance

KEY = Key("loss", None, 10)
ULP = float(np.finfo(np.float64).eps)


def outcome(**more: Any) -> Outcome:
    sampling = Sampling(lambda seed: {}, seeds=tuple(range(39)))
    return Outcome(Reproduction("s", "an article", sampling=sampling), **more)


def line(text: str, found: Outcome, references: tuple[str, ...] = (), **more: Any) -> Any:
    published = Published("s", KEY, text, **({"determined": True} | more))
    (only,) = judge([published], {"s": found}, references)
    return only


def test_every_printed_digit_agrees() -> None:
    found = outcome(numbers={SUBJECT: {KEY: 0.2499999}})
    assert line("0.250", found).verdict is Verdict.REPRODUCED
    wrong = line("0.251", found)
    assert wrong.verdict is Verdict.NOT_REPRODUCED
    assert "0.2499999 agrees in 2.4 of 3 digits" in wrong.why


@pytest.mark.parametrize(
    ("published", "neighbour", "at_least", "verdict"),
    [
        # Off by 3e-9, which a neighbour is too.
        ("0.250000001", 0.25 + 3e-9, 7, Verdict.REPRODUCED),
        # Rounding moves it by less than it is off.
        ("0.250000001", 0.25 + 3e-10, 7, Verdict.NOT_REPRODUCED),
        # It moves it far, but more digits are demanded.
        ("0.250001001", 0.25 + 1e-3, 7, Verdict.NOT_REPRODUCED),
        # Nothing is demanded: every digit must agree.
        ("0.250000001", 0.25 + 3e-9, None, Verdict.NOT_REPRODUCED),
        # Without neighbours nothing is known of rounding.
        ("0.250000001", None, 7, Verdict.NOT_REPRODUCED),
    ],
)
def test_what_rounding_does_not_determine(
    published: str, neighbour: float | None, at_least: int | None, verdict: Verdict
) -> None:
    moved = {} if neighbour is None else {"moved": {KEY: neighbour}}
    found = outcome(numbers={SUBJECT: {KEY: 0.25}}, neighbours=moved)
    assert line(published, found, at_least=at_least).verdict is verdict


def test_a_twin_that_is_wrong_or_missing_counts() -> None:
    found = outcome(
        numbers={SUBJECT: {KEY: 0.25}, "keras": {KEY: 0.26}}, errors={"torch": "it died"}
    )
    assert line("0.25", found).verdict is Verdict.REPRODUCED
    assert line("0.25", found, ("keras",)).verdict is Verdict.NOT_REPRODUCED
    missing = line("0.25", found, ("torch",))
    assert missing.verdict is Verdict.NOT_OBTAINED
    assert missing.why == "torch: it died"
    assert line("0.25", found, ("torch", "keras")).verdict is Verdict.NOT_REPRODUCED


def test_a_twin_is_not_blamed_where_rounding_was_not_measured() -> None:
    """The subject's worker was lost, and with it what the tolerance is measured by."""
    found = outcome(numbers={"keras": {KEY: 0.25}}, errors={SUBJECT: "its worker was ended"})
    lost = line("0.250000001", found, ("keras",), at_least=7)
    assert lost.verdict is Verdict.NOT_OBTAINED
    assert "what rounding may move it by was not measured" in lost.why
    far = line("0.250100001", found, ("keras",), at_least=7)
    assert far.verdict is Verdict.NOT_REPRODUCED


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_not_finite_is_not_reproduced(value: float) -> None:
    found = outcome(numbers={SUBJECT: {KEY: value}}, neighbours={"moved": {KEY: 0.25}})
    assert line("0.25", found, at_least=1).verdict is Verdict.NOT_REPRODUCED


@pytest.mark.parametrize(
    ("text", "verdict", "quantile"),
    [
        ("0.0", Verdict.CONSISTENT, 0.5 / 39),
        ("1.9", Verdict.CONSISTENT, 19.5 / 39),
        ("3.8", Verdict.CONSISTENT, 38.5 / 39),
        ("3.85", Verdict.NOT_REPRODUCED, 1.0),
        ("-0.1", Verdict.NOT_REPRODUCED, 0.0),
    ],
)
def test_a_number_within_the_range_of_the_seeds_is_consistent(
    text: str, verdict: Verdict, quantile: float
) -> None:
    found = outcome(samples={seed: {KEY: seed / 10} for seed in range(39)})
    judged = line(text, found, determined=False)
    assert judged.verdict is verdict
    assert judged.spread.quantile == pytest.approx(quantile)
    assert (judged.spread.low, judged.spread.high) == (0.0, 3.8)


def test_a_seed_that_failed_is_not_left_out_in_silence() -> None:
    found = outcome(
        samples={seed: {KEY: seed / 10} for seed in range(38)},
        errors={"seeds 38 to 38": "it raised"},
    )
    judged = line("1.9", found, determined=False)
    assert judged.verdict is Verdict.NOT_OBTAINED
    assert judged.why == "it raised"


def test_a_missing_recipe() -> None:
    (only,) = judge([Published("other", KEY, "1", determined=True)], {"s": outcome()}, ())
    assert only.verdict is Verdict.NOT_OBTAINED
    assert only.why == "there is no recipe for other"


def test_exit_status() -> None:
    good = line("0.25", outcome(numbers={SUBJECT: {KEY: 0.25}}))
    wrong = line("0.26", outcome(numbers={SUBJECT: {KEY: 0.25}}))
    missing = line("0.25", outcome())
    assert exit_status([good]) == 0
    assert exit_status([good, missing]) == 3
    assert exit_status([good, missing], ["not loaded: x.py"]) == 2
    assert exit_status([good, missing, wrong], ["not loaded: x.py"]) == 1
    assert exit_status([]) == 3


def test_what_nobody_has_published_is_named() -> None:
    found = outcome(numbers={SUBJECT: {KEY: 1.0, Key("loss", None, 20): 2.0}})
    published = [Published("s", KEY, "1.0", determined=True)]
    assert unpublished(published, {"s": found}) == ["s loss at 20"]


def test_the_tolerance_is_how_far_any_two_runs_lie_apart() -> None:
    own = {Key("loss", None, 0): 1.0, KEY: 2.0, Key("accuracy", None, 10): 0.5}
    runs = [own | {KEY: 2.0 + 3e-9}, own | {KEY: 2.0 - 1e-9}]
    assert tolerance(KEY, own, runs) == pytest.approx(4e-9 + 2 * ULP, rel=1e-6)
    # What is measured later says nothing of what was before it, nor one quantity of another.
    assert tolerance(Key("loss", None, 0), own, runs) == pytest.approx(ULP)
    assert tolerance(Key("accuracy", None, 10), own, runs) == pytest.approx(0.5 * ULP)
    assert tolerance(KEY, own, []) == 0.0
    # What holds at a step holds after it.
    early = [own | {Key("loss", None, 0): 1.0 + 1e-6}]
    assert tolerance(KEY, own, early) == pytest.approx(2e-6, rel=1e-6)
    assert tolerance(KEY, own, [own | {KEY: float("nan")}]) == float("inf")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_neighbours_are_an_ulp_away_or_in_another_order(dtype: type) -> None:
    inputs = np.array([[1.0, -2.0], [0.5, 3.0], [-4.0, 0.25]], dtype)
    batch = Batch(inputs, np.arange(3.0)[:, None])
    moves = neighbours(2)
    assert len(moves) == 6
    for name, move in moves.items():
        moved = move(batch)
        assert moved.inputs.dtype == dtype
        if "ulp" in name:
            assert (np.abs(moved.inputs - inputs) <= np.spacing(np.abs(inputs))).all()
            assert (moved.inputs != inputs).all()
            np.testing.assert_array_equal(moved.targets, batch.targets)
        else:
            order = moved.targets[:, 0].astype(int)
            assert sorted(order) == [0, 1, 2]
            np.testing.assert_array_equal(moved.inputs, inputs[order])
    np.testing.assert_array_less(
        np.abs(inputs), np.abs(moves["inputs an ulp outward"](batch).inputs)
    )
    np.testing.assert_array_less(
        np.abs(moves["inputs an ulp inward"](batch).inputs), np.abs(inputs)
    )
