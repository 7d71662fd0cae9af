"""Runs that need not wait for imports: a keeper of warm workers, and what makes use of it."""
