"""What becomes of jobs that wait for a job which failed or was cancelled.

RQ leaves them deferred for ever; here each follows the `on_parent_failure` of its caller.
"""

import time
from typing import Any

import redis

from workers import keys
from workers.scripts import script


def settle_dependents(parent_id: str, *, connection: redis.Redis) -> None:
    """Release, fail or cancel the jobs that wait for one that will not succeed.

    Safe to call twice: a job that waits no more is left alone.

    Args:
        parent_id: The job that failed or was cancelled.
        connection: Where.
    """
    waiting: Any = connection.smembers(f"{keys.job(parent_id)}:dependents")
    for child in sorted(waiting):
        if settle(child.decode(), parent_id, connection=connection) == "canceled":
            settle_dependents(child.decode(), connection=connection)


def settle(job_id: str, parent_id: str, *, connection: redis.Redis) -> str:
    """Do for one waiting job what its caller wished when this parent does not succeed.

    Args:
        job_id: The job that waits.
        parent_id: The parent that failed or was cancelled.
        connection: Where.

    Returns:
        `queued`, `canceled`, or empty if it does not wait, waits for others, or is a stock job.
    """
    origin: Any = connection.hget(keys.job(job_id), "origin")
    if origin is None:
        return ""
    name = origin.decode()
    done = connection.register_script(script("workers", "settle"))(
        keys=[
            keys.job(job_id),
            keys.dependencies(job_id),
            keys.deferred(name),
            keys.queue(name),
            keys.canceled(name),
        ],
        args=[job_id, parent_id, keys.job_prefix(), int(time.time())],
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
    waiting: Any = connection.zrange(keys.deferred(name), 0, 999)
    for entry in waiting:
        job_id = entry.decode()
        for parent in _lost_parents(job_id, connection=connection):
            settled += settle(job_id, parent, connection=connection) != ""
    return settled


def _lost_parents(job_id: str, *, connection: redis.Redis) -> list[str]:
    parents: Any = connection.smembers(keys.dependencies(job_id))
    names = [parent.decode() for parent in parents]
    statuses: Any = [connection.hget(keys.job(name), "status") for name in names]
    over = {b"failed", b"canceled", b"stopped"}
    return [name for name, status in zip(names, statuses, strict=True) if status in over]
