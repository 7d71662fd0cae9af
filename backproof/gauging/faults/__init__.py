"""Faults planted in pairings."""
