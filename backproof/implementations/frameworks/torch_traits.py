"""What PyTorch declares of how it computes."""

from backproof.mathematics.arithmetic.rounding.traits import Traits

PART = Traits("torch", "PyTorch", packages=("torch",), modes=("eager",), kinks=("hinge",))
