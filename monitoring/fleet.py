"""The workers of both lanes in one list, page by page, the dead first. Only reads.

A worker of queues is one process; one of streams has a row for each consumer, which is one life of
its child.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import redis
from rq.worker_registration import REDIS_WORKER_KEYS

from monitoring.answers import as_text, server_time, shown_time
from monitoring.queues.fleet import WorkerSnapshot, ask_workers, read_workers
from monitoring.queues.living import dead_among
from monitoring.queues.overview import DEAD, worker_row
from monitoring.search.cursors import no_cursor
from monitoring.streams.consumers import Consumer, find_consumers, told_of
from monitoring.streams.reading import answered
from workers.connection import connection_for, storage_errors
from workers.settings import Settings, load_settings

JsonDict = dict[str, Any]

MOST_ROWS = 200
"""Rows of one page at most."""
MOST_WORKERS = 1_000
"""Workers of queues that are looked at, by name."""

_SHOWN = 10  # jobs and streams that a row names
_PLACE = re.compile(r"[01] (queue|stream) .+", re.DOTALL)  # what `_Member.place` makes


def get_workers(
    *,
    limit: int = 100,
    cursor: str = "",
    connection: redis.Redis | None = None,
    settings: Settings | None = None,
) -> JsonDict:
    """The workers of queues and the consumers of streams, in eight round trips at most.

    Args:
        limit: Rows at most, 1 to 200.
        cursor: That of the page before; empty begins.
        connection: Where; None means the server that the settings name.
        settings: None means those of the environment.

    Returns:
        `workers`, the dead first, then by `lane` (`queue` or `stream`) and name; `cursor` of the
        next page, or None; `counts`, how many of all are `dead` and how many are in each lane;
        `unclaimedEntries` of streams, which nobody has and the next consumer that asks will get;
        `partial`, whether some were left out because there are too many. One that dies while pages
        are turned may stand on two of them.

        A row has what `get_overview` says of a worker, None where its lane knows no such thing,
        and `lane`; `state`, also `dead`, and `unknown` of a consumer that gives no sign of life
        because it is not ours; `slots` and `running`, how many it can run and runs; `jobs`, up to
        ten that it runs; `pythonVersion`. For a stream: `group`, `worker` (who looks after it),
        `patterns` and `streamCount` (what it reads), `pending` (entries in hand), `pendingIn` (the
        ten streams with most of them), `idleSeconds` since it last asked for an entry.

    Raises:
        InvalidQuery: If the cursor is none of a page.
        StorageUnavailable: If Redis does not answer.
        StorageRefused: If it does not let us look.
    """
    if cursor and not _PLACE.fullmatch(cursor):
        raise no_cursor(cursor)
    settings = settings or load_settings()
    connection = connection or connection_for(settings)
    with storage_errors():
        crew, time, is_all = _crew(settings, connection)
    found = answered(find_consumers(settings), connection)
    every = sorted([*crew, *map(_of_stream, found.rows)], key=lambda each: each.place)
    rest = [each for each in every if each.place > cursor]
    page = _told(rest[:limit], connection)
    return {
        "workers": [_row(each, time) for each in page],
        "cursor": page[-1].place if len(rest) > limit else None,
        "counts": _counts(every),
        "unclaimedEntries": found.unclaimed,
        "partial": found.partial or not is_all,
    }


@dataclass(frozen=True)
class _Member:
    """A worker of one of the lanes."""

    who: WorkerSnapshot | Consumer
    is_dead: bool

    @property
    def lane(self) -> str:
        return "stream" if isinstance(self.who, Consumer) else "queue"

    @property
    def place(self) -> str:
        """Where it stands in the list: as text, so that it can be a cursor."""
        group = self.who.group if isinstance(self.who, Consumer) else ""
        return f"{int(not self.is_dead)} {self.lane} {self.who.name} {group}"


def _of_stream(consumer: Consumer) -> _Member:
    return _Member(consumer, consumer.is_dead)


def _crew(settings: Settings, connection: redis.Redis) -> tuple[Sequence[_Member], datetime, bool]:
    """The workers of queues, the server's time, and whether these are all."""
    with connection.pipeline(transaction=False) as pipe:
        pipe.time()
        pipe.smembers(REDIS_WORKER_KEYS)
        clock, stored = pipe.execute()
    time, every = server_time(clock), sorted(as_text(key) for key in stored)
    looked = every[:MOST_WORKERS]
    with connection.pipeline(transaction=False) as pipe:
        ask_workers(pipe, looked)
        workers = list(read_workers(looked, iter(pipe.execute())))
    seconds = settings.lease_seconds
    dead = dead_among(workers, time=time, silent_seconds=seconds, connection=connection)
    names = {each.name for each in dead}
    crew = [_Member(each, each.name in names) for each in workers]
    return crew, time, len(looked) == len(every)


def _told(page: Sequence[_Member], connection: redis.Redis) -> Sequence[_Member]:
    consumers = [each.who for each in page if isinstance(each.who, Consumer)]
    told = iter(answered(told_of(consumers), connection))
    return [_of_stream(next(told)) if isinstance(each.who, Consumer) else each for each in page]


def _counts(every: Sequence[_Member]) -> JsonDict:
    return {
        "dead": sum(each.is_dead for each in every),
        "queue": sum(each.lane == "queue" for each in every),
        "stream": sum(each.lane == "stream" for each in every),
    }


def _row(member: _Member, time: datetime) -> JsonDict:
    who = member.who
    if isinstance(who, Consumer):
        return {"lane": member.lane, **_stream_row(who, time)}
    row = {"lane": member.lane, **worker_row(who, time), **_NO_STREAM}
    return row | ({"state": DEAD} if member.is_dead else {})


_NO_STREAM: Mapping[str, Any] = {
    "group": None,
    "worker": None,
    "patterns": [],
    "streamCount": None,
    "pending": None,
    "pendingIn": [],
    "idleSeconds": None,
}


def _stream_row(consumer: Consumer, time: datetime) -> JsonDict:
    told = consumer.told
    jobs = told.get("running", "").split()
    seen = consumer.seen
    return {
        "name": consumer.name,
        "host": told.get("host", "?"),
        "pid": told.get("pid", "?"),
        "state": _state(consumer),
        "queues": [],
        "currentJob": jobs[0] if jobs else None,
        "secondsSinceHeartbeat": (
            None if seen is None else round(max(0.0, (time - seen).total_seconds()), 3)
        ),
        "stock": False,
        "startedAt": _started(told.get("started_at")),
        "codeVersion": told.get("code_version"),
        "cpuSeconds": _number(told.get("cpu_seconds")),
        "memoryMb": _number(told.get("memory_mb")),
        "childDeath": None,
        "slots": _whole(told.get("slots")),
        "running": _whole(told.get("running_count", str(len(jobs)) if told else None)),
        "jobs": jobs[:_SHOWN],
        "pythonVersion": told.get("python_version"),
        "group": consumer.group,
        "worker": told.get("worker"),
        "patterns": [each for each in told.get("patterns", "").split(",") if each],
        "streamCount": consumer.streams,
        "pending": sum(consumer.pending.values()),
        "pendingIn": [
            {"stream": key, "pending": count}
            for key, count in list(consumer.pending.items())[:_SHOWN]
        ],
        "idleSeconds": None if consumer.idle_ms is None else consumer.idle_ms / 1000,
    }


def _state(consumer: Consumer) -> str:
    if consumer.is_dead:
        return "dead"
    if consumer.until_ms is None:
        return "unknown"
    return "busy" if consumer.told.get("running") or consumer.pending else "idle"


def _started(text: str | None) -> str | None:
    seconds = _number(text)
    return None if seconds is None else shown_time(datetime.fromtimestamp(seconds, tz=UTC))


def _whole(text: str | None) -> int | None:
    number = _number(text)
    return None if number is None else int(number)


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None
