"""The definition: what a network computes, stated once."""
