"""Where one job stands: in its list, among what is due, in somebody's hands. Only reads."""

from datetime import UTC, datetime
from typing import Any

import redis

from monitoring.jobs.running import read_holders
from monitoring.queues.snapshot import Snapshot
from workers import keys
from workers.routing import Priority, list_name, queue_of

MOST_COMPARED = 100_000
"""Entries of a list that are compared from each of its ends: about 1 ms for Redis."""
_ABANDONED = 10.0  # seconds; every worker looks for what others left every two


def ahead_of(job_id: str, name: str, snapshot: Snapshot, *, connection: redis.Redis) -> int | None:
    """How many jobs go before one that waits in a list.

    Args:
        job_id: The job.
        name: Its list.
        snapshot: The more urgent lists of its queue, which go first; about so, as less urgent ones
            have their turns, too.
        connection: Where.

    Returns:
        How many; None if it is not in the list, or among more than 200,000 in the middle of it.
    """
    with connection.pipeline(transaction=False) as pipe:
        pipe.execute_command("LPOS", keys.queue(name), job_id, "MAXLEN", MOST_COMPARED)
        pipe.execute_command("LPOS", keys.queue(name), job_id, "RANK", -1, "MAXLEN", MOST_COMPARED)
        found = [place for place in pipe.execute() if place is not None]
    if not found:
        return None
    queue = snapshot.queues.get(queue_of(name))
    urgent = 0
    for priority in Priority:
        if queue is None or list_name(queue.name, priority) == name:
            break
        urgent += queue.lists[priority].waiting
    return int(found[0]) + urgent


def due_at(job_id: str, name: str, *, connection: redis.Redis) -> datetime | None:
    """When a scheduled job is due; None if it is not scheduled.

    Args:
        job_id: The job.
        name: Its list.
        connection: Where.
    """
    score: Any = connection.zscore(keys.scheduled(name), job_id)
    return None if score is None else datetime.fromtimestamp(score, tz=UTC)


def lease_of(job_id: str, *, now: datetime, connection: redis.Redis) -> tuple[str, float]:
    """Who has a job in hand.

    Args:
        job_id: The job.
        now: The server's time.
        connection: Where.

    Returns:
        The token of its lease, empty if no worker of ours has it; and the seconds since the lease
        lapsed without being taken over, 0 if that is nothing unusual.
    """
    for token, until, _ in read_holders(connection):
        if token.rpartition(":")[0] == job_id:
            past = now.timestamp() - until if until else _ABANDONED
            return token, past if past >= _ABANDONED else 0.0
    return "", 0.0
