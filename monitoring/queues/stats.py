"""What is in the queues: counts for programs, and the newest jobs. Only reads."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import redis

from monitoring.answers import as_text, as_time, shown_times
from monitoring.errors import InvalidQuery
from monitoring.queues.snapshot import Counts, Snapshot, started, take_snapshot
from workers import keys
from workers.connection import default_connection, storage_errors
from workers.routing import list_name, queue_of
from workers.settings import load_settings

JsonDict = dict[str, Any]

MOST_JOBS = 200
"""Jobs that one call shows at most."""
_MOST_READ = 5_000  # records that are compared to find the newest: some tens of ms for Redis

_ONE_WORD = re.compile(r"[^\s()]+")

Record = Mapping[str, bytes | str | None]

_TIMES = {
    "created_at": "createdAt",
    "enqueued_at": "enqueuedAt",
    "started_at": "startedAt",
    "ended_at": "endedAt",
}
_FIELDS = ("status", "description", "origin", *_TIMES)


def get_queue_stats(
    include_jobs: bool = False,  # noqa: FBT001, FBT002 - requirement 003 calls it with (true, 10)
    limit: int = 10,
    *,
    connection: redis.Redis | None = None,
) -> JsonDict:
    """What `getQueueStats` of requirement 003 tells, in its camelCase.

    Args:
        include_jobs: Whether to list the newest jobs, too.
        limit: How many of them, 1 to 200.
        connection: Where; None means the server that the settings name.

    Returns:
        `queues`, by name, and `totals`: `waiting`, `held` (beside them, until the pause of their
        type or tenant ends), `active` (taken or running), `completed`, `failed`, `delayed` (due
        later), `deferred` (waiting for other jobs); `deadLetters`, how many there are in all, and
        `deadLettersSpilled`, how many of them stand in the spill file only; `suspended`, whether
        all workers are told to start nothing.
        Completed and failed jobs are those still on record, not all there ever were.
        With `include_jobs` also `jobs`, the one that changed last first: `jobId`, `messageType`
        (None for a job that is no message), `queue`, `status` (RQ's word), and `createdAt`,
        `enqueuedAt`, `startedAt`, `endedAt` (ISO 8601); never the payload. They are approximate
        where more than 5,000 records would have to be compared.
        It takes 2 round trips, 4 with jobs, and 1 more while a type or a tenant is paused,
        however much there is.

    Raises:
        InvalidQuery: If the limit is out of range.
        StorageUnavailable: If Redis does not answer.
    """
    _check(limit)
    connection = connection or default_connection()
    with storage_errors():
        snapshot = take_snapshot(connection=connection, queues=load_settings().queues)
        stats: JsonDict = {
            "queues": {name: figures(queue.total) for name, queue in snapshot.queues.items()},
            "totals": figures(snapshot.total),
            "deadLetters": snapshot.letters,
            "deadLettersSpilled": snapshot.spilled,
            "suspended": snapshot.suspended,
        }
        if include_jobs:
            stats["jobs"] = _newest(snapshot, limit, connection)
    return stats


def figures(counts: Counts) -> JsonDict:
    """Counts under the names of requirement 003.

    Args:
        counts: Of a list, a queue, or all.
    """
    return {
        "waiting": counts.waiting,
        "held": counts.held,
        "active": counts.taken + counts.started,
        "completed": counts.finished,
        "failed": counts.failed,
        "delayed": counts.scheduled,
        "deferred": counts.deferred,
    }


def message_type_of(description: bytes | str | None) -> str | None:
    """The type of the message that a job carries, without reading the message.

    Args:
        description: RQ's field; ours is the type, and RQ's own is a call with its arguments.

    Returns:
        The wire name; None if the job is no message of ours. A job of somebody else whose author
        described it with a single word passes for a message.
    """
    text = as_text(description or b"")
    return text if _ONE_WORD.fullmatch(text) else None


def _check(limit: int) -> None:
    if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= MOST_JOBS:
        raise InvalidQuery(
            f"limit is {limit!r}.",
            field="limit",
            remedy=f"Use an integer from 1 to {MOST_JOBS}.",
        )


def _newest(snapshot: Snapshot, limit: int, connection: redis.Redis) -> Sequence[JsonDict]:
    ids = _candidates(snapshot, limit, connection)
    with connection.pipeline(transaction=False) as pipe:
        for job_id in ids:
            pipe.hmget(keys.job(job_id), _FIELDS)
        records = [dict(zip(_FIELDS, values, strict=True)) for values in pipe.execute()]
    known = [pair for pair in zip(ids, records, strict=True) if pair[1]["status"]]
    known.sort(key=lambda pair: _changed(pair[1]), reverse=True)
    return [_shown(job_id, record) for job_id, record in known[:limit]]


def _candidates(snapshot: Snapshot, limit: int, connection: redis.Redis) -> Sequence[str]:
    places = list(_places(snapshot))
    share = max(1, min(limit, _MOST_READ // max(1, len(places))))  # a fair one for each place
    with connection.pipeline(transaction=False) as pipe:
        for key, is_list in places:
            if is_list:
                pipe.lrange(key, -share, -1)
            else:
                pipe.zrevrange(key, 0, share - 1)
        found = pipe.execute()
    # A running job stands there as `job id:execution id`.
    ids = (as_text(entry).partition(":")[0] for entries in found for entry in entries)
    return list(dict.fromkeys(ids))


def _places(snapshot: Snapshot) -> Iterator[tuple[str, bool]]:
    """The keys that hold job ids, and whether each is a list; empty ones are left out."""
    yield from ((hold.key, False) for each in snapshot.paused for hold in each.holds if hold.count)
    for queue in snapshot.queues.values():
        for priority, counts in queue.lists.items():
            name = list_name(queue.name, priority)
            if counts.waiting:
                yield keys.queue(name), True
            if counts.taken:
                yield keys.intermediate(name), True
            sets = (
                (counts.started, started(name)),
                (counts.scheduled, keys.scheduled(name)),
                (counts.deferred, keys.deferred(name)),
                (counts.finished, keys.finished(name)),
                (counts.failed, keys.failed(name)),
                (counts.canceled, keys.canceled(name)),
            )
            yield from ((key, False) for count, key in sets if count)


def _changed(record: Record) -> str:
    # As text: RQ's times are all in one form, which sorts as the times do.
    return max(as_text(record[name] or b"") for name in _TIMES)


def _shown(job_id: str, record: Record) -> JsonDict:
    times = {shown: as_time(record[name]) for name, shown in _TIMES.items()}
    return {
        "jobId": job_id,
        "messageType": message_type_of(record["description"]),
        "queue": queue_of(as_text(record["origin"] or b"")),
        "status": as_text(record["status"] or b""),
        **shown_times(times),
    }
