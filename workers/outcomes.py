"""Tells that a job is over that RQ's own code ran: those who wait for it, and the counters."""

from typing import Literal

import redis
from rq.exceptions import DeserializationError
from rq.job import Job

from workers import keys
from workers.foreign import is_ours
from workers.routing import queue_of
from workers.scripts import script

Outcome = Literal["finished", "failed", "stopped"]


def announce(job: Job, outcome: Outcome, *, connection: redis.Redis) -> None:
    """Say that a job is over, and give back its unique key. Comes after its record was written.

    Args:
        job: The job, with its times.
        outcome: How it ended.
        connection: Where.
    """
    took, waited = _microseconds(job)
    text = script("workers", "ending") + script("workers", "announce")
    stat = f"{queue_of(job.origin)}|{_kind(job).replace('|', '_')}"
    connection.register_script(text)(
        keys=[keys.job(job.id)],
        args=[keys.our_prefix(), job.id, outcome, stat, took, waited],
    )


def _kind(job: Job) -> str:
    try:
        if not is_ours(job):
            return str(job.func_name)
        kind = job.args[0].get("messageType") if job.args else None
    except (DeserializationError, AttributeError):
        return "unknown"
    return kind if isinstance(kind, str) else "unknown"


def _microseconds(job: Job) -> tuple[int, int | str]:
    started = job.started_at
    if started is None:
        return 0, ""
    ended = job.ended_at or started
    since = job.enqueued_at
    waited = "" if since is None else max(0, int((started - since).total_seconds() * 1_000_000))
    return max(0, int((ended - started).total_seconds() * 1_000_000)), waited
