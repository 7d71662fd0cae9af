"""A program's warden: ``python -m backproof.implementations.host.warden PROGRAM …``, on Linux.

It starts the program with its own standard streams, and ends as the program ends. When its parent
ends first, it ends the program and all that this has started, in whichever session they are: a
program in another language cannot be asked to look after its parent.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import NoReturn

from backproof.implementations.host.processes import PARENT, adopt, end_all, end_with_parent


def main() -> NoReturn:
    """Start the program, wait for it, and end as it did."""
    adopt()

    def ended(*_: object) -> NoReturn:
        end_all(os.getpid(), itself=False)
        os._exit(1)

    signal.signal(signal.SIGTERM, ended)
    end_with_parent(int(os.environ.pop(PARENT)), signal.SIGTERM)
    status = subprocess.Popen(sys.argv[1:]).wait()
    end_all(os.getpid(), itself=False)
    if status < 0:
        if -status in (signal.SIGTERM, signal.SIGINT):  # those that Python handles
            signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    os._exit(status)


if __name__ == "__main__":
    main()
