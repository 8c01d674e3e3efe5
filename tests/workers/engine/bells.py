"""What the tests of the bell share: servers of their own, a proxy, and waits in a thread."""

import contextlib
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path

from redis import Redis, RedisError

from postroom.programs import find_server
from tests.processes import ask_until_true
from workers import keys
from workers.engine.bell import Bell

LISTS = [keys.queue(f"queue{number}") for number in range(90)]
PAUSES = keys.queue("pauses")
LONG = 8.0  # seconds that no test may use up


def begin(
    bell: Bell,
    client: Redis,
    lists: Sequence[str] = LISTS,
    also: Sequence[str] = (),
    *,
    seconds: float = LONG,
) -> Future[bool]:
    """Wait in a thread; returns when the server has answered the bell's question."""
    before = asked(client)
    future: Future[bool] = Future()

    def wait() -> None:
        try:
            future.set_result(bell.wait(lists, also, seconds=seconds))
        except BaseException as error:
            future.set_exception(error)
            raise

    threading.Thread(target=wait, daemon=True).start()
    ask_until_true(lambda: asked(client) > before)
    return future


def asked(client: Redis) -> int:
    return client.info("commandstats").get("cmdstat_exists", {}).get("calls", 0)


def lines(client: Redis) -> list[str]:
    """The ids of the connections that the server tracks for."""
    return [each["id"] for each in client.client_list() if "t" in each["flags"]]


def took(action: Callable[[], object]) -> float:
    began = time.monotonic()
    action()
    return time.monotonic() - began


@contextlib.contextmanager
def server(folder: Path, port: int, *arguments: str) -> Iterator[Redis]:
    command = [find_server(), *arguments, "--port", str(port), "--dir", folder, "--save", ""]
    process = subprocess.Popen(
        [*command, "--bind", "127.0.0.1", "--logfile", folder / "server.log"]
    )
    try:
        with Redis(port=port, socket_timeout=5, protocol=2) as client:
            ask_until_true(lambda: _answers(client))
            yield client
    finally:
        process.kill()
        process.wait()


def _answers(client: Redis) -> bool:
    with contextlib.suppress(RedisError):
        return bool(client.ping())
    return False


class Proxy:
    """Passes bytes on to a server; can keep the server's back, and send them one by one."""

    def __init__(self, port: int, own_port: int = 0) -> None:
        self.held, self.holds, self.drips = b"", False, False
        self._listener = socket.create_server(("127.0.0.1", own_port))
        self.port = self._listener.getsockname()[1]
        self._target = ("127.0.0.1", port)
        self._sockets = [self._listener]
        self._begin(self._accept)

    def release(self) -> None:
        held, self.held, self.holds = self.held, b"", False
        self._sockets[-2].sendall(held)

    def cut(self) -> None:
        """End all connections, and lose what is held; new ones are taken."""
        self.held, self.holds = b"", False
        ended, self._sockets = self._sockets[1:], self._sockets[:1]
        self._end(ended)

    def close(self) -> None:
        self._end(self._sockets)

    @staticmethod
    def _end(sockets: Sequence[socket.socket]) -> None:
        for each in sockets:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _begin(self, function: Callable[..., None], *arguments: object) -> None:
        threading.Thread(target=function, args=arguments, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                upstream = socket.create_connection(self._target)
                self._sockets += [client, upstream]
                self._begin(self._pass_on, client, upstream.sendall)
                self._begin(self._pass_on, upstream, lambda got, to=client: self._give(got, to))

    def _pass_on(self, source: socket.socket, give: Callable[[bytes], object]) -> None:
        with contextlib.suppress(OSError):
            while got := source.recv(65536):
                give(got)

    def _give(self, got: bytes, client: socket.socket) -> None:
        if self.holds:
            self.held += got
            return
        for part in [got[at : at + 1] for at in range(len(got))] if self.drips else [got]:
            client.sendall(part)
            time.sleep(0.001 if self.drips else 0)


def port_of(client: Redis) -> int:
    port: int = client.connection_pool.connection_kwargs["port"]
    return port
