"""Whether workers have a place for one more job, and since when they have none. Only reads."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import redis

from monitoring.answers import as_time
from monitoring.explain.facts import Places
from monitoring.queues.fleet import WorkerSnapshot
from workers import keys

_MOST_ASKED = 1_000  # runs; among more one ends all the time


def read_places(
    workers: Sequence[WorkerSnapshot], *, now: datetime, connection: redis.Redis
) -> Places:
    """What some workers can run, in one round trip, or none if they have a place.

    Args:
        workers: They, and what each of them runs; runs of ours are shown after half a second.
        now: The server's time.
        connection: Where.
    """
    count = sum(each.slots or 1 for each in workers)
    running = [job_id for each in workers for job_id in each.running]
    places = Places(count, len(running))
    if not places.is_full or len(running) > _MOST_ASKED:
        return places
    with connection.pipeline(transaction=False) as pipe:
        for job_id in running:
            pipe.hget(keys.job(job_id), "started_at")
        began = [as_time(each) for each in pipe.execute()]
    known = [each for each in began if each is not None]
    if len(known) < len(running):
        return places
    return Places(count, len(running), max(now - max(known), timedelta()))
