"""How many digits agree, and what counts as printed."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from backproof.mathematics.errors import UsageError
from backproof.reproduction.published import Key, Published, load


def printed(text: str, **more: object) -> Published:
    return Published("s", Key("q"), text, determined=True, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "value", "agrees"),
    [
        ("0.964", 0.964, True),
        ("0.964", 0.96449, True),
        ("0.964", 0.9646, False),
        ("-3.16174322", -3.161743224, True),
        ("-3.16174322", 3.161743224, False),
        ("3968", 3968.0, True),
        ("3968", 3968.4, True),
        ("3968", 3969.0, False),
        ("1e-5", 1.3e-5, True),
        ("0.5", math.nan, False),
        ("0.5", math.inf, False),
    ],
)
def test_a_value_agrees_if_it_prints_so(text: str, value: float, agrees: bool) -> None:
    assert printed(text).agrees(value) is agrees


def test_a_repr_agrees_with_its_own_double_and_with_no_other() -> None:
    rng = np.random.default_rng(0)
    for value in (rng.random(200) * 10.0 ** rng.integers(-8, 8, 200)).tolist():
        assert printed(repr(value)).agrees(value)
        if len(repr(value).replace(".", "").lstrip("0").split("e")[0]) == 17:
            assert not printed(repr(value)).agrees(math.nextafter(value, math.inf))


@pytest.mark.parametrize(
    ("text", "value", "digits"),
    [
        ("2.97031571897", 2.97031571897, 12),
        ("2.97031571897", 2.9703156928, 8.06),
        ("100", 101.0, 2),
        ("0.1", -0.1, 0),
        ("0", 0.2, 1),  # it prints as 0
        ("0", 1.0, 0),
        ("0.5", math.nan, 0),
    ],
)
def test_matching_digits(text: str, value: float, digits: float) -> None:
    assert printed(text).matching_digits(value) == pytest.approx(digits, abs=0.01)


def test_more_digits_than_printed_may_be_demanded_of_a_random_number() -> None:
    loose = Published("s", Key("q"), "1.0", determined=False)
    strict = Published("s", Key("q"), "1.0", determined=False, at_least=4)
    assert loose.rounded(0.98) == loose.rounded(1.0)
    assert strict.rounded(0.98) != strict.rounded(1.0)


HEADER = "system,quantity,index,step,value,determined"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("system,quantity\n", "columns missing: index, step, value, determined; not known: none"),
        (f"{HEADER},colour\n", "columns missing: none; not known: colour"),
        (f"{HEADER}\n", "no numbers"),
        (f"{HEADER}\ns,q,,,one,yes\n", ":2: value 'one'; write the number as it was printed"),
        (f"{HEADER}\ns,q,,,nan,yes\n", ":2: value 'nan'"),
        (f"{HEADER}\ns,q,,,1,maybe\n", ":2: determined 'maybe'; write yes or no"),
        (f"{HEADER}\ns,q,x,,1,yes\n", ":2: index 'x'; write an integer"),
        (f"{HEADER}\n,q,,,1,yes\n", ":2: write a system and a quantity"),
        (f"{HEADER}\ns,q,,7,1,yes\ns,q,,7,2,no\n", "s q at 7 stands there twice"),
    ],
)
def test_a_bad_file_is_told(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "published.csv"
    path.write_text(text)
    with pytest.raises(UsageError) as told:
        load(path)
    assert message in str(told.value)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file; it lists what was published"):
        load(tmp_path / "published.csv")
