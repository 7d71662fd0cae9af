"""The recipes: how every number of ``published.csv`` is obtained, one file a system.

``published.csv`` holds what the articles print. Its column ``at_least`` is a demand: so many
significant digits must agree where rounding leaves fewer than were printed.
"""
