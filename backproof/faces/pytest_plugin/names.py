"""The names of a pairing's items."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from backproof.comparison.pairing.pairing import Pairing


def item_names(pairing: Pairing) -> Iterator[tuple[str, str, str]]:
    """The name of each item of a pairing, with its reference and the name that it compares."""
    from backproof.mathematics.network.quantities import expected
    from backproof.reports.harmless import one_line

    for reference in pairing.references:
        for compared in expected(pairing.network, pairing.quantities):
            yield f"{one_line(pairing.name)}[{reference}-{compared}]", reference, compared
