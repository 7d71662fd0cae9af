"""The catalogue of faults: how people get backpropagation wrong, one file a family.

A fault is a change at named sites of the definition, written over `Ops`: it is evaluated in
floating point, in balls and in certified arithmetic alike (a numerical one in floating point only).
The same catalogue measures the gate and explains a mismatch.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache, lru_cache

from backproof.mathematics.faults import families as families_package
from backproof.mathematics.faults.fault import Family, Fault, Kind, Planted, Target
from backproof.mathematics.faults.of_layers import of_layers
from backproof.mathematics.network.network import Network
from backproof.mathematics.optimizers import Optimizer

__all__ = ["Fault", "Kind", "Planted", "Target", "catalogue", "families", "planted"]


@cache
def families() -> tuple[Family, ...]:
    """Every family: the files of this package that define ``family``."""
    modules = [
        importlib.import_module(f"{families_package.__name__}.{each.name}")
        for each in pkgutil.iter_modules(families_package.__path__)
    ]
    return tuple(module.family for module in modules if hasattr(module, "family"))


def catalogue() -> list[Fault]:
    """Every fault there is: by family, then what only one kind of layer gets wrong."""
    return [*(fault for family in families() for fault in family.faults), *of_layers()]


def planted(
    network: Network, optimizer: Optimizer, *, saturates: bool = True
) -> tuple[Planted, ...]:
    """Every fault at every place of a network where it applies.

    ``saturates``: whether there are points with saturated units, which only losses of logits bear.
    """
    return planted_in(Target(network, optimizer, saturates))


@lru_cache(maxsize=16)
def planted_in(target: Target) -> tuple[Planted, ...]:
    """`planted`, known already where it was asked for before."""
    return tuple(plant for fault in catalogue() for plant in fault.planted(target))
