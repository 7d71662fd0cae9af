"""What each implementation of a record is charged: its rounding model."""

from __future__ import annotations

from dataclasses import dataclass, replace

from backproof.comparison.record import DEFINITION
from backproof.comparison.record.record import SUBJECT, Record
from backproof.implementations import frameworks
from backproof.mathematics.arithmetic.balls.operations import L1
from backproof.mathematics.arithmetic.rounding.forms import LOGITS
from backproof.mathematics.arithmetic.rounding.model import Rounding
from backproof.mathematics.arithmetic.rounding.traits import NUMPY, Traits

TITLE = "Forms that need no declaration"


@dataclass(frozen=True)
class Conventions:
    """What is granted to a subject that needs it: usual forms, and its subgradients at kinks."""

    at_kinks: tuple[tuple[str, float], ...] = ()
    """By function, or "l1": see `Rounding`."""

    @property
    def told(self) -> str:
        """What is said of a comparison that was made with them."""
        chosen = ", ".join(
            f"{2 * share - 1:g} for |w|" if name == L1 else f"{share:g} for {name}"
            for name, share in self.at_kinks
        )
        of_kinks = f", with another subgradient at exact kinks ({chosen})" * bool(chosen)
        return f"right in another usual form{of_kinks}: docs/bounds.md, {TITLE}"


def traits_of(implementation: str) -> Traits:
    """What an implementation declares; subject and definition are charged as NumPy."""
    return NUMPY if implementation in (SUBJECT, DEFINITION) else frameworks.traits(implementation)


def declared(record: Record, implementation: str, granted: Conventions | None) -> Rounding:
    """The rounding model that an implementation declares in the record's dtype, with its form.

    What is declared of functions that the network does not have is left out, so that models are the
    same without. ``granted``: to the subject, beside its declarations.
    """
    known = implementation in record.calibrated
    if implementation == SUBJECT and record.precision is not None:
        model = record.precision.rounding()
    else:
        model = Rounding.declared(traits_of(implementation), record.dtype, calibrated=known)
    here = record.network.functions
    kinks, slopes = (
        tuple(name for name in names if name in here) for names in (model.kinks, model.slopes)
    )
    form = record.forms.get(implementation, LOGITS)
    model = replace(model, form=form, kinks=kinks, slopes=slopes)
    if implementation != SUBJECT:
        return model
    if granted is not None:
        model = model.in_any_form(granted.at_kinks)
    return replace(model, absolute=tuple(sorted(record.accuracy.items())))
