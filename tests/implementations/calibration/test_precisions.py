"""Precisions: planted accumulators are told apart; the table is what was measured and charged."""

from __future__ import annotations

import csv
from dataclasses import replace
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from backproof.implementations import frameworks
from backproof.implementations.calibration import precisions
from backproof.implementations.calibration.calibration import asked
from backproof.implementations.calibration.inputs import Tensors, Trial, trials
from backproof.implementations.calibration.inputs.of_sums import products, sums
from backproof.implementations.calibration.inputs.trial import Values
from backproof.implementations.calibration.precisions import Machine, Precision, measured_here
from backproof.implementations.frameworks import traits
from backproof.implementations.host import processor
from backproof.mathematics.arithmetic.rounding.model import (
    HALF,
    MACHINES,
    PRECISIONS,
    TABLE,
    Rounding,
    coarseness,
    round_to,
)
from backproof.mathematics.functions import Activation
from tests.halves import slow_but
from tests.workers import Shared

SUMS = ("matmul", "row_sum", "column_sum", "sum")


def summed(terms: Values, dtype: str, accumulator: str) -> Values:
    """The sum of each row, one term after the other, and rounded to the dtype in the end."""
    if accumulator == "float64":
        return round_to(terms.sum(axis=1), dtype)
    total = np.zeros(len(terms))
    for index in range(terms.shape[1]):
        total = round_to(total + terms[:, index], accumulator).astype(np.float64)
    return round_to(total, dtype)


def planted(dtype: str, accumulator: str) -> precisions.Apply:
    """An implementation that sums in that precision."""

    def rows(terms: Values) -> Values:
        held = terms if accumulator != dtype else round_to(terms, dtype).astype(np.float64)
        return summed(held, dtype, accumulator)

    def product(a: Values, b: Values) -> Values:
        terms = a.astype(np.float64)[:, None, :] * b.T.astype(np.float64)[None, :, :]
        return rows(terms.reshape(-1, a.shape[1])).reshape(len(a), b.shape[1])

    def apply(function: str | Activation, given: Tensors) -> Tensors:
        x = given["x"].astype(np.float64)
        if function == "product":
            return {"y": round_to(x * given["kernel"], dtype)}
        if function == "affine":
            reply = {"y": product(given["x"], given["kernel"])}
            if "cotangent" in given:
                g = given["cotangent"]
                reply |= {
                    "gradient/kernel": product(given["x"].T, g),
                    "gradient/x": product(g, given["kernel"].T),
                    "gradient/bias": rows(g.T.astype(np.float64)),
                }
            return reply
        along = {"row_sum": x, "column_sum": x.T}.get(str(function), x.reshape(1, -1))
        sums = rows(along)
        if function == "mean":
            sums = round_to(sums.astype(np.float64) / x.size, dtype)
        return {"y": sums if function in ("row_sum", "column_sum") else sums[0]}

    return apply


def tried(dtype: str) -> list[Trial]:
    stream = np.random.default_rng(0)
    return [*products(dtype, stream), *sums(dtype, stream, draws=4)]


@pytest.mark.parametrize(
    ("accumulator", "dtype"),
    slow_but([("float64", HALF[0])], product(["float64", "float32", "the dtype"], HALF), 1.5),
)
def test_a_planted_accumulator_is_found(dtype: str, accumulator: str) -> None:
    own = dtype if accumulator == "the dtype" else accumulator
    apply, model = planted(dtype, own), Rounding.of(dtype)
    found = precisions.measure("planted", "eager", apply, model, tried(dtype))
    by_name = {each.operation: each for each in found}
    for operation in SUMS:
        assert by_name[operation].precision == own
        assert by_name[operation].used <= 1
        assert by_name[operation].finer > 1 or own == "float64"


@pytest.mark.slow(1.5)
def test_a_sum_that_no_rule_covers_is_told() -> None:
    right = planted("bfloat16", "float32")

    def wrong(function: str | Activation, given: Tensors) -> Tensors:
        reply = right(function, given)
        return {**reply, "y": reply["y"] * 2} if function == "row_sum" else reply

    found = precisions.measure("x", "y", wrong, Rounding.of("bfloat16"), tried("bfloat16"))
    used = {each.operation: each.used for each in found}
    assert used["row_sum"] > 1
    assert used["matmul"] <= 1


@pytest.fixture(scope="module")
def table() -> list[dict[str, str]]:
    return list(csv.DictReader(PRECISIONS.read_text().splitlines()))


def test_every_operation_of_the_table_keeps_to_its_rule(table: list[dict[str, str]]) -> None:
    measured = {(line["implementation"], line["dtype"]) for line in table}
    assert measured == {(name, dtype) for name in frameworks.names() for dtype in HALF}
    assert all(float(line["used"]) <= 1 for line in table)
    assert all(float(line["finer"]) > 1 or line["precision"] == "float64" for line in table)


def test_the_coarsest_of_all_modes_is_charged(table: list[dict[str, str]]) -> None:
    for name in frameworks.names():
        for dtype in HALF:
            model = Rounding.declared(traits(name), dtype, calibrated=True)
            declared = {operation: (p, underflow) for operation, p, underflow in model.inside}
            for line in table:
                if (line["implementation"], line["dtype"]) == (name, dtype):
                    if line["mode"] not in traits(name).modes:
                        continue
                    precision, underflow = declared[line["operation"]]
                    ours = Rounding.of(line["precision"].partition(",")[0]).unit
                    assert Rounding.of(precision.partition(",")[0]).unit >= ours
                    assert underflow == "flushed" or line["underflow"] == "gradual"


def test_what_the_frameworks_differ_in_is_in_the_table() -> None:
    """All sum products in float32; a bias's gradient in bfloat16, two of them not."""
    for name in frameworks.names():
        for dtype in HALF:
            known = Rounding.declared(traits(name), dtype, calibrated=True)
            assert known.unit_in("matmul") == 2.0**-24
    units = {
        name: Rounding.declared(traits(name), "bfloat16", calibrated=True).unit_in("column_sum")
        for name in frameworks.names()
    }
    assert units == {"torch": 2.0**-24, "keras": 2.0**-8, "jax": 2.0**-8}
    keras = Rounding.declared(traits("keras"), "float16", calibrated=True)
    assert keras.unit_in("sum") == 2.0**-11


def test_nothing_is_declared_in_other_dtypes_or_where_it_does_not_hold() -> None:
    for name in frameworks.names():
        for dtype in ("float64", "float32"):
            assert Rounding.declared(traits(name), dtype, calibrated=True) == Rounding.declared(
                traits(name), dtype
            )
            assert not Rounding.declared(traits(name), dtype).inside
        for dtype in HALF:
            bare = Rounding.declared(traits(name), dtype)
            assert not bare.inside
            assert bare.unit == 2 * Rounding.of(dtype).unit
            assert bare.ulps("sigmoid") == 6


@pytest.mark.slow(11)
def test_pytorch_is_as_the_table_says(table: list[dict[str, str]], shared: Shared) -> None:
    """Measured again: every operation of PyTorch in bfloat16.

    On another processor than the table's they may compute in something else. Whether the table
    holds there, as it is tried before it counts, is what measuring all of it says too.
    """
    known = {
        line["operation"]: line["precision"]
        for line in table
        if (line["implementation"], line["dtype"]) == ("torch", "bfloat16")
    }
    model = Rounding.declared(traits("torch"), "bfloat16", calibrated=True)
    bare = replace(model, inside=())
    ask = partial(asked, shared("torch", dtype="bfloat16").by_name["torch"], "eager")
    replies: dict[tuple[str | Activation, int], Tensors] = {}
    tried = trials("bfloat16")

    def apply(function: str | Activation, given: Tensors) -> Tensors:
        """What it gives is looked at twice, and asked for once."""
        key = function, id(given)
        if key not in replies:
            replies[key] = ask(function, given)
        return replies[key]

    found = precisions.measure("torch", "eager", apply, bare, tried)
    holds = precisions.hold(apply, model, tried)
    declared = {operation: coarseness(precision) for operation, precision, _ in model.inside}
    assert holds is all(coarseness(each.precision) <= declared[each.operation] for each in found)
    if measured_here("torch", "bfloat16"):
        assert {each.operation: each.precision for each in found} == known
    assert all(each.used <= 1 for each in found)


@pytest.mark.parametrize("dtype", slow_but([], HALF, 2))
def test_what_is_declared_is_tried_elsewhere(dtype: str) -> None:
    """Sums in float32 hold where a float32 or a float64 accumulates, and not in the dtype."""
    model = Rounding.of(dtype)
    for operation in SUMS:
        model = model.computing(operation, "float32", "flushed")
    found = [
        precisions.hold(planted(dtype, accumulator), model, tried(dtype))
        for accumulator in ("float64", "float32", dtype)
    ]
    assert found == [True, True, False]


def test_tables_count_where_they_were_measured(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Same versions, same processor, same settings; an unknown processor is never the same."""
    path = tmp_path / "machines.csv"
    monkeypatch.setattr(precisions, "MACHINES", path)

    def measured_on(*machines: Machine) -> bool:
        path.write_text(precisions.machines_to_csv(list(machines)))
        return measured_here("torch", "bfloat16")

    monkeypatch.setattr(processor, "processor", lambda: "Vendor avx2")
    here = Machine.here("torch", "bfloat16")
    assert measured_on(here)
    assert not measured_on(Machine("torch", "float16", here.software, here.hardware))
    assert not measured_on(Machine("torch", "bfloat16", "torch 1.0", here.hardware))
    assert not measured_on(Machine("torch", "bfloat16", here.software, "Vendor avx2 avx512f"))
    monkeypatch.setenv("ATEN_CPU_CAPABILITY", "default")
    assert not measured_on(here)
    monkeypatch.setattr(processor, "processor", lambda: "unknown")
    assert not measured_on(Machine.here("torch", "bfloat16"))


def test_the_machines_are_those_of_the_tables(table: list[dict[str, str]]) -> None:
    lines = list(csv.DictReader(MACHINES.read_text().splitlines()))
    kept = {(line["implementation"], line["dtype"]) for line in lines}
    assert kept == {(line["implementation"], line["dtype"]) for line in table}
    assert all("unknown" not in line["hardware"] for line in lines)


def test_the_table_is_written_as_it_is_kept(table: list[dict[str, str]]) -> None:
    found = [
        Precision(
            *(line[key] for key in ("implementation", "mode", "operation", "dtype")),
            line["precision"],
            line["underflow"],
            float(line["used"]),
            float(line["finer"]),
            int(line["results"]),
        )
        for line in table
    ]
    assert precisions.to_csv(found) == PRECISIONS.read_text()


def test_calibrating_one_dtype_keeps_the_lines_of_the_others() -> None:
    for path in (PRECISIONS, MACHINES, TABLE):
        kept = path.read_text()
        head, *lines = kept.splitlines(keepends=True)
        ours = [line for line in lines if line.startswith("jax,") and ",bfloat16," in line]
        assert ours
        assert precisions.renewed(kept, head + "".join(ours)) == kept
        fewer = [line for line in lines if line not in ours[1:]]
        assert precisions.renewed(kept, head + ours[0]) == head + "".join(fewer)
