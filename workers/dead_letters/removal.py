"""Removing dead letters, by a person's purge or by age."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import redis
from redis.client import Pipeline

from workers import audit, keys
from workers.dead_letters.letter import Summary, summary_of
from workers.tenant_keys import dead_letters_of


def purge_many(
    job_ids: Sequence[str], *, made: audit.AuditEntry | None = None, connection: redis.Redis
) -> int:
    """Remove letters, and their jobs from RQ's failed ones: `rq requeue --all` leaves them alone.

    Args:
        job_ids: Up to some thousand.
        made: What the audit log shall say of it.
        connection: Where.

    Returns:
        How many were there.
    """
    if not job_ids:
        return 0
    found = _summaries(job_ids, connection)
    with connection.pipeline(transaction=True) as pipe:
        _remove(job_ids, found, pipe)
        for letter in found:
            pipe.zrem(keys.failed(letter.queue), letter.job_id)
        if made is not None:
            text, kept = audit.arguments(made)
            pipe.xadd(keys.audit(), {"entry": text}, maxlen=kept, approximate=False)
        removed: list[int] = pipe.execute()
    return removed[0]


def remove_old(*, older_than: timedelta, now: datetime, connection: redis.Redis) -> int:
    """Remove letters by age.

    Args:
        older_than: The setting DEAD_LETTER_DAYS.
        now: The time.
        connection: Where.

    Returns:
        How many were removed; at most 1,000 a call.
    """
    oldest = (now - older_than).timestamp()
    ids: Any = connection.zrangebyscore(keys.dead_letters(), "-inf", oldest, start=0, num=1_000)
    if not ids:
        return 0
    job_ids = [job_id.decode() for job_id in ids]
    found = _summaries(job_ids, connection)
    with connection.pipeline(transaction=True) as pipe:
        _remove(job_ids, found, pipe)
        removed: list[int] = pipe.execute()
    return removed[0]


def _summaries(job_ids: Sequence[str], connection: redis.Redis) -> Sequence[Summary]:
    shorts: Any = connection.hmget(keys.dead_letter_index(), list(job_ids))
    return [summary_of(short) for short in shorts if short is not None]


def _remove(job_ids: Sequence[str], found: Sequence[Summary], pipe: Pipeline) -> None:
    for letter in found:
        if letter.tenant:
            pipe.zrem(dead_letters_of(letter.tenant), letter.job_id)
    pipe.zrem(keys.dead_letters(), *job_ids)
    pipe.delete(*(keys.dead_letter(job_id) for job_id in job_ids))
    pipe.hdel(keys.dead_letter_index(), *job_ids)
    pipe.srem(keys.dead_letters_spilled(), *job_ids)
