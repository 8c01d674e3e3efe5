"""What the tests of changes over HTTP ask for afterwards."""

from redis import Redis

from workers import audit, keys

WHY = {"reason": "a fire"}


def last(redis: Redis) -> tuple[str, str, str, str]:
    """Action, target, actor and reason of the newest entry of the audit log."""
    entry = audit.entries(1, connection=redis)[0]
    return entry.action, entry.target, entry.actor, entry.reason


def status(redis: Redis, job_id: str) -> str | None:
    """What RQ's record of a job says; None if it is gone."""
    stored = redis.hget(keys.job(job_id), "status")
    return None if stored is None else stored.decode()
