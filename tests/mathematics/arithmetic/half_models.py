"""Models of half precision for tests: what is computed in what is chosen."""

from __future__ import annotations

from backproof.mathematics.arithmetic.rounding.model import Rounding

WIDE = {"matmul", "sum", "column_sum", "row_sum"}


def model(dtype: str, **inside: str) -> Rounding:
    """Operations in their precision, named with _ for a space; sums in float32."""
    found = Rounding.of(dtype).computing("arithmetic", dtype, "flushed")
    for operation in WIDE:
        found = found.computing(operation, "float32", "flushed")
    for operation, precision in inside.items():
        name = operation.replace("__", " ")
        found = found.computing(name, precision, "flushed")
    return found
