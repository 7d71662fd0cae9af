"""Random networks against the references."""
