"""Make the example reports of reports/examples, and their pictures, by running what they show.

The pictures take a chromium: Debian's, or the one that CHROMIUM names.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "reports" / "examples"
PICTURES = Path(__file__).parent / "pictures"
FAMILIES = ("xor", "circles", "clusters")
# In the file of that pairing: what stands there, and what a slip makes of it.
FAULTY = "xor"
FAULT = ("(w2 @ delta2) * a1 * expit(-z1)", "(w2 @ delta2) * (1 - a1)")
# The files that an example shows; the others are large, and evaluations are not looked at.
SHOWN = ("report.html", "report.md")
# By example, what is added to its name: width, height, and whether it is dark.
SCREENS = {
    "match": {"": (1100, 900, False)},
    "fault": {
        "": (1100, 560, False),
        "_dark": (1100, 560, True),
        "_whole": (1100, 2100, False),
        "_phone": (400, 800, True),
    },
}


def example(name: str, project: Path, pairings: tuple[str, ...], status: int) -> None:
    """Verify pairings in a project, and keep the reports that a person reads."""
    only = [word for pairing in pairings for word in ("--only", pairing)]
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "backproof", "verify", *only, "--report", folder]
        done = subprocess.run(command, cwd=project, check=False)
        if done.returncode != status:
            raise SystemExit(f"{name}: exit status {done.returncode}, but should be {status}")
        (EXAMPLES / name).mkdir(parents=True, exist_ok=True)
        for file in SHOWN:
            shutil.copy(Path(folder) / file, EXAMPLES / name / file)


def picture(name: str) -> None:
    """The first screens of an example's page."""
    browser = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if browser is None:
        raise SystemExit("no chromium here: the pages are new, their pictures are the former ones")
    for ending, (width, height, dark) in SCREENS[name].items():
        path = PICTURES / f"report_{name}{ending}.png"
        options = [
            "--headless",
            "--no-sandbox",  # there is none for root, as in a container; the page is our own
            "--hide-scrollbars",
            f"--window-size={width},{height}",
            f"--blink-settings=preferredColorScheme={int(not dark)}",
            f"--screenshot={path}",
        ]
        page = (EXAMPLES / name / "report.html").as_uri()
        subprocess.run([browser, *options, page], check=True, capture_output=True)


def main() -> None:
    """A match of three families in the project itself, a fault in a copy of it."""
    example("match", ROOT, FAMILIES, 0)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "project"
        for part in ("scratch", "reference", "comparisons"):
            shutil.copytree(ROOT / part, copy / part)
        path = copy / "scratch" / f"{FAULTY}.py"
        source = path.read_text(encoding="utf-8")
        assert source.count(FAULT[0]) == 1
        path.write_text(source.replace(*FAULT), encoding="utf-8")
        example("fault", copy, (FAULTY,), 1)
    for name in ("match", "fault"):
        picture(name)


if __name__ == "__main__":
    main()
