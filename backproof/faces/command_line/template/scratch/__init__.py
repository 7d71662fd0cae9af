"""The network, written by hand."""
