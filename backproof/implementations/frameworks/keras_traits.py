"""What Keras, on TensorFlow, declares of how it computes."""

from backproof.mathematics.arithmetic.rounding.traits import Traits

PART = Traits(
    "keras",
    "Keras",
    packages=("keras", "tensorflow", "tensorflow-cpu"),
    modes=("graph", "eager"),
    kinks=("hinge", "selu"),
    # Keras 3 on TensorFlow casts Python numbers through float32, whatever the dtype: coefficients
    # of L2 and L1 penalties, the momentum, Adam's β and ε, leaky slopes and GELU's constants.
    coefficients=2.0**-24,
)
