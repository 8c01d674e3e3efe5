"""Jobs whose process died: run again with a pause, and buried when they kill every process.

Such a crash says nothing about the message, so it does not use up the user's attempts.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import redis
from rq import Worker
from rq.job import Job
from rq.utils import utcparse

from workers import attempts
from workers.burial import Death, bury_job
from workers.clock import until_whole_second
from workers.dead_letters import BURIED
from workers.fingerprint import CRASH, crash_fingerprint
from workers.jobs import envelope_of, note_failure, type_of
from workers.logger import get_logger
from workers.settings import load_settings

log = get_logger("postroom.lost")

CRASH_LIMIT = 3
"""Crashes of one job before it is buried as `crash_loop`."""
PAUSES = (1, 5)
"""Seconds before the second and the third start of a job that crashed (reliability 3.3, P1)."""


def crash_record(  # noqa: PLR0913 - the facts of one crash
    number: int,
    error: str,
    *,
    worker: str,
    release: str,
    started: datetime,
    seconds: float = 0.0,
    delay: float | None,
    kind: str,
) -> attempts.AttemptRecord:
    """A crash as an entry of the job's history.

    Args:
        number: Which start it was, from 1.
        error: What is known about the death.
        worker: Who ran it; empty if nobody knows.
        release: Of that worker; empty if nobody knows.
        started: When.
        seconds: How long it ran, as far as is known.
        delay: Seconds to the next start; None if there is none. Then the crash belongs to a group
            of failures.
        kind: The message type that it claims.
    """
    return attempts.AttemptRecord(
        number=number,
        outcome="crashed",
        error_type=CRASH,
        error=error,
        worker=worker,
        started_at=started.isoformat(),
        duration_ms=int(seconds * 1000),
        delay_seconds=delay,
        why="the process died; that does not use up an attempt",
        fingerprint="" if delay is not None else crash_fingerprint(error, kind),
        code_version=release,
    )


def release_of(worker: str, *, began: datetime, connection: redis.Redis) -> str:
    """The release of the worker that ran what crashed, as its own record tells.

    Args:
        worker: Its name.
        began: When the run did. One that took the name since then says nothing of it.
        connection: Where.

    Returns:
        The release; empty if nobody knows: the record of a dead worker expires.
    """
    key = f"{Worker.redis_worker_namespace_prefix}{worker}"
    stored: Any = connection.hmget(key, ["code_version", "birth"])
    version, birth = ((part or b"").decode(errors="replace") for part in stored)
    try:
        return version if utcparse(birth) <= began else ""
    except ValueError:
        return ""


def give_another_chance(job: Job, *, error: str, worker: str, now: datetime) -> bool:
    """Decide about a job whose process died, or bury it.

    RQ is about to fail the job, unless it has a retry left: so it is lent one.

    Args:
        job: The job, freshly read from Redis.
        error: What is known about the death.
        worker: Who ran it.
        now: The time.

    Returns:
        True if it will run again; False if it is buried and RQ should fail it.
    """
    if job.meta.get(BURIED):
        return False
    past = attempts.history(job.id, connection=job.connection)
    crashes = sum(entry.outcome == "crashed" for entry in past) + 1
    if crashes >= CRASH_LIMIT:
        _record(job, past, error, worker, now, delay=None)
        _bury(job, error, now)
        return False
    delay = PAUSES[crashes - 1]
    _record(job, past, error, worker, now, delay=delay)
    log.warning("job_lost_its_process", job_id=job.id, error=error, delay_seconds=delay)
    job.retries_left = 1
    interval = until_whole_second(timedelta(seconds=delay), now=now)
    job.retry_intervals = [interval]  # type: ignore[list-item]  # rq adds it to a time, as it is
    job.number_of_retries = (job.number_of_retries or 0) + 1
    return True


def _record(  # noqa: PLR0913 - the facts of one crash
    job: Job,
    past: Sequence[attempts.AttemptRecord],
    error: str,
    worker: str,
    now: datetime,
    *,
    delay: int | None,
) -> None:
    started = job.started_at or now
    kind = type_of(envelope_of(job)) if delay is None else ""
    entry = crash_record(
        attempts.next_attempt(past, now=now).number,
        error,
        worker=worker,
        release=release_of(worker, began=started, connection=job.connection),
        started=started,
        seconds=max(0.0, (now - started).total_seconds()),
        delay=delay,
        kind=kind,
    )
    ttl = job.failure_ttl or load_settings().failure_ttl
    attempts.record(entry, job_id=job.id, ttl=ttl, connection=job.connection)
    note_failure(entry, list_name=job.origin, kind=kind, job_id=job.id, connection=job.connection)


def _bury(job: Job, error: str, now: datetime) -> None:
    death = Death(
        job_id=job.id,
        queue=job.origin,
        reason="crash_loop",
        error=f"{CRASH_LIMIT} processes died while they ran it; the last: {error}",
        envelope=envelope_of(job),
    )
    bury_job(death, meta=job.meta, now=now, connection=job.connection)
