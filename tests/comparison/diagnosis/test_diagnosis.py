"""Diagnosis: the planted fault is named, and nothing that could be told apart from it."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest

from backproof.comparison.bounds.bounds import Bounds
from backproof.comparison.diagnosis import Diagnosis, Evidence, diagnose
from backproof.comparison.diagnosis.evidence import Suspect
from backproof.comparison.judging import explanation
from backproof.comparison.judging.rows import Row, Status
from backproof.comparison.pairing.pairing import Pairing
from backproof.comparison.record.record import DATA, SUBJECT, Point, Record
from backproof.comparison.run import Judged, Workers, judge_again, verify
from backproof.mathematics.arithmetic.certified import Truth, certify
from backproof.mathematics.definition.sites import Intervention, unchanged
from backproof.mathematics.faults import Planted, planted
from backproof.mathematics.faults.equivalence import agree, provable
from backproof.mathematics.faults.evaluation import faulty
from tests.comparison.diagnosis.grounds import PAIRINGS, TODAY, judged, of_pairing
from tests.comparison.diagnosis.once import once
from tests.halves import slow_but
from tests.workers import Shared

# Enough of them to meet every activation, loss and penalty; the others differ in sizes alone.
CHOSEN = ("xor", "circles", "clusters", "layered_half", "layered_cross_entropy")


def plants_of(name: str) -> list[Planted]:
    pairing = PAIRINGS[name]
    found = planted(pairing.network, pairing.optimizer, saturates=pairing.saturates)
    return [plant for plant in found if not plant.moot]


def with_fault(name: str, suspect: Suspect | Planted, *, dtype: str = "float64") -> Record:
    """The pairing's first steps and probes, computed by its definition with a fault."""
    return of_pairing(PAIRINGS[name], suspect.intervene, dtype=dtype)


def diagnosed(record: Record) -> tuple[Evidence, Diagnosis | None]:
    evidence = Evidence(record, Bounds(record), SUBJECT)
    return evidence, diagnose(evidence)


def named(diagnosis: Diagnosis) -> list[frozenset[str]]:
    return [frozenset(p.name for p in cause.suspect.plants) for cause in diagnosis.causes]


def alike(name: str, planted: Planted, told: Planted) -> bool:
    """Whether one fault by itself has the numbers of the other, at every point."""
    if planted.name == told.name:
        return True
    evidence = Evidence(record := with_fault(name, planted), Bounds(record), SUBJECT)
    suspect = Suspect((told,))
    return bool(evidence.off) and all(evidence.fit(suspect, p).whole for p in evidence.points)


def rows_with(pairing: Pairing, workers: Workers, subject) -> list[Row]:
    (found,) = verify([replace(pairing, subject=subject)], workers, TODAY, certified=False)
    assert isinstance(found, Judged)
    return found.rows


def named_plant(name: str, plant: str) -> Planted:
    return next(each for each in plants_of(name) if each.name == plant)


@once()
@pytest.mark.parametrize("name", slow_but([], CHOSEN, 10))
def test_the_planted_fault_is_named_and_no_other_that_can_be_told_apart(name: str) -> None:
    plants, hits = plants_of(name), 0
    for plant in plants:
        evidence, diagnosis = diagnosed(with_fault(name, plant))
        assert diagnosis is not None, plant.name
        hit = frozenset({plant.name}) in named(diagnosis)
        hits += hit and all(
            evidence.fit(cause.suspect, point).whole
            for cause in diagnosis.causes
            for point in evidence.points
        )
    assert hits >= 0.95 * len(plants)


@once()
@pytest.mark.parametrize("name", slow_but([], CHOSEN, 6))
def test_pairs_of_faults_are_named(name: str) -> None:
    """In four of five cases: by both names, or by one if the numbers are those of one alone.

    A name of another fault will do, whose numbers are the same: in the first layer, say, where a
    delta counted twice is all gradients of the layer counted twice.
    """
    chance = random.Random(20)
    cases = [tuple(chance.sample(plants_of(name), 2)) for _ in range(40)]
    hits = looked_at = 0
    for pair in cases:
        evidence, diagnosis = diagnosed(with_fault(name, Suspect(pair)))
        if diagnosis is None:
            assert cancel(name, pair)
            continue
        looked_at += 1
        found = named(diagnosis)
        both = frozenset(plant.name for plant in pair)
        hits += (
            both in found
            or any(one <= both for one in found)
            or any(
                all(alike(name, *pairs) for pairs in zip(pair, told, strict=True))
                for cause in diagnosis.causes
                if len(cause.suspect.plants) == 2
                for told in permutations(cause.suspect.plants)
            )
        )
        for cause in diagnosis.causes:
            assert all(evidence.fit(cause.suspect, point).whole for point in evidence.off)
    assert hits >= 0.8 * looked_at


def cancel(name: str, pair: tuple[Planted, ...]) -> bool:
    """Whether two faults are proven to be none together: certified, at every point."""
    record = with_fault(name, Suspect(pair))
    given = (record.network, record.optimizer)

    def certified(point: Point, intervene: Intervention) -> dict[str, Truth]:
        state, batch = record.parameters[point], record.batch(point)
        return certify(lambda ops: faulty(ops, *given, state, batch, intervene), 2.0**-53)

    for point in record.parameters:
        right, wrong = certified(point, unchanged), certified(point, Suspect(pair).intervene)
        if not all(agree(right[tensor], wrong[tensor], 2.0**-53) for tensor in right):
            return False
    return all(provable(plant) for plant in pair)


def test_two_faults_that_cancel_are_none() -> None:
    pair = (named_plant("xor", "scale/value_half"), named_plant("xor", "scale/value_double"))
    assert diagnosed(with_fault("xor", Suspect(pair)))[1] is None
    assert cancel("xor", pair)
    assert not cancel("xor", pair[:1])


def test_two_signs_that_cancel_are_no_fault() -> None:
    """A reversed error and an ascending step make a right step, but gradients of the wrong sign."""
    pair = (named_plant("xor", "sign/error_reversed"), named_plant("xor", "sign/ascends"))
    _, diagnosis = diagnosed(with_fault("xor", Suspect(pair)))
    assert diagnosis is not None
    assert frozenset(plant.name for plant in pair) in named(diagnosis)


def test_without_a_mismatch_nothing_is_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_):
        raise AssertionError("no mismatch, but a diagnosis")

    record = with_fault("circles", Suspect(()))
    assert diagnosed(record)[1] is None
    monkeypatch.setattr(explanation, "diagnose", never)
    monkeypatch.setattr(explanation, "Evidence", never)
    assert {row.status for row in judged(record)} == {Status.MATCH}


def test_every_row_of_a_mismatch_has_the_cause_and_says_who_is_wrong_in_its_detail() -> None:
    rows = judged(with_fault("circles", named_plant("circles", "derivative/missing (dense_2)")))
    wrong = [row for row in rows if row.status is Status.MISMATCH]
    assert {row.cause for row in wrong} == {
        "in dense_2, the derivative of the activation is missing from the delta "
        "(it should be: δ_k = (δ_{k+1} W_{k+1}ᵀ) ⊙ f_k′(z_k))"
    }
    assert all("torch is within its bound of the definition" in row.detail for row in wrong)


def test_another_loss_is_told_apart_from_a_wrong_gradient() -> None:
    convention = named_plant("circles", "reduction/summed_over_batch")
    _, diagnosis = diagnosed(with_fault("circles", convention))
    assert diagnosis is not None
    assert diagnosis.sentence.startswith("right gradient of another loss: the loss and its")
    wrong = named_plant("circles", "reduction/gradient_summed_over_batch")
    _, diagnosis = diagnosed(with_fault("circles", wrong))
    assert diagnosis is not None
    assert "right" not in diagnosis.sentence


def test_causes_that_no_point_tells_apart_are_all_named() -> None:
    """Without biases a missing derivative in the delta shows in the kernel's gradient alone."""
    _, diagnosis = diagnosed(with_fault("xor", named_plant("xor", "derivative/missing (dense_1)")))
    assert diagnosis is not None
    assert named(diagnosis) == [
        {"assembly/before_derivative (dense_1)"},
        {"derivative/missing (dense_1)"},
    ]
    assert diagnosis.sentence.startswith("no point tells these apart: in dense_1, ")


@pytest.mark.parametrize("name", ["derivative/missing (dense_2)", "penalty/gradient_missing"])
def test_float32_is_diagnosed_too(name: str) -> None:
    pairing = "circles" if name.startswith("derivative") else "clusters"
    _, diagnosis = diagnosed(with_fault(pairing, named_plant(pairing, name), dtype="float32"))
    assert diagnosis is not None
    assert {name} in named(diagnosis)


def test_a_nan_is_explained_by_what_makes_it() -> None:
    plant = named_plant("clusters", "overflow/softmax_global_maximum")
    rows = judged(with_fault("clusters", plant))
    errors = [row for row in rows if row.status is Status.ERROR]
    assert errors
    assert all("the softmax takes the maximum of the whole batch off" in r.cause for r in errors)


@pytest.fixture(scope="module")
def torch_worker(shared: Shared) -> Workers:
    return shared("torch")


@pytest.mark.parametrize("stays", [False, True], ids=["then_right_again", "stays_wrong"])
def test_a_fault_at_step_57_is_reported_at_step_57(torch_worker: Workers, stays: bool) -> None:
    """Planted in the hand-written network: its rate is applied twice from the 58th step on."""
    xor, calls = PAIRINGS["xor"], []

    def subject(parameters, batch):
        calls.append(1)
        results = dict(xor.subject(parameters, batch))
        late = len(calls) > 57 and (stays or len(calls) <= xor.steps)
        if late:
            for name, w in parameters.items():
                results[f"gradient/{name}"] = results[f"gradient/{name}"] * 2
                results[f"updated/{name}"] = w - results[f"gradient/{name}"]
        return results

    only = replace(xor, references={"torch": xor.references["torch"]})
    rows = rows_with(only, torch_worker, subject)
    wrong = [row for row in rows if row.status is Status.MISMATCH]
    assert min(row.step for row in wrong if row.point == DATA) == 57
    assert {row.step for row in wrong if row.point == DATA} == set(range(57, 100))
    assert {row.point for row in wrong} == ({row.point for row in rows} if stays else {DATA})
    (cause,) = {row.cause for row in wrong}
    assert cause.startswith("the gradient is twice as large as the derivative of the loss")
    assert cause.endswith("from step 57 on" if stays else "from step 57 on, not at the probes")


def test_replay_finds_the_same_causes(torch_worker: Workers, tmp_path: Path) -> None:
    """Of a fault that is in no catalogue too: the slopes are stored with the evaluations."""
    xor = PAIRINGS["xor"]
    only = replace(xor, references={"torch": xor.references["torch"]}, steps=3)

    def subject(parameters, batch):
        results = dict(xor.subject(parameters, batch))
        results["gradient/dense_1/kernel"] = (
            results["gradient/dense_1/kernel"] + batch.inputs.mean()
        )
        return results

    (before,) = verify([replace(only, subject=subject)], torch_worker, TODAY)
    assert isinstance(before, Judged)
    assert before.record.slopes.keys() == xor.network.shapes().keys()
    before.record.save(tmp_path)
    (after,) = judge_again([Record.load(tmp_path)], TODAY)
    assert after.rows == before.rows
    (cause,) = {row.cause for row in after.rows if row.status is Status.MISMATCH}
    assert "no fault of the catalogue explains it" in cause
    assert "gradient/dense_1/kernel is not its own" in cause


def test_a_match_measures_no_slopes(torch_worker: Workers) -> None:
    xor = PAIRINGS["xor"]
    only = replace(xor, references={"torch": xor.references["torch"]}, steps=2)
    (found,) = verify([only], torch_worker, TODAY)
    assert isinstance(found, Judged)
    assert found.record.slopes == {}


def test_a_reference_at_fault_is_diagnosed_by_its_own_numbers() -> None:
    """Subject and reference change places: what is explained is what the reference computed."""
    record = with_fault("clusters", named_plant("clusters", "precision/penalty"))
    given = record.evaluations
    given[SUBJECT], given["torch"] = given["torch"], given[SUBJECT]
    wrong = [row for row in judged(record) if row.status is Status.MISMATCH]
    assert wrong
    for row in wrong:
        assert row.cause.startswith("reference at fault: the subject is within its bound")
        assert "the coefficient of the penalty is held in half the precision" in row.cause


def test_a_suspect_that_explains_all_but_one_tensor_is_not_named() -> None:
    """The planted fault is there, and something else besides, at one probe."""
    record = with_fault("circles", named_plant("circles", "scale/gradient_half"))
    results = record.evaluations[SUBJECT][Point("near_kink", 0)]
    results["gradient/dense_1/kernel"] = results["gradient/dense_1/kernel"] + np.eye(2, 10)
    _, diagnosis = diagnosed(record)
    assert diagnosis is not None
    assert diagnosis.causes == ()
