"""The pairings: one file each, collected by pytest and by `backproof verify`."""
