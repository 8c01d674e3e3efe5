"""Finds what a worker that died left behind, and what stock workers do not know of.

Runs in every worker's maintenance. Each step may be repeated, and by several workers at once.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import redis
from rq.job import Job, JobStatus
from rq.serializers import JSONSerializer

from workers import dead_letters, keys
from workers.burial import Death, bury_job
from workers.dependents import settle_deferred
from workers.foreign import is_ours
from workers.jobs import envelope_of
from workers.logger import get_logger
from workers.retention import AT_ONCE, trim
from workers.settings import Settings

log = get_logger("postroom.reconcile")

_PAGE = 500
_TRIMS = 20  # calls for one history; then signs of life are due again

_Records = dict[str, dict[bytes, bytes]]


def reconcile(name: str, *, settings: Settings, now: datetime, connection: redis.Redis) -> bool:
    """Put one list's leftovers in order.

    Finished jobs need nothing: those that returned something go by their age, which Redis sees to,
    and the others are counted when one more of them ends.

    Args:
        name: The name of the list.
        settings: How much history to keep.
        now: The time.
        connection: Where.

    Returns:
        Whether there is more to do, for which the caller's other duties should not wait.
    """
    bury_failed(name, now=now, connection=connection)
    settle_deferred(name, connection=connection)
    histories = (keys.failed(name), keys.canceled(name))
    more = [_trim(each, settings.keep_failed, connection) for each in histories]
    return any(more)


def _trim(history: str, keep: int, connection: redis.Redis) -> bool:
    """Whether there may be more to remove."""
    return all(trim(history, keep=keep, connection=connection) == AT_ONCE for _ in range(_TRIMS))


def remove_old_letters(*, settings: Settings, now: datetime, connection: redis.Redis) -> int:
    """Remove the dead letters that are older than DEAD_LETTER_DAYS.

    Args:
        settings: The limit.
        now: The time.
        connection: Where.

    Returns:
        How many were removed.
    """
    limit = timedelta(days=settings.dead_letter_days)
    return dead_letters.remove_old(older_than=limit, now=now, connection=connection)


def bury_failed(name: str, *, now: datetime, connection: redis.Redis) -> int:
    """Bury the messages that RQ failed without us: under stock workers, or by a stock clean-up.

    Jobs that were replayed leave the list: the message is another job's now.

    Args:
        name: The name of the list.
        now: The time.
        connection: Where.

    Returns:
        How many were buried.
    """
    buried = begin = 0
    while ids := _page(name, begin, connection=connection):
        records = _records(ids, connection=connection)
        replayed = [job_id for job_id, record in records.items() if b"replayed_as" in record]
        if replayed:  # RQ failed them after their replay; `rq requeue --all` would run them
            connection.zrem(keys.failed(name), *replayed)
        found = [job for job in _jobs(records, connection=connection) if _unburied(job)]
        buried += sum(_bury_one(job, now) for job in found)
        begin += len(ids) - len(replayed)
        if not found and not replayed:  # older ones were looked at by an earlier turn
            break
    return buried


def _page(name: str, begin: int, *, connection: redis.Redis) -> list[str]:
    ids: Any = connection.zrevrange(keys.failed(name), begin, begin + _PAGE - 1)
    return [job_id.decode(errors="replace") for job_id in ids]


def _records(ids: list[str], *, connection: redis.Redis) -> _Records:
    with connection.pipeline(transaction=False) as pipe:
        for job_id in ids:
            pipe.hgetall(keys.job(job_id))
        return dict(zip(ids, pipe.execute(), strict=True))


def _jobs(records: _Records, *, connection: redis.Redis) -> Iterator[Job]:
    for job_id, record in records.items():
        if record and b"replayed_as" not in record:
            job = _restored(job_id, record, connection)
            if job is not None:
                yield job


def _restored(job_id: str, record: dict[bytes, bytes], connection: redis.Redis) -> Job | None:
    try:
        job = Job(job_id, connection=connection, serializer=JSONSerializer)
        job.restore(record)
    except Exception as error:  # noqa: BLE001 - a corrupt field can raise anything in RQ's parser
        log.warning("failed_job_unreadable", job_id=job_id, error=str(error))
        return None
    return job


def _unburied(job: Job) -> bool:
    if job.get_status(refresh=False) is not JobStatus.FAILED:  # a stopped job stands there too
        return False
    try:
        return not job.meta.get(dead_letters.BURIED) and is_ours(job)
    except Exception:  # noqa: BLE001 - rq raises whatever its serializer does: not our message
        return False


def _bury_one(job: Job, now: datetime) -> bool:
    latest = job.latest_result()
    text = (latest.exc_string if latest else None) or "RQ failed it without a reason"
    death = Death(
        job_id=job.id,
        queue=job.origin,
        reason="crash",
        error=text.strip().splitlines()[-1],
        envelope=envelope_of(job),
        traceback=text,
    )
    return bury_job(death, meta=job.meta, now=now, connection=job.connection)
