"""Fitting: which of many expressions, or which two of them, give the numbers that were computed.

A sieve in floating point: what passes is held against a bound of its own afterwards. The factors
are solved for at one point, and count if other points have them too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backproof.comparison.diagnosis.factors import Factor, factor_of

Values = NDArray[np.float64]

# So many that fit are looked at more closely, of one expression and of two. (At one point alone,
# the same quotient by another number fits as well.)
MOST_SINGLES, MOST_PAIRS, MOST_AT_ONE = 12, 24, 256
# Elements that confirm a number that stands nowhere, where no other point does.
ELEMENTS = 3


@dataclass(frozen=True, eq=False)
class Sample:
    """The expressions (many, numbers) and what was computed (numbers) at one point.

    ``allowed``: by how much a number may be off. ``known``: the numbers that code has there.
    """

    expressions: Values
    computed: Values
    allowed: Values
    known: Mapping[str, float]
    alone: bool = False
    """Whether there is no other point: its numbers are recorded."""


@dataclass(frozen=True)
class Found:
    """The expressions that fit, by their places, each with its factor."""

    terms: tuple[tuple[Factor, int], ...]


def fitting(
    samples: Sequence[Sample], *, share: float, pairs: int = 0, partners: Sequence[int] = ()
) -> Iterator[Found]:
    """Single expressions that fit at all points, in their order; if none does, pairs.

    ``share``: within which factors count as the same. ``pairs``: of how many expressions, the
    first ones, pairs are tried; ``partners``: those that are tried with each of the others too.
    """
    first = samples[0]
    if all((np.abs(each.computed) <= each.allowed).all() for each in samples):
        return  # zeros, or nothing at all: a multiple of everything
    hits = [
        found
        for index in singles(first)
        if (found := everywhere(samples, (index,), share)) is not None
    ]
    # Where many fit, a number that code has at hand is likelier than one that stands nowhere.
    yield from sorted(hits, key=lambda each: each.terms[0][0].found)[:MOST_SINGLES]
    if hits or not pairs:
        return
    for both in twos(first, pairs, partners):
        if (found := everywhere(samples, both, share)) is not None:
            yield found


def singles(sample: Sample) -> list[int]:
    """The expressions of which a multiple fits."""
    m, o = sample.expressions, sample.computed
    size = np.einsum("ij,ij->i", m, m)
    with np.errstate(all="ignore"):
        c = np.where(size > 0, (m @ o) / size, 0.0)
        fits = (np.abs(o - c[:, None] * m) <= sample.allowed).all(axis=1) & (size > 0)
    return [int(i) for i in np.flatnonzero(fits)[:MOST_AT_ONE]]


def twos(sample: Sample, most: int, partners: Sequence[int]) -> list[tuple[int, int]]:
    """The pairs with a sum that leaves least of what was computed, the smallest first."""
    every = len(sample.expressions) if partners else most
    m, o = sample.expressions[:every], sample.computed
    if len(o) < 4:
        return []
    norm = np.sqrt(np.einsum("ij,ij->i", m, m))
    norm[norm == 0] = np.inf
    unit = m / norm[:, None]
    gram, along = unit @ unit.T, unit @ o
    with np.errstate(all="ignore"):
        rest = 1 - gram**2
        kept = along[:, None] ** 2 + along[None, :] ** 2
        kept = (kept - 2 * gram * along[:, None] * along[None, :]) / rest
        left = float(o @ o) - kept
    left[~np.isfinite(left) | (rest < 1e-9)] = np.inf
    one, two = np.triu_indices(len(m), k=1)
    if partners:
        tried = (two < most) | np.isin(one, partners) | np.isin(two, partners)
        one, two = one[tried], two[tried]
    among = left[one, two]
    near = np.flatnonzero(among <= 1e-6 * float(o @ o))
    fits = []
    for index in near[np.argsort(one[near] + two[near], kind="stable")][:512]:
        both = (int(one[index]), int(two[index]))
        if solved(sample, both) is not None:
            fits.append(both)
            if len(fits) >= MOST_PAIRS:
                break
    return fits


def solved(sample: Sample, chosen: tuple[int, ...]) -> Values | None:
    """The factors with which the chosen expressions fit; None if they do not."""
    m = sample.expressions[list(chosen)].T
    norm = np.sqrt(np.einsum("ij,ij->j", m, m))
    if not norm.all() or not np.isfinite(m).all():
        return None
    c = np.linalg.lstsq(m / norm, sample.computed, rcond=None)[0] / norm
    fits = (np.abs(sample.computed - m @ c) <= sample.allowed).all()
    return np.asarray(c) if fits else None


def everywhere(samples: Sequence[Sample], chosen: tuple[int, ...], share: float) -> Found | None:
    """The chosen expressions with their factors, if they fit at every point with the same ones."""
    numbers, known = [], []
    for sample in samples:
        if not sample.expressions[list(chosen)].any(axis=1).all():
            continue  # one of them is 0 throughout: its factor is not to be seen
        c = solved(sample, chosen)
        if c is None:
            return None
        numbers.append(c)
        known.append(sample.known)
    if not numbers:
        return None
    enough = np.count_nonzero(samples[0].computed) >= len(chosen) + ELEMENTS
    alone = samples[0].alone and bool(enough)
    terms = []
    for place, index in enumerate(chosen):
        factor = factor_of([float(c[place]) for c in numbers], known, share, alone=alone)
        if factor is None:
            return None
        terms.append((factor, index))
    return Found(tuple(terms))
