"""Failures by kind: how many, since when, in which releases, of which jobs. Only reads.

Failed attempts of our workers count, those that were tried again included; crashes of processes do
not, for nothing was raised. At most 1,000 groups are kept, for 90 days after their last failure.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, get_args

import redis

from monitoring.answers import as_text, server_time
from monitoring.errors import InvalidQuery
from workers import keys
from workers.clock import shown_text, shown_time
from workers.connection import default_connection, storage_errors
from workers.errors import FailureGroupNotFound
from workers.failure_groups import GroupState

JsonDict = dict[str, Any]
Sorting = Literal["last", "first", "count"]

MOST_GROUPS = 200
"""Groups of one page at most."""
MOST_HOURS = 14 * 24
"""Hours of a trend at most."""

_CHUNK = 500  # groups read in one round trip
_FIELDS = (
    *("first", "last", "count", "type", "class", "text", "place", "queues", "releases"),
    *("state", "fixed_in", "reopened", "reopened_in", "said"),
)

Stored = Mapping[str, str]


def get_failure_groups(  # noqa: PLR0913 - what a page is asked for
    *,
    state: GroupState | None = None,
    queue: str | None = None,
    message_type: str | None = None,
    sort: Sorting = "last",
    limit: int = 50,
    cursor: str | None = None,
    connection: redis.Redis | None = None,
) -> JsonDict:
    """A page of the groups of failures.

    Args:
        state: Only `open` (with those that were reopened), `reopened`, `muted` or `fixed`.
        queue: Only those that failed in this queue, or in this family of streams.
        message_type: Only of this wire name.
        sort: The newest `last` or `first` failure, or the highest `count`, first.
        limit: How many, 1 to 200.
        cursor: That of the page before; None begins.
        connection: Where; None means the server that the settings name.

    Returns:
        `groups`, each with `fingerprint`, `messageType`, `errorType`, `message` (without numbers,
        ids and quoted values), `place` (the innermost function of the application, or None),
        `count`, `firstSeen`, `lastSeen`, `queues` and `releases` (the newest 20, newest first),
        `state`, `fixedIn`, `reopenedAt` and `reopenedIn` (None if it does not apply), and `by`: who
        changed its state last, with `actor`, `reason` and `at`, or None. Times are ISO 8601.
        `cursor`, where the next page begins; None if there is none.
        It takes up to 3 round trips.

    Raises:
        InvalidQuery: If a parameter is out of range.
        StorageUnavailable: If Redis does not answer.
    """
    _check(state, sort, limit)
    begin = _place(cursor) if cursor else None
    with storage_errors():
        found = read_groups(connection=connection or default_connection())
    wanted = [
        (int(group[sort]), name, group)
        for name, group in found
        if _fits(group, state, queue, message_type)
    ]
    ordered = sorted(wanted, key=lambda each: each[:2], reverse=True)
    rest = [each for each in ordered if begin is None or each[:2] < begin]
    page = rest[:limit]
    return {
        "groups": [_shown(name, group) for _, name, group in page],
        "cursor": f"{page[-1][0]}/{page[-1][1]}" if len(rest) > limit else None,
    }


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
        **_shown(fingerprint, group),
        "trend": [{"at": shown_time(begin), "count": count} for begin, count in trend],
        "versions": list(_versions(group)),
        "jobs": jobs,
    }


def read_groups(*, connection: redis.Redis) -> Sequence[tuple[str, Stored]]:
    """All groups, the newest failure first, in up to 3 round trips.

    Args:
        connection: Where.

    Returns:
        Fingerprints, and the fields of their hashes that lists show.
    """
    told: Any = connection.zrevrange(keys.failures(), 0, -1)
    names = [as_text(name) for name in told]
    found: list[tuple[str, Stored]] = []
    for begin in range(0, len(names), _CHUNK):
        chunk = names[begin : begin + _CHUNK]
        with connection.pipeline(transaction=False) as pipe:
            for name in chunk:
                pipe.hmget(keys.failure(name), _FIELDS)
            answers = pipe.execute()
        for name, values in zip(chunk, answers, strict=True):
            if values[0] is not None:  # else its time is over
                pairs = zip(_FIELDS, values, strict=True)
                found.append((name, {field: as_text(value) for field, value in pairs if value}))
    return found


def state_of(group: Stored) -> GroupState:
    """What a group is: open, muted, fixed or reopened."""
    known: GroupState = next(
        (each for each in get_args(GroupState) if each == group.get("state")), "open"
    )
    return known


def _check(state: str | None, sort: str, limit: int) -> None:
    for name, value, known in (
        ("state", state or "open", get_args(GroupState)),
        ("sort", sort, get_args(Sorting)),
    ):
        if value not in known:
            raise InvalidQuery(
                f"There is no {name} {value!r}.", field=name, remedy=f"Use {', '.join(known)}."
            )
    if not 1 <= limit <= MOST_GROUPS:
        raise InvalidQuery(
            f"limit is {limit}.", field="limit", remedy=f"Use an integer from 1 to {MOST_GROUPS}."
        )


def _place(cursor: str) -> tuple[int, str]:
    value, _, name = cursor.partition("/")
    try:
        return int(value), name
    except ValueError as error:
        raise InvalidQuery(
            f"{cursor!r} is no cursor.",
            field="cursor",
            remedy="Use the cursor of the page before, as it is.",
        ) from error


def _fits(group: Stored, state: str | None, queue: str | None, message_type: str | None) -> bool:
    its = state_of(group)
    return (
        (state is None or its == state or (its, state) == ("reopened", "open"))
        and (queue is None or queue in _lines(group, "queues"))
        and message_type in {None, group["type"]}
    )


def _shown(name: str, group: Stored) -> JsonDict:
    return {
        "fingerprint": name,
        "messageType": group["type"],
        "errorType": group["class"],
        "message": group.get("text", ""),
        "place": group.get("place"),
        "count": int(group["count"]),
        "firstSeen": _iso(group["first"]),
        "lastSeen": _iso(group["last"]),
        "queues": _lines(group, "queues"),
        "releases": _lines(group, "releases"),
        "state": state_of(group),
        "fixedIn": group.get("fixed_in"),
        "reopenedAt": _iso(group.get("reopened")),
        "reopenedIn": group.get("reopened_in"),
        "by": _said(group.get("said")),
    }


def _hours(now: datetime, hours: int) -> Sequence[datetime]:
    this_one = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return [this_one - timedelta(hours=ago) for ago in reversed(range(hours))]


def _more(
    fingerprint: str, group: Stored, begins: Sequence[datetime], connection: redis.Redis
) -> tuple[Sequence[int], Sequence[JsonDict]]:
    fields = [
        f"failure|{fingerprint}|{queue}|{group['type']}|n" for queue in _lines(group, "queues")
    ]
    ids = _lines(group, "jobs")
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
    for release in _lines(group, "releases"):
        yield {
            "version": release,
            "count": int(group[f"count|{release}"]),
            "firstSeen": _iso(group[f"first|{release}"]),
            "lastSeen": _iso(group[f"last|{release}"]),
        }


def _lines(group: Stored, field: str) -> list[str]:
    return [line for line in group.get(field, "").split("\n") if line]


def _said(stored: str | None) -> JsonDict | None:
    told: JsonDict | None = json.loads(stored or "null")
    return told and {**told, "at": shown_text(told["at"])}


def _iso(milliseconds: str | None) -> str | None:
    if milliseconds is None:
        return None
    return shown_time(datetime.fromtimestamp(int(milliseconds) / 1000, UTC))
