"""Counts the commands that clients send, by MONITOR. It slows the server: never while timing."""

import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Thread
from uuid import uuid4

import redis

_FROM_SCRIPT = re.compile(rb"\+[\d.]+ \[\d+ lua\]")
_ANSWER_SECONDS = 30.0


class CommandCount:
    """The lines of MONITOR that are not marked `lua`, up to `finish`."""

    def __init__(self, port: int) -> None:
        self.commands = 0
        self._end = uuid4().hex
        self._client = redis.Redis(port=port, single_connection_client=True)
        self._client.ping()  # it introduces itself now, and not among what is counted
        self._socket = socket.create_connection(("127.0.0.1", port), _ANSWER_SECONDS)
        self._lines = self._socket.makefile("rb")
        self._socket.sendall(b"MONITOR\r\n")
        self._lines.readline()  # +OK: from here on every command is seen
        self._socket.settimeout(None)  # a job may take long without a command
        self._thread = Thread(target=self._count, daemon=True)
        self._thread.start()

    def finish(self) -> None:
        """Wait until all commands sent before this call are counted."""
        self._client.echo(self._end)
        self._thread.join()

    def close(self) -> None:
        """Leave the server, whether or not the count is complete."""
        with suppress(OSError):  # it is gone already
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._lines.close()
        self._socket.close()
        self._client.close()

    def _count(self) -> None:
        for line in self._lines:  # until the end is seen, or `close` is called
            if self._end.encode() in line:
                return
            self.commands += not _FROM_SCRIPT.match(line)


@contextmanager
def counted_commands(port: int) -> Iterator[CommandCount]:
    """Count what reaches a server while the block runs.

    Args:
        port: The server's port on this machine.

    Yields:
        The count; it is final once `finish` has returned.
    """
    count = CommandCount(port)
    try:
        yield count
        count.finish()
    finally:
        count.close()
