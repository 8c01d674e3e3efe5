"""Jobs past a time they should have kept: due and not moved, leased and abandoned. Only reads."""

from collections.abc import Iterable, Mapping
from datetime import datetime

import redis

from monitoring.answers import as_text
from monitoring.jobs.running import job_of, read_holders
from monitoring.queues.snapshot import Snapshot, queue_lists
from workers import keys
from workers.routing import queue_of

Late = tuple[int, float]
"""How many, and by how many seconds at most."""

_OVERDUE = 10.0  # seconds; workers look for due jobs twice a second
_ABANDONED = 10.0  # seconds; and for what others left every two


def overdue_jobs(
    queues: Iterable[str], snapshot: Snapshot, *, now: datetime, connection: redis.Redis
) -> Mapping[str, Late]:
    """Scheduled jobs that nobody has moved into their queue, in one round trip.

    Args:
        queues: Which.
        snapshot: Where there are scheduled ones.
        now: The server's time.
        connection: Where.
    """
    asked = [name for name in queues if snapshot.queues[name].total.scheduled]
    moment = now.timestamp()
    with connection.pipeline(transaction=False) as pipe:
        for name in asked:
            for each in queue_lists(name):
                pipe.zcount(keys.scheduled(each), "-inf", moment - _OVERDUE)
                pipe.zrange(keys.scheduled(each), 0, 0, withscores=True)
        answers = iter(pipe.execute())
    found = {}
    for name in asked:
        told = [(next(answers), next(answers)) for _ in queue_lists(name)]
        longest = max((moment - first[0][1] for count, first in told if count), default=0.0)
        found[name] = (sum(count for count, _ in told), longest)
    return found


def abandoned_jobs(*, now: datetime, connection: redis.Redis) -> Mapping[str, Late]:
    """Jobs whose lease lapsed without anybody taking them over, in three round trips.

    Args:
        now: The server's time.
        connection: Where.
    """
    moment = now.timestamp()
    # A holder that left by itself wrote no time.
    lapsed = [
        (job_of(token), moment - until if until else _ABANDONED)
        for token, until, _ in read_holders(connection)
        if moment - until >= _ABANDONED
    ]
    with connection.pipeline(transaction=False) as pipe:
        for job_id, _ in lapsed:
            pipe.hget(keys.job(job_id), "origin")
        origins = pipe.execute()
    found: dict[str, Late] = {}
    for (_, seconds), origin in zip(lapsed, origins, strict=True):
        if origin is not None:
            queue = queue_of(as_text(origin))
            count, longest = found.get(queue, (0, 0.0))
            found[queue] = (count + 1, max(longest, seconds))
    return found
