"""How much there was in each queue during the last minutes: a short history that watching leaves.

Whoever watches calls `record_depths`; one sample in 10 s is kept, for all who watch together.
It is monitoring's own and lives below `postroom:watch:`.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import redis
from redis.exceptions import ResponseError

from monitoring.numbers.forecast import Depth
from monitoring.queues.snapshot import Snapshot
from workers import watch_keys

EVERY = timedelta(seconds=10)
"""The least time between two samples."""
KEPT = 60
"""Samples that are kept: those of 10 minutes."""
RECENT = timedelta(minutes=3)
"""How old a sample may be to say where things are going: as long as what is done is counted."""
_FORGOTTEN_AFTER = 3_600  # seconds without anybody watching


def record_depths(snapshot: Snapshot, *, connection: redis.Redis) -> bool:
    """Write down how much there is, if nobody has done so in the last 10 s.

    Args:
        snapshot: The queues.
        connection: Where.

    Returns:
        Whether it was written; not if Redis refuses it, because this client may only read or
        because there is no memory left.
    """
    turn = int(EVERY.total_seconds() * 1000) - 500  # a little less: clocks of watchers tick alike
    try:
        if not connection.set(watch_keys.watch_depths_turn(), 1, nx=True, px=turn):
            return False
        _write(snapshot, connection)
    except ResponseError:  # who may only read can still look, and so can all when Redis is full
        return False
    return True


def _write(snapshot: Snapshot, connection: redis.Redis) -> None:
    text = json.dumps({"at": snapshot.time.timestamp(), "jobs": dict(depths_of(snapshot))})
    with connection.pipeline(transaction=False) as pipe:
        pipe.rpush(watch_keys.watch_depths(), text)
        pipe.ltrim(watch_keys.watch_depths(), -KEPT, -1)
        pipe.expire(watch_keys.watch_depths(), _FORGOTTEN_AFTER)
        pipe.execute()


def depths_of(snapshot: Snapshot) -> Mapping[str, int]:
    """How much there is in each queue: waiting or in a worker's hands."""
    totals = {name: queue.total for name, queue in snapshot.queues.items()}
    return {name: each.waiting + each.taken + each.started for name, each in totals.items()}


def read_depths(*, now: datetime, connection: redis.Redis) -> Mapping[str, Sequence[Depth]]:
    """The samples of the last minutes, in one round trip.

    Args:
        now: The server's time.
        connection: Where.

    Returns:
        By queue, oldest first; damaged samples are passed over.
    """
    stored: Any = connection.lrange(watch_keys.watch_depths(), 0, -1)
    found: dict[str, list[Depth]] = {}
    for text in stored:
        at, jobs = _read(text)
        if at is not None and now - RECENT <= at <= now:
            for queue, count in jobs.items():
                found.setdefault(queue, []).append(Depth(at, count))
    return found


def _read(text: bytes) -> tuple[datetime | None, Mapping[str, int]]:
    try:
        found = json.loads(text)
        jobs = {str(queue): int(count) for queue, count in found["jobs"].items()}
        return datetime.fromtimestamp(float(found["at"]), tz=UTC), jobs
    except (ValueError, TypeError, KeyError, AttributeError):
        return None, {}
