"""The newest jobs by queue, state and type. Only reads, and never more than a fixed number."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import redis

from monitoring.answers import as_text, as_time
from monitoring.errors import InvalidQuery
from monitoring.queues import message_type_of
from monitoring.snapshot import queue_lists, started
from workers import keys
from workers.connection import default_connection, storage_errors
from workers.pauses import held_sets
from workers.routing import queue_of
from workers.settings import load_settings

JsonDict = dict[str, Any]

MOST_JOBS = 1_000
"""Jobs that one call shows at most."""
MOST_READ = 5_000
"""Records that one call reads at most; where a type is rare, there may be more of it."""

_SETS: Mapping[str, Callable[[str], str]] = {
    "active": started,
    "delayed": keys.scheduled,
    "deferred": keys.deferred,
    "completed": keys.finished,
    "failed": keys.failed,
    "canceled": keys.canceled,
}
STATES = ("waiting", "held", *_SETS)

_TIMES = ("created_at", "enqueued_at", "started_at", "ended_at")
_FIELDS = ("status", "description", "origin", *_TIMES)


def get_jobs(
    *,
    queue: str | None = None,
    state: str | None = None,
    message_type: str | None = None,
    limit: int = 20,
    connection: redis.Redis | None = None,
) -> Sequence[JsonDict]:
    """The newest jobs that fit.

    Args:
        queue: Only of this queue.
        state: Only `waiting`, `held` (back by a pause), `active`, `delayed`, `deferred`,
            `completed`, `failed` or `canceled`.
        message_type: Only with this wire name.
        limit: How many, 1 to 1,000.
        connection: Where; None means the server that the settings name.

    Returns:
        `jobId`, `messageType` (None for a job that is no message), `queue`, `state` as above,
        `status` (RQ's word), and `createdAt`, `enqueuedAt`, `startedAt`, `endedAt` (ISO 8601);
        the one that changed last first. Approximate where more than 5,000 would have to be read.

    Raises:
        InvalidQuery: If the state is none of these, or the limit is out of range.
    """
    _check(state, limit)
    connection = connection or default_connection()
    with storage_errors():
        names = [queue] if queue else _queues(connection)
        places = [place for name in names for place in _places(name, state, connection)]
        share = MOST_READ if message_type else limit
        ids = _ids(places, max(1, min(share, MOST_READ // max(1, len(places)))), connection)
        jobs = [job for job in _jobs(ids, connection) if _fits(job, message_type)]
    return sorted(jobs, key=_changed, reverse=True)[:limit]


def _check(state: str | None, limit: int) -> None:
    if state is not None and state not in STATES:
        raise InvalidQuery(
            f"There is no state {state!r}.", field="state", remedy=f"Use {', '.join(STATES)}."
        )
    if not 1 <= limit <= MOST_JOBS:
        raise InvalidQuery(
            f"limit is {limit}.", field="limit", remedy=f"Use an integer from 1 to {MOST_JOBS}."
        )


def _queues(connection: redis.Redis) -> Sequence[str]:
    used: Any = connection.smembers(keys.queues())
    prefix = keys.queue("")
    others = sorted(queue_of(as_text(key).removeprefix(prefix)) for key in used)
    return list(dict.fromkeys([*load_settings().queues, *others]))


def _places(
    queue: str, state: str | None, connection: redis.Redis
) -> Iterator[tuple[str, str, bool]]:
    """State, key, and whether it is a list, of each place where such jobs stand."""
    for name in queue_lists(queue):
        if state in {None, "waiting"}:
            yield "waiting", keys.queue(name), True
        if state in {None, "active"}:
            yield "active", keys.intermediate(name), True
        if state in {None, "held"}:
            yield from (("held", key, False) for key in held_sets(name, connection=connection))
        for each, key_of in _SETS.items():
            if state in {None, each}:
                yield each, key_of(name), False


def _ids(
    places: Sequence[tuple[str, str, bool]], share: int, connection: redis.Redis
) -> Mapping[str, str]:
    with connection.pipeline(transaction=False) as pipe:
        for _, key, is_list in places:
            if is_list:
                pipe.lrange(key, -share, -1)
            else:
                pipe.zrevrange(key, 0, share - 1)
        found = pipe.execute()
    # A running job stands there as `job id:execution id`.
    return {
        as_text(entry).partition(":")[0]: state
        for (state, _, _), entries in zip(places, found, strict=True)
        for entry in entries
    }


def _jobs(ids: Mapping[str, str], connection: redis.Redis) -> Iterator[JsonDict]:
    with connection.pipeline(transaction=False) as pipe:
        for job_id in ids:
            pipe.hmget(keys.job(job_id), _FIELDS)
        records = pipe.execute()
    for (job_id, state), values in zip(ids.items(), records, strict=True):
        record = dict(zip(_FIELDS, values, strict=True))
        if record["status"]:
            yield _shown(job_id, state, record)


def _shown(job_id: str, state: str, record: Mapping[str, bytes | None]) -> JsonDict:
    times = {name: as_time(record[name]) for name in _TIMES}
    return {
        "jobId": job_id,
        "messageType": message_type_of(record["description"]),
        "queue": queue_of(as_text(record["origin"] or b"")),
        "state": state,
        "status": as_text(record["status"] or b""),
        **{_camel(name): moment.isoformat() if moment else None for name, moment in times.items()},
    }


def _camel(name: str) -> str:
    first, _, second = name.partition("_")
    return first + second.title()


def _fits(job: JsonDict, message_type: str | None) -> bool:
    return message_type is None or job["messageType"] == message_type


def _changed(job: JsonDict) -> str:
    return max(job[_camel(name)] or "" for name in _TIMES)
