"""`python3 run bench --live`: what clients of a stream cost the web process."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import timedelta
from itertools import cycle
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import psutil

from benchmarks.errors import BenchFailed
from benchmarks.listeners import listening
from benchmarks.server import BenchServer, bench_server
from monitoring.identity import Role
from monitoring.settings import WebSettings
from monitoring.tokens import make_token
from postroom.address import free_port
from postroom.settings import child_environment
from workers import keys

CLIENTS = 50
GROWTH = 0.05
"""How much larger the process may be at the end than after a fifth of the ticks."""
CORE = 0.05
"""The share of a core that it may use at the usual pace."""

_TICKS, _TICKS_QUICK = 10_000, 500
_SECONDS, _SECONDS_QUICK = 60.0, 10.0
_START_SECONDS = 30.0
_KIBIBYTE = 1024
_SIGNED_WITH = "of this measurement only, and of nobody else"


@dataclass(frozen=True)
class Cost:
    """What was found.

    Args:
        clients: Streams that were open, to the end.
        core: The share of a core that the process used with ticks of 2 s.
        ticks: How many looks were taken as quickly as possible, 10 ms apart at least.
        tick_ms: What one took, with sending it to all, on the average.
        begin_kib: Resident memory after a fifth of them.
        end_kib: Resident memory at the end.
    """

    clients: int
    core: float
    ticks: int
    tick_ms: float
    begin_kib: int
    end_kib: int

    @property
    def growth(self) -> float:
        """By how much the process has grown, as a share."""
        return self.end_kib / self.begin_kib - 1

    @property
    def faults(self) -> list[str]:
        """What is over a limit, in words."""
        told = {
            f"{self.clients} of {CLIENTS} clients were left": self.clients < CLIENTS,
            f"it grew by {self.growth:.1%}": self.growth > GROWTH,
            f"it used {self.core:.1%} of a core": self.core > CORE,
        }
        return [words for words, is_wrong in told.items() if is_wrong]


def measure(folder: Path, *, ticks: int, seconds: float) -> Cost:
    """Let fifty clients listen, first at the usual pace and then as fast as it goes.

    Args:
        folder: For the server's files.
        ticks: Of the second part.
        seconds: Of the first part.
    """
    with bench_server(folder) as server:
        core = _share_of_a_core(server, seconds)
        with _web(server, live_seconds=0.01) as (port, process):
            return _grown(server, port, process, ticks, core)


def bench_live(*, quick: bool, as_json: bool) -> int:
    """Measure and print.

    Args:
        quick: A twentieth of the ticks.
        as_json: Print one JSON object.

    Returns:
        The exit code: 1 if something is over its limit.
    """
    ticks, seconds = (_TICKS_QUICK, _SECONDS_QUICK) if quick else (_TICKS, _SECONDS)
    with tempfile.TemporaryDirectory(prefix="postroom-bench-") as folder:
        found = measure(Path(folder), ticks=ticks, seconds=seconds)
    text = json.dumps({**asdict(found), "faults": found.faults}) + "\n"
    sys.stdout.write(text if as_json else as_text(found))
    return 1 if found.faults else 0


def as_text(found: Cost) -> str:
    """Lines for people.

    Args:
        found: What was found.
    """
    begin, end = found.begin_kib / _KIBIBYTE, found.end_kib / _KIBIBYTE
    lines = [
        f"{found.clients} clients, an event every 2 s: {found.core:.1%} of a core",
        f"{found.ticks:,} events as fast as it goes: {found.tick_ms:.1f} ms each",
        f"memory {begin:.1f} MiB after a fifth of them, {end:.1f} MiB at the end",
        *(f"OVER ITS LIMIT  {fault}" for fault in found.faults),
    ]
    return "\n".join(lines) + "\n"


def _share_of_a_core(server: BenchServer, seconds: float) -> float:
    changes = _changes(server)
    with (
        _web(server, live_seconds=2) as (port, process),
        listening(port, _token(), count=CLIENTS, on_event=lambda: next(changes)) as listeners,
    ):
        listeners.wait_for(2)
        before, began = _cpu(process), time.monotonic()
        time.sleep(seconds)
        return (_cpu(process) - before) / (time.monotonic() - began)


def _grown(
    server: BenchServer, port: int, process: psutil.Process, ticks: int, core: float
) -> Cost:
    changes = _changes(server)
    with listening(port, _token(), count=CLIENTS, on_event=lambda: next(changes)) as listeners:
        listeners.wait_for(ticks // 5)
        begin_kib, began, first = _resident(process), time.monotonic(), listeners.ticks
        listeners.wait_for(ticks)
        tick_ms = (time.monotonic() - began) * 1_000 / max(1, listeners.ticks - first)
        clients = listeners.open_ones
    return Cost(clients, core, listeners.ticks, tick_ms, begin_kib, _resident(process))


def _changes(server: BenchServer) -> Iterator[None]:
    """Something that the next look will show, whenever it is asked for the next one."""
    for is_full in cycle((False, True)):
        if is_full:
            server.client.lpop(keys.queue("email"))
        else:
            server.client.lpush(keys.queue("email"), "none-such")
        yield


@contextmanager
def _web(server: BenchServer, *, live_seconds: float) -> Iterator[tuple[int, psutil.Process]]:
    port = free_port()
    environment = {
        "REDIS_URL": server.url,
        "POSTROOM_SECRET": _SIGNED_WITH,
        "LIVE_SECONDS": str(live_seconds),
    }
    process = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-c", "from postroom.cli import main; main()", "web", "--port", str(port)],
        env=child_environment(environment),
        stdout=subprocess.DEVNULL,
    )
    try:
        _wait_for(port)
        yield port, psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(10)


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        with suppress(URLError, OSError), urlopen(f"http://127.0.0.1:{port}/healthz"):
            return
        time.sleep(0.05)
    raise BenchFailed("the web process did not start")


def _token() -> str:
    settings, ttl = WebSettings(), timedelta(hours=2)
    return make_token(
        Role.MODERATOR, subject="bench", ttl=ttl, secret=_SIGNED_WITH, settings=settings
    )


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _resident(process: psutil.Process) -> int:
    return int(process.memory_info().rss) // _KIBIBYTE
