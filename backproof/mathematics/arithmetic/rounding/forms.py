"""Forms: how an implementation computes its loss, of the logits or of the probabilities.

The exact result is the same; what rounding does to it is not. Of probabilities, 1 − a has lost what
a has rounded away, and a guard against log 0 (a clip, a floor, an epsilon) bends the function.
An implementation declares its form; neither form is assumed inside the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import inf
from typing import Any, Literal

from backproof.mathematics.checking import check_fields
from backproof.mathematics.errors import UsageError


@dataclass(frozen=True)
class Form:
    """The form of a cross-entropy.

    ``of``: "logits", or "probabilities". Those are clipped to [``clip``, 1 − ``clip``]; ``epsilon``
    is added to them inside of the logarithm; a logarithm is at least ``log_floor``; the slope's
    denominator a·(1 − a) is at least ``slope_floor``. ``or_logits``: where the implementation finds
    the logits, it uses them instead.
    """

    of: Literal["logits", "probabilities"] = "logits"
    clip: float = 0.0
    epsilon: float = 0.0
    log_floor: float = -inf
    slope_floor: float = 0.0
    or_logits: bool = False

    def __post_init__(self) -> None:
        check_fields(self)
        guards = (self.clip, self.epsilon, self.slope_floor, -self.log_floor)
        if any(guard < 0 for guard in guards) or self.clip >= 0.5:
            raise UsageError(f"{self}: clip lies in [0, ½), log_floor below 0, the others above")

    @property
    def guarded(self) -> bool:
        """Whether anything guards it against log 0."""
        unguarded = Form(self.of, or_logits=self.or_logits)
        return self != unguarded

    @classmethod
    def of_keras(cls) -> Form:
        """Keras 3: probabilities clipped at 1e-7, unless it recovers the logits they came from."""
        return cls("probabilities", clip=1e-7, or_logits=True)

    @classmethod
    def of_torch(cls) -> Form:
        """PyTorch's BCELoss: logarithms from −100 on, the slope's denominator from 1e-12 on."""
        return cls("probabilities", log_floor=-100.0, slope_floor=1e-12)


LOGITS = Form()


def to_json(form: Form) -> dict[str, Any]:
    """The fields, as `from_json` takes them; JSON knows no infinity."""
    fields = asdict(form)
    return {**fields, "log_floor": None if form.log_floor == -inf else form.log_floor}


def from_json(described: Mapping[str, Any]) -> Form:
    """The form that `to_json` described."""
    floor = described["log_floor"]
    return Form(**{**described, "log_floor": -inf if floor is None else floor})
