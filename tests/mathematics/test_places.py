"""Errors point to the user's own line, by a path that no other file of the project has."""

from __future__ import annotations

import functools
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backproof.mathematics.errors import told
from backproof.mathematics.network.parameters import Batch
from backproof.mathematics.places import called, definition, is_users, named, place


def caught(function: Callable[..., Any], *given: Any) -> Exception:
    try:
        function(*given)
    except Exception as error:
        return error
    raise AssertionError("it raised nothing")


def wrong_product() -> None:
    np.linalg.inv(np.ones((2, 3)))


def line_of(text: str) -> int:
    lines = Path(__file__).read_text().splitlines()
    return 1 + next(i for i, line in enumerate(lines) if line.strip() == text)


def test_files_of_one_name_are_told_apart(tmp_path: Path) -> None:
    for folder in ("comparisons", "scratch", "tests"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "moons.py").write_text("\n1 / 0\n")
    for folder in ("comparisons", "scratch", "tests"):
        error = caught(runpy.run_path, str(tmp_path / folder / "moons.py"))
        assert told(error) == f"ZeroDivisionError: division by zero ({folder}/moons.py:2)"


def test_a_line_of_a_library_is_not_the_users() -> None:
    last = line_of("np.linalg.inv(np.ones((2, 3)))")
    assert place(caught(wrong_product)) == f"mathematics/test_places.py:{last}"
    assert not is_users(np.linalg.__file__)
    assert not is_users(functools.__file__)
    assert not is_users("<frozen importlib._bootstrap>")
    assert not is_users(Batch.__init__.__code__.co_filename)  # written by `dataclasses`
    assert is_users(__file__)


@pytest.mark.parametrize(
    "wrap", [lambda f: f, functools.partial, lambda f: functools.wraps(f)(lambda: f())]
)
def test_what_was_called_is_named_where_none_of_its_lines_was_reached(
    wrap: Callable[..., Any],
) -> None:
    assert definition(wrap(wrong_product)) == (__file__, line_of("def wrong_product() -> None:"))


def test_an_object_that_is_called_is_where_its_method_is() -> None:
    class Net:
        def __call__(self) -> None: ...

    assert definition(Net()) == (__file__, line_of("def __call__(self) -> None: ..."))
    assert definition(np.sin) is None


def test_a_syntax_error_is_where_it_is_not_where_it_was_imported(tmp_path: Path) -> None:
    path = tmp_path / "broken.py"
    path.write_text("x = 1\ny = = 2\n")
    error = caught(runpy.run_path, str(path))
    assert told(error) == "SyntaxError: invalid syntax (broken.py:2)"


def test_a_cell_of_a_notebook_has_no_name_of_its_own() -> None:
    assert named("<ipython-input-3-0a1b>", 4) == "line 4 of a notebook's cell"
    assert named("/tmp/ipykernel_17/123.py", 4) == "line 4 of a notebook's cell"


def test_what_a_subject_calls_in_other_files_is_found() -> None:
    from comparisons import breast_cancer, layered, xor
    from scratch.xor import Xor

    found = called(xor.subject)
    assert [name for name, _, _ in found] == ["evaluation", "Xor"]
    _, file, line = found[1]
    assert Path(file).read_text().splitlines()[line - 1].startswith("class Xor(")
    assert called(functools.partial(xor.subject)) == found
    assert [name for name, _, _ in called(breast_cancer.subject)] == ["breast_cancer.article"]
    layers = layered.Subject((2, 1), None, None, 0.1, True)  # type: ignore[arg-type]
    assert {name for name, _, _ in called(layers)} == {"evaluation", "scratch.Layered"}
    assert called(Xor._forward) == []
    assert called(np.matmul) == []
    assert called(lambda: np.linalg.inv(np.ones(2))) == []
    assert called(3) == []
