"""The rounding models of implementations, and what was measured of them."""
