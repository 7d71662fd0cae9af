"""The precision and the warnings of the arithmetics' tests hold for those of the losses too."""

from tests.mathematics.arithmetic.conftest import exact_sums

__all__ = ["exact_sums"]
