"""An audit of other people's comparisons: what each of them could not have seen."""
