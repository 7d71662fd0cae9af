"""A small project for the tests of the pytest plugin, and ways to run pytest on it."""

from __future__ import annotations

import textwrap
import xml.etree.ElementTree as ET
from pathlib import Path

from _pytest.pytester import RunResult

from tests.project import ROOT

PLUGINS = ("-p", "backproof.faces.pytest_plugin", "-p", "xdist.plugin")
NAMES = ("loss", "gradient/dense_1/kernel", "gradient/dense_1/bias")
PAIRING = """
    import datetime
    import numpy as np
    from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing, Waiver

    def subject(parameters, batch):
        z = batch.inputs @ parameters["dense_1/kernel"] + parameters["dense_1/bias"]
        delta = z - batch.targets
        loss = 0.5 * (delta**2).sum()
        kernel, bias = batch.inputs.T @ delta, delta.sum(axis=0)
        {change}
        return {{"loss": loss, "gradient/dense_1/kernel": kernel, "gradient/dense_1/bias": bias}}

    PAIRING = Pairing(
        name="{name}",
        network=Network((Dense(2, 1),), Loss("squared_error", batch="sum", scale=0.5)),
        subject=subject,
        data=lambda: Batch(np.arange(8.0).reshape(4, 2) - 3, np.array([[0.0], [1], [1], [0]])),
        initial=lambda: {{"dense_1/kernel": np.ones((2, 1)), "dense_1/bias": np.ones(1)}},
        optimizer=GradientDescent(0.1),
        references={references},
        steps=1,
        quantities=("loss", "gradient"),
        waivers={waivers},
    )
"""
# Given any model, it says who it is and hangs; one that is called "spins" is busy meanwhile.
TWIN = """
    import os, time
    from pathlib import Path
    import numpy as np

    MODES = ()

    def start(dtype):
        return {"numpy": np.__version__}

    def open_twin(model, network, optimizer, dtype, *, compiled, outputs):
        if model is not None:
            Path(f"{os.getpid()}.pid").write_text(model)
            while model == "spins":
                pass
            time.sleep(300)
        return Twin()

    class Twin:
        def evaluate(self, parameters, batch, want):
            z = batch.inputs @ parameters["dense_1/kernel"] + parameters["dense_1/bias"]
            delta = z - batch.targets
            return {
                "loss": np.square(delta).sum() / 2,
                "gradient/dense_1/kernel": (delta.T @ batch.inputs).T,
                "gradient/dense_1/bias": delta.sum(axis=0),
            }
"""
TRAITS = """
    from backproof.mathematics.arithmetic.rounding.traits import Traits

    PART = Traits("{name}", "{name}", packages=("numpy",), modes=("eager",))
"""
WAIVER = 'Waiver("numpy/loss", "known since May", datetime.date(2999, 1, 1)),'
# Who starts framework workers, and who writes the report: a log with a line for each.
CONFTEST = """
    import os
    import backproof.faces.pytest_plugin.run as run
    import backproof.comparison.run as runs

    def logged(kind, method):
        def wrapper(*given, **more):
            with open("log", "a") as log:
                log.write(f"{kind} {os.environ.get('PYTEST_XDIST_WORKER') or 'controller'}\\n")
            return method(*given, **more)
        return wrapper

    runs.Worker.__init__ = logged("start", runs.Worker.__init__)
    run.Run.write = logged("write", run.Run.write)
"""


def backproof_alone(folder: Path) -> Path:
    """Make ``folder`` hold backproof alone, as its wheel does, with one more reference framework.

    A twin in NumPy starts ten times as fast as PyTorch; what the plugin does with it is the same.
    """
    frameworks = folder / "backproof" / "implementations" / "frameworks"
    frameworks.mkdir(parents=True)
    for inside in (frameworks, *list(frameworks.parents)[:2]):
        for path in (ROOT / inside.relative_to(folder)).iterdir():
            link = folder / path.relative_to(ROOT)
            if not link.exists() and path.name != "__pycache__":
                link.symlink_to(path)
    (frameworks / "numpy_twin.py").write_text(textwrap.dedent(TWIN))
    (frameworks / "nosuch_twin.py").write_text("import nosuch\n")
    for name in ("numpy", "nosuch"):
        (frameworks / f"{name}_traits.py").write_text(textwrap.dedent(TRAITS).format(name=name))
    return folder


def environment(backproof: Path) -> dict[str, str]:
    """Pytest is to find that backproof, and no plugin by itself: it may be installed or not.

    Nor is it a worker of the pytest that runs this.
    """
    alone = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_XDIST_WORKER": ""}
    return {"PYTHONPATH": str(backproof), **alone}


def write(folder: Path, name: str, change: str = "pass", waivers: str = "", **more: str) -> None:
    """A pairing file ``name``.py with one thing changed, below ``folder``/comparisons."""
    (folder / "comparisons").mkdir(exist_ok=True)
    references = more.get("references", '{"numpy": None}')
    text = textwrap.dedent(PAIRING).format(
        name=name, change=change, waivers=f"({waivers})", references=references
    )
    (folder / "comparisons" / f"{name}.py").write_text(text)


def node(name: str, compared: str, reference: str = "numpy") -> str:
    """The id of an item."""
    return f"comparisons/{name}.py::{name}[{reference}-{compared}]"


def said(result: RunResult) -> str:
    """Standard output as one text."""
    return "\n".join(result.outlines)


def by_test(path: Path) -> dict[str, tuple[str, dict[str, str]]]:
    """From a JUnit file, each test's outcome and properties."""
    found: dict[str, tuple[str, dict[str, str]]] = {}
    for case in ET.parse(path).iter("testcase"):
        outcome = "failed" if case.find("failure") is not None else "passed"
        given = {p.attrib["name"]: p.attrib["value"] for p in case.iter("property")}
        found[case.attrib["name"]] = (outcome, given)
    return found


def log(folder: Path) -> list[str]:
    """What the project's conftest has logged."""
    path = folder / "log"
    return sorted(path.read_text().splitlines()) if path.exists() else []
