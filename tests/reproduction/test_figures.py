"""The pictures of the project are drawn, from the same weights with the same bytes."""

from __future__ import annotations

import pytest
from threadpoolctl import threadpool_limits

from backproof.reproduction.figures import draw
from backproof.reproduction.outcome import Outcome
from backproof.reproduction.recipe import Figure, Reproduction

EXPECTED = {
    *("xor-loss.png", "xor-surface.png", "circles-loss.png", "circles-regions.png"),
    *("clusters-loss.png", "clusters-regions.png", "captcha-cut.png", "captcha-characters.png"),
}


def test_all_are_drawn_twice_alike(outcomes: dict[str, Outcome]) -> None:
    pytest.importorskip("matplotlib", reason="the extra plots")
    with threadpool_limits(1):  # as the command has it; captcha's is trained to be drawn
        first, second = list(draw(outcomes)), list(draw(outcomes))
    assert {each.file for each in first} == EXPECTED
    for one, other in zip(first, second, strict=True):
        assert one.problem == ""
        assert one.png.startswith(b"\x89PNG")
        assert one.png == other.png


def test_a_drawing_that_raises_is_told() -> None:
    def broken(outcome: Outcome) -> object:
        raise ValueError("no such colour")

    recipe = Reproduction("s", "an article", figures=(Figure("one", "a picture", broken),))
    (picture,) = draw({"s": Outcome(recipe)})
    assert picture.png == b""
    assert picture.problem.startswith("ValueError: no such colour (test_figures.py:")
