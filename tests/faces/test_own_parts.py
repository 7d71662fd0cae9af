"""An activation, an optimizer and a report format of a user's own: a file each, and nothing else.

They get bounds, certified values, twins in every framework, faults, random networks, a derivation.
"""

from __future__ import annotations

import datetime
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import backproof
from backproof import Batch, Dense, Loss, Network, UsageError, register
from backproof.comparison.bounds.models import traits_of
from backproof.comparison.judging.rows import Status
from backproof.comparison.record import archive
from backproof.comparison.run import Workers, judge_again
from backproof.gauging.fuzzing import drawing, fuzzing
from backproof.implementations import frameworks, worker
from backproof.implementations.frameworks import load_file
from backproof.mathematics import functions, optimizers, registry
from backproof.mathematics.arithmetic.balls.ball import Ball
from backproof.mathematics.arithmetic.balls.operations import BallOps
from backproof.mathematics.arithmetic.certified import Certified, certify
from backproof.mathematics.arithmetic.floating import Float
from backproof.mathematics.arithmetic.rounding.model import Rounding, round_to
from backproof.mathematics.arithmetic.rounding.traits import NUMPY
from backproof.mathematics.definition.evaluate import evaluate
from backproof.mathematics.definition.sites import Intervention, unchanged
from backproof.mathematics.definition.step import step
from backproof.mathematics.derivation.derivation import derived
from backproof.mathematics.faults import planted
from backproof.mathematics.network.parameters import Parameters
from tests.project import ROOT

FILES = sorted((Path(__file__).parent / "own_parts").glob("*.py"))
ALL = ("keras", "torch", "jax")


@pytest.fixture(autouse=True)
def own() -> Iterator[None]:
    """The parts as other tests do not know them."""
    functions.names(), optimizers.names()
    known = {sort: (dict(each._entered), dict(each._sources)) for sort, each in SORTS.items()}
    for path in FILES:
        load_file(path)
    yield
    for sort, (entered, sources) in known.items():
        SORTS[sort]._entered, SORTS[sort]._sources = entered, sources


SORTS = registry.SORTS


def network() -> Network:
    return Network(
        (Dense(3, 4, "square"), Dense(4, 2, "square"), Dense(2, 1)), Loss("squared_error")
    )


def subject(of: Network, intervene: Intervention = unchanged) -> Any:
    """The definition in floating point, with a fault where there is one."""
    optimizer = optimizers.from_json({"name": "halving"})

    def own(parameters: Parameters, batch: Batch) -> dict[str, Any]:
        values: dict[str, Any] = dict(evaluate(Float(), of, parameters, batch, intervene))
        values |= step(Float(), of, parameters, values, optimizer, intervene)
        kept = ("activation", "loss", "gradient", "updated")
        return {
            name: value
            for name, value in values.items()
            if name.split("/")[0] in kept and name != "loss/rows" and name != "loss/slope"
        }

    return own


def verified(references: tuple[str, ...], **more: Any) -> backproof.Report:
    return backproof.verify(
        network(),
        subject(network(), **more),
        optimizer=optimizers.from_json({"name": "halving"}),
        references=references,
        steps=3,
        root=ROOT,
    )


@pytest.mark.slow(2)
def test_they_match_in_every_framework_and_are_certified(tmp_path: Path) -> None:
    report = verified(ALL)
    assert report.passed, report.cause
    rows = [row for row in report.rows if row.tensor == "mean/dense_1/kernel"]
    assert {row.reference for row in rows} == set(ALL)
    assert all(row.status is Status.MATCH for row in rows)
    certified = [row.subject_digits for row in report.rows if row.quantity == "activation"]
    assert any(digits is not None and digits > 14 for digits in certified)
    report.write(tmp_path)
    assert (tmp_path / "brief.txt").read_text() == "MATCH\n"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("activation/missing (dense_1)", "in dense_1, the activation is left out"),
        ("derivative/missing (dense_1)", "in dense_1, the derivative of the activation is missing"),
        ("update/rate_twice", "the learning rate is applied twice"),
    ],
)
def test_a_fault_in_them_is_planted_found_and_named(name: str, told: str) -> None:
    plants = planted(network(), optimizers.from_json({"name": "halving"}))
    (plant,) = (plant for plant in plants if plant.name == name)
    report = verified(("torch",), intervene=plant.intervene)
    assert report.status is Status.MISMATCH
    assert report.cause.startswith(told)


def test_a_stored_run_is_judged_again_where_their_files_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = verified(("torch",))
    report.write(tmp_path / "report")

    def forgotten() -> None:
        for each in SORTS.values():
            each._entered, each._sources = {}, {}

    forgotten()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=r"own_parts/square\.py, which is not there: replay it in"):
        archive.load(tmp_path / "report")
    monkeypatch.chdir(ROOT)
    (record,) = archive.load(tmp_path / "report").records
    assert repr(record.network) == repr(report.records[0].network)
    assert record.parts == tuple(f"tests/faces/own_parts/{path.name}" for path in FILES)
    (judged,) = judge_again([record], datetime.date(2026, 1, 1))
    assert {row.status for row in judged.rows} == {Status.MATCH}


def test_no_file_outside_of_the_project_is_executed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "other.py").write_text("raise AssertionError")
    place = tmp_path / "project"
    place.mkdir()
    monkeypatch.chdir(place)
    given = ["../other.py", str(tmp_path / "other.py")]
    (place / "record.json").write_text(json.dumps({"parts": given}))
    assert archive.load_parts(place) == given


VALUES = ("value", "pulled")


def of_square(ops: Any, z: Any, g: Any) -> dict[str, Any]:
    f = functions.named("square")
    held = ops.exact(z)
    a = ops.activate(f, held)
    return dict(zip(VALUES, (a, ops.vjp(f, held, a, ops.exact(g))), strict=True))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_its_balls_hold_what_other_code_computes(dtype: str) -> None:
    stream = np.random.default_rng(0)
    z, g = (round_to(stream.normal(size=(50, 4)), dtype) for _ in range(2))
    rounding = Rounding.of(dtype)
    truths = certify(lambda ops: of_square(ops, z, g), rounding.unit)
    balls: dict[str, Ball] = of_square(BallOps(rounding), z.astype(float), g.astype(float))
    two = z.dtype.type(2)
    for name, computed in (("value", z**2), ("pulled", two * (g * z)), ("pulled", g * (two * z))):
        radius = balls[name].radius
        assert radius is not None
        error = truths[name].error(computed.astype(float))
        assert (error <= radius).all()
        assert error.max() > 0.2 * radius.max()


@pytest.mark.slow(3)
def test_random_networks_have_them() -> None:
    found = drawing.bucket(drawing.LARGE, 60, 0)
    drawn = [layer.activation.name for network, _ in found for layer in network.layers]
    assert "square" in drawn
    with Workers(["torch"], "float64", ROOT) as workers:
        tally, failed, why = fuzzing.fuzz(workers, 40, 3, lambda _: None)
    assert failed is None, why
    assert tally.statuses[Status.MATCH]


def test_its_derivation_is_told() -> None:
    told = derived(network(), optimizer=optimizers.from_json({"name": "halving"}))
    assert r"A_{1} = Z_{1} \odot Z_{1}" in told
    assert r"\odot (2 Z_{1})" in told
    assert "Halving, for each parameter W" in told
    assert r"W \leftarrow W - 0.25\, m" in told


def test_they_survive_json_and_say_who_they_are() -> None:
    assert Network.from_json(network().to_json()) == network()
    assert "activation=Square()" in repr(network())
    assert registry.files() == [str(path) for path in FILES]


def test_a_file_that_has_changed_is_loaded_again(tmp_path: Path) -> None:
    path = tmp_path / "part.py"
    path.write_text("import builtins\nbuiltins.loaded_by_test = []\n")
    try:
        worker.load_parts([str(path)])
        path.write_text("import builtins\nbuiltins.loaded_by_test.append(1)\n")
        os.utime(path, (0, 0))
        for _ in range(2):
            worker.load_parts([str(path)])
        assert __builtins__["loaded_by_test"] == [1]  # type: ignore[index]
    finally:
        __builtins__.pop("loaded_by_test", None)  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Bare(functions.Activation):
    """The square, and no twin."""

    name = "bare"

    def latex(self) -> tuple[str, str]:
        return "Z", "1"

    def value(self, z: Any) -> Any:
        return z

    def vjp(self, z: Any, a: Any, cotangent: Any) -> Any:
        return cotangent

    def ball(self, z: Ball, rounding: Rounding) -> Ball:
        return z

    def vjp_ball(self, z: Ball, a: Ball, cotangent: Ball, rounding: Rounding) -> Ball:
        return cotangent

    def certified(self, z: Certified) -> Certified:
        return z

    def vjp_certified(self, z: Certified, a: Certified, cotangent: Certified) -> Certified:
        return cotangent


@pytest.mark.parametrize(
    ("framework", "title"), [("keras", "Keras"), ("torch", "PyTorch"), ("jax", "JAX")]
)
def test_a_twin_that_is_missing_is_said(framework: str, title: str) -> None:
    with pytest.raises(UsageError) as raised:
        frameworks.twin_of("activation", Bare(), framework)
    assert str(raised.value) == (
        f"no {title} twin for activation 'bare': write `{framework}` in its file, "
        "or give a model of your own"
    )


def test_so_are_missing_slots() -> None:
    class Slotted(optimizers.OPTIMIZERS.get("halving")):  # type: ignore[misc]
        name = "slotted"
        torch_slots = None

    with pytest.raises(UsageError, match="the slots of optimizer 'slotted': write `torch_slots`"):
        frameworks.slots_of(Slotted(), "torch")


def test_what_lacks_something_or_takes_a_name_is_refused() -> None:
    with pytest.raises(UsageError, match="the activation 'half' lacks ball, certified"):

        @register("activation")
        class Half(functions.Activation):
            name = "half"

    with pytest.raises(UsageError, match="backproof has an activation 'relu' of its own"):
        register("activation")(type("Other", (Bare,), {"name": "relu"}))
    with pytest.raises(UsageError, match="no sort of part 'reference'; there are activation"):
        register("reference")


def test_an_unknown_implementation_is_refused_and_the_subject_is_charged_as_numpy() -> None:
    assert traits_of("subject") is NUMPY
    with pytest.raises(UsageError, match="no reference 'mxnet'; there are jax, keras, torch"):
        traits_of("mxnet")
    with pytest.raises(UsageError, match="no reference 'numpy'"):
        traits_of("numpy")
