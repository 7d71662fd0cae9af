"""Right programs, as people write them who know nothing of backproof: each of them matches."""

from __future__ import annotations

import datetime
import importlib.util
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest

from backproof.comparison.judging.rows import Row, Status
from backproof.comparison.pairing.pairing import Pairing
from backproof.comparison.run import Judged, verify
from tests.gauging.blind.contracted import contracted
from tests.halves import slow_but
from tests.workers import Shared

HERE = Path(__file__).parent
FILES = {
    path.stem: path
    for folder in ("right", "contract/right")
    for path in (HERE / folder).glob("*.py")
}
# One of each kind that was once called wrong, or that once ended in an error of backproof's own.
QUICK = (
    *("bce_signed_margin", "float32_subject", "keepdims_and_1x1_loss", "l1_by_where"),
    *("leaky_half_abs_value", "longdouble_inside", "modules_with_caches", "plain_relu_softmax"),
    *("relu_half_abs", "sigmoid_clipped_exp", "sigmoid_half_tanh", "step_sample_by_sample"),
)


def loaded(name: str) -> Pairing:
    spec = importlib.util.spec_from_file_location(f"right_{name}", FILES[name])
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look for their module there
    spec.loader.exec_module(module)
    given: Pairing | None = getattr(module, "PAIRING", None)
    return given or contracted(module, name)


def failing(rows: list[Row]) -> dict[str, Any]:
    return {f"{row.name} at {row.point}": row.cause for row in rows if not row.status.passes}


@pytest.mark.parametrize("name", slow_but(QUICK, sorted(FILES), 0.2))
def test_right_programs_match(name: str, shared: Shared) -> None:
    with warnings.catch_warnings():
        # What it warns of is the program's own business: an overflow, a class out of fashion.
        warnings.simplefilter("ignore")
        pairing = loaded(name).against(["torch"])
        workers = shared("torch", dtype=pairing.traits.dtype or "float64")
        (judged,) = verify([pairing], workers, datetime.date.today(), certified=False)
    assert isinstance(judged, Judged), judged.reason
    assert judged.rows
    assert not failing(judged.rows)
    assert {row.status for row in judged.rows} == {Status.MATCH}
