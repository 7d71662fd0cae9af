"""Probe points: parameters and batches that expose what the data hide."""
