"""The families of the catalogue, one file each."""
