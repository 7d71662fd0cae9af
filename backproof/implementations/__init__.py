"""Whatever evaluates a network: subjects, programs, twins in frameworks."""
