"""``python -m backproof``: the command line."""

import sys

# Python puts the current folder first, where a random.py of the user's would be taken for Python's.
# It is there again, as the project's folder, when the user's own files are loaded.
if not sys.flags.safe_path:
    del sys.path[0]

from backproof.faces.command_line.main import main

main()
