"""Subjects: how they are called, and what they declare of themselves."""
