"""A server that says something else: a real one, seen through a port that changes its answers."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit


@contextmanager
def answering_otherwise(url: str, said: str, instead: str) -> Iterator[str]:
    """A URL through which a server is reached, with one text of its answers exchanged.

    Both texts have the same length, or the answers would be broken.
    """
    port, old, new = urlsplit(url).port or 0, said.encode(), instead.encode()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ends = threading.Thread(target=_serve, args=(listener, port, old, new))
        ends.start()
        yield f"redis://127.0.0.1:{listener.getsockname()[1]}/0"
        listener.shutdown(socket.SHUT_RDWR)
        ends.join(5)


def _serve(listener: socket.socket, port: int, old: bytes, new: bytes) -> None:
    threads = []
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            break
        server = socket.create_connection(("127.0.0.1", port))
        for pair in ((client, server, b"", b""), (server, client, old, new)):
            threads.append(threading.Thread(target=_pass_on, args=pair))
            threads[-1].start()
    for thread in threads:
        thread.join(5)


def _pass_on(source: socket.socket, target: socket.socket, old: bytes, new: bytes) -> None:
    with source, target:
        while data := _received(source):
            target.sendall(data.replace(old, new) if old else data)
        for end in (source, target):
            _shut(end)


def _received(source: socket.socket) -> bytes:
    try:
        return source.recv(1 << 20)
    except OSError:
        return b""


def _shut(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
