"""The gate's worth, measured: every fault is caught or proven to change nothing; no false alarm."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from backproof.comparison.judging.rows import Status
from backproof.comparison.pairing.pairing import Pairing, load_all
from backproof.comparison.run import Workers
from backproof.gauging.faults import mutation
from backproof.gauging.faults.mutation import Score, Verdict, gauge
from backproof.mathematics.faults import Kind, Planted, planted
from backproof.mathematics.faults import variants as forms
from backproof.mathematics.faults.equivalence import Proof
from backproof.mathematics.faults.variants import Backwards, Halves, OneByOne
from backproof.mathematics.network.loss import Loss
from backproof.mathematics.probes.probes import probes
from backproof.reports.faults import Gauged, markdown, table
from tests.faces.test_bad_input import backproof
from tests.project import ROOT
from tests.workers import Shared

PAIRINGS = {each.name: each for each in load_all([ROOT / "comparisons"])[0]}
# Networks over sequences take minutes each; what their layers get wrong is planted kind by kind.
GAUGED = {name: each for name, each in PAIRINGS.items() if not name.startswith("words_")}


@pytest.fixture(scope="module")
def workers(shared: Shared) -> Workers:
    return shared("keras", "torch")


@pytest.fixture(scope="module")
def scores(workers: Workers) -> dict[str, Score]:
    return {each.pairing: measured(each) for each in gauge(GAUGED.values(), workers)}


def measured(each) -> Score:
    assert isinstance(each, Score)
    return each


def only(pairing: Pairing, workers: Workers) -> Score:
    (score,) = gauge([replace(pairing, references={"torch": pairing.references["torch"]})], workers)
    return measured(score)


@pytest.mark.slow(5)
@pytest.mark.parametrize("name", GAUGED)
def test_no_fault_escapes_and_no_variant_is_called_wrong(name: str, scores) -> None:
    score = scores[name]
    assert [o.plant.name for o in score.outcomes if o.verdict is Verdict.ESCAPED] == []
    assert [(alarm.form, alarm.row.name) for alarm in score.alarms] == []
    assert score.share == 1
    assert len(score.outcomes) >= 70


@pytest.mark.slow(1)
@pytest.mark.parametrize("name", GAUGED)
def test_what_is_equivalent_has_a_reason_and_is_not_numerical(name: str, scores) -> None:
    for outcome in scores[name].outcomes:
        if outcome.verdict is Verdict.EQUIVALENT:
            assert outcome.plant.moot
            assert outcome.reason.startswith(outcome.plant.moot)
            assert outcome.plant.fault.kind is not Kind.NUMERICAL
        elif outcome.verdict is Verdict.ROUNDING:
            assert outcome.row is None
            assert "right code that rounds" in outcome.reason
        else:
            assert not outcome.plant.moot, outcome.plant.name
            assert outcome.row is not None


@pytest.mark.slow(1)
def test_the_families_are_all_there_in_the_report(scores) -> None:
    gauged = Gauged(list(scores.values()))
    assert gauged.exit_status == 0
    text = markdown(gauged)
    assert "100.0%" in gauged.sentence
    assert gauged.sentence in text
    rows = list(csv.DictReader(io.StringIO(table(gauged))))
    assert len(rows) == len(gauged.outcomes)
    caught = [row for row in rows if row["verdict"] == "caught"]
    assert all(row["tensor"] and row["point"] and row["reference"] for row in caught)
    assert {row["family"] for row in rows} >= {"derivative", "penalty", "measures", "overflow"}


@pytest.mark.slow(4)
def test_a_fault_that_no_point_shows_escapes(workers: Workers, monkeypatch) -> None:
    """A numerical fault below the bound, and a mathematical one below it too."""
    network, optimizer = PAIRINGS["xor"].network, PAIRINGS["xor"].optimizer
    plants = planted(network, optimizer)
    known = {p.fault.kind: p.fault for p in plants if not p.fault.remembers}

    def slightly(value, scope):
        return scope.ops.scale(value, 1 + 2.0**-52)

    hidden = tuple(
        Planted(known[kind], "", {"loss": slightly}) for kind in (Kind.NUMERICAL, Kind.MATHEMATICAL)
    )
    monkeypatch.setattr(mutation, "planted", lambda *_, **__: hidden)
    score = only(PAIRINGS["xor"], workers)
    assert [o.verdict for o in score.outcomes] == [Verdict.ESCAPED, Verdict.ESCAPED]
    assert Gauged([score]).exit_status == 1
    assert "certified values differ" in score.outcomes[1].reason
    assert "## Escaped" in markdown(Gauged([score]))


@pytest.mark.parametrize(("roundings", "verdict"), [(4, Verdict.ROUNDING), (0.25, Verdict.ESCAPED)])
def test_what_right_code_may_be_off_by_as_well_is_within_rounding(
    roundings: float, verdict: Verdict, workers: Workers, monkeypatch
) -> None:
    """Only as far as that goes; and it is told, and counts for nothing."""
    network, optimizer = PAIRINGS["xor"].network, PAIRINGS["xor"].optimizer
    fault = next(p.fault for p in planted(network, optimizer) if p.fault.kind is Kind.NUMERICAL)

    def slightly(value, scope):
        return scope.ops.scale(value, 1 + 2.0**-52)

    tiny = Planted(fault, "", {"loss": slightly}, roundings=roundings)
    monkeypatch.setattr(mutation, "planted", lambda *_, **__: (tiny,))
    score = only(PAIRINGS["xor"], workers)
    (outcome,) = score.outcomes
    assert outcome.verdict is verdict
    assert score.share == 0
    within = verdict is Verdict.ROUNDING
    assert ("right code in float64 may be off by 4.4e-16" in outcome.reason) == within
    assert ("## Within rounding" in markdown(Gauged([score]))) == within


def test_a_loss_of_many_terms_is_off_by_half_of_them() -> None:
    """By as many roundings as its terms have, the largest first, if each addition loses u."""
    lowered = {
        name: next(
            p.roundings
            for p in planted(PAIRINGS[name].network, PAIRINGS[name].optimizer)
            if p.name == "precision/loss"
        )
        for name in ("xor", "captcha")
    }
    weights = 260 * 200 + 200 * 200 + 200 * 36  # each in a penalty; and 36 outputs
    assert lowered == {"xor": 0, "captcha": (weights + 36 - 1) / 2}
    terms = np.sort(np.random.default_rng(1).random(1000) ** 4)[::-1]
    total, unit = 0.0, 2.0**-24
    for count, term in enumerate(terms):
        total = (total + term) * (1 - unit if count else 1)
    off = (terms.sum() - total) / terms.sum()
    assert 999 / 2 <= off / unit <= 999


def test_a_numerical_fault_is_never_called_equivalent(workers: Workers, monkeypatch) -> None:
    network, optimizer = PAIRINGS["xor"].network, PAIRINGS["xor"].optimizer
    fault = next(p.fault for p in planted(network, optimizer) if p.fault.kind is Kind.NUMERICAL)
    nothing = Planted(fault, "", {"loss": lambda value, scope: value})
    monkeypatch.setattr(mutation, "planted", lambda *_, **__: (nothing,))
    (outcome,) = only(PAIRINGS["xor"], workers).outcomes
    assert outcome.verdict is Verdict.ESCAPED


def test_a_variant_that_is_wrong_is_a_false_alarm(workers: Workers, monkeypatch) -> None:
    def wrong(*given):
        values = forms.FORMS[forms.DEFINITION](*given)
        return values | {"loss": np.asarray(values["loss"] * (1 + 1e-9))}

    monkeypatch.setattr(forms, "FORMS", {**forms.FORMS, "a little off": wrong})
    score = only(PAIRINGS["xor"], workers)
    assert {alarm.form for alarm in score.alarms} == {"a little off"}
    assert {alarm.row.status for alarm in score.alarms} == {Status.MISMATCH}
    gauged = Gauged([score])
    assert gauged.exit_status == 1
    assert "a little off" in markdown(gauged)
    assert "false alarm" in table(gauged)


def test_a_network_that_describes_no_twin_cannot_be_measured(workers: Workers) -> None:
    """Every fault would be caught there, for the wrong reason."""
    xor = PAIRINGS["xor"]
    wrong = replace(xor.network, loss=Loss("squared_error", batch="sum", scale=0.4))
    score = only(replace(xor, network=wrong), workers)
    assert score.void
    assert score.outcomes == []
    gauged = Gauged([score])
    assert gauged.exit_status == 1
    assert "not measured" in gauged.sentence.lower()


def test_without_twins_nothing_is_measured(monkeypatch) -> None:
    with Workers(["torch"], "float64", ROOT) as workers:
        workers.by_name["torch"].kill()
        score = only(PAIRINGS["xor"], workers)
    assert score.void
    assert Gauged([score]).exit_status == 3


def test_a_proof_sees_what_changes_and_what_does_not() -> None:
    circles = PAIRINGS["circles"]
    network, optimizer = circles.network, circles.optimizer
    plants = planted(network, optimizer)
    chosen = {p.name: p for p in plants if p.fault.name in ("applied_twice", "half", "percent")}
    proof = Proof(network, optimizer, "float64", tuple(chosen.values()))
    for probe in probes(network, optimizer, "float64"):
        proof.at(probe.parameters, probe.batch)
    same = {plant.name for plant, holds in proof.values.items() if holds}
    assert same == {
        f"{family}/applied_twice (dense_{index})"
        for family in ("activation", "derivative")
        for index in (1, 2)
    }


def test_a_site_that_nothing_compared_depends_on_is_equivalent_too() -> None:
    """Sites change, compared values do not: twice the logits' gradient, half of it in the end."""
    circles = PAIRINGS["circles"]
    network, optimizer = circles.network, circles.optimizer
    fault = planted(network, optimizer)[0].fault

    def scaled(factor):
        return lambda value, scope: scope.ops.scale(value, factor)

    undone = Planted(fault, "", {"loss/rows": scaled(2.0), "loss/data": scaled(0.5)})
    proof = Proof(network, optimizer, "float64", (undone,))
    probe = probes(network, optimizer, "float64")[0]
    proof.at(probe.parameters, probe.batch)
    assert proof.values[undone]
    assert not proof.sites[undone]


@pytest.mark.slow(3)
def test_the_command_line_prints_what_was_caught_and_writes_it(tmp_path: Path) -> None:
    done = backproof(
        "faults", "xor", "--reference", "torch", "--report", str(tmp_path / "out"), cwd=ROOT
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "caught      derivative/missing (dense_1): gradient/dense_1/kernel at" in done.stdout
    assert "equivalent  update/rate_twice: the learning rate is 1" in done.stdout
    assert "0 false alarms" in done.stdout
    assert (tmp_path / "out" / "faults.md").read_text().startswith("# How good the gate is")
    assert (tmp_path / "out" / "faults.csv").read_text().startswith("pairing,family,fault")


def test_a_pairing_that_is_not_there_is_wrong_usage() -> None:
    done = backproof("faults", "xo", cwd=ROOT)
    assert done.returncode == 2
    assert "did you mean 'xor'?" in done.stderr


def test_a_sum_over_any_axes_is_that_of_its_terms() -> None:
    """In every order in which the fault-free forms take them."""
    a = np.arange(24.0).reshape(2, 3, 4)
    for ops in (Backwards(), OneByOne(), Halves()):
        for axis in (None, 0, 1, 2, (0, 2), (1, 2)):
            np.testing.assert_array_equal(ops.total(a, axis=axis), a.sum(axis=axis))
        np.testing.assert_array_equal(ops.matmul(a, a.swapaxes(1, 2)), a @ a.swapaxes(1, 2))
