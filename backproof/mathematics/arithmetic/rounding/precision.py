"""Precision: what code declares to compute in, where that is not one dtype throughout."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from backproof.mathematics.arithmetic.rounding.model import CHARGED, HALF, Rounding
from backproof.mathematics.checking import check_fields
from backproof.mathematics.errors import UsageError

Dtype = Literal["float64", "float32", "bfloat16", "float16"]

# Ulps of a function in half precision: libraries compute it in float32, and round or truncate it.
OF_HALF = 1.0


@dataclass(frozen=True)
class Precision:
    """What a subject's numbers are held, accumulated and rounded in; its bounds are those of that.

    ``storage``: the dtype of every tensor that an operation gives. ``accumulate``: that of the sums
    inside of an operation (products of matrices, means, gradients over the batch), which round to
    the storage once; by default the same. ``casts``: where it rounds to the storage, by the names
    of what is computed (``activation/dense_1``, or how they begin: ``activation``, ``gradient``);
    all else is then held in ``accumulate``. Raises `UsageError` for an accumulator that is narrower
    than the storage.
    """

    storage: Dtype
    accumulate: Dtype | None = None
    casts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_fields(self)
        if Rounding.of(self.inside).unit > Rounding.of(self.storage).unit:
            raise UsageError(
                f"Precision: sums are accumulated in {self.inside}, which has fewer digits than "
                f"the {self.storage} that they are held in; store them as {self.inside}"
            )
        if self.casts and self.inside == self.storage:
            raise UsageError(
                f"Precision: casts to {self.storage} change nothing of code that computes in it; "
                "name the wider dtype, as in accumulate='float32'"
            )

    @property
    def inside(self) -> Dtype:
        """The dtype that sums are accumulated in."""
        return self.accumulate or self.storage

    @property
    def told(self) -> str:
        """For a reader: ``bfloat16, accumulated in float32``."""
        casts = f", cast at {', '.join(self.casts)}" if self.casts else ""
        return f"{self.storage}, accumulated in {self.inside}{casts}"

    def rounding(self) -> Rounding:
        """The rounding model of code that keeps to it."""
        if self.casts:
            unit = Rounding.of(self.storage).unit
            inside = replace(of_dtype(self.inside), sums=self.inside)
            return replace(inside, casts=self.casts, cast_unit=unit)
        return replace(of_dtype(self.storage), sums=self.inside)

    @property
    def dtype(self) -> Dtype:
        """That of the parameters and the data."""
        return self.inside if self.casts else self.storage

    @property
    def one(self) -> bool:
        """Whether it is one dtype throughout."""
        return self.inside == self.storage

    def narrower(self) -> Precision:
        """The same with sums that are accumulated in the storage."""
        return Precision(self.storage)


def of_dtype(dtype: str) -> Rounding:
    """The model of code that computes in a dtype, the half precisions included.

    Whoever has float16 has its subnormal numbers: they are most of what is small.
    """
    if dtype not in HALF:
        return Rounding.of(dtype)
    model = Rounding.of(dtype, tuple((name, OF_HALF) for name in sorted(CHARGED)))
    return model.losing("gradual") if dtype == "float16" else model


def dtype_of(dtype: str | None, precision: Precision | None) -> str:
    """The dtype that is computed in: float64, where nothing is said."""
    if precision is not None:
        if dtype not in (None, precision.dtype):
            raise UsageError(
                f"dtype={dtype!r}, and precision says {precision.dtype}: leave dtype out"
            )
        return precision.dtype
    if dtype not in (None, "float64", "float32"):
        raise UsageError(
            f"dtype {dtype!r}: choose 'float64' or 'float32'; for code in half precision say what "
            "it accumulates in, as in precision=Precision('bfloat16', accumulate='float32')"
        )
    return dtype or "float64"


def to_json(precision: Precision) -> dict[str, Any]:
    """The fields, as `from_json` takes them."""
    return asdict(precision)


def from_json(described: Mapping[str, Any]) -> Precision:
    """The precision that `to_json` described."""
    return Precision(**{**described, "casts": tuple(described["casts"])})
