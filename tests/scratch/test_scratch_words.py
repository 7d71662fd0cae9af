"""The networks that write numbers in words: shapes, dtypes, what they learn; and their text."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from comparisons._number_words import ALPHABET, CODES, TEXT, in_words, windows
from scratch import words_gpt, words_lstm
from scratch.words_gpt import WordsGPT
from scratch.words_lstm import WordsLSTM

NETWORKS: dict[str, Any] = {"lstm": (words_lstm, WordsLSTM), "gpt": (words_gpt, WordsGPT)}
CHARACTERS = len(ALPHABET)
EACH = pytest.mark.parametrize("name", NETWORKS)


def made(name: str, dtype: str = "float64") -> Any:
    module, kind = NETWORKS[name]
    return kind(module.initial_parameters(np.random.default_rng(0), CHARACTERS, dtype))


def test_numbers_are_written_as_people_write_them() -> None:
    assert [in_words(number) for number in (7, 20, 42, 100, 713)] == [
        *("seven", "twenty", "forty-two", "one hundred", "seven hundred and thirteen")
    ]
    assert TEXT.startswith("one, two, three")
    assert TEXT.endswith("nine hundred and ninety-nine")


def test_targets_are_the_characters_that_follow() -> None:
    batch = windows(5, 3, 6)
    assert (batch.inputs[:, 1:] == batch.targets.argmax(axis=-1)[:, :-1]).all()
    text = "".join(ALPHABET[int(code)] for code in batch.inputs[1])
    assert text == TEXT[42:48]
    assert windows(10**6, 2, 6).inputs.shape == (2, 6)  # it goes on where the text begins


@EACH
def test_parameters_of_other_shapes_are_refused(name: str) -> None:
    module, kind = NETWORKS[name]
    parameters = module.initial_parameters(np.random.default_rng(0), CHARACTERS)
    parameters["dense_1/kernel"] = parameters["dense_1/kernel"].T
    with pytest.raises(ValueError, match="should have"):
        kind(parameters)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@EACH
def test_everything_keeps_the_dtype(name: str, dtype: str) -> None:
    network = made(name, dtype)
    batch = windows(0, 3, 8).astype(dtype)
    network.step(batch.inputs.astype(np.intp), batch.targets)
    held = (network.parameters, network.first, network.second)
    assert {array.dtype.name for part in held for array in part.values()} == {dtype}


def test_a_character_sees_none_that_come_later() -> None:
    network, codes = made("gpt"), windows(0, 2, 8).inputs.astype(np.intp)
    other = codes.copy()
    other[:, 5:] = (other[:, 5:] + 1) % CHARACTERS
    seen, again = (network.forward(x)["logits"] for x in (codes, other))
    assert np.array_equal(seen[:, :5], again[:, :5])
    assert not np.array_equal(seen[:, 5:], again[:, 5:])


@pytest.mark.slow(3)
@EACH
def test_it_learns_to_write(name: str) -> None:
    """Half of the surprise is gone after 600 steps, and what it writes begins a number."""
    network = made(name)
    stream, losses = np.random.default_rng(0), []
    for _ in range(600):
        starts = stream.integers(len(CODES) - 9, size=32)
        codes = CODES[starts[:, None] + np.arange(9)]
        losses.append(network.step(codes[:, :-1], np.eye(CHARACTERS)[codes[:, 1:]]))
    assert np.mean(losses[-20:]) < np.mean(losses[:20]) / 2
    written = network.write(np.array([ALPHABET.index(c) for c in "three hu"]), 4)
    assert "".join(ALPHABET[c] for c in written) == "three hundre"
