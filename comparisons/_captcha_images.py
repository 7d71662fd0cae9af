"""The data of `captcha`: images that the package of that name draws, cut into characters.

The article's own images are lost. These are drawn with settings that leave a gap between any two
characters, so that they can be cut apart where a column is empty, and are the same wherever and
whenever they are drawn: the package takes its chances from `secrets`, which is replaced while it
draws; its own font is laid out by Pillow itself, not by a library that may be missing; and it does
not warp, for the warp takes the nearest pixel, and where two are equally near, rounding decides.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import captcha.image
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter, ImageFont, ImageOps

SEED = 10
IMAGES = 60
LENGTH = 4
CLASSES = "0123456789abcdefghijklmnopqrstuvwxyz"
ROWS, COLUMNS = 20, 13
SPECKS = 20
PAPER, INK = (238, 255), (10, 200)  # the package's own ranges of red, green and blue

Box = tuple[int, int, int, int]  # left, top, right, bottom, in pixels


@dataclass(frozen=True, eq=False)
class Captcha:
    """One image as drawn, its text, where it is cut, and its cells, (LENGTH, ROWS, COLUMNS).

    A cell holds one character in grey values, multiples of 1/255 from 0, paper, to 1, ink.
    """

    text: str
    image: Image.Image
    cuts: tuple[Box, ...]
    cells: NDArray[np.float64]


class Chances:
    """What the package takes from `secrets`, from a seed.

    `random.Random.random` is the one method whose numbers Python promises to keep.
    """

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed).random

    def randbelow(self, end: int) -> int:
        """An integer from 0 to end − 1."""
        return int(self._random() * end)

    def randbits(self, bits: int) -> int:
        """An integer of at most 53 bits."""
        return self.randbelow(2**bits)

    def choice(self, items: Sequence[Any]) -> Any:
        """One of the items."""
        return items[self.randbelow(len(items))]


class Artist(captcha.image.ImageCaptcha):
    """The package's drawing, with a gap after every character, and without a warp."""

    word_space_probability = 0.0  # of no space before a character
    # Each piece moves left by up to this share of the mean of a character and its space together.
    word_offset_dx = 0.18
    character_rotate = (-15, 15)
    character_warp_dx = (0.0, 0.0)
    character_warp_dy = (0.0, 0.0)

    @cached_property
    def truefonts(self) -> list[ImageFont.FreeTypeFont]:
        """The package's own font in its sizes."""
        return [
            ImageFont.truetype(name, size, layout_engine=ImageFont.Layout.BASIC)
            for name in self._fonts
            for size in self._font_sizes
        ]


@cache
def captchas() -> tuple[Captcha, ...]:
    """All images with their pieces, always the same; a picture of one shows how it was cut."""
    chances = Chances(SEED)
    texts = ["".join(chances.choice(CLASSES) for _ in range(LENGTH)) for _ in range(IMAGES)]
    artist = Artist(width=260)
    with taking(chances):
        return tuple(pieces(text, draw(artist, text, chances)) for text in texts)


def samples() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The characters, (IMAGES·LENGTH, ROWS·COLUMNS), and their classes, one-hot."""
    drawn = captchas()
    inputs = np.concatenate([each.cells for each in drawn])
    classes = [CLASSES.index(character) for each in drawn for character in each.text]
    return inputs.reshape(len(inputs), -1), np.eye(len(CLASSES))[classes]


@contextmanager
def taking(chances: Chances) -> Iterator[None]:
    """Let the package draw from these chances instead of `secrets`."""
    kept = captcha.image.secrets
    captcha.image.secrets = chances
    try:
        yield
    finally:
        captcha.image.secrets = kept


def draw(artist: Artist, text: str, chances: Chances) -> Image.Image:
    """An image of the text in a dark colour on a light one, with specks over it."""
    paper = captcha.image.random_color(*PAPER)
    ink = captcha.image.random_color(*INK, opacity=220 + chances.randbelow(36))
    image = artist.create_captcha_image(text, ink, paper)
    return artist.create_noise_dots(image, ink, width=1, number=SPECKS)


def pieces(text: str, image: Image.Image) -> Captcha:
    """Clean the image, cut it at its empty columns, and scale each piece to a cell.

    Raises ValueError unless it falls into as many pieces as the text has characters.
    """
    ink = inked(image)
    columns, _ = ink.getprojection()
    cuts = [box(ink, left, right) for left, right in runs(columns)]
    if len(cuts) != len(text):
        raise ValueError(f"the image of {text!r} falls into {len(cuts)} pieces, at {cuts}")
    cells = [
        np.asarray(ink.resize((COLUMNS, ROWS), Image.Resampling.BILINEAR, box=cut)) / 255
        for cut in cuts
    ]
    return Captcha(text, image, tuple(cuts), np.array(cells))


def inked(image: Image.Image) -> Image.Image:
    """The image in grey values from 0, the paper, to 255, the ink; without the specks.

    Paper is the most frequent value, ink the most frequent of those that are darker by half of what
    the palest ink is, or more. The median of nine takes specks away, at the border too with paper
    around it.
    """
    grey = image.convert("L")
    paper = int(np.argmax(grey.histogram()))
    framed = ImageOps.expand(grey, border=1, fill=paper).filter(ImageFilter.MedianFilter(3))
    clean = ImageOps.crop(framed, border=1)
    ink = int(np.argmax(clean.histogram()[: paper - (PAPER[0] - INK[1]) // 2]))
    depths = ((paper - value) / (paper - ink) for value in range(256))
    return clean.point([round(255 * min(max(depth, 0), 1)) for depth in depths])


def box(ink: Image.Image, left: int, right: int) -> Box:
    """The smallest box around the ink between two columns."""
    inside = ink.crop((left, 0, right, ink.height)).getbbox()
    assert inside is not None
    return left, inside[1], right, inside[3]


def runs(filled: Sequence[int]) -> list[tuple[int, int]]:
    """The stretches of columns with ink, as (first, one past the last)."""
    edges = np.flatnonzero(np.diff([0, *filled, 0]))
    return [(int(left), int(right)) for left, right in edges.reshape(-1, 2)]
