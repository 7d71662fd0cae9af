"""The example notebooks, executed: ``python -m tests.faces.notebooks`` writes them anew.

What a notebook holds depends on its source, and on what the code says there: no time, no count of
former runs, no identity of a process.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

from tests.project import ROOT

FOLDER = ROOT / "docs" / "examples" / "notebooks"
PATHS = sorted(FOLDER.glob("*.ipynb"))
SECONDS = 300
"""That a cell may take, on a machine that has much else to do."""


def executed(path: Path) -> Any:
    """The notebook after a run of all its cells; raises what a cell raised."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=SECONDS,
        kernel_name="python3",
        record_timing=False,
        resources={"metadata": {"path": str(path.parent)}},
    )
    client.execute()
    notebook.metadata.pop("language_info", None)  # the version of this Python
    return notebook


def shown(notebook: Any) -> list[list[str]]:
    """What each cell of code has shown, as text; what it shows as HTML, the reports' tests know."""
    return [
        [said(output) for output in cell.outputs]
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]


def said(output: Any) -> str:
    """One output as text."""
    return str(output["text"] if output.output_type == "stream" else output.data["text/plain"])


if __name__ == "__main__":
    for each in PATHS:
        nbformat.write(executed(each), each)
