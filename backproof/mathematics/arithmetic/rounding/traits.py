"""Traits: what an implementation declares of how it computes, before it is imported."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Traits:
    """What is known of an implementation by name; that of a framework stands in a file beside it.

    ``title``: its name for a reader. ``packages``: its distributions, of which one or the other may
    be installed; their versions are told. ``modes``: how its functions are called when it is
    compared. ``kinks``: functions for which it takes another subgradient at an exact kink than the
    definition does (tests/gauging/gate/test_kinks.py asks the frameworks); both are right.
    ``slopes``: losses whose slope it takes as exp(z − softplus(z)) − y: the exponent rounds.
    ``coefficients``: the unit roundoff that it holds coefficients with, where that is a fault of
    its own and not its model. ``measured``: what its lines in charges.csv are called, by default
    its name. ``half``: whether it computes in half precision. ``compiles``: whether for each shape.
    """

    name: str
    title: str
    packages: tuple[str, ...]
    modes: tuple[str, ...]
    kinks: tuple[str, ...] = ()
    slopes: tuple[str, ...] = ()
    coefficients: float = 0.0
    measured: tuple[str, ...] = ()
    half: bool = True
    compiles: bool = False

    @property
    def lines(self) -> tuple[str, ...]:
        """What it is called in charges.csv."""
        return self.measured or (self.name,)


# What a subject written by hand is charged as.
NUMPY = Traits(
    "numpy",
    "NumPy",
    packages=("numpy", "scipy"),
    modes=("eager",),
    measured=("numpy", "scipy"),
    half=False,
)
