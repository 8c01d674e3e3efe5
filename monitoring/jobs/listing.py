"""The newest jobs by queue, state and type. Only reads, and never more than a fixed number."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import redis

from monitoring.answers import as_text, as_time, shown_times
from monitoring.errors import InvalidQuery
from monitoring.packing import answered, command, hash_fields, with_key
from monitoring.queues.snapshot import queue_lists, started
from monitoring.queues.stats import message_type_of
from workers import keys
from workers.connection import default_connection, storage_errors
from workers.routing import queue_of
from workers.settings import load_settings

JsonDict = dict[str, Any]

MOST_JOBS = 1_000
"""Jobs that one call shows at most."""
MOST_READ = 5_000
"""Records that one call reads at most; where a type is rare, there may be more of it."""

_CANDIDATES = 500
"""Jobs of those made last among which the ones that changed last are looked for."""

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


@dataclass(frozen=True)
class _Place:
    """A key that holds ids of jobs in one state: a list, or a sorted set."""

    state: str
    key: str
    is_list: bool = False


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
        the one that changed last first. Approximate: without a type only the 500 that were made
        last are compared, and never more than 5,000 are read.
        It takes up to 6 round trips.

    Raises:
        InvalidQuery: If the state is none of these, or the limit is out of range.
    """
    if not 1 <= limit <= MOST_JOBS:
        raise InvalidQuery(
            f"limit is {limit}.", field="limit", remedy=f"Use an integer from 1 to {MOST_JOBS}."
        )
    connection = connection or default_connection()
    return newest_jobs(queue, state, message_type, limit, connection=connection).jobs


@dataclass(frozen=True)
class Newest:
    """The newest jobs that fit.

    Args:
        jobs: As `get_jobs` tells them.
        is_all: Whether there are no others, as far as anybody can tell.
    """

    jobs: Sequence[JsonDict]
    is_all: bool


def newest_jobs(
    queue: str | None,
    state: str | None,
    message_type: str | None,
    limit: int,
    *,
    connection: redis.Redis,
) -> Newest:
    """See `get_jobs`, whose arguments these are.

    Raises:
        InvalidQuery: If there is no such state.
    """
    check_state(state)
    with storage_errors():
        names = [queue] if queue else used_queues(connection)
        counts = _filled([*_places(names, state), *_held(names, state, connection)], connection)
        most = MOST_READ if message_type else limit
        share = max(1, min(most, MOST_READ // max(1, len(counts))))
        read = _ids(list(counts), share, connection)
        ids = read if message_type else _made_last(read, max(limit, _CANDIDATES))
        jobs = [pair for pair in _jobs(ids, connection) if _fits(pair[1], message_type)]
    is_read = len(ids) == len(read) and max(counts.values(), default=0) <= share
    jobs.sort(key=lambda pair: pair[0], reverse=True)
    shown = [job for _, job in jobs[:limit]]
    return Newest(shown, is_all=is_read and len(jobs) <= limit)


def check_state(state: str | None) -> None:
    """Refuse what is no state.

    Args:
        state: As in `get_jobs`.

    Raises:
        InvalidQuery: If there is no such state.
    """
    if state is not None and state not in STATES:
        raise InvalidQuery(
            f"There is no state {state!r}.", field="state", remedy=f"Use {', '.join(STATES)}."
        )


def used_queues(connection: redis.Redis) -> Sequence[str]:
    """The queues of the settings, and all others that were ever used, in one round trip.

    Args:
        connection: Where.
    """
    used: Any = connection.smembers(keys.queues())
    return queues_of(used)


def queues_of(used: Iterable[bytes]) -> Sequence[str]:
    """The queues of the settings, and those whose lists were used.

    Args:
        used: The keys of the lists.
    """
    prefix = keys.queue("")
    others = sorted(queue_of(as_text(key).removeprefix(prefix)) for key in used)
    return list(dict.fromkeys([*load_settings().queues, *others]))


def _places(queues: Sequence[str], state: str | None) -> Iterator[_Place]:
    """Each place where such jobs may stand, held ones aside."""
    for name in (name for queue in queues for name in queue_lists(queue)):
        if state in {None, "waiting"}:
            yield _Place("waiting", keys.queue(name), is_list=True)
        if state in {None, "active"}:
            yield _Place("active", keys.intermediate(name), is_list=True)
        for each, key_of in _SETS.items():
            if state in {None, each}:
                yield _Place(each, key_of(name))


def _held(queues: Sequence[str], state: str | None, connection: redis.Redis) -> Iterator[_Place]:
    if state not in {None, "held"}:
        return
    found: Any = connection.hkeys(keys.pauses())
    fields = [as_text(field) for field in found]
    with connection.pipeline(transaction=False) as pipe:
        for field in fields:
            pipe.smembers(keys.holds(field))
        answers = pipe.execute() if fields else []
    wanted = set(queues)
    for field, lists in zip(fields, answers, strict=True):
        for name in sorted(map(as_text, lists)):
            if queue_of(name) in wanted:
                yield _Place("held", keys.held(field, name))


def _filled(places: Sequence[_Place], connection: redis.Redis) -> Mapping[_Place, int]:
    """How many stand in those that are not empty: the others take no share of what may be read."""
    asked = [with_key("LLEN" if place.is_list else "ZCARD", place.key) for place in places]
    counts = answered(connection, asked)
    return {place: count for place, count in zip(places, counts, strict=True) if count}


def _ids(places: Sequence[_Place], share: int, connection: redis.Redis) -> Mapping[str, str]:
    asked = [
        command("LRANGE", place.key, -share, -1)
        if place.is_list
        else command("ZREVRANGE", place.key, 0, share - 1)
        for place in places
    ]
    found = answered(connection, asked)
    # A running job stands there as `job id:execution id`.
    return {
        as_text(entry).partition(":")[0]: place.state
        for place, entries in zip(places, found, strict=True)
        for entry in entries
    }


def _made_last(ids: Mapping[str, str], count: int) -> Mapping[str, str]:
    # Ids of ours begin with the time, so that most need not be read to be left out.
    return {job_id: ids[job_id] for job_id in sorted(ids, reverse=True)[:count]}


def _jobs(ids: Mapping[str, str], connection: redis.Redis) -> Iterator[tuple[str, JsonDict]]:
    """When each changed last, and what is shown of it."""
    records = answered(connection, hash_fields(keys.job(""), ids, _FIELDS))
    for (job_id, state), values in zip(ids.items(), records, strict=True):
        record = dict(zip(_FIELDS, values, strict=True))
        if record["status"]:
            yield _changed(record), _shown(job_id, state, record)


def _shown(job_id: str, state: str, record: Mapping[str, bytes | None]) -> JsonDict:
    times = {_camel(name): as_time(record[name]) for name in _TIMES}
    return {
        "jobId": job_id,
        "messageType": message_type_of(record["description"]),
        "queue": queue_of(as_text(record["origin"] or b"")),
        "state": state,
        "status": as_text(record["status"] or b""),
        **shown_times(times),
    }


def _camel(name: str) -> str:
    first, _, second = name.partition("_")
    return first + second.title()


def _fits(job: JsonDict, message_type: str | None) -> bool:
    return message_type is None or job["messageType"] == message_type


def _changed(record: Mapping[str, bytes | None]) -> str:
    # As text: RQ's times are all in one form, which sorts as the times do.
    return max(as_text(record[name] or b"") for name in _TIMES)
