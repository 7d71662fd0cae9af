"""The trainings of the project's own recipes: minutes of work, so one test takes them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from backproof.reproduction import jobs
from backproof.reproduction.jobs import Plan
from backproof.reproduction.published import FILE, Published, load
from backproof.reproduction.recipe import Outcome
from backproof.reproduction.run import TIME_LIMIT, recipes
from tests.gauging.gate.conftest import ROOT

FOLDER = ROOT / "comparisons" / "reproduce"
EVIDENCE = ROOT / "reports"
# What the tests can afford of a full run: all trainings in full, by hand and in Keras; of those on
# moved data some, among them what moves the numbers most; of the samples the first seeds. PyTorch's
# trainings, which take the longest, are left out.
REFERENCES = ("keras",)
MOVED = {
    "circles": [f"samples in order {seed}" for seed in (0, 2, 4)],
    "clusters": [
        f"covariance[{place}] an ulp {way}"
        for place, way in (("0, 0", "down"), ("0, 1", "up"), ("1, 0", "up"))
    ],
}
SEEDS = (0, 1)


@pytest.fixture(scope="session")
def published() -> list[Published]:
    """All published numbers."""
    return load(FOLDER / FILE)


@pytest.fixture
def plans() -> list[Plan]:
    """The project's recipes, nothing run yet."""
    found, notes = recipes(FOLDER)
    assert notes == []
    return [Plan(Outcome(recipe), path) for recipe, path in found]


@pytest.fixture
def outcomes(plans: list[Plan]) -> dict[str, Outcome]:
    """What the trainings and the first seeds come to."""
    todo = [
        job
        for plan in plans
        for job in plan.jobs()
        if job.what == plan.outcome.system  # the training itself
    ]
    todo += [beside(plan) for plan in plans if plan.outcome.system in MOVED]
    todo += [seeded(plan) for plan in plans if plan.outcome.reproduction.sampling is not None]
    for framework in REFERENCES:
        todo += jobs.of_twins(plans, framework, ROOT, TIME_LIMIT)
    jobs.run_all(todo, ROOT, jobs.cores(), TIME_LIMIT, lambda running, done: None)
    assert {plan.outcome.system: plan.outcome.errors for plan in plans if plan.outcome.errors} == {}
    return {plan.outcome.system: plan.outcome for plan in plans}


def beside(plan: Plan) -> jobs.Job:
    """The training on moved data."""
    return jobs.Job(
        f"{plan.outcome.system}, its neighbours",
        10.0,
        lambda lane: plan.beside(lane, MOVED[plan.outcome.system]),
        plan.failing("neighbours"),
    )


def seeded(plan: Plan) -> jobs.Job:
    """The samples of the first seeds."""
    return jobs.Job(
        f"{plan.outcome.system}, seeds",
        5.0,
        lambda lane: plan.sample(lane, list(SEEDS)),
        plan.failing("seeds"),
    )


def project(root: Path) -> Path:
    """A copy of the project, to be edited."""
    for folder in ("scratch", "reference", "comparisons"):
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__"))
    return root / "comparisons" / "reproduce"
