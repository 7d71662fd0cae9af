"""The arithmetics in which the definition is evaluated."""
