"""A text to learn that anyone can check: the whole numbers from one on, in words."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from backproof import Batch

ONES = [
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
LAST = 999


def in_words(number: int) -> str:
    """``one hundred and twenty-three``, up to 999."""
    if number < 20:
        return ONES[number - 1]
    if number < 100:
        tens, ones = divmod(number, 10)
        return TENS[tens - 2] + (f"-{ONES[ones - 1]}" if ones else "")
    hundreds, rest = divmod(number, 100)
    return f"{ONES[hundreds - 1]} hundred" + (f" and {in_words(rest)}" if rest else "")


TEXT = ", ".join(in_words(number) for number in range(1, LAST + 1))
ALPHABET = "".join(sorted(set(TEXT)))
CODES: NDArray[np.intp] = np.array([ALPHABET.index(character) for character in TEXT])


def windows(first: int, samples: int, length: int, stride: int = 7) -> Batch:
    """So many pieces of the text: inputs (samples, length), targets the characters that follow.

    The pieces begin ``stride`` characters apart, and go on at the beginning where the text ends.
    """
    starts = (first + np.arange(samples)) * stride
    places = (starts[:, None] + np.arange(length + 1)) % len(CODES)
    codes = CODES[places]
    return Batch(codes[:, :-1], np.eye(len(ALPHABET))[codes[:, 1:]])
