"""Comparison: the kernel, the bounds at every point, the rows and their verdicts."""
