"""The pairings: one file each."""
