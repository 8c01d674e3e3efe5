"""Messages that will not be tried again, kept until a person decides.

Whichever way a job dies, it is buried here exactly once. A letter leaves only by replay, by a
person's purge, or after DEAD_LETTER_DAYS.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import redis

from workers import keys
from workers.scripts import script

BURIED = "buried"
"""The field of a job's meta that says it has a dead letter."""

MAX_DATA = (
    300_000  # bytes kept of what could not be read as a message; a message has at most 256 kB
)


@dataclass(frozen=True)
class DeadLetter:
    """One message that died.

    Args:
        job_id: The job's id; the letter's too.
        message_type: Its wire name; None if it could not be read.
        queue: The queue it was in.
        reason: `permanent`, `exhausted`, `timeout`, `invalid_payload`, `unknown_type`,
            `no_upcaster`, `not_json`, `too_large`, `foreign_function`, `corrupt`, `expired`,
            `crash`, `crash_loop` or `parent_failed`.
        error: What went wrong, in a line.
        traceback: Where; empty if no handler raised it.
        buried_at: ISO 8601, UTC.
        envelope: The message as it was sent; text if it was no JSON object.
        attempts: The history, oldest first.
    """

    job_id: str
    message_type: str | None
    queue: str
    reason: str
    error: str
    buried_at: str
    envelope: Any = None
    traceback: str = ""
    attempts: Sequence[dict[str, Any]] = ()


def bury(letter: DeadLetter, *, meta: dict[str, Any], connection: redis.Redis) -> bool:
    """Store a dead letter. Safe to call twice for one job.

    The job's history moves into the letter, so a job that is requeued starts afresh.

    Args:
        letter: What died, and why.
        meta: The job's meta; its record in Redis, if there still is one, is marked as buried.
        connection: Where.

    Returns:
        False if this job was buried already.
    """
    meta[BURIED] = letter.reason
    bury_script = connection.register_script(script("workers", "bury"))
    stored = bury_script(
        keys=[
            keys.dead_letters(),
            keys.dead_letter(letter.job_id),
            keys.job(letter.job_id),
            keys.attempts(letter.job_id),
        ],
        args=[
            letter.job_id,
            datetime.fromisoformat(letter.buried_at).timestamp(),
            json.dumps(asdict(letter)),
            json.dumps(meta, default=_as_text),
        ],
    )
    return bool(stored)


def _as_text(value: object) -> str:
    # RQ keeps the bytes of a meta that it cannot read, such as a pickle.
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def find(job_id: str, *, connection: redis.Redis) -> DeadLetter | None:
    """The dead letter of a job.

    Args:
        job_id: The job.
        connection: Where.

    Returns:
        The letter, or None if the job has none.
    """
    stored: Any = connection.get(keys.dead_letter(job_id))
    return None if stored is None else DeadLetter(**json.loads(stored))


def count(*, connection: redis.Redis) -> int:
    """How many dead letters there are."""
    return int(connection.zcard(keys.dead_letters()))


def newest(limit: int, *, connection: redis.Redis) -> Iterator[DeadLetter]:
    """The dead letters buried last.

    Args:
        limit: How many at most, from 1.
        connection: Where.

    Yields:
        Letters, newest first.
    """
    ids: Any = connection.zrevrange(keys.dead_letters(), 0, limit - 1)
    for job_id in ids:
        letter = find(job_id.decode(), connection=connection)
        if letter is not None:
            yield letter


def resolve(job_id: str, *, connection: redis.Redis) -> bool:
    """Remove a letter whose job runs again.

    Args:
        job_id: The job.
        connection: Where.

    Returns:
        False if it has none.
    """
    with connection.pipeline(transaction=True) as pipe:
        pipe.zrem(keys.dead_letters(), job_id)
        pipe.delete(keys.dead_letter(job_id))
        removed: list[int] = pipe.execute()
    return bool(removed[0])


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
    return sum(resolve(job_id.decode(), connection=connection) for job_id in ids)
