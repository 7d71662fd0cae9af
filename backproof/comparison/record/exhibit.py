"""What is shown of a mismatch beside its sentence: numbers for a person and for a picture."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Correction:
    """One mistake that a diagnosis has found: where, what stands there, and what should.

    ``place``: the node or parameter of the (first) mistake, empty where it is of none.
    ``declared``: the gradient is right, but that of another loss or by another convention than the
    network declares; then ``should`` is what is declared. ``code``: ``should`` is written as code,
    not as a formula.
    """

    where: str
    stands: str
    should: str
    declared: bool = False
    code: bool = False
    place: str = ""


@dataclass(frozen=True)
class Element:
    """One element of a tensor: what was computed, what it should be, and what was allowed."""

    index: tuple[int, ...]
    actual: float
    expected: float
    exact: float
    """The certified value; where there is none, the definition's, in floating point."""
    allowed: float
    share: float
    """Difference ÷ allowed; infinite where nothing was allowed."""


@dataclass(frozen=True)
class Exhibit:
    """The numbers of one mismatch, at the point where the difference is the largest share.

    ``against``: whose numbers are expected: the reference's; the definition's, where subject and
    reference agree with each other and not with it. ``certified``: whether there was a certified
    value. ``shares``: difference ÷ bound of the tensor as a matrix of ``rows`` by ``columns``, the
    last axis across; where the matrix is large, the largest share of each block. ``lost``: why
    nothing can be shown.
    """

    reference: str
    name: str
    point: str
    step: int
    against: str = ""
    certified: bool = False
    shape: tuple[int, ...] = ()
    rows: int = 0
    columns: int = 0
    shares: tuple[tuple[float, ...], ...] = ()
    elements: tuple[Element, ...] = ()
    lost: str = ""
