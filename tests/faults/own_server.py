"""A Redis of a drill's own, which may be killed, restarted, filled and taken away."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from redis import Redis, RedisError

from postroom import watchdog
from postroom.address import free_port
from postroom.programs import find_server

_START_SECONDS = 20.0


@dataclass
class OwnServer:
    """A server on a port that stays the same over restarts; what it acknowledged, it keeps."""

    folder: Path
    program: Path | None = None
    """None means the one that is found."""
    port: int = field(default_factory=free_port)
    _guard: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def client(self) -> "Redis":
        """A client that waits at most 5 s and tries nothing twice."""
        return Redis.from_url(self.url, socket_timeout=5, socket_connect_timeout=5)

    def start(self) -> None:
        """Start it and wait until it answers."""
        settings = {"port": self.port, "bind": "127.0.0.1", "dir": self.folder, "save": ""}
        settings |= {"appendonly": "yes", "appendfsync": "everysec", "loglevel": "warning"}
        words = [word for name, value in settings.items() for word in (f"--{name}", str(value))]
        with (self.folder / "server.log").open("ab") as log:
            # Below a watchdog: it ends with this process, however this process ends.
            self._guard = subprocess.Popen(
                watchdog.watched([str(self.program or find_server()), *words], "--grace", "3"),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._wait_until_it_answers()

    def kill(self) -> None:
        """SIGKILL. The page cache survives, so this is no power cut: nothing is lost."""
        with self.client() as client:
            info: Any = client.info("server")
        subprocess.run(["kill", "-9", str(info["process_id"])], check=True)
        self._reap()

    def stop(self) -> None:
        """End it, if it runs."""
        if self._guard is not None and self._guard.poll() is None:
            self._guard.terminate()
            self._reap()

    def _reap(self) -> None:
        assert self._guard is not None
        assert self._guard.stdin is not None
        self._guard.wait(20)
        self._guard.stdin.close()

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        with self.client() as client:
            while time.monotonic() < deadline:
                with suppress(RedisError):
                    client.ping()
                    return
                time.sleep(0.02)
        log = (self.folder / "server.log").read_text(errors="replace")
        raise TimeoutError(f"the server of this drill does not start: {log[-500:]}")


@contextmanager
def own_server(folder: Path, program: Path | None = None) -> Iterator[OwnServer]:
    """A running server for as long as the block runs."""
    folder.mkdir(parents=True, exist_ok=True)
    server = OwnServer(folder, program)
    server.start()
    try:
        yield server
    finally:
        server.stop()
