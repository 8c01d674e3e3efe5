"""The history of a job's attempts that did not succeed: what happened, and what was decided."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Literal

import redis

from workers import keys
from workers.fingerprint import normal_text
from workers.logger import get_logger
from workers.release import release_name
from workers.retry import Attempt, Tier

log = get_logger("postroom.attempts")

KEPT = 50
"""Records kept for one job; the oldest go first."""
MAX_TEXT = 10_000
"""Characters kept of an error and of a traceback."""
MIN_TTL = 24 * 60 * 60
"""Seconds that a history outlives its last record, at least."""
_LONGEST_CAUSE = 200  # characters

Outcome = Literal["retried", "handed_back", "crashed", "dead"]
"""`handed_back` and `crashed` do not count as attempts: they say nothing about the message."""


@dataclass(frozen=True)
class AttemptRecord:
    """One attempt that did not succeed.

    Args:
        number: Which start it was, from 1.
        outcome: What became of it.
        error_type: The error's class, with its module.
        error: Its text.
        traceback: Where it was raised; empty if the process died.
        worker: Who ran it.
        started_at: ISO 8601, UTC.
        duration_ms: How long it ran.
        delay_seconds: The wait that was decided on; None if there is no next attempt.
        tier: The tier it was judged to be; empty if none was.
        why: The reason for the decision, in words.
        fingerprint: What failures of the same kind have in common; empty if unknown.
        code_version: The release that ran it; empty if unknown.
        place: The innermost function of the application that the error came through.
    """

    number: int
    outcome: Outcome
    error_type: str
    error: str
    traceback: str = ""
    worker: str = ""
    started_at: str = ""
    duration_ms: int = 0
    delay_seconds: float | None = None
    tier: str = ""
    why: str = ""
    fingerprint: str = ""
    code_version: str = ""
    place: str = ""

    @property
    def counts(self) -> bool:
        """Whether it used up one of the message's attempts."""
        return self.outcome in {"retried", "dead"}

    @property
    def failure(self) -> str:
        """What a script tells the group of such failures, as JSON; empty if it has none.

        Of crashes only the last one has a fingerprint, by which its message is buried.
        """
        if not self.fingerprint or self.outcome == "handed_back":
            return ""
        is_crash = self.outcome == "crashed"  # where the number of a signal is what matters
        text = self.error[:_LONGEST_CAUSE] if is_crash else normal_text(self.error)
        release = release_name(self.code_version) if self.code_version else ""
        told = (self.fingerprint, self.error_type, text, self.place, release)
        # Lua's reader of JSON takes no half of a surrogate pair.
        return json.dumps([part.encode(errors="replace").decode() for part in told])


def record(attempt: AttemptRecord, *, job_id: str, ttl: int, connection: redis.Redis) -> None:
    """Append an attempt to its job's history.

    Args:
        attempt: What happened.
        job_id: The job.
        ttl: Seconds that the history is kept from now on; at least a day.
        connection: Where.
    """
    with connection.pipeline(transaction=True) as pipe:
        pipe.rpush(keys.attempts(job_id), json.dumps(asdict(attempt)))
        pipe.ltrim(keys.attempts(job_id), -KEPT, -1)
        pipe.expire(keys.attempts(job_id), max(ttl, MIN_TTL))
        pipe.execute()


def history(job_id: str, *, connection: redis.Redis) -> Sequence[AttemptRecord]:
    """The attempts of a job that did not succeed.

    Args:
        job_id: The job.
        connection: Where.

    Returns:
        The newest `KEPT` records, oldest first; unreadable ones are left out and logged.
    """
    lines: list[bytes] = connection.lrange(keys.attempts(job_id), 0, -1)  # type: ignore[assignment]
    read = (_read(line, job_id) for line in lines)
    return tuple(entry for entry in read if entry is not None)


def next_attempt(past: Sequence[AttemptRecord], *, now: datetime) -> Attempt:
    """Which attempt comes after a history.

    Args:
        past: The job's history.
        now: The time.

    Returns:
        Its number, the immediate retries that led to it, and the age of the first attempt.
    """
    counted = [entry for entry in past if entry.counts]
    immediate = 0
    for entry in reversed(counted):
        if entry.tier != Tier.TRANSIENT:
            break
        immediate += 1
    number = counted[-1].number + 1 if counted else 1
    return Attempt(number=number, immediate=immediate, age=_age(past, now))


def _age(past: Sequence[AttemptRecord], now: datetime) -> timedelta:
    if not past or not past[0].started_at:
        return timedelta()
    return max(now - datetime.fromisoformat(past[0].started_at), timedelta())


def _read(line: bytes, job_id: str) -> AttemptRecord | None:
    try:
        return AttemptRecord(**json.loads(line))
    except (ValueError, TypeError):
        log.warning("attempt_record_unreadable", job_id=job_id)
        return None
