"""A script, never imported: becomes a command that ends when the worker does.

    python build_start.py PID PROGRAM ARGUMENT...

It is a program of its own, because a worker must not run Python between fork and exec: its other
threads may hold locks, and its database connections would be closed under a build.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1  # from linux/prctl.h


def main(worker: int, command: list[str]) -> None:
    """Run the command in place of this process.

    Args:
        worker: The process id of the worker; nothing is run if it has ended already.
        command: The program, found by whoever started this, and its arguments.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() == worker:
        os.execv(command[0], command)  # noqa: S606 - admitted by BUILD_ALLOWED_COMMANDS


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
