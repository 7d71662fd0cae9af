"""Reproductions: the numbers that an article prints, obtained again and judged.

A project keeps them in one folder: ``published.csv``, what was printed, and a file for each system
with a `Reproduction`, how it is obtained. ``backproof reproduce`` runs and judges them all.
"""

from __future__ import annotations

from backproof.mathematics.arithmetic.floating import Float
from backproof.mathematics.definition.evaluate import evaluate
from backproof.mathematics.definition.sites import Intervention, Scope, unchanged
from backproof.reproduction.errata import Effect, Erratum, catalogued, descend
from backproof.reproduction.published import Key, Numbers, Published
from backproof.reproduction.recipe import (
    SUBJECT,
    At,
    Figure,
    Outcome,
    Reproduction,
    Sampling,
    Trained,
    Training,
)
from backproof.reproduction.rounding import neighbours

__all__ = [
    "SUBJECT",
    "At",
    "Effect",
    "Erratum",
    "Figure",
    "Float",
    "Intervention",
    "Key",
    "Numbers",
    "Outcome",
    "Published",
    "Reproduction",
    "Sampling",
    "Scope",
    "Trained",
    "Training",
    "catalogued",
    "descend",
    "evaluate",
    "neighbours",
    "unchanged",
]
