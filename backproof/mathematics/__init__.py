"""What is computed, and how far rounding may move it: no framework, no process."""
