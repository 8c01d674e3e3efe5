"""The dead letters of groups of failures, as far as a bounded look finds them. Only reads."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import redis

from messages.masking import masked
from monitoring.failures.sharing import Shared, shared_values
from monitoring.jobs.pages import get_job_page
from workers import dead_letters, keys
from workers.connection import storage_errors
from workers.dead_letters import DeadLetter, Summary
from workers.dead_letters.letter import letter_of
from workers.find_job import find_jobs
from workers.jobs import envelope_of

LOOKED_AT = 2_000
"""The newest letters of all groups that are looked at."""
SAMPLE = 40
"""Messages that are compared with as many others of their type."""

_STEP = 1_000


@dataclass(frozen=True)
class Letters:
    """Letters, such as those of one group.

    Args:
        newest: The newest first.
        is_cut: Whether there may be more.
    """

    newest: Sequence[Summary] = ()
    is_cut: bool = False

    @property
    def count(self) -> int:
        """How many; at least so many if it is cut."""
        return len(self.newest)

    def of(self, fingerprint: str) -> "Letters":
        """Those of one group."""
        newest = [each for each in self.newest if each.fingerprint == fingerprint]
        return Letters(newest, self.is_cut)

    def sample(self) -> Sequence[str]:
        """The newest whose messages are in Redis, `SAMPLE` at most: their jobs."""
        return [each.job_id for each in self.newest if not each.spilled][:SAMPLE]


def newest_letters(most: int = LOOKED_AT, *, connection: redis.Redis) -> Letters:
    """The newest letters, in up to two round trips for each 1,000.

    Args:
        most: How many are looked at, a multiple of 1,000.
        connection: Where.
    """
    found: list[Summary] = []
    cursor = None
    with storage_errors():
        for _ in range(most // _STEP):
            page = dead_letters.page(limit=_STEP, cursor=cursor, connection=connection)
            found += page.letters
            cursor = page.cursor
            if cursor is None:
                break
    return Letters(found, cursor is not None)


def whole_letters(ids: Sequence[str], *, connection: redis.Redis) -> Sequence[DeadLetter]:
    """Letters with their messages, in one round trip.

    Args:
        ids: Their jobs, at most `SAMPLE`; the messages may be large.
        connection: Where.
    """
    if not ids:
        return ()
    with storage_errors():
        stored: Any = connection.mget([keys.dead_letter(job_id) for job_id in ids[:SAMPLE]])
    return [letter_of(text) for text in stored if text is not None]


def what_they_share(
    letters: Sequence[DeadLetter], message_type: str, *, connection: redis.Redis
) -> Sequence[Shared]:
    """What the messages have in common that others of their type have not, in some 7 round trips.

    Args:
        letters: A sample of those that died.
        message_type: Their type's wire name.
        connection: Where.
    """
    these = [masked(each.envelope) for each in letters]
    if len(these) < 2:  # noqa: PLR2004 - one shares nothing
        return ()
    jobs = get_job_page(message_type=message_type, limit=SAMPLE, connection=connection)["jobs"]
    with storage_errors():
        records = find_jobs([each["jobId"] for each in jobs], connection=connection)
    others = [masked(envelope_of(job)) for job in records]
    return shared_values(these, others)
