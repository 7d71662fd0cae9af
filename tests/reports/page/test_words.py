"""Numbers as a person reads them, and colours that a person can read."""

from __future__ import annotations

import re
from itertools import product
from math import inf

import pytest

from backproof.comparison.record.exhibit import Exhibit
from backproof.comparison.record.tables import SlopeTable
from backproof.reports.page import page, pictures, words


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "–"),
        (0, "0"),
        (0.02514, "0.0251"),
        (-1234.5, "−1230"),
        (4.5e14, "4.5·10¹⁴"),
        (-2.71e-18, "−2.7·10⁻¹⁸"),
        (inf, "∞"),
        (float("nan"), "–"),
    ],
)
def test_numbers(value, shown):
    assert words.number(value) == shown


@pytest.mark.parametrize(
    ("used", "shown"),
    [(None, "–"), (0, "0 %"), (1e-9, "< 0.1 %"), (0.331, "33.1 %"), (1, "100 %"), (inf, "∞")],
)
def test_shares_of_a_bound(used, shown):
    assert words.share(used) == shown
    assert words.share(4.5e14) == "4.5·10¹⁴ ×"


@pytest.mark.parametrize(
    ("power", "shown"),
    [(None, "–"), (0, "all"), (1e-12, "12.0"), (2.78e-11, "10.6"), (0.5, "0.3"), (inf, "0.0")],
)
def test_power_is_told_as_digits_of_which_more_are_stronger(power, shown):
    assert words.digits(power) == shown


@pytest.mark.parametrize(
    ("one", "other", "shown"),
    [
        (0.5, 0.5, "<span class=same>0.5</span>"),
        (0.125, 0.12890625, "<span class=same>0.12</span><b>5</b>"),
        (-1.5, 1.5, "<span class=same></span><b>-1.5</b>"),
        (2.0**40, 2.0**-40, "<span class=same></span><b>1099511627776</b>"),
    ],
)
def test_digits_that_differ_are_set_apart(one, other, shown):
    assert words.beside(one, other, "float64") == shown


@pytest.mark.parametrize(
    ("sentence", "parts"),
    [
        ("the slope is z * (1 - a)", ("the slope is", "z * (1 - a)")),
        ("the delta is 2 times what it should be", ("the delta is 2 times what it should be", "")),
        ("a stepped kernel is used: W - 0.1 * dW", ("a stepped kernel is used:", "W - 0.1 * dW")),
    ],
)
def test_code_is_told_from_words(sentence, parts):
    assert words.parted(sentence) == parts


def schemes() -> list[dict[str, str]]:
    """The colours of the page, light and dark."""
    css = page.resource("page.css")
    light, dark = css.split("prefers-color-scheme: dark")
    found = [dict(re.findall(r"--(\w+): (#\w{6})", part)) for part in (light, dark)]
    assert len(found[1]) == 11
    return [found[0], found[0] | found[1]]


def luminance(colour: str) -> float:
    """Of a colour in sRGB (WCAG 2.2, relative luminance)."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("scheme", schemes(), ids=["light", "dark"])
def test_every_text_has_the_contrast_of_level_aa(scheme):
    """WCAG 2.2, 1.4.3: 4.5 to 1."""
    texts = ("ink", "soft", "good", "bad", "open", "broken", "aside")
    for text, behind in product(texts, ("bg", "card", "code")):
        one, other = sorted((luminance(scheme[text]), luminance(scheme[behind])))
        assert (other + 0.05) / (one + 0.05) >= 4.5, (text, behind)


def exhibit(shares: tuple[tuple[float, ...], ...], rows: int, columns: int) -> Exhibit:
    return Exhibit(
        "torch", "gradient/a", "data", 0, "torch", True, (rows, columns), rows, columns, shares
    )


def test_a_cell_says_which_element_it_is_and_has_the_colour_of_its_share():
    drawn = pictures.heatmap(exhibit(((0.0, 0.7), (50.0, inf)), 2, 2))
    cells = re.findall(r'<rect class="h(\d)".*?<title>(.*?)</title>', drawn)
    assert cells == [
        ("0", "(0, 0): 0 % of the bound"),
        ("2", "(0, 1): 70 % of the bound"),
        ("3", "(1, 0): 50 × of the bound"),
        ("7", "(1, 1): ∞ of the bound"),
    ]


def test_cells_within_their_bound_are_smaller_than_those_beyond_it():
    drawn = pictures.heatmap(exhibit(((0.3, 1.0, 1.01, inf),), 1, 4))
    sides = [float(side) for side in re.findall(r'width="([\d.]+)" height', drawn)]
    assert sides[0] == sides[1] < sides[2] == sides[3]


def test_a_block_of_a_large_tensor_says_which_elements_it_is_of():
    drawn = pictures.heatmap(exhibit(((1.0, 2.0),), 50, 100))
    assert "<title>(0–49, 50–99): 2 × of the bound</title>" in drawn


def test_a_large_picture_is_drawn_by_colours_to_be_light():
    lines = tuple(tuple(float(i * j) for j in range(32)) for i in range(24))
    drawn = pictures.heatmap(exhibit(lines, 24, 32))
    assert "<rect" not in drawn
    assert drawn.count("<path") == len({pictures.level(v) for line in lines for v in line})
    assert sum(path.count("M") for path in re.findall('d="(.*?)"', drawn)) == 24 * 32
    assert len(drawn) < 25_000


@pytest.mark.parametrize(
    "shares", [[(0, 0.0), (1, 0.0)], [(0, inf), (9, inf)], [(3, 1e308), (4, 1)]]
)
def test_any_shares_can_be_drawn_along_the_steps(shares):
    drawn = pictures.along(shares)
    assert drawn.count("<circle") == 2
    assert "nan" not in drawn
    assert "inf" not in drawn


def test_used_and_right_are_told_apart_without_colours():
    rows = ((-1.0, 0.2, 0.5, 0.16), (2.0, 0.9, 0.7, 0.09))
    drawn = pictures.slopes(SlopeTable("dense_1", "data", "a", "a * (1 - a)", rows))
    assert drawn.count('<rect class="used"') == 2
    assert drawn.count('<circle class="right"') == 2
    same = tuple((1.0, 1.0, 0.0, 0.0) for _ in range(2))
    assert "nan" not in pictures.slopes(SlopeTable("d", "data", "a", "b", same))
