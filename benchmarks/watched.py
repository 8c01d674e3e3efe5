"""`python3 run bench --monitoring`: how the web process answers with a million jobs there."""

import gc
import json
import logging
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.crowd import MILLION, SOME, Crowd, fill
from benchmarks.looking import (
    MOST_TRIPS,
    TICK,
    Look,
    look,
    slow_commands,
    slowest_command,
    watch_commands,
)
from benchmarks.saying import say
from benchmarks.server import bench_server

LONGEST_MS = 300.0
"""What 99 of 100 requests for a page may take."""
LONGEST_TICK_MS = 50.0
"""What 99 of 100 looks for all clients of streams may take."""
_EACH, _EACH_QUICK = 200, 20
_MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Watched:
    """What was found.

    Args:
        crowd: How much there was.
        memory_mb: What Redis needed for it.
        fill_seconds: How long it took to put it there.
        looks: A route each.
        slowest_us: The command of Redis that took longest on the average, and its microseconds.
        slow: Single commands that took more than 10 ms.
    """

    crowd: Crowd
    memory_mb: float
    fill_seconds: float
    looks: Sequence[Look]
    slowest_us: tuple[str, float]
    slow: Sequence[str]

    @property
    def faults(self) -> Sequence[str]:
        """What is over a limit, in words."""
        return [
            *(f"{e.path}: {e.trips} round trips" for e in self.looks if e.trips > MOST_TRIPS),
            *(f"{e.path}: p99 {e.p99_ms:.0f} ms" for e in self.looks if e.p99_ms > _longest(e)),
        ]


def watch(crowd: Crowd, *, each: int, folder: Path) -> Watched:
    """Fill a server and look at it.

    Args:
        crowd: How much there shall be.
        each: Requests a route.
        folder: For the server's files.
    """
    logging.disable(logging.INFO)  # the audit entry of each import
    with bench_server(folder) as server:
        began = time.monotonic()
        names = fill(crowd, connection=server.client)
        filled = time.monotonic() - began
        info: Any = server.client.info("memory")
        watch_commands(server.client)
        _freeze()
        looks = [_said(found) for found in look(server.url, names, each=each)]
        return Watched(
            crowd,
            info["used_memory"] / _MEGABYTE,
            filled,
            looks,
            slowest_command(server.client),
            slow_commands(server.client),
        )


def _freeze() -> None:
    # As `postroom web` does, which does not have the ids of a million jobs either: to look through
    # these took the collector 60 ms, in the middle of what is timed.
    gc.collect()
    gc.freeze()


def bench_monitoring(*, quick: bool, as_json: bool) -> int:
    """Measure and print.

    Args:
        quick: 20,000 jobs instead of a million.
        as_json: Print one JSON object.

    Returns:
        The exit code: 1 if something is over its limit.
    """
    with tempfile.TemporaryDirectory(prefix="postroom-bench-") as folder:
        crowd, each = (SOME, _EACH_QUICK) if quick else (MILLION, _EACH)
        found = watch(crowd, each=each, folder=Path(folder))
    sys.stdout.write(json.dumps(_as_json(found)) + "\n" if as_json else as_text(found))
    return 1 if found.faults else 0


def as_text(found: Watched) -> str:
    """A table for people.

    Args:
        found: What was found.
    """
    crowd, (command, mean) = found.crowd, found.slowest_us
    there = f"{crowd.letters:,} dead letters, {crowd.streams:,} streams"
    lines = [
        f"{crowd.jobs:,} jobs in {crowd.queues} queues, {there}",
        f"{found.memory_mb:,.0f} MB of Redis, filled in {found.fill_seconds:.0f} s",
        f"{'route':44} {'median':>9} {'p99':>9} {'CPU':>9} {'trips':>6} {'kB':>7}",
        *(_line(each) for each in found.looks),
        f"the slowest command of Redis, on the average: {command}, {mean:.0f} us",
        f"commands that took more than 10 ms: {len(found.slow)}",
        *found.slow[:10],
        *(f"OVER ITS LIMIT  {fault}" for fault in found.faults),
    ]
    return "\n".join(lines) + "\n"


def _longest(look: Look) -> float:
    return LONGEST_TICK_MS if look.path == TICK else LONGEST_MS


def _line(each: Look) -> str:
    return (
        f"{each.path:44} {each.median_ms:6.1f} ms {each.p99_ms:6.1f} ms {each.cpu_ms:6.1f} ms "
        f"{each.trips:6} {each.bytes / 1000:7.1f}"
    )


def _said(found: Look) -> Look:
    say(found.path)
    return found


def _as_json(found: Watched) -> Mapping[str, Any]:
    return {**asdict(found), "faults": list(found.faults)}
