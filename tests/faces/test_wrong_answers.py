"""User functions that give another thing than they should: it is told, or taken for what it is.

All pairings stand in one project and are judged in one run: what one gives costs no other.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from tests.faces.forking import Done, Server, forking
from tests.faces.planted_ends import write
from tests.faces.plugin_project import backproof_alone
from tests.faces.test_bad_input import rows_of

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only there it can be forked")

# Instead of the gradient v, (2, 1): what is said of it; nothing where it is the same numbers.
TENSORS = {
    "masked_nowhere": ("np.ma.masked_array(v)", ""),
    "masked": ("np.ma.masked_array(v, [[0], [1]])", "with 1 of 2 elements masked"),
    "matrix": ("np.asmatrix(v)", ""),
    "frame": ("__import__('pandas').DataFrame(v)", ""),
    "series": ("__import__('pandas').Series(v[:, 0])", "has shape (2,), but should be (2, 1)"),
    "sparse": ("__import__('scipy.sparse').sparse.csr_array(v)", "with a csr_array"),
    "list": ("v.tolist()", ""),
    "tuple": ("tuple(map(tuple, v))", ""),
    "fortran": ("np.asfortranarray(v)", ""),
    "backwards": ("np.ascontiguousarray(v[::-1])[::-1]", ""),
    "read_only": ("(v.setflags(write=False), v)[1]", ""),
    "other_endian": ("v.astype('>f8' if sys.byteorder == 'little' else '<f8')", ""),
    "long": ("v.astype(np.longdouble)", ""),
    "shown_as_array": ("type('A', (), {'__array__': lambda s, dtype=None, copy=None: v})()", ""),
    "half": ("np.clip(v, -9, 9).astype(np.float16)", "has dtype float16, but should be float64"),
    "whole": ("v.astype(int)", "has dtype int64; give float64"),
    "truth": ("v.astype(bool)", "has dtype bool; give float64"),
    "complex": ("v.astype(complex)", "as an array of complex128"),
    "objects": ("v.astype(object)", "as an array of objects, with no plain array"),
    "strings": ("v.astype(str)", "as an array of <U"),
    "bytes": ("b'12'", "as an array of |S2"),
    "dates": ("np.zeros((2, 1), 'M8[s]')", "as an array of datetime64[s]"),
    "fields": ("np.zeros((2, 1), [('a', 'f8')])", "as an array of [('a', '<f8')]"),
    "fractions": ("[[__import__('fractions').Fraction(1)]] * 2", "with a Fraction"),
    "ragged": ("[[1.0], [1.0, 2.0]]", "as a list, [[1.0], [1.0, 2.0]]; no array can be made of it"),
    "in_itself": ("(lambda a: (a.append(a), a)[1])([])", "no array can be made of it"),
    "generator": ("(each for each in v)", "with a generator"),
    "none": ("None", "with None"),
    "function": ("lambda: v", "with a function"),
    "kind": ("np.ndarray", "with the class ndarray itself"),
    "one_number": ("np.float64(1)", "has shape (), but should be (2, 1)"),
    "empty": ("np.zeros((0, 1))", "has shape (0, 1), but should be (2, 1)"),
    "endless": ("np.broadcast_to(np.float64(1), (10**9, 10**9))", "MemoryError"),
    "raises": ("type('A', (), {'__array__': lambda s, *a, **k: 1 / 0})()", "ZeroDivisionError"),
}
# Instead of a dict or a Batch.
ANSWERS = {
    "none": "None",
    "list": "[1]",
    "text": "'x'",
    "number": "1.0",
    "array": "np.ones(2)",
    "generator": "(each for each in 'ab')",
    "function": "print",
    "kind": "dict",
    "numbers_as_names": "{1: np.ones(1)}",
    "bytes_as_names": "{b'loss': 1.0}",
    "escapes_as_names": "{'[red]loss\\x1b[2J': 1.0}",
    "endless_names": "{'x' * 100_000: 1.0}",
    "raising": "type('M', (dict,), {n: lambda s, *a: 1 / 0 for n in ('items', '__iter__')})(a=1)",
    "awaited": "(lambda: __import__('asyncio').sleep(0))()",
    "exception": "ValueError('x')",
    "not_implemented": "NotImplemented",
    "module": "np",
}
MOMENTS = ("data", "initial", "minibatch", "points", "subject")
LONGEST = 500
"""Characters of a line that tells of one of them."""

Run = tuple[Done, list[dict[str, str]]]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with forking(backproof_alone(tmp_path_factory.mktemp("backproof"))) as ours:
        yield ours


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, server: Server) -> Run:
    folder = tmp_path_factory.mktemp("project")
    for name, (value, _) in TENSORS.items():
        subject = (
            "z = batch.inputs @ parameters['dense_1/kernel'] + parameters['dense_1/bias']; "
            "delta = z - batch.targets; v = batch.inputs.T @ delta; "
            "return {'loss': 0.5 * (delta**2).sum(), 'gradient/dense_1/bias': delta.sum(axis=0), "
            f"'gradient/dense_1/kernel': {value}}}"
        )
        write(folder, f"tensor_{name}", subject=subject)
    for moment in MOMENTS:
        for name, value in ANSWERS.items():
            write(folder, f"{moment}_{name}", **{moment: f"return {value}"})
    write(folder, "z_last")
    done = server.run(folder, "verify", "--report", "report", "-v")
    return done, rows_of(folder / "report")


@pytest.mark.parametrize("name", TENSORS)
def test_what_stands_for_a_tensor_is_taken_or_told(name: str, run: Run) -> None:
    _, rows = run
    mine = [row for row in rows if row["pairing"] == f"tensor_{name}"]
    said = TENSORS[name][1]
    if not said:
        assert {row["status"] for row in mine} == {"MATCH"}
        return
    errors = [row["cause"] for row in mine if row["status"] == "ERROR"]
    assert errors
    assert all("gradient/dense_1/kernel" in cause or "Error" in cause for cause in errors)
    assert all(said in cause for cause in errors)
    assert {row["status"] for row in mine} <= {"ERROR", "MATCH"}


@pytest.mark.parametrize("name", ANSWERS)
@pytest.mark.parametrize("moment", MOMENTS)
def test_what_stands_for_an_answer_is_told(moment: str, name: str, run: Run) -> None:
    done, rows = run
    mine = [row for row in rows if row["pairing"] == f"{moment}_{name}"]
    if moment == "subject":
        assert {row["status"] for row in mine} == {"ERROR"}
        told = {row["cause"] for row in mine}
    else:  # it could not be set up: there is nothing to compare
        assert mine == []
        result = " ".join(done.out.split()).partition(" comparisons: ")[0]
        told = {line for line in result.split("not loaded: ") if f"{moment}_{name}" in line}
    assert told
    assert all(len(line) < LONGEST for line in told), told


def test_nothing_of_it_is_a_fault_of_ours_and_the_rest_is_judged(run: Run) -> None:
    done, rows = run
    assert done.status == 2
    assert "fault of backproof" not in done.said
    assert "Traceback" not in done.out
    assert "\x1b" not in done.said
    assert {row["status"] for row in rows if row["pairing"] == "z_last"} == {"MATCH"}
