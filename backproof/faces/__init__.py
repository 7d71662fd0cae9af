"""How people reach it: from Python, from a shell, from pytest."""
