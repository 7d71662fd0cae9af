"""Rounding errors taken as random: the definition evaluated many times, each time disturbed."""
