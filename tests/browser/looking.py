"""A page as a browser shows it: what it says of itself, and what is seen without scrolling."""

from __future__ import annotations

import io
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

sync_api = pytest.importorskip(
    "playwright.sync_api", reason="drives a browser, which `tox -e browser` installs the driver of"
)
images = pytest.importorskip("PIL.Image", reason="reads screenshots: tox -e browser")

# Texts, or parts of them, that lie in the window, and nothing above them.
SEEN = """() => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), found = [];
  for (let node; (node = walker.nextNode());) {
    const range = document.createRange();
    range.selectNodeContents(node);
    const inside = [...range.getClientRects()].some((box) => box.width && box.height && box.top >= 0
      && box.bottom <= innerHeight && box.left >= 0 && box.right <= innerWidth);
    if (inside) found.push(node.textContent);
  }
  return found.join(" ").replace(/\\s+/g, " ");
}"""


def chromium() -> str:
    """The path of the browser: what CHROMIUM names, or Debian's; a test without one is skipped."""
    named = os.environ.get("CHROMIUM")
    found = named or shutil.which("chromium") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("no chromium here: apt-get install chromium, or name one by CHROMIUM")
    return found


@contextmanager
def opened_browser() -> Iterator[Any]:
    """A browser without a window."""
    path = chromium()
    # As root, as in a container, it has no sandbox.
    options = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=options)
        try:
            yield browser
        finally:
            browser.close()


@dataclass(frozen=True)
class Look:
    """What was seen of a page."""

    messages: list[str]
    """On its console, and errors."""
    requests: list[str]
    """For anything but itself."""
    overflow: int
    """By how many pixels it is wider than the window."""
    colours: int
    """How many there are in its first screen."""
    behind: tuple[int, int, int]
    """The colour of its lower left corner: what is behind everything."""
    text: str
    """Of its first screen."""
    loaded: float
    """Milliseconds until everything was there."""

    @property
    def complaints(self) -> list[str]:
        """What a page may not have."""
        found = [f"console: {each}" for each in self.messages]
        found += [f"fetched {each}" for each in self.requests]
        found += [f"{self.overflow} pixels too wide"] if self.overflow > 0 else []
        found += ["nothing to be seen"] if self.colours < 16 or not self.text else []
        return found


@contextmanager
def page_of(browser: Any, file: Path, width: int, height: int, **options: Any) -> Iterator[Any]:
    """A page opened in a window of that size."""
    context = browser.new_context(viewport={"width": width, "height": height}, **options)
    try:
        page = context.new_page()
        page.told = []
        page.fetched = []
        page.on("console", lambda message: page.told.append(message.text))
        page.on("pageerror", lambda error: page.told.append(str(error)))
        page.on("request", lambda request: page.fetched.append(request.url))
        page.goto(file.as_uri())
        yield page
    finally:
        context.close()


def look(browser: Any, file: Path, width: int, height: int, scheme: str = "light") -> Look:
    """A page in a window of that size, in a colour scheme."""
    with page_of(browser, file, width, height, color_scheme=scheme) as page:
        image = images.open(io.BytesIO(page.screenshot())).convert("RGB")
        measured = "performance.getEntriesByType('navigation')[0].loadEventEnd"
        return Look(
            messages=page.told,
            requests=[url for url in page.fetched if url.split("#")[0] != file.as_uri()],
            overflow=page.evaluate("document.documentElement.scrollWidth") - width,
            colours=len(image.getcolors(maxcolors=1 << 24)),
            behind=image.getpixel((0, height - 1)),
            text=page.evaluate(SEEN),
            loaded=page.evaluate(measured),
        )
