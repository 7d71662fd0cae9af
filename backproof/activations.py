"""Activations with fields, by name: ``activations.named("leaky_relu", alpha=0.1)``."""

from backproof.mathematics.functions import Activation, from_json, named, names, to_json

__all__ = ["Activation", "from_json", "named", "names", "to_json"]
