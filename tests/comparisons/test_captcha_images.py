"""The images of `captcha`: every class occurs, each falls into its characters, always the same."""

from __future__ import annotations

import hashlib
import secrets
import subprocess
import sys

import captcha.image
import numpy as np
import pytest
from PIL import Image, ImageDraw

from comparisons import _captcha_images as images
from tests.project import ROOT

# Of the grey values and classes. The same with Pillow 11.1 to 13.0 and Python 3.11 to 3.13; should
# a later Pillow draw otherwise, the weights of `comparisons/_captcha_weights.py` are to be made
# anew with it.
DIGEST = "6b018364fa2455be9449756b8ec46b7fe720a891297cfee353546b5b28ca389d"
IN_ANOTHER_PROCESS = """
from tests.comparisons.test_captcha_images import digest
print(digest())
"""


def digest() -> str:
    inputs, targets = images.samples()
    values, classes = np.rint(255 * inputs), targets.argmax(axis=1)
    both = values.astype(np.uint8).tobytes() + classes.astype(np.uint8).tobytes()
    return hashlib.sha256(both).hexdigest()


def test_characters_and_classes() -> None:
    inputs, targets = images.samples()
    assert inputs.shape == (240, 260)
    assert targets.shape == (240, 36)
    assert inputs.dtype == targets.dtype == np.float64
    np.testing.assert_array_equal(inputs, np.rint(255 * inputs) / 255)
    assert inputs.min() == 0
    assert inputs.max() == 1
    assert set(targets.ravel()) == {0, 1}
    np.testing.assert_array_equal(targets.sum(axis=1), 1)
    assert targets.any(axis=0).all(), "every class occurs"
    texts = "".join(each.text for each in images.captchas())
    assert [images.CLASSES[k] for k in targets.argmax(axis=1)] == list(texts)


def test_every_image_falls_into_four_cells() -> None:
    drawn = images.captchas()
    assert len(drawn) == 60
    for each in drawn:
        assert each.image.mode == "RGB"
        assert each.cells.shape == (4, 20, 13)
        lefts, tops, rights, bottoms = np.transpose(each.cuts)
        assert np.all(lefts < rights)
        assert np.all(rights[:-1] < lefts[1:]), "a column between two characters is empty"
        assert np.all((tops < bottoms) & (bottoms <= each.image.height))
        # A character that reached the right border might have been cut off there.
        assert rights[-1] < each.image.width
        # Scaled from its box, a character reaches all four sides of its cell.
        assert each.cells[:, [0, -1], :].any(axis=2).all()
        assert each.cells[:, :, [0, -1]].any(axis=1).all()


def test_the_cells_are_those_of_the_text() -> None:
    """Two of one class are nearer to each other than two of different classes, on average."""
    inputs, targets = images.samples()
    squares = (inputs**2).sum(axis=1)
    apart = squares[:, None] + squares - 2 * inputs @ inputs.T
    same = targets @ targets.T - np.eye(len(inputs)) > 0
    assert apart[same].mean() < 0.6 * apart[targets @ targets.T == 0].mean()


def test_the_images_are_always_the_same() -> None:
    assert digest() == DIGEST
    done = subprocess.run(
        [sys.executable, "-c", IN_ANOTHER_PROCESS],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == DIGEST


def test_another_seed_draws_other_images(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "SEED", 11)
    monkeypatch.setattr(images, "captchas", images.captchas.__wrapped__)
    assert digest() != DIGEST


def test_the_package_has_its_secrets_back() -> None:
    images.captchas.__wrapped__()
    assert captcha.image.secrets is secrets
    with pytest.raises(ValueError, match="falls into"), images.taking(images.Chances(0)):
        images.pieces("ab", images.draw(images.Artist(), "abc", images.Chances(0)))
    assert captcha.image.secrets is secrets


def paper() -> Image.Image:
    return Image.new("RGB", (60, 30), (240, 250, 245))


def test_specks_are_taken_away() -> None:
    specked, inked = paper(), paper()
    draw = ImageDraw.Draw(specked)
    for x, y in ((0, 0), (60, 30), (60, 0), (20, 10), (20, 0)):
        draw.line(((x, y), (x - 1, y - 1)), fill=(0, 0, 0))
    assert len(specked.getcolors()) == 2
    assert images.inked(specked).getbbox() is None
    ImageDraw.Draw(inked).rectangle((0, 3, 5, 20), fill=(200, 200, 200))
    assert images.inked(inked).getbbox() == (0, 3, 6, 21)
    assert images.inked(inked).getextrema() == (0, 255)


def test_characters_that_touch_are_refused() -> None:
    image = paper()
    ImageDraw.Draw(image).rectangle((5, 5, 25, 25), fill=(0, 0, 0))
    assert images.pieces("a", image).cuts == ((5, 5, 26, 26),)
    with pytest.raises(ValueError, match="image of 'ab' falls into 1 pieces"):
        images.pieces("ab", image)
