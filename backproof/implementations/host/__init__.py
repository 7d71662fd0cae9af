"""The machine that a run is on: processor and threads."""
