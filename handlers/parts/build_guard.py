"""Stands over one command of a build, as a process of its own: `build_process` starts it.

It leads the command's process group and kills the whole of it when the line to the worker ends,
which it does however the worker dies. It imports nothing of ours, so that it starts at once.
"""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence


def main() -> None:
    """Run the command that follows the number of the line, and say there how it ended."""
    line = socket.socket(fileno=int(sys.argv[1]))
    # The command is asked to end, not its guard. A handler, because what is ignored would stay
    # ignored in the command.
    signal.signal(signal.SIGTERM, lambda *_: None)
    end = threading.Thread(target=_end_with, args=(line,))
    end.start()
    line.sendall(_run(sys.argv[2:]).encode())
    end.join()  # what the command left behind ends with us, so nobody else can get our group's id


def _run(command: Sequence[str]) -> str:
    try:
        return f"exit {subprocess.call(command)}"  # noqa: S603 - admitted by the worker
    except OSError as error:
        return f"errno {error.errno}"


def _end_with(line: socket.socket) -> None:
    line.recv(1)  # the worker says nothing; this returns when its end is closed
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main()
