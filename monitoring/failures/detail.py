"""One group of failures: its trend, its releases, and the jobs that failed last."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import redis

from monitoring.answers import as_text, server_time
from monitoring.errors import InvalidQuery
from monitoring.failures.groups import JsonDict, Stored, lines, moment, shown
from workers import keys
from workers.clock import shown_time
from workers.connection import default_connection, storage_errors
from workers.errors import FailureGroupNotFound

MOST_HOURS = 14 * 24
"""Hours of a trend at most."""


def get_failure_group(
    fingerprint: str,
    *,
    hours: int = 48,
    now: datetime | None = None,
    connection: redis.Redis | None = None,
) -> JsonDict:
    """One group of failures.

    Args:
        fingerprint: Of the group.
        hours: How far back its trend goes, 1 to 336.
        now: The time; None asks Redis.
        connection: Where; None means the server that the settings name.

    Returns:
        As in the list, and `trend`: `at` (the begin of an hour) and `count`, oldest first, hours
        without failures included, the present one last; `versions`: `version`, `count`,
        `firstSeen` and `lastSeen` of each of its releases, the newest first; `jobs`: the newest
        20, newest first, with `jobId`, `status` (RQ's word; None if no record is left) and
        `deadLetter`, whether there is one.
        It takes 2 round trips.

    Raises:
        FailureGroupNotFound: If there is none.
        InvalidQuery: If the hours are out of range.
        StorageUnavailable: If Redis does not answer.
    """
    if not 1 <= hours <= MOST_HOURS:
        raise InvalidQuery(
            f"hours is {hours}.", field="hours", remedy=f"Use an integer from 1 to {MOST_HOURS}."
        )
    connection = connection or default_connection()
    with storage_errors():
        with connection.pipeline(transaction=False) as pipe:
            pipe.time()
            pipe.hgetall(keys.failure(fingerprint))
            clock, stored = pipe.execute()
        group = {as_text(name): as_text(value) for name, value in stored.items()}
        if "first" not in group:
            raise FailureGroupNotFound(
                f"There is no group of failures {fingerprint}.", field="fingerprint"
            )
        begins = _hours(now or server_time(clock), hours)
        counts, jobs = _more(fingerprint, group, begins, connection)
    trend = zip(begins, counts, strict=True)
    return {
        **shown(fingerprint, group),
        "trend": [{"at": shown_time(begin), "count": count} for begin, count in trend],
        "versions": list(_versions(group)),
        "jobs": jobs,
    }


def _hours(now: datetime, hours: int) -> Sequence[datetime]:
    this_one = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return [this_one - timedelta(hours=ago) for ago in reversed(range(hours))]


def _more(
    fingerprint: str, group: Stored, begins: Sequence[datetime], connection: redis.Redis
) -> tuple[Sequence[int], Sequence[JsonDict]]:
    fields = [
        f"failure|{fingerprint}|{queue}|{group['type']}|n" for queue in lines(group, "queues")
    ]
    ids = lines(group, "jobs")
    with connection.pipeline(transaction=False) as pipe:
        for begin in begins:
            pipe.hmget(keys.stats("h", int(begin.timestamp())), fields)
        for job_id in ids:
            pipe.hget(keys.job(job_id), "status")
            pipe.zscore(keys.dead_letters(), job_id)
        answers = pipe.execute()
    counts = [sum(int(count or 0) for count in each) for each in answers[: len(begins)]]
    told = iter(answers[len(begins) :])
    jobs = [
        {
            "jobId": job_id,
            "status": as_text(status) if status else None,
            "deadLetter": buried is not None,
        }
        for job_id, status, buried in zip(ids, told, told, strict=True)
    ]
    return counts, jobs


def _versions(group: Stored) -> Iterator[JsonDict]:
    for release in lines(group, "releases"):
        yield {
            "version": release,
            "count": int(group[f"count|{release}"]),
            "firstSeen": moment(group[f"first|{release}"]),
            "lastSeen": moment(group[f"last|{release}"]),
        }
