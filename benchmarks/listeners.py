"""Clients of a stream that do nothing but read, all in one thread."""

import re
import selectors
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

_NUMBER = re.compile(rb"\nid: \w+-(\d+)\n")
_PATH = "/admin/jobs/live"
_READ = 65_536
_WAIT_SECONDS = 0.5


class Listeners:
    """Clients, and how far the first of them has heard.

    Args:
        port: The server's.
        token: A moderator's.
        count: How many, from 1.
        on_event: Called for each event that the first one gets.
    """

    def __init__(self, port: int, token: str, count: int, on_event: Callable[[], None]) -> None:
        self.ticks = 0
        """The number of the last event."""
        self.bytes_read = 0
        self._on_event = on_event
        self._selector = selectors.DefaultSelector()
        self._sockets = [_opened(port, token) for _ in range(count)]
        for each in self._sockets:
            self._selector.register(each, selectors.EVENT_READ)
        self._is_over = Event()
        self._thread = Thread(target=self._read, daemon=True)
        self._thread.start()

    @property
    def open_ones(self) -> int:
        """How many are still served."""
        return len(self._selector.get_map() or ())

    def wait_for(self, ticks: int) -> None:
        """Return when the first one has heard so many events since the server began."""
        while self.ticks < ticks and self._thread.is_alive():
            time.sleep(0.05)

    def close(self) -> None:
        """Leave."""
        self._is_over.set()
        self._thread.join()
        for each in self._sockets:
            each.close()
        self._selector.close()

    def _read(self) -> None:
        first = self._sockets[0]
        while not self._is_over.is_set():
            for key, _ in self._selector.select(_WAIT_SECONDS):
                found = key.fileobj
                assert isinstance(found, socket.socket)  # noqa: S101 - for mypy
                data = found.recv(_READ)
                self.bytes_read += len(data)
                if not data:
                    self._selector.unregister(found)
                elif found is first:
                    self._note(data)

    def _note(self, data: bytes) -> None:
        for number in _NUMBER.findall(data):
            self.ticks = int(number)
            self._on_event()


@contextmanager
def listening(
    port: int, token: str, *, count: int, on_event: Callable[[], None] = lambda: None
) -> Iterator[Listeners]:
    """Have clients listen while the block runs; see `Listeners`."""
    listeners = Listeners(port, token, count, on_event)
    try:
        yield listeners
    finally:
        listeners.close()


def _opened(port: int, token: str) -> socket.socket:
    opened = socket.create_connection(("127.0.0.1", port), 10)
    head = f"GET {_PATH} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n"
    opened.sendall(head.encode())
    return opened
