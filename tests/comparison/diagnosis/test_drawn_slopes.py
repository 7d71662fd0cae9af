"""Slopes that no list contains: drawn from the grammar, written by hand, and read back."""

from __future__ import annotations

import random
import re

import numpy as np
import pytest

from tests.comparison.diagnosis.by_hand import FUNCTIONS, by_hand, chain, said
from tests.comparison.diagnosis.once import once
from tests.halves import slow_but

ATOMS = ("a", "z", "(1 - a)", "(1 + a)", "(1 - a**2)", "(1 - z)", "(1 + z)", "(z > 0)", "(z < 0)")
FACTORS = ("1", "-1", "2", "0.5", "-2", "3", "1 / n", "n")
DRAWN = 200


def drawn(chance: random.Random) -> str:
    """A product of up to three atoms, or a sum of two of up to two, each with a factor."""
    terms, most = (1, 3) if chance.random() < 0.6 else (2, 2)
    products = [
        " * ".join([chance.choice(FACTORS), *chance.choices(ATOMS, k=chance.randint(1, most))])
        for _ in range(terms)
    ]
    return " + ".join(products)


def value(text: str, z: np.ndarray, a: np.ndarray, n: int, function: str) -> np.ndarray:
    """An expression as it is drawn, or as it is told."""
    slope = FUNCTIONS[function][1]
    text = text.replace("f'(z)", "right(z, a)").replace("f'(a)", "right(a, f(a))")
    text = re.sub(r"\((z [<>]=? 0)\)", r"((\1) * 1.0)", text)
    names = {"z": z, "a": a, "n": n, "right": slope, "f": FUNCTIONS[function][0]}
    names |= {"tanh": np.tanh, "sigmoid": FUNCTIONS["sigmoid"][0], "where": np.where}
    names |= {"units": z.shape[1], "outputs": 5, "fan_in": 4}
    return np.asarray(eval(text, {}, names)) * np.ones_like(z)  # what was drawn, or told


def read_back(text: str, function: str) -> bool:
    """Whether what is said of a network with that slope is that slope, as a function."""
    sizes = (4, 6, 7, 5)
    network = chain(sizes, function)
    wrong = by_hand(function, slopes={1: lambda z, a, n: value(text, z, a, n, function)})
    sentence = said(network, wrong)
    z = np.random.default_rng(5).normal(size=(9, sizes[1]))
    a = FUNCTIONS[function][0](z)
    right = FUNCTIONS[function][1](z, a)
    if (found := re.search(r"the slope is (.*?); it should be", sentence)) is not None:
        told = value(found.group(1), z, a, 9, function)
    elif (found := re.search(r"the delta is (.*?) times what", sentence)) is not None:
        told = right * eval(found.group(1), {}, {"n": 9})
    else:
        told = catalogued(sentence, z, a, right)
    return bool(np.allclose(told, value(text, z, a, 9, function), rtol=1e-9, atol=1e-9))


def catalogued(sentence: str, z: np.ndarray, a: np.ndarray, right: np.ndarray) -> np.ndarray:
    """The slope of what the catalogue calls by its own name."""
    for words, told in (
        ("is missing from the delta", np.ones_like(z)),
        ("1 for z > 0, is used", (z > 0) * 1.0),
        ("derivative of tanh, 1 − a², is used", 1 - a**2),
        ("the sigmoid, a (1 − a), is used", a * (1 - a)),
        ("is a, without its factor", a),
        ("formula in the activation is fed", 1 - z**2 if (a < 0).any() else z * (1 - z)),
        ("is applied twice", right**2),
        ("wrong sign", -right),
        ("counted twice", 2 * right),
    ):
        if words in sentence:
            return told
    return np.full_like(z, np.nan)


@once()
@pytest.mark.parametrize("function", slow_but([], ["tanh", "sigmoid", "relu"], 6))
def test_what_is_drawn_is_read_back(function: str) -> None:
    chance = random.Random(f"slopes of {function}")
    texts = []
    while len(texts) < DRAWN // 3 + 1:
        text = drawn(chance)
        z = np.random.default_rng(5).normal(size=(9, 6))
        a = FUNCTIONS[function][0](z)
        one, right = value(text, z, a, 9, function), FUNCTIONS[function][1](z, a)
        if one.any() and not np.allclose(one, right):
            texts.append(text)
    lost = [text for text in texts if not read_back(text, function)]
    assert len(lost) <= 0.05 * len(texts), lost
