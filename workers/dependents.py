"""What becomes of jobs that wait for a job which failed or was cancelled.

RQ leaves them deferred for ever; here each follows the `on_parent_failure` of its caller.
"""

from collections.abc import Iterator
from typing import Any, cast

import redis
from rq.utils import utcformat

from workers import keys
from workers.clock import utc_now
from workers.scripts import script


def settle_dependents(parent_id: str, *, connection: redis.Redis) -> None:
    """Release, fail or cancel the jobs that wait for one that will not succeed.

    Safe to call twice: a job that waits no more is left alone.

    Args:
        parent_id: The job that failed or was cancelled.
        connection: Where.
    """
    waiting: Any = connection.smembers(keys.dependents(parent_id))
    for child in sorted(waiting):
        if settle(child.decode(), parent_id, connection=connection) == "canceled":
            settle_dependents(child.decode(), connection=connection)


def settle(job_id: str, parent_id: str, *, gone: bool = False, connection: redis.Redis) -> str:
    """Do for one waiting job what its caller wished when this parent does not succeed.

    Args:
        job_id: The job that waits.
        parent_id: The parent that failed or was cancelled.
        gone: Its record and its dead letter are gone: it counts as done.
        connection: Where.

    Returns:
        `queued`, `canceled`, or empty if it does not wait, waits for others, or is a stock job.
    """
    try:
        origin: Any = connection.hget(keys.job(job_id), "origin")
    except redis.ResponseError:  # something else stands where its record was
        return ""
    if origin is None:
        return ""
    name, now = origin.decode(), utc_now()
    done = connection.register_script(script("workers", "settle"))(
        keys=[
            keys.job(job_id),
            keys.dependencies(job_id),
            keys.deferred(name),
            keys.queue(name),
            keys.canceled(name),
            keys.dependents(parent_id),
        ],
        args=[
            job_id,
            parent_id,
            keys.job_prefix(),
            int(now.timestamp()),
            utcformat(now),
            int(gone),
        ],
    )
    return str(done.decode())


def settle_deferred(name: str, *, connection: redis.Redis) -> int:
    """Settle the jobs of a queue that still wait for a parent which is over.

    For the case that a worker died between a parent's end and its dependents.

    Args:
        name: The name of the queue's list.
        connection: Where.

    Returns:
        How many jobs were settled.
    """
    settled = 0
    for job_id in _deferred(name, connection=connection):
        for parent, gone in _lost_parents(job_id, connection=connection):
            settled += settle(job_id, parent, gone=gone, connection=connection) != ""
    return settled


def _deferred(name: str, *, connection: redis.Redis) -> Iterator[str]:
    begin = 0
    while page := cast("list[bytes]", connection.zrange(keys.deferred(name), begin, begin + 499)):
        yield from (entry.decode() for entry in page)
        begin += len(page)


def _lost_parents(job_id: str, *, connection: redis.Redis) -> Iterator[tuple[str, bool]]:
    """The parents that will not release a job, and whether nothing is known of them any more."""
    for entry in cast("set[bytes]", connection.smembers(keys.dependencies(job_id))):
        parent = entry.decode()
        status = connection.hget(keys.job(parent), "status")
        if status is None:
            yield parent, not connection.exists(keys.dead_letter(parent))
        elif status in _OVER:
            yield parent, False


_OVER = {b"failed", b"canceled", b"stopped"}
