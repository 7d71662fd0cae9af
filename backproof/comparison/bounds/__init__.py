"""How far implementations may lie from the exact result, and what that shows."""
