"""A kind of layer of a user's own is one file: held to what every kind is, and judged alike."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import backproof
from backproof import Dense, Loss, Network, Node, Residual, Shared
from backproof.comparison.judging.rows import Status
from backproof.comparison.record import archive
from backproof.comparison.run import judge_again
from backproof.implementations.frameworks import load_file
from backproof.mathematics import registry
from backproof.mathematics.derivation.derivation import derived
from backproof.mathematics.faults import planted
from backproof.mathematics.faults.evaluation import computed
from backproof.mathematics.layers.kinds import LAYERS
from backproof.mathematics.network.network_file import load
from backproof.mathematics.probes.probes import probes
from tests.gauging.gate.conftest import TODAY
from tests.mathematics.layers import test_faults_of_layers as faults_of_every
from tests.mathematics.layers import test_layers as every
from tests.mathematics.layers.around import OPTIMIZER, Case, network
from tests.project import ROOT

FILE = Path(__file__).parent / "own_layers" / "scaled.py"


@pytest.fixture(autouse=True)
def own(monkeypatch: pytest.MonkeyPatch) -> type[Any]:
    """The kind, as other tests do not know it."""
    for held in ("_entered", "_sources"):
        monkeypatch.setattr(LAYERS, held, dict(getattr(LAYERS, held)))
    load_file(FILE)
    return LAYERS.get("scaled")


@pytest.fixture
def cases(own: type[Any]) -> list[Case]:
    return [Case(*each) for each in own.examples()]


def in_a_graph(own: type[Any]) -> Network:
    """In a skip, and once more with the same factors."""
    return Network(
        (
            Dense(3, 3, "tanh"),
            Residual(own()),
            Node("again", own(), shared={"factor": Shared("scaled_1/factor")}),
            Dense(3, 2),
        ),
        Loss("squared_error"),
    )


def test_it_is_held_to_what_every_kind_is(cases: list[Case]) -> None:
    every.test_every_kind_has_examples()
    for case in cases:
        every.test_shapes_are_as_it_says(case)
        every.test_it_counts_an_input_and_a_parameter_each(case)
        every.test_backwards_is_the_derivative_of_forwards(case)
        every.test_it_survives_json(case)
        every.test_its_derivation_is_told(case)
        for dtype in ("float64", "float32"):
            every.test_what_code_computes_lies_within_its_balls(case, dtype)


def test_its_probe_is_among_those_of_a_network(cases: list[Case], own: type[Any]) -> None:
    (probe,) = own.hostile
    assert faults_of_every.changes(network(cases[0]), "scaled", probe)
    names = [each.name for each in probes(network(cases[0]), OPTIMIZER, "float64")]
    assert "scaled_zero_factor" in names


def subject(of: Network, at: Any = None) -> Any:
    """The definition in floating point, with a fault where there is one."""
    given = () if at is None else (at,)

    def evaluated(parameters: Any, batch: Any) -> dict[str, Any]:
        found = computed(of, OPTIMIZER, parameters, batch, *given)
        kept = ("activation", "gradient", "updated")
        return {n: v for n, v in found.items() if n == "loss" or n.split("/")[0] in kept}

    return evaluated


def verified(of: Network, references: tuple[str, ...], at: Any = None) -> backproof.Report:
    return backproof.verify(
        of, subject(of, at), optimizer=OPTIMIZER, references=references, steps=2, root=ROOT
    )


def test_it_matches_in_every_framework_and_is_judged_again(own: type[Any], tmp_path: Path) -> None:
    report = verified(in_a_graph(own), ("keras", "torch", "jax"))
    assert report.passed, report.cause
    rows = [row for row in report.rows if row.tensor == "scaled_1/factor"]
    assert {row.reference for row in rows} == {"keras", "torch", "jax"}
    assert {row.status for row in rows} == {Status.MATCH}
    certified = [row.subject_digits for row in report.rows if row.tensor == "again"]
    assert any(digits is not None and digits > 14 for digits in certified)
    report.write(tmp_path)
    (record,) = archive.load(tmp_path).records
    assert record.network == in_a_graph(own)
    (again,) = judge_again([record], TODAY)
    assert sorted(map(str, again.rows)) == sorted(map(str, report.rows))


@pytest.mark.parametrize("fault", ["factor_forgotten_backwards", "gradient_by_the_output"])
def test_a_fault_of_it_is_planted_found_and_named(fault: str, own: type[Any]) -> None:
    of = in_a_graph(own)
    plant = next(each for each in planted(of, OPTIMIZER) if each.fault.name == fault)
    report = verified(of, ("torch",), plant.intervene)
    assert report.status is Status.MISMATCH
    assert plant.fault.sentence in report.cause


def test_its_derivation_is_told(own: type[Any]) -> None:
    told = derived(in_a_graph(own))
    assert r"A_{2} = A_{1} \odot (\mathbf{1}\, \gamma_{2}^\top)" in told
    assert r"\frac{\partial L}{\partial \gamma_{2}}" in told


def test_a_file_may_name_it_and_a_worker_loads_it(own: type[Any], tmp_path: Path) -> None:
    path = tmp_path / "network.toml"
    path.write_text('inputs = [3]\n[[layers]]\nkind = "scaled"\n[loss]\nkind = "squared_error"\n')
    assert load(path)[0] == Network((own(),), Loss("squared_error"), inputs=(3,))
    assert str(FILE) in registry.files()


def test_without_its_file_a_record_of_it_says_what_is_unknown(
    own: type[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    described = in_a_graph(own).to_json()
    monkeypatch.setattr(LAYERS, "_entered", {})
    with pytest.raises(backproof.UsageError, match="node 'scaled_1': no layer 'scaled'; there are"):
        Network.from_json(described)
