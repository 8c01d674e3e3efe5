"""Ten thousand consumers that are gone, and a million entries."""

import time
from threading import Event

import psutil
from redis import Redis

from tests.drills.beside import beside
from tests.drills.result import Result
from tests.drills.site import Site
from tests.drills.stream_results import judged, until
from tests.faults.stream_stage import NAMES, StreamStage, Task
from workers import stream_keys

LONGEST_WAIT = 0.010
"""Seconds for which nothing that removes consumers may block the server."""


def stream_idle(
    site: Site,
    *,
    consumers: int = 10_000,
    within: float = 10.0,
    longest: float = LONGEST_WAIT,
) -> Result:
    """Consumers without entries, whose workers are gone, are removed; the server hardly notices.

    Args:
        site: Where.
        consumers: How many.
        within: Seconds.
        longest: Seconds for which a command may block the server; on a machine that does other
            things as well they say little.
    """
    with site.streams() as here, here.client() as client:
        here.fleet.start(1)
        here.publish([Task()], client)
        here.settle(30)
        _make_consumers(client, consumers)
        there = _consumers(client)
        client.config_set("slowlog-log-slower-than", int(longest * 1e6))
        client.slowlog_reset()
        client.zadd(stream_keys.consumers("workers"), {_name(n): 0 for n in range(consumers)})
        began = time.monotonic()
        probe = _Probe(here)
        with beside(probe.ask):
            gone = until(lambda: _left(client) == 0, within=2 * within)
        took = time.monotonic() - began
        blocked = client.slowlog_get(100)
        left = [name for name in _names(client) if name.startswith("idle-")]
        return judged(
            here,
            limits={"slow": 0, "blocked": 0, "left": 0, "died": 0},
            found={
                "slow": float(not gone or took > within),
                "blocked": len(blocked),
                "left": len(left),
                "unfired": float(there < consumers),
            },
            facts={
                "consumers": there,
                "removed in": f"{took:.1f} s",
                "longest answer": f"{probe.longest * 1000:.1f} ms",
            },
        )


def _name(number: int) -> str:
    return f"idle-{number}-1"


def _make_consumers(client: Redis, count: int) -> None:
    with client.pipeline(transaction=False) as pipe:
        for number in range(count):
            pipe.xgroup_createconsumer(NAMES[0], "workers", _name(number))
            pipe.sadd(stream_keys.consumes("workers", _name(number)), NAMES[0])
        pipe.execute()


def _consumers(client: Redis) -> int:
    (group,) = client.xinfo_groups(NAMES[0])
    return int(group["consumers"])


def _names(client: Redis) -> list[str]:
    return [each["name"].decode() for each in client.xinfo_consumers(NAMES[0], "workers")]


def _left(client: Redis) -> int:
    return int(client.zcount(stream_keys.consumers("workers"), 0, 0))


class _Probe:
    """Asks the server again and again, and remembers the longest answer."""

    def __init__(self, here: StreamStage) -> None:
        self.longest = 0.0
        self._here = here

    def ask(self, over: Event) -> None:
        with self._here.client() as client:
            while not over.wait(0.001):
                began = time.monotonic()
                client.ping()
                self.longest = max(self.longest, time.monotonic() - began)


def stream_million(
    site: Site, *, entries: int = 1_000_000, at_once: int = 20_000, most: float = 0.10
) -> Result:
    """A child that handles a million entries uses no more memory at the end than after a tenth.

    Args:
        site: Where.
        entries: How many.
        at_once: Published before anybody reads them.
        most: How much more memory the worker may have at the end, as a share.
    """
    never = {"CHILD_JOBS": "1000000000"}
    with site.streams(limit=2 * at_once, environ=never) as here, here.client() as client:
        here.fleet.start(1)
        (worker,) = here.fleet.workers
        children: set[int] = set()
        early = late = done = 0
        while done < entries:
            here.publish([Task(stream=NAMES[0])] * at_once, client)
            done += at_once
            until(lambda: here.left(client, "workers") == 0, within=120)
            late = sum(_memory(process) for process in worker.tree())
            if done <= entries // 10:
                early, children = late, {process.pid for process in worker.tree()[1:]}
        same = {process.pid for process in worker.tree()[1:]} == children
        grown = late / early - 1
        return judged(
            here,
            limits={"grown": 0, "died": 0, "extra": 0},
            found={"grown": float(grown > most), "unfired": float(not same or done < entries)},
            facts={
                "memory": f"{early / 1e6:.0f} MB, then {late / 1e6:.0f} MB",
                "entries in Redis": client.xlen(NAMES[0]),
            },
        )


def _memory(process: psutil.Process) -> int:
    return int(process.memory_full_info().uss)
