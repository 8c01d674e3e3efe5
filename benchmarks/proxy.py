"""A proxy on loopback that counts what its clients write."""

import select
import socket
import socketserver
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock, Thread

from typing_extensions import override

_CHUNK = 1 << 20
_HOST = "127.0.0.1"


class CountingProxy(socketserver.ThreadingTCPServer):
    """Passes bytes on between clients and one server.

    Two writes of a client that waits for no answer in between may arrive as one, and are one.
    """

    daemon_threads = True

    def __init__(self, upstream_port: int) -> None:
        super().__init__((_HOST, 0), _Relay)
        self.upstream_port = upstream_port
        self.writes = 0
        self._lock = Lock()

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"redis://{_HOST}:{self.server_address[1]}/0"

    def count_write(self) -> None:
        """Add one; called from the thread of each connection."""
        with self._lock:
            self.writes += 1


class _Relay(socketserver.BaseRequestHandler):
    server: CountingProxy

    @override
    def handle(self) -> None:
        client: socket.socket = self.request
        with socket.create_connection((_HOST, self.server.upstream_port)) as upstream:
            for end in (client, upstream):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._relay(client, upstream)

    def _relay(self, client: socket.socket, upstream: socket.socket) -> None:
        others = {client: upstream, upstream: client}
        while True:
            for end in select.select([client, upstream], [], [])[0]:
                data = _received(end)
                if not data:
                    return
                if end is client:
                    self.server.count_write()
                others[end].sendall(data)


@contextmanager
def counting_proxy(upstream_port: int) -> Iterator[CountingProxy]:
    """A proxy for as long as the block runs.

    Args:
        upstream_port: The server's port on this machine.

    Yields:
        The proxy, which is listening.
    """
    with CountingProxy(upstream_port) as proxy:
        thread = Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield proxy
        finally:
            proxy.shutdown()
            thread.join()


def _received(end: socket.socket) -> bytes:
    try:
        return end.recv(_CHUNK)
    except ConnectionResetError:  # a work horse ends without closing its connection
        return b""
