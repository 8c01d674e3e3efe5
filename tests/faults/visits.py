"""Who comes to the nursery's door: `tests/stand_in.py`, each for one program."""

import marshal
import os
import selectors
import signal
import socket
from contextlib import suppress
from functools import partial
from pathlib import Path

import psutil

from tests.faults.becoming import Order, become

_PATIENCE = 10.0  # seconds: a stand-in sends all it has to say at once


class Visits:
    """Starts what is asked for at a door, and goes on listening to who asked.

    Args:
        selector: What is registered here has a function without arguments as its data.
        door: The path of a socket that does not exist yet.
    """

    def __init__(self, selector: selectors.BaseSelector, door: str | Path) -> None:
        self._selector = selector
        self._visitors: dict[int, socket.socket] = {}
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(door))
        self._listener.listen(64)
        selector.register(self._listener, selectors.EVENT_READ, self._welcome)

    def end(self, pid: int, code: int) -> None:
        """Tell who asked for a process that it has ended; what it left in its session ends, too.

        Args:
            pid: The process, already reaped.
            code: As `subprocess` has it.
        """
        visitor = self._visitors.pop(pid, None)
        if visitor is not None:
            self._selector.unregister(visitor)
            with visitor, suppress(OSError):  # the visitor may be gone
                visitor.sendall(code.to_bytes(4, "big", signed=True))
        _end_session(pid)

    def _welcome(self) -> None:
        visitor, _ = self._listener.accept()
        visitor.settimeout(_PATIENCE)
        try:
            order = _order_of(visitor)
        except (OSError, ValueError):  # it was killed before it had said all
            visitor.close()
            return
        pid = os.fork()
        if pid == 0:
            become(order)
        for descriptor in order.descriptors:
            os.close(descriptor)
        self._visitors[pid] = visitor
        self._selector.register(visitor, selectors.EVENT_READ, partial(self._hear, pid))

    def _hear(self, pid: int) -> None:
        visitor = self._visitors[pid]
        with suppress(ConnectionError):
            if signals := visitor.recv(64):
                for number in signals:
                    os.kill(pid, number)
                return
        # Nobody waits for it any more: whoever ended the stand-in meant the program.
        self._selector.unregister(self._visitors.pop(pid))
        visitor.close()
        _end_session(pid)


def _order_of(visitor: socket.socket) -> Order:
    head, descriptors, _, _ = socket.recv_fds(visitor, 4, 3)
    words, environ, folder, ignored = marshal.loads(_read(visitor, int.from_bytes(head, "big")))
    inward, outward, errors = descriptors
    text = {os.fsdecode(name): os.fsdecode(value) for name, value in environ.items()}
    return Order(words, text, (inward, outward, errors), folder=folder, ignored=ignored)


def _read(visitor: socket.socket, size: int) -> bytes:
    read = b""
    while len(read) < size:
        if not (more := visitor.recv(size - len(read))):
            raise ValueError("the order is cut off")
        read += more
    return read


def _end_session(session: int) -> None:
    for pid in psutil.pids():
        with suppress(OSError):
            if os.getsid(pid) == session:
                os.kill(pid, signal.SIGKILL)
