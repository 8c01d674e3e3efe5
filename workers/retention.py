"""Keeps histories short: finished, failed and cancelled jobs by count; age is Redis' own expiry."""

from typing import Any

import redis
from rq.job import Job

from workers import keys
from workers.scripts import script

AT_ONCE = 500
"""Jobs removed by one call: a few milliseconds for the server."""


def trim(registry: str, *, keep: int, connection: redis.Redis) -> int:
    """Remove the oldest jobs of a registry beyond a count, with their records.

    Args:
        registry: The key of a sorted set of job ids, oldest first.
        keep: How many stay.
        connection: Where.

    Returns:
        How many were removed; `AT_ONCE` if there may be more.
    """
    text = script("workers", "ending") + script("workers", "trim")
    removed: Any = connection.register_script(text)(
        keys=[registry], args=[keys.rq_prefix(), keys.our_prefix(), keep, AT_ONCE]
    )
    return int(removed)


def trim_after(job: Job, *, succeeded: bool, connection: redis.Redis) -> None:
    """Apply the count that a job's caller asked for when it ends.

    Args:
        job: The job that ended.
        succeeded: Whether it is finished or failed.
        connection: Where.
    """
    asked = job.meta.get("keep_completed" if succeeded else "keep_failed")
    if asked is not None:
        registry = keys.finished(job.origin) if succeeded else keys.failed(job.origin)
        trim(registry, keep=asked, connection=connection)
