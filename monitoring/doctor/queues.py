"""Jobs that do not get on."""

from collections.abc import Iterator
from dataclasses import dataclass

import redis
from rq.intermediate_queue import IntermediateQueue
from rq.suspension import WORKERS_SUSPENDED

from monitoring.answers import as_text
from monitoring.doctor.finding import Finding
from monitoring.doctor.letters import letter_findings
from monitoring.doctor.pauses import pause_findings
from monitoring.queues.snapshot import Counts, Snapshot
from monitoring.words import are, listed, number, span
from workers import keys
from workers.routing import list_name, queue_of

_OVERDUE = 10.0  # seconds; workers look for due jobs twice a second
_LONG_OVERDUE = 60.0
_LONG_TAKEN = 60.0  # seconds after which RQ's maintenance takes it for lost, too
_LOOKED_AT = 100  # taken jobs of a list; there are seldom more than it has workers


@dataclass(frozen=True)
class _Late:
    """The jobs of a queue that are past a time they should have kept."""

    queue: str
    count: int
    seconds: float


def queue_findings(
    snapshot: Snapshot, connection: redis.Redis, *, letter_limit: int
) -> Iterator[Finding]:
    """Judge what is in the queues.

    Args:
        snapshot: The queues and workers.
        connection: Where they are.
        letter_limit: The setting DEAD_LETTER_LIMIT.
    """
    yield from _suspended(snapshot, connection)
    yield from pause_findings(snapshot)
    yield from _overdue(snapshot, connection)
    yield from _lying(snapshot, connection)
    yield from letter_findings(snapshot.letters, snapshot.spilled, limit=letter_limit)


def _suspended(snapshot: Snapshot, connection: redis.Redis) -> Iterator[Finding]:
    if not snapshot.suspended:
        return
    seconds = int(connection.ttl(WORKERS_SUSPENDED))
    until = f"for another {span(seconds)}" if seconds > 0 else "until somebody resumes"
    waiting = snapshot.total.waiting
    yield Finding(
        "suspended",
        "critical" if waiting else "warning",
        f"`rq suspend` was called: no worker starts a job, {until}; {number(waiting, 'job')} "
        f"{are(waiting)} waiting.",
        "`rq resume -c worker_settings`",
    )


def _overdue(snapshot: Snapshot, connection: redis.Redis) -> Iterator[Finding]:
    late = list(_late(snapshot, connection))
    if not late:
        return
    longest = max(late, key=lambda entry: entry.seconds)
    queues = list(dict.fromkeys(entry.queue for entry in late))
    count = sum(entry.count for entry in late)
    yield Finding(
        "scheduled_overdue",
        "critical" if longest.seconds >= _LONG_OVERDUE else "warning",
        f"{number(count, 'scheduled job')} of {listed(queues)} {are(count)} overdue and not in "
        f"the queue yet, by up to {span(longest.seconds)} ({longest.queue}).",
        f"Workers move them: start more, `postroom worker {' '.join(queues)}`. Stock workers do "
        "it only with --with-scheduler.",
    )


def _late(snapshot: Snapshot, connection: redis.Redis) -> Iterator[_Late]:
    now = snapshot.time.timestamp()
    names = [name for name, counts in _lists(snapshot) if counts.scheduled]
    with connection.pipeline(transaction=False) as pipe:
        for name in names:
            pipe.zcount(keys.scheduled(name), "-inf", now - _OVERDUE)
            pipe.zrange(keys.scheduled(name), 0, 0, withscores=True)
        answers = iter(pipe.execute())
    for name, count, first in zip(names, answers, answers, strict=True):
        if count and first:
            yield _Late(queue_of(name), count, now - first[0][1])


def _lying(snapshot: Snapshot, connection: redis.Redis) -> Iterator[Finding]:
    found = list(_abandoned(snapshot, connection))
    if not found:
        return
    queues = list(dict.fromkeys(entry.queue for entry in found))
    count = sum(entry.count for entry in found)
    longest = max(entry.seconds for entry in found)
    since = f" It was noticed {span(longest)} ago." if longest else ""
    yield Finding(
        "taken_and_not_started",
        "warning",
        f"{number(count, 'job')} of {listed(queues)} {'was' if count == 1 else 'were'} taken by a "
        f"stock worker that then vanished, and never started.{since}",
        f"A worker of the queue sees to such jobs, every minute or so: keep one running, "
        f"`postroom worker {' '.join(queues)}`.",
    )


def _abandoned(snapshot: Snapshot, connection: redis.Redis) -> Iterator[_Late]:
    """Jobs of stock workers that maintenance noticed long ago, or that nobody will notice."""
    names = [name for name, counts in _lists(snapshot) if counts.taken]
    with connection.pipeline(transaction=False) as pipe:
        for name in names:
            pipe.lrange(keys.intermediate(name), -_LOOKED_AT, -1)
        taken = pipe.execute()
    for name, ids in zip(names, taken, strict=True):
        known = IntermediateQueue(keys.queue(name), connection)
        seen = (known.get_first_seen(as_text(job_id)) for job_id in ids)
        ages = [(snapshot.time - moment).total_seconds() if moment else 0.0 for moment in seen]
        lost = [age for age in ages if age >= _LONG_TAKEN or not snapshot.listening(name)]
        if lost:
            yield _Late(queue_of(name), len(lost), max(lost))


def _lists(snapshot: Snapshot) -> Iterator[tuple[str, Counts]]:
    for queue in snapshot.queues.values():
        for priority, counts in queue.lists.items():
            yield list_name(queue.name, priority), counts
