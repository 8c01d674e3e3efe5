"""The loops on streams that are compared: each reads what one stream holds, and returns.

The raw loops are what any client can do with XREADGROUP and XACK, a hundred entries at a time.
"""

import time
from collections.abc import Sequence
from typing import Any

import redis

from benchmarks.message import sample_messages
from benchmarks.plan import StreamKind
from messages.union import read_message
from workers import keys, load_settings, publish_many, stream_keys
from workers.engine.alarm import NoAlarm
from workers.engine.child import Child
from workers.engine.lane import Tools
from workers.engine.page import Page
from workers.engine.task import Task
from workers.registry import handler_for
from workers.streams.consumers import reap
from workers.streams.hands import Holder
from workers.streams.lane import Reader, StreamLane
from workers.streams.wire import envelope_of
from workers.streams.worker import StreamWorker

STREAM = "bench:stream"
BATCH = 100
"""Entries that each loop reads or claims at a time, as our worker does at most."""

_GROUP, _DEAD = "workers", "dead"


def fill(kind: StreamKind, jobs: int, connection: redis.Redis) -> None:
    """Publish messages; to be claimed, they are in the hands of a consumer that is dead.

    Args:
        kind: Who will read them.
        jobs: How many.
        connection: Where.
    """
    publish_many(sample_messages(jobs), stream=STREAM, connection=connection)
    connection.xgroup_create(STREAM, _GROUP, id="0", mkstream=True)
    if kind == "stream_claim":
        _Taker(_DEAD, connection).take_all()
        connection.zadd(stream_keys.consumers(_GROUP), {_DEAD: 0})
        reap(_GROUP, connection=connection)  # as every worker does each second


def drain(kind: StreamKind, jobs: int, connection: redis.Redis) -> float:
    """Handle, or claim, what is stored.

    Args:
        kind: Which loop.
        jobs: How many are stored.
        connection: Where.

    Returns:
        Seconds until the loop was left.
    """
    del jobs
    began = time.perf_counter()
    if kind in {"stream_raw", "stream_read"}:
        _raw_loop(connection, is_parsed=kind == "stream_read")
    elif kind == "stream_claim":
        _Taker("claimer", connection).take_all()
    else:
        worker = StreamWorker(
            (STREAM,),
            group=_GROUP,
            settings=load_settings(),
            connection=connection,
            is_fenced=kind == "stream",
        )
        worker.work(Task(burst=True))
    return time.perf_counter() - began


def handled(kind: StreamKind, jobs: int, connection: redis.Redis) -> int:
    """How many entries were acknowledged, or claimed.

    Args:
        kind: Which loop ran.
        jobs: How many were stored.
        connection: Where.
    """
    found: Any = connection.xpending(STREAM, _GROUP)
    if kind == "stream_claim":
        owners = {each["name"]: int(each["pending"]) for each in found["consumers"] or ()}
        return sum(count for name, count in owners.items() if name != _DEAD.encode())
    (group,) = connection.xinfo_groups(STREAM)
    buried = int(connection.zcard(keys.dead_letters()))
    return jobs if _is_read(group, jobs) and not found["pending"] and not buried else 0


def _is_read(group: dict[str, Any], jobs: int) -> bool:
    return jobs == 0 or group["entries-read"] == jobs


def _read(connection: redis.Redis, consumer: str, done: Sequence[bytes] = ()) -> Sequence[Any]:
    with connection.pipeline(transaction=False) as pipe:
        if done:
            pipe.xack(STREAM, _GROUP, *done)
        pipe.xreadgroup(_GROUP, consumer, {STREAM: ">"}, count=BATCH)
        answer: Any = pipe.execute()[-1]
    return answer[0][1] if answer else ()


def _raw_loop(connection: redis.Redis, *, is_parsed: bool) -> None:
    entries = _read(connection, "raw")
    while entries:
        if is_parsed:
            for entry_id, fields in entries:
                flat = [part for pair in fields.items() for part in pair]
                message = read_message(envelope_of(flat, entry_id.decode())).message
                handler_for(type(message)).function(message)
        entries = _read(connection, "raw", [entry_id for entry_id, _ in entries])


class _Taker(Child):
    """The child of our worker, which takes and never runs."""

    def __init__(self, name: str, connection: redis.Redis) -> None:
        settings = load_settings()
        self._reader = Reader(
            Holder(_GROUP, name, settings.lease_seconds), (STREAM,), name, connection
        )
        super().__init__(name, self._lane_of, Page(1), Task(burst=True), settings, NoAlarm())

    def _lane_of(self, tools: Tools) -> StreamLane:
        return StreamLane(self._reader, tools)

    def take_all(self) -> None:
        while self.step(BATCH).leased:
            pass
