"""What JAX declares of how it computes."""

from backproof.mathematics.arithmetic.rounding.traits import Traits

PART = Traits(
    "jax",
    "JAX",
    packages=("jax", "jaxlib"),
    modes=("jit",),
    kinks=("leaky_relu", "absolute_error"),
    slopes=("binary_cross_entropy", "focal", "smoothed_binary_cross_entropy"),
    compiles=True,
)
