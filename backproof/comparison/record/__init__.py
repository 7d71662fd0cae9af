"""What was computed for a pairing, and how it is stored."""
