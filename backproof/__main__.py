"""``python -m backproof``: the command line."""

from backproof.cli import main

main()
