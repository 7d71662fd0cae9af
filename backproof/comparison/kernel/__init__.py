"""Arrays compared element by element, read once."""
