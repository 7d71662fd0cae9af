"""What was computed for a pairing, and how it is stored."""

LIMIT = 200_000_000
"""Bytes of evaluations that are stored, by default: those of a dozen small networks, or one point
of a network of a million parameters in two frameworks."""

FALSE_ALARM = 1e-9
"""The chance, by default, that one comparison of correct code in a whole run is called wrong by a
bound of random rounding errors."""

DEFINITION = "definition"
"""The reference that is no framework: what the definition comes to in NumPy."""

SEED_BITS = 32
"""Of a fresh seed."""

MOST_CHANCE = 0.01
"""A run that calls correct code wrong more often than once in a hundred proves nothing."""
