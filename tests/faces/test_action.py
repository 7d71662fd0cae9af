"""The GitHub Action, and the workflow that `init` lays out: their steps do what they say.

GitHub itself is not here. The steps that are scripts run as it runs them: by bash, with the
variables that their `env` names, in a project of their own.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from backproof.faces.command_line.init import EXTRAS
from backproof.implementations.frameworks import names
from backproof.implementations.host.installation import requirement
from tests.faces.test_bad_input import backproof, write_pairing
from tests.project import ROOT

BASH = shutil.which("bash")
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text())
STEPS: list[dict[str, Any]] = ACTION["runs"]["steps"]
VALUE = re.compile(r"\$\{\{ (.*?) \}\}")
# Writes what it is called with, and is what the script takes for Python.
RECORDING = '#!/bin/sh\nprintf "%s\\n" "$@" > "$RECORD"\n'


def step(name: str) -> dict[str, Any]:
    (found,) = [each for each in STEPS if each.get("name") == name]
    return found


class Job:
    """A job that uses the action: its folder, its inputs, and what the steps have written."""

    def __init__(self, folder: Path, **inputs: str) -> None:
        self.folder = folder
        given = {name.replace("_", "-"): value for name, value in inputs.items()}
        assert given.keys() <= ACTION["inputs"].keys()
        self.inputs = {name: each["default"] for name, each in ACTION["inputs"].items()} | given
        self.outputs: dict[str, str] = {}
        self.summary = folder / "summary"
        self.python = Path(sys.executable).parent

    def value(self, text: str) -> str:
        def known(match: re.Match[str]) -> str:
            place, _, name = match[1].rpartition(".")
            return {
                "inputs": self.inputs,
                "github": {"action_path": str(ROOT)},
                "steps.verify.outputs": self.outputs,
            }[place][name]

        return VALUE.sub(known, text)

    def run(self, name: str) -> subprocess.CompletedProcess[str]:
        given = step(name)
        assert given["shell"] == "bash"
        assert not VALUE.search(given["run"]), "an input could be a command there"
        script, output = self.folder / "step.sh", self.folder / "output"
        script.write_text(given["run"])
        output.write_text("")
        own = {key: self.value(text) for key, text in given.get("env", {}).items()}
        done = subprocess.run(
            [str(BASH), "--noprofile", "--norc", "-eo", "pipefail", str(script)],
            cwd=self.folder,
            env={
                **os.environ,
                **own,
                "PATH": f"{self.python}{os.pathsep}{os.environ['PATH']}",
                "GITHUB_OUTPUT": str(output),
                "GITHUB_STEP_SUMMARY": str(self.summary),
                "RECORD": str(self.folder / "record"),
            },
            capture_output=True,
            text=True,
        )
        self.outputs |= dict(line.split("=") for line in output.read_text().splitlines())
        return done


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "comparisons").mkdir()
    return tmp_path


def recorded(job: Job, name: str) -> list[str]:
    """What a step calls Python with."""
    job.python = job.folder / "bin"
    job.python.mkdir()
    (job.python / "python").write_text(RECORDING)
    (job.python / "python").chmod(0o755)
    job.run(name)
    return (job.folder / "record").read_text().splitlines()


@pytest.mark.parametrize(
    ("reference", "extras"), [("", "keras,torch"), ("torch", "torch"), ("torch jax", "torch,jax")]
)
def test_it_installs_what_it_lies_beside_with_the_references_that_are_asked_for(
    project: Path, reference: str, extras: str
) -> None:
    called = recorded(Job(project, reference=reference), "Install backproof")
    assert called == ["-m", "pip", "install", f"{ROOT}[{extras}]"]
    assert set(extras.split(",")) <= set(names())


def test_inputs_are_options_and_never_commands(project: Path) -> None:
    job = Job(
        project,
        paths="a b\nc",
        reference="torch jax",
        dtype="float32",
        report="my reports",
        args="--only $(touch run) --proven",
    )
    assert recorded(job, "Verify") == [
        *("-m", "backproof", "verify", "a", "b", "c"),
        *("--format", "github", "--report", "my reports"),
        *("--reference", "torch", "--reference", "jax", "--dtype", "float32"),
        *("--only", "$(touch", "run)", "--proven"),
    ]
    assert not (project / "run").exists()


@pytest.mark.parametrize(("change", "status"), [("pass", 0), ("results['loss'] *= 1 + 1e-9", 1)])
def test_the_summary_is_told_and_the_verdict_kept_until_the_report_is_uploaded(
    project: Path, change: str, status: int
) -> None:
    write_pairing(project / "comparisons", "one", change=change)
    job = Job(project)
    done = job.run("Verify")
    assert done.returncode == 0, done.stderr
    assert job.outputs == {"written": "true", "status": str(status)}
    assert ("::error" in done.stdout) == (status == 1)
    assert job.summary.read_text() == (project / "reports/latest/summary.md").read_text()
    assert job.run("Verdict").returncode == status


def test_a_report_of_another_run_is_not_told_as_this_ones(project: Path) -> None:
    (project / "reports" / "latest").mkdir(parents=True)
    (project / "reports" / "latest" / "summary.md").write_text("All 9 comparisons match.")
    job = Job(project)  # it has no pairing
    job.run("Verify")
    assert job.outputs == {"status": "2"}
    assert "exit status 2 and wrote no report" in job.summary.read_text()
    assert job.run("Verdict").returncode == 2


def test_the_report_is_uploaded_before_the_verdict_ends_the_job() -> None:
    *_, verify, upload, verdict = STEPS
    assert (verify["id"], verdict["name"]) == ("verify", "Verdict")
    assert upload["uses"].startswith("actions/upload-artifact@")
    assert upload["with"]["path"] == "${{ inputs.report }}"
    assert upload["if"] == "steps.verify.outputs.written == 'true'"


def test_the_workflow_of_a_new_project_installs_what_laid_it_out(tmp_path: Path) -> None:
    assert backproof("init", cwd=tmp_path).returncode == 0
    workflow = yaml.safe_load((tmp_path / ".github/workflows/verify.yml").read_text())
    job = workflow["jobs"]["verify"]
    assert job["env"]["BACKPROOF"] == f"${{{{ vars.BACKPROOF || '{requirement(*EXTRAS)}' }}}}"
    scripts = {each["name"]: each["run"] for each in job["steps"] if "run" in each}
    assert scripts["Install"] == 'python -m pip install "$BACKPROOF"'
    assert scripts["Test"] == "python -m pytest"
    assert "--format github --report reports/latest" in scripts["Verify"]
    told = tmp_path / "told"
    for there in (False, True):
        if there:
            (tmp_path / "reports" / "latest").mkdir()
            (tmp_path / "reports" / "latest" / "summary.md").write_text("a verdict\n")
        subprocess.run(
            [str(BASH), "-eo", "pipefail", "-c", scripts["Summary"]],
            cwd=tmp_path,
            env={**os.environ, "GITHUB_STEP_SUMMARY": str(told)},
            check=True,
        )
        assert told.exists() == there
    assert told.read_text() == "a verdict\n"
