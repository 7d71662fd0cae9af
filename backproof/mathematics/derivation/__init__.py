"""The hand derivation of a network, as text."""
