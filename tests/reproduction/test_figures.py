"""Pictures that fail; those of the project are drawn in test_evidence.py."""

from __future__ import annotations

from backproof.reproduction.figures import draw
from backproof.reproduction.recipe import Figure, Outcome, Reproduction


def test_a_drawing_that_raises_is_told() -> None:
    def broken(outcome: Outcome) -> object:
        raise ValueError("no such colour")

    recipe = Reproduction("s", "an article", figures=(Figure("one", "a picture", broken),))
    (picture,) = draw({"s": Outcome(recipe)})
    assert picture.png == b""
    assert picture.problem.startswith("ValueError: no such colour (reproduction/test_figures.py:")
