"""What is in workers' hands: jobs under a lease, and those that stock workers run. Only reads.

How many there are is bounded by the fleet: a child has some hundreds of leases at most.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import redis

from monitoring.answers import as_text, as_time
from monitoring.queues.snapshot import Snapshot, started
from monitoring.queues.stats import message_type_of
from workers import keys
from workers.routing import list_name, queue_of

MOST_JOBS = 1_000
"""Jobs that are looked at; those that were taken first come first."""
MOST_LEASES = 400
"""Leases that are read of one holder: two of the largest batches."""
_ABANDONED_AFTER = 10.0  # seconds; every worker looks for what others left every two

_FIELDS = (
    "status",
    "started_at",
    "description",
    "origin",
    "timeout",
    "number_of_retries",
    "worker_name",
)


@dataclass(frozen=True)
class Running:
    """One job in a worker's hands.

    Args:
        job_id: Its id.
        list_name: The name of its list.
        kind: Its message type; RQ's description of a foreign job.
        began: When its run began; None if it is not known to run yet.
        timeout: Seconds that a run may take; None if it has no limit.
        starts: How often it was started, this run included.
        worker: The name of its worker; empty if it is not told yet.
        silent: Seconds since its lease lapsed without anybody taking it over; 0 if that is
            nothing unusual.
        execution: The name of its run, which no other run of the job has.
    """

    job_id: str
    list_name: str
    kind: str
    began: datetime | None
    timeout: float | None
    starts: int
    worker: str = ""
    silent: float = 0.0
    execution: str = ""

    @property
    def queue(self) -> str:
        """The queue that its list belongs to."""
        return queue_of(self.list_name)


def read_running(
    snapshot: Snapshot, *, now: datetime, connection: redis.Redis
) -> Sequence[Running]:
    """What workers have in hand, in three round trips or four.

    Args:
        snapshot: Where there are such jobs.
        now: The server's time.
        connection: Where.

    Returns:
        At most `MOST_JOBS`, those that were taken first before the others.
    """
    holders = read_holders(connection)
    leased = {token: until for token, until, _ in holders}
    taken = _taken(snapshot, connection)
    tokens = list(dict.fromkeys([*taken, *leased]))[:MOST_JOBS]
    with connection.pipeline(transaction=False) as pipe:
        for token in tokens:
            pipe.hmget(keys.job(job_of(token)), _FIELDS)
        records = pipe.execute()
    pairs = zip(tokens, records, strict=True)
    known = [(token, dict(zip(_FIELDS, record, strict=True))) for token, record in pairs]
    until = {**taken, **leased}
    return [
        running_of(token, _texts(record), _silence(until[token], now))
        for token, record in known
        if record["status"]
    ]


def read_holders(connection: redis.Redis) -> Sequence[tuple[str, float, str]]:
    """All leases of our workers, in two round trips.

    Args:
        connection: Where.

    Returns:
        Of each lease its token, until when its holder counts as alive (Unix seconds, 0 if it left
        by itself), and the holder.
    """
    found: Any = connection.zrange(keys.holders(), 0, -1, withscores=True)
    with connection.pipeline(transaction=False) as pipe:
        for holder, _ in found:
            pipe.zrange(keys.leases(as_text(holder)), 0, MOST_LEASES - 1)
        held = pipe.execute()
    return [
        (as_text(token), until / 1000, as_text(holder))
        for (holder, until), tokens in zip(found, held, strict=True)
        for token in tokens
    ]


def job_of(token: str) -> str:
    """The job of a lease's token."""
    return token.rpartition(":")[0] or token


def execution_of(token: str) -> str:
    """The run of a lease's token."""
    return token.rpartition(":")[2]


def _taken(snapshot: Snapshot, connection: redis.Redis) -> Mapping[str, float]:
    """What RQ's registry has, in the order of its scores, which for ours is that of the leases."""
    names = [name for name, count in _started(snapshot) if count]
    with connection.pipeline(transaction=False) as pipe:
        for name in names:
            pipe.zrange(started(name), 0, MOST_JOBS - 1, withscores=True)
        answers = pipe.execute()
    found = [(score, as_text(token)) for entries in answers for token, score in entries]
    return {token: score for score, token in sorted(found)}


def _started(snapshot: Snapshot) -> Iterator[tuple[str, int]]:
    for queue in snapshot.queues.values():
        for priority, counts in queue.lists.items():
            yield list_name(queue.name, priority), counts.started


def _silence(until: float, now: datetime) -> float:
    if not until:  # its holder left by itself, and wrote no time
        return _ABANDONED_AFTER
    past = now.timestamp() - until
    return past if past >= _ABANDONED_AFTER else 0.0


def running_of(token: str, fields: Mapping[str, str], silent: float) -> Running:
    """A job in a worker's hands, as its record tells of it.

    Args:
        token: Of its lease; or its id, where nobody knows that.
        fields: Of its record, as text; those that it lacks may be missing.
        silent: Seconds since its lease lapsed, or 0.
    """
    text: Mapping[str, str] = dict.fromkeys(_FIELDS, "") | dict(fields)
    is_shown = text["status"] == "started"
    return Running(
        job_id=job_of(token),
        list_name=text["origin"],
        kind=message_type_of(text["description"]) or text["description"],
        began=as_time(text["started_at"]) if is_shown else None,
        timeout=_positive(text["timeout"]),
        starts=1 + int(_positive(text["number_of_retries"]) or 0),
        worker=text["worker_name"] if is_shown else "",
        silent=silent,
        execution=execution_of(token),
    )


def _texts(record: Mapping[str, Any]) -> Mapping[str, str]:
    return {name: as_text(value or b"") for name, value in record.items()}


def _positive(text: str) -> float | None:
    # RQ writes -1 or None for no limit.
    try:
        value = float(text)
    except ValueError:
        return None
    return value if value > 0 else None


def longest_first(running: Iterable[Running]) -> Sequence[Running]:
    """Those that run, the one that began first before the others."""
    latest = datetime.max.replace(tzinfo=UTC)
    return sorted(running, key=lambda each: each.began or latest)
