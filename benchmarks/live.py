"""`python3 run bench --live`: what clients of a stream cost the web process."""

import json
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import cycle
from pathlib import Path

from benchmarks.listeners import listening
from benchmarks.server import BenchServer, bench_server
from benchmarks.web_process import CLIENTS, CORE, WebProcess, token, web_process
from workers import keys

GROWTH = 0.05
"""How much larger the process may be at the end than after a fifth of the ticks."""

_TICKS, _TICKS_QUICK = 10_000, 500
_SECONDS, _SECONDS_QUICK = 60.0, 10.0
_KIBIBYTE = 1024


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
        with web_process(server, live_seconds=0.01) as web:
            return _grown(server, web, ticks, core)


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
    change = changes(server)
    with (
        web_process(server, live_seconds=2) as web,
        listening(web.port, token(), count=CLIENTS, on_event=lambda: next(change)) as listeners,
    ):
        listeners.wait_for(2)
        before, began = web.cpu_seconds(), time.monotonic()
        time.sleep(seconds)
        return (web.cpu_seconds() - before) / (time.monotonic() - began)


def _grown(server: BenchServer, web: WebProcess, ticks: int, core: float) -> Cost:
    change = changes(server)
    with listening(web.port, token(), count=CLIENTS, on_event=lambda: next(change)) as listeners:
        listeners.wait_for(ticks // 5)
        begin_kib, began, first = web.resident_kib(), time.monotonic(), listeners.ticks
        listeners.wait_for(ticks)
        tick_ms = (time.monotonic() - began) * 1_000 / max(1, listeners.ticks - first)
        clients = listeners.open_ones
    return Cost(clients, core, listeners.ticks, tick_ms, begin_kib, web.resident_kib())


def changes(server: BenchServer) -> Iterator[None]:
    """Something that the next look will show, whenever it is asked for the next one.

    Args:
        server: Where it changes.
    """
    for is_full in cycle((False, True)):
        if is_full:
            server.client.lpop(keys.queue("email"))
        else:
            server.client.lpush(keys.queue("email"), "none-such")
        yield
