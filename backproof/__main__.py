"""``python -m backproof``: the command line."""

from backproof.faces.command_line.main import main

main()
