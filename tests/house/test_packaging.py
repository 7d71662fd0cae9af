"""What a release says of itself: one version, lower bounds for users, exact pins for us alone."""

from __future__ import annotations

import re
import tomllib
from importlib import metadata
from typing import Any

import pytest

import backproof
from tests.project import ROOT

FRAMEWORKS = ("keras", "torch", "jax")


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def pins() -> dict[str, str]:
    """The versions of constraints.txt, by package."""
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    found = (re.match(r"([\w.-]+)==([\w.]+)", line) for line in lines)
    return dict(match.groups() for match in found if match)


def bounded(requirements: list[str]) -> list[str]:
    """Those that exclude a later version: it may work, and only its user can try."""
    return [each for each in requirements if re.search(r"==|<|~=", each.split(";")[0])]


def test_the_version_stands_in_one_place_and_is_cited(project: dict[str, Any]) -> None:
    assert "version" not in project["project"]
    assert metadata.version("backproof") == backproof.__version__
    cited = re.search(r"^version: (.+)$", (ROOT / "CITATION.cff").read_text(), re.MULTILINE)
    assert cited
    assert cited[1] == backproof.__version__


@pytest.mark.parametrize("extra", FRAMEWORKS)
def test_users_may_have_newer_frameworks(project: dict[str, Any], extra: str) -> None:
    assert bounded(project["project"]["optional-dependencies"][extra]) == []


def test_an_upper_bound_is_seen() -> None:
    assert bounded(["torch==2.13.0", "keras>=3.15,<3.16", "jax>=0.10; python_version<'4'"]) == [
        "torch==2.13.0",
        "keras>=3.15,<3.16",
    ]


def test_the_figures_were_measured_with_pinned_versions(project: dict[str, Any]) -> None:
    extras = project["project"]["optional-dependencies"]
    wanted = {re.split(r"[<>=;]", each)[0] for name in FRAMEWORKS for each in extras[name]}
    assert wanted <= set(pins())


def test_hooks_have_the_versions_of_the_lint(project: dict[str, Any]) -> None:
    hooks = (ROOT / ".pre-commit-config.yaml").read_text()
    assert set(re.findall(r"ruff==([\w.]+)", hooks)) == {pins()["ruff"]}


def test_what_a_source_distribution_is_to_hold_is_there(project: dict[str, Any]) -> None:
    named = project["tool"]["hatch"]["build"]["targets"]["sdist"]["only-include"]
    assert [each for each in named if not (ROOT / each).exists()] == []
    assert "tests" in named
