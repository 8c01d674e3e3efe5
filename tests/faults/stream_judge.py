"""Judges a drill of streams: what handlers have noted, against what was acknowledged."""

import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from redis import RedisError

from tests.faults.behaviours import PLANNED_STARTS
from tests.faults.stream_stage import NAMES, StreamStage


@dataclass(frozen=True)
class StreamVerdict:
    """What was found, with the message behind each finding.

    Args:
        lost: Published, neither handled to the end nor a dead letter, and nobody will.
        phantom: Handled, and never published.
        extra: A start more than was planned.
        stuck: Still in somebody's hands, or unread, when the drill was over.
        residue: Consumers that stand in Redis though their workers have ended.
    """

    lost: list[str]
    phantom: list[str]
    extra: list[str]
    stuck: list[str]
    residue: list[str]

    def counts(self) -> Mapping[str, float]:
        return {name: len(found) for name, found in vars(self).items()}


def judge(here: StreamStage) -> StreamVerdict:
    """Let the workers clean up after the dead, end them, and compare."""
    deadline = time.monotonic() + here.pace.lease + 2 * here.pace.reap + 3
    while _dead_consumers(here) and time.monotonic() < deadline:
        time.sleep(0.1)
    for group in here.groups:
        group.fleet.end()
    attempted, acked = here.published.refresh().ids("attempted"), here.acked()
    with here.client() as client:
        dead = here.dead(client)
        stuck = [f"{n} of {g.name}" for g in here.groups if (n := here.left(client, g.name))]
    lost: set[str] = set()
    extra: Counter[str] = Counter()
    seen: set[str] = set()
    for group in here.groups:
        ledger = group.ledger.refresh()
        lost |= acked - ledger.ids("end") - dead
        seen |= ledger.ids("start")
        for job in ledger.ids("start"):
            starts = ledger.of(job, "start")
            extra[job] += max(0, len(starts) - PLANNED_STARTS.get(starts[0].kind, 1))
    left = _dead_consumers(here)
    return StreamVerdict(
        sorted(lost), sorted(seen - attempted), sorted(extra.elements()), stuck, left
    )


def _dead_consumers(here: StreamStage) -> list[str]:
    """Consumers in the groups without a worker that lives."""
    pids = {str(w.process.pid) for group in here.groups for w in group.fleet.workers if w.lives()}
    found = set()
    with suppress(RedisError), here.client() as client:
        for stream in NAMES:
            for group in here.groups:
                with suppress(RedisError):
                    for each in client.xinfo_consumers(stream, group.name):
                        found.add(each["name"].decode())
    return sorted(name for name in found if not pids & set(name.split("-")))
