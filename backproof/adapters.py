"""Adapters: wrap a subject whose arrays, batches or ways are not ours (docs/adapters.md)."""

from backproof.implementations.adapters import *  # noqa: F403 (its __all__ is the public face)
from backproof.implementations.adapters import __all__ as __all__
