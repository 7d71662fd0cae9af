"""Reproductions: the numbers that an article prints, obtained again and judged.

A project keeps them in one folder: ``published.csv``, what was printed, and a file for each system
with a `Reproduction`, how it is obtained. ``backproof reproduce`` runs and judges them all.
"""

from __future__ import annotations

from backproof.reproduction.errata import Effect, Erratum
from backproof.reproduction.published import Key, Numbers, Published
from backproof.reproduction.recipe import At, Figure, Reproduction, Sampling, Trained, Training
from backproof.reproduction.rounding import neighbours

__all__ = [
    "At",
    "Effect",
    "Erratum",
    "Figure",
    "Key",
    "Numbers",
    "Published",
    "Reproduction",
    "Sampling",
    "Trained",
    "Training",
    "neighbours",
]
