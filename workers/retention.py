"""Keeps histories short: finished, failed and cancelled jobs by count; age is Redis' own expiry."""

import redis
from rq.job import Job

from workers import keys

_AT_ONCE = 500  # ids a call: a short step for Redis, and a cap on what a worker's pause costs


def trim(registry: str, *, keep: int, connection: redis.Redis) -> int:
    """Remove the oldest jobs of a registry beyond a count, with their records.

    Args:
        registry: The key of a sorted set of job ids, oldest first.
        keep: How many stay.
        connection: Where.

    Returns:
        How many were removed; at most 500 a call.
    """
    surplus = int(connection.zcard(registry)) - keep
    if surplus <= 0:
        return 0
    ids: list[bytes] = connection.zrange(registry, 0, min(surplus, _AT_ONCE) - 1)  # type: ignore[assignment]
    with connection.pipeline(transaction=True) as pipe:
        for job_id in (entry.decode() for entry in ids):
            pipe.zrem(registry, job_id)
            pipe.unlink(
                keys.job(job_id),
                keys.result(job_id),
                keys.attempts(job_id),
                keys.progress(job_id),
                keys.job_log(job_id),
                keys.dependents(job_id),
                keys.dependencies(job_id),
            )
        pipe.execute()
    return len(ids)


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
