"""What was computed for a pairing, and how it is stored."""

LIMIT = 200_000_000
"""Bytes of evaluations that are stored, by default: those of a dozen small networks, or one point
of a network of a million parameters in two frameworks."""
