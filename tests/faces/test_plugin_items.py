"""What an item says of its rows, and what a run takes of its pairings."""

from __future__ import annotations

import datetime
import math
from typing import Any

import numpy as np
import pytest

from backproof import Batch, Dense, GradientDescent, Loss, Network, Pairing, Waiver
from backproof.comparison.judging.rows import Row, Status
from backproof.faces.pytest_plugin.items import explain, properties
from backproof.faces.pytest_plugin.parallel import file_name, from_json, to_json
from backproof.faces.pytest_plugin.run import Outcome


def row(status: Status, step: int = 0, point: str = "data", **more: Any) -> Row:
    """A row of one loss."""
    what = {"pairing": "xor", "subject": "s", "reference": "keras", "quantity": "loss"}
    return Row(**what, tensor="", point=point, step=step, dtype="float64", status=status, **more)


def test_passing_rows_need_no_explanation() -> None:
    rows = [
        row(Status.MATCH),
        row(Status.WAIVED, 1, cause="MISMATCH, waived until 2999-01-01: why"),
    ]
    assert explain(rows) == ""
    assert dict(properties(rows))["status"] == "WAIVED"


@pytest.mark.parametrize("status", [Status.MISMATCH, Status.ERROR, Status.UNDECIDED])
def test_one_failing_row_fails_the_item(status: Status) -> None:
    rows = [row(Status.MATCH, 0), row(status, 1, cause="a cause"), row(Status.MATCH, 2)]
    assert explain(rows) == (
        f"{status}: a cause\n"
        "  xor: loss against keras, at step 1 on the data\n"
        "  so at 1 of 3 points and steps, first at step 1 on the data"
    )
    assert dict(properties(rows))["status"] == status


def test_the_worst_row_of_each_status_is_shown_the_gravest_first() -> None:
    rows = [
        row(Status.UNDECIDED, 0, power=0.5, cause="power 0.5"),
        row(Status.MISMATCH, 1, bound=1e-9, bound_used=3.0, detail="3 where 1 is allowed"),
        row(Status.MISMATCH, 2, bound=1e-9, bound_used=40.0, detail="40 where 1 is allowed"),
        row(Status.ERROR, point="zero_row", cause="loss is nan"),
        row(Status.MATCH, 3, bound=1e-9, bound_used=0.5, power=0.125),
    ]
    assert explain(rows).splitlines() == [
        "MISMATCH: 40 where 1 is allowed",
        "  xor: loss against keras, at step 2 on the data, 40 times the bound",
        "  so at 2 of 5 points and steps, first at step 1 on the data",
        "ERROR: loss is nan",
        "  xor: loss against keras, at probe zero_row",
        "  so at 1 of 5 points and steps, first at probe zero_row",
        "UNDECIDED: power 0.5",
        "  xor: loss against keras, at step 0 on the data",
        "  so at 1 of 5 points and steps, first at step 0 on the data",
    ]
    assert dict(properties(rows)) == {
        "status": "MISMATCH",
        "bound": "1.0000000000000001e-09",
        "bound_used": "40",
        "power": "0.5",
        "cause": "",
    }


def test_a_bound_of_zero_has_no_multiple() -> None:
    exact = row(Status.MISMATCH, bound=0.0, bound_used=math.inf, detail="2 of 9 samples right")
    assert "times the bound" not in explain([exact])


def test_a_lost_bound_is_the_weakest() -> None:
    rows = [row(Status.UNDECIDED, power=math.nan), row(Status.UNDECIDED, 1, power=3.0)]
    assert dict(properties(rows))["power"] == "nan"


def test_nothing_compared_has_a_status_of_error() -> None:
    assert properties([]) == [("status", "ERROR")]


def test_rows_survive_their_file() -> None:
    rows = [
        row(Status.MISMATCH, bound=math.inf, bound_used=np.float32(0.5), zeros=np.int64(3)),
        row(Status.WAIVED, cause="weil: ×"),
    ]
    again = from_json(to_json(Outcome(rows, "", ("loss",))))
    assert again.omits == ("loss",)
    assert again.rows == rows
    assert again.rows[0].status is Status.MISMATCH


def test_any_name_of_a_pairing_names_a_file() -> None:
    assert "/" not in file_name("../a b/c")
    assert file_name("a/b") != file_name("a_b")


def test_a_pairing_is_narrowed_with_its_waivers() -> None:
    """Those of a reference that was not selected would name no comparison: an error."""
    day = datetime.date(2999, 1, 1)
    names = ("torch/loss", "keras/loss", "tocrh/loss")
    pairing = Pairing(
        name="p",
        network=Network((Dense(1, 1),), Loss("squared_error")),
        subject=lambda parameters, batch: {},
        data=lambda: Batch(np.ones((1, 1)), np.ones((1, 1))),
        initial=dict,
        optimizer=GradientDescent(0.1),
        references={"keras": None, "torch": "models.py:p"},
        waivers=tuple(Waiver(name, "why", day) for name in names),
    )
    less = pairing.narrowed({"torch"})
    assert dict(less.references) == {"torch": "models.py:p"}
    assert [waiver.comparison for waiver in less.waivers] == ["torch/loss", "tocrh/loss"]
    assert pairing.narrowed({"keras", "torch"}) == pairing
