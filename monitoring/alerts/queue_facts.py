"""What is read of queues: what waits, what runs, what is late. Only reads."""

from collections.abc import Iterator, Sequence

import redis

from monitoring.alerts.living import with_living
from monitoring.alerts.metrics import Facts, Reading
from monitoring.running import Running, longest_first, read_running
from monitoring.snapshot import (
    Counts,
    QueueSnapshot,
    Snapshot,
    oldest_waiting,
    queue_lists,
)
from monitoring.words import are, number, span
from workers import keys
from workers.routing import Priority, list_name


def queue_facts(snapshot: Snapshot, connection: redis.Redis) -> Facts:
    """Everything that is in the snapshot already, and what is late; in two round trips at most.

    Args:
        snapshot: The queues and workers.
        connection: Where they are.
    """
    active = [queue for queue in snapshot.queues.values() if not _is_halted(queue, snapshot)]
    return {
        "waiting": [_waiting(queue) for queue in active],
        "without_worker": list(_without_worker(active, with_living(snapshot, connection))),
        "overdue": list(_overdue(snapshot, connection)),
    }


def age_facts(snapshot: Snapshot, connection: redis.Redis) -> Facts:
    """How long jobs have waited, in two round trips.

    Args:
        snapshot: The queues.
        connection: Where they are.
    """
    active = [queue for queue in snapshot.queues.values() if not _is_halted(queue, snapshot)]
    lists = [name for queue in active for name in queue_lists(queue.name)]
    ages = oldest_waiting(lists, time=snapshot.time, connection=connection)
    oldest = {
        queue.name: max(found)
        for queue in active
        if (found := [ages[name] for name in queue_lists(queue.name) if name in ages])
    }
    return {
        "oldest_waiting": [
            Reading(name, age, f"The oldest job in {name} has been waiting for {span(age)}.")
            for name, age in oldest.items()
        ]
    }


def running_facts(snapshot: Snapshot, connection: redis.Redis) -> Facts:
    """How long jobs have been running, in four round trips at most.

    Args:
        snapshot: The queues.
        connection: Where they are.
    """
    longest: dict[str, Running] = {}
    for job in longest_first(read_running(snapshot, now=snapshot.time, connection=connection)):
        longest.setdefault(job.queue, job)
    return {
        "running": [
            _running(job, (snapshot.time - job.began).total_seconds())
            for job in longest.values()
            if job.began is not None
        ]
    }


def _is_halted(queue: QueueSnapshot, snapshot: Snapshot) -> bool:
    return snapshot.suspended or snapshot.is_paused(queue.name)


def _waiting(queue: QueueSnapshot) -> Reading:
    count = queue.total.waiting
    return Reading(
        queue.name, count, f"{number(count, 'job')} {are(count)} waiting in {queue.name}."
    )


def _without_worker(queues: Sequence[QueueSnapshot], snapshot: Snapshot) -> Iterator[Reading]:
    for queue in queues:
        missing = [p for p in Priority if not snapshot.listening(list_name(queue.name, p))]
        jobs = sum((queue.lists[priority] for priority in missing), Counts())
        count = jobs.waiting + jobs.scheduled
        yield Reading(
            queue.name,
            count,
            f"No worker listens to {queue.name}: {number(jobs.waiting, 'job')} "
            f"{are(jobs.waiting)} waiting there, {number(jobs.scheduled, 'job')} "
            f"{are(jobs.scheduled)} to go there later.",
        )


def _overdue(snapshot: Snapshot, connection: redis.Redis) -> Iterator[Reading]:
    now = snapshot.time.timestamp()
    queues = [queue for queue in snapshot.queues.values() if queue.total.scheduled]
    with connection.pipeline(transaction=False) as pipe:
        for queue in queues:
            for name in queue_lists(queue.name):
                pipe.zrange(keys.scheduled(name), 0, 0, withscores=True)
        answers = iter(pipe.execute())
    for queue in queues:
        firsts = [first for _ in queue_lists(queue.name) for first in next(answers)]
        late = max((now - score for _, score in firsts), default=0.0)
        if late > 0:
            said = (
                f"A scheduled job of {queue.name} is {span(late)} late, and not in the queue yet."
            )
            yield Reading(queue.name, late, said)


def _running(job: Running, seconds: float) -> Reading:
    since = span(max(0.0, seconds))
    said = f"Job {job.job_id} of {job.queue} has been running for {since}."
    return Reading(job.queue, seconds, said)
