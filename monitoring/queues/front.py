"""Which jobs of a queue go next. Only reads."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import redis

from monitoring.answers import as_text, as_time
from monitoring.queues.snapshot import queue_lists
from monitoring.queues.stats import message_type_of
from workers import keys
from workers.routing import Priority


@dataclass(frozen=True)
class Next:
    """A job at the front of a list.

    Args:
        job_id: Its id.
        kind: Its message type; empty if it is no message.
        priority: Of its list.
        entered: When it came into its queue; None if that is not known.
    """

    job_id: str
    kind: str
    priority: Priority
    entered: datetime | None


def read_front(queue: str, most: int, *, connection: redis.Redis) -> Sequence[Next]:
    """The jobs that workers take next, in two round trips.

    Between lists it is the weights that choose, so these are the first of each.

    Args:
        queue: Its name.
        most: Of each list, from 1.
        connection: Where.

    Returns:
        High, normal and low, each in its order.
    """
    with connection.pipeline(transaction=False) as pipe:
        for name in queue_lists(queue):
            pipe.lrange(keys.queue(name), 0, most - 1)
        lists = pipe.execute()
    places = [
        (as_text(job_id), priority)
        for priority, ids in zip(Priority, lists, strict=True)
        for job_id in ids
    ]
    with connection.pipeline(transaction=False) as pipe:
        for job_id, _ in places:
            pipe.hmget(keys.job(job_id), ["description", "enqueued_at"])
        records = pipe.execute()
    return [
        Next(
            job_id,
            message_type_of(description) or "",
            priority,
            as_time(entered),
        )
        for (job_id, priority), (description, entered) in zip(places, records, strict=True)
    ]
