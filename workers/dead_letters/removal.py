"""Removing dead letters, by a person's purge or by age; also when Redis is full."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import redis

from workers import audit, keys
from workers.dead_letters.letter import Summary, summary_of
from workers.scripts import script
from workers.tenant_keys import dead_letters_of


def purge_many(
    job_ids: Sequence[str], *, made: audit.AuditEntry | None = None, connection: redis.Redis
) -> int:
    """Remove letters, and their jobs from RQ's failed ones: `rq requeue --all` leaves them alone.

    Args:
        job_ids: Up to a thousand.
        made: What the audit log shall say of it.
        connection: Where.

    Returns:
        How many were there.
    """
    if not job_ids:
        return 0
    known = list(_known(job_ids, connection))
    jobs = [keys.failed(short.queue) if short else "" for _, short in known]
    return _remove(known, jobs, made, connection)


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
    known = list(_known([job_id.decode() for job_id in ids], connection))
    return _remove(known, [""] * len(known), None, connection)


_Known = tuple[str, Summary | None]
"""A letter's job, and what the index says of it."""


def _known(job_ids: Sequence[str], connection: redis.Redis) -> Iterator[_Known]:
    shorts: Any = connection.hmget(keys.dead_letter_index(), list(job_ids))
    for job_id, short in zip(job_ids, shorts, strict=True):
        yield job_id, None if short is None else summary_of(short)


def _remove(
    known: Sequence[_Known],
    jobs: Sequence[str],
    made: audit.AuditEntry | None,
    connection: redis.Redis,
) -> int:
    entry, kept = audit.arguments(made) if made else ("", 0)
    letters: list[str] = []
    for (job_id, short), failed in zip(known, jobs, strict=True):
        tenant = short.tenant if short else ""
        letters += [job_id, failed, dead_letters_of(tenant) if tenant else ""]
    places = (keys.dead_letters(), keys.dead_letter_index(), keys.dead_letters_spilled())
    removed: Any = connection.register_script(script("workers", "purge_letters"))(
        keys=[*places, keys.audit()], args=[keys.dead_letter(""), entry, kept, *letters]
    )
    return int(removed)
