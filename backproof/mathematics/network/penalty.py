"""Penalties on the size of parameters."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from backproof.mathematics.checking import check_fields, finite
from backproof.mathematics.layers.layer import Parameter
from backproof.mathematics.network.loss import Reduction


@dataclass(frozen=True)
class Penalty:
    """``l2`` · ΣW² + ``l1`` · Σ|W| over the kernels, and over the biases too if asked for.

    ``batch="mean"`` divides both by the number of samples, as in λ/(2m)·ΣW²: l2 = λ/2.
    """

    l2: float = 0.0
    l1: float = 0.0
    biases: bool = False
    batch: Reduction = "sum"

    def __post_init__(self) -> None:
        check_fields(self)
        finite("Penalty", l2=self.l2, l1=self.l1)

    def orders(self) -> tuple[str, ...]:
        """Those that there are: "l2", "l1"."""
        return tuple(order for order in ("l2", "l1") if getattr(self, order))

    def covers(self, parameter: Parameter) -> bool:
        """Whether it is on that parameter, by its role."""
        return bool(self.orders()) and (parameter.role in ("kernel", "table") or self.biases)

    def divisor(self, samples: int) -> int:
        """What its coefficients are divided by."""
        return samples if self.batch == "mean" else 1

    def to_json(self) -> dict[str, Any]:
        """Its fields; the usual ``batch`` is left out."""
        fields = asdict(self)
        if self.batch == "sum":
            del fields["batch"]
        return fields


NONE = Penalty()
