"""The web process, as `postroom web` starts it, with what it has used so far."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from urllib.error import URLError
from urllib.request import urlopen

import psutil

from benchmarks.errors import BenchFailed
from benchmarks.server import BenchServer
from monitoring.web.identity import Role
from monitoring.web.settings import WebSettings
from monitoring.web.tokens import make_token
from postroom.address import free_port
from postroom.settings import child_environment

CLIENTS = 50
"""Streams that are open in what is measured: as many as one process serves."""
CORE = 0.05
"""The share of a core that the process may use with them, at the usual pace."""

_START_SECONDS = 30.0
_KIBIBYTE = 1024
_SIGNED_WITH = "of this measurement only, and of nobody else"


@dataclass(frozen=True)
class WebProcess:
    """A web process that this bench has started.

    Args:
        port: Where it answers.
        process: It.
    """

    port: int
    process: psutil.Process

    def cpu_seconds(self) -> float:
        """User and system time so far."""
        times = self.process.cpu_times()
        return float(times.user + times.system)

    def resident_kib(self) -> int:
        """Resident memory now."""
        return int(self.process.memory_info().rss) // _KIBIBYTE


@contextmanager
def web_process(server: BenchServer, *, live_seconds: float) -> Iterator[WebProcess]:
    """A web process for as long as the block runs.

    Args:
        server: What it looks at.
        live_seconds: How often it looks while something changes.

    Yields:
        The process, which answers.
    """
    port = free_port()
    environment = {
        "REDIS_URL": server.url,
        "POSTROOM_SECRET": _SIGNED_WITH,
        "LIVE_SECONDS": str(live_seconds),
        "LOG_LEVEL": "ERROR",
    }
    process = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-c", "from postroom.cli import main; main()", "web", "--port", str(port)],
        env=child_environment(environment),
        stdout=subprocess.DEVNULL,
    )
    try:
        _wait_for(port)
        yield WebProcess(port, psutil.Process(process.pid))
    finally:
        process.terminate()
        process.wait(10)


def token() -> str:
    """A moderator's."""
    return make_token(
        Role.MODERATOR,
        subject="bench",
        ttl=timedelta(hours=2),
        secret=_SIGNED_WITH,
        settings=WebSettings(),
    )


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        with suppress(URLError, OSError), urlopen(f"http://127.0.0.1:{port}/healthz"):
            return
        time.sleep(0.05)
    raise BenchFailed("The web process did not start.")
