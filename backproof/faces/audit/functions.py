"""The functions that compare within a tolerance, and how each is read."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from backproof.faces.audit.seen import Tolerance

Compared = tuple[Any, Any, Tolerance]

# The tolerances of torch.testing.assert_close where none is given, by dtype: its documentation.
OF_TORCH = {
    "float64": (1e-7, 1e-7),
    "float32": (1.3e-6, 1e-5),
    "bfloat16": (1.6e-2, 1e-5),
    "float16": (1e-3, 1e-5),
}


@dataclass(frozen=True)
class Watched:
    """A function of a module, and what a call of it compares: of its arguments by name."""

    module: str
    name: str
    read: Callable[[Mapping[str, Any]], Compared]

    @property
    def home(self) -> str:
        """The package that it belongs to."""
        return self.module.partition(".")[0]


def arguments(function: Callable[..., Any], given: tuple[Any, ...], named: Any) -> dict[str, Any]:
    """What a function is called with, by name, its defaults among it."""
    bound = inspect.signature(function).bind(*given, **named)
    bound.apply_defaults()
    return dict(bound.arguments)


def close(actual: str, expected: str, rtol: str = "rtol", atol: str = "atol") -> Any:
    """Of a function that allows atol + rtol · |expected|."""

    def read(given: Mapping[str, Any]) -> Compared:
        relative, absolute = float(given[rtol]), float(given[atol])
        told = f"{rtol}={relative:g}, {atol}={absolute:g}"
        nan = bool(given.get("equal_nan", False))
        return given[actual], given[expected], Tolerance(absolute, relative, told, nan)

    return read


def by_decimals(given: Mapping[str, Any]) -> Compared:
    """Of NumPy's older ones, which allow 1.5 · 10^-decimal; NaN equals NaN."""
    actual = given["actual" if "actual" in given else "x"]
    expected = given["desired" if "desired" in given else "y"]
    decimal = given["decimal"]
    return actual, expected, Tolerance(1.5 * 10.0**-decimal, 0.0, f"decimal={decimal}", nan=True)


def exactly(given: Mapping[str, Any]) -> Compared:
    """Of those that allow nothing; NaN equals NaN."""
    names = [*given]
    nan = bool(given.get("equal_nan", "a1" not in given))
    return given[names[0]], given[names[1]], Tolerance(0.0, 0.0, "exactly", nan)


def of_torch(given: Mapping[str, Any]) -> Compared:
    """Of torch.testing.assert_close, whose tolerances are its dtype's where none are given."""
    actual, expected = given["actual"], given["expected"]
    kinds = [
        str(getattr(each, "dtype", "float64")).rpartition(".")[2] for each in (actual, expected)
    ]
    usual = [OF_TORCH.get(kind, (0.0, 0.0)) for kind in kinds]
    relative, absolute = (
        max(pair[place] for pair in usual) if given[name] is None else float(given[name])
        for place, name in enumerate(("rtol", "atol"))
    )
    told = f"rtol={relative:g}, atol={absolute:g}"
    if given["rtol"] is None:
        told += ", its defaults"
    return actual, expected, Tolerance(absolute, relative, told, bool(given["equal_nan"]))


def near(given: Mapping[str, Any]) -> Compared:
    """Of tf.debugging.assert_near, which has 10 ε of the dtype where none are given."""
    x, y = given["x"], given["y"]
    name = str(getattr(getattr(x, "dtype", None), "name", "float32"))
    usual = 10 * float(np.finfo(name).eps) if name in ("float16", "float32", "float64") else 0.0
    relative, absolute = (
        usual if given[name] is None else float(given[name]) for name in ("rtol", "atol")
    )
    return x, y, Tolerance(absolute, relative, f"rtol={relative:g}, atol={absolute:g}")


def of_pytest(given: Mapping[str, Any]) -> Tolerance:
    """Of pytest.approx: the larger of both; an ``abs`` that is given alone is all that counts."""
    rel, absolute = given["rel"], given["abs"]
    relative = float(rel) if rel is not None else 1e-6 if absolute is None else 0.0
    least = 1e-12 if absolute is None else float(absolute)
    told = f"rel={relative:g}, abs={least:g}"
    return Tolerance(least, relative, told, bool(given["nan_ok"]), larger=True)


FUNCTIONS = (
    Watched("numpy.testing", "assert_allclose", close("actual", "desired")),
    Watched("numpy.testing", "assert_almost_equal", by_decimals),
    Watched("numpy.testing", "assert_array_almost_equal", by_decimals),
    Watched("numpy.testing", "assert_array_equal", exactly),
    Watched("numpy.testing", "assert_equal", exactly),
    Watched("numpy", "allclose", close("a", "b")),
    Watched("numpy", "isclose", close("a", "b")),
    Watched("numpy", "array_equal", exactly),
    Watched("torch.testing", "assert_close", of_torch),
    Watched("torch", "allclose", close("input", "other")),
    Watched("torch", "isclose", close("input", "other")),
    Watched("torch", "equal", exactly),
    Watched("jax.numpy", "allclose", close("a", "b")),
    Watched("jax.numpy", "isclose", close("a", "b")),
    Watched("tensorflow.debugging", "assert_near", near),
    Watched("tensorflow.experimental.numpy", "allclose", close("a", "b")),
    Watched("math", "isclose", close("b", "a", "rel_tol", "abs_tol")),
)
# What a function takes whose signature cannot be asked, as it is compiled.
BUILTIN: Mapping[tuple[str, str], tuple[tuple[str, Any], ...]] = {
    ("torch", "allclose"): (
        ("input", None),
        ("other", None),
        ("rtol", 1e-5),
        ("atol", 1e-8),
        ("equal_nan", False),
    ),
    ("torch", "equal"): (("input", None), ("other", None)),
}
BUILTIN = {**BUILTIN, ("torch", "isclose"): BUILTIN["torch", "allclose"]}
