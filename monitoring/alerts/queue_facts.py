"""What is read of queues: what waits, what runs, what is late. Only reads."""

from collections.abc import Iterator, Sequence

import redis

from monitoring.alerts.living import with_living
from monitoring.alerts.metrics import Facts, Reading
from monitoring.jobs.late import overdue_jobs
from monitoring.jobs.running import Running, longest_first, read_running
from monitoring.jobs.stuck_plans import due
from monitoring.queues.many_lists import oldest_waiting
from monitoring.queues.snapshot import (
    Counts,
    QueueSnapshot,
    Snapshot,
    queue_lists,
)
from monitoring.words import are, number, span
from workers.routing import Priority, list_name, queue_of
from workers.settings import Settings
from workers.stuck_policies import StuckPolicies, read_stuck_policies


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


def running_facts(snapshot: Snapshot, connection: redis.Redis, settings: Settings) -> Facts:
    """How long jobs have been running, in four round trips at most.

    Args:
        snapshot: The queues.
        connection: Where they are.
        settings: Which of them are escalated.
    """
    running = longest_first(read_running(snapshot, now=snapshot.time, connection=connection))
    policies = read_stuck_policies(settings.stuck_policy)
    longest: dict[str, Running] = {}
    for job in running:
        longest.setdefault(job.queue, job)
    return {
        "escalated": list(_escalated(running, snapshot, settings)),
        "running": [
            _running(job, (snapshot.time - job.began).total_seconds(), policies)
            for job in longest.values()
            if job.began is not None
        ],
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
        have = "has" if count == 1 else "have"
        said = f"{number(count, 'job')} of {queue.name} {have} no worker."
        yield Reading(queue.name, count, said)


def _overdue(snapshot: Snapshot, connection: redis.Redis) -> Iterator[Reading]:
    late = overdue_jobs(snapshot.queues, snapshot, now=snapshot.time, connection=connection)
    for name, (_, longest) in late.items():
        yield Reading(name, longest, f"A scheduled job of {name} is {span(longest)} late.")


def _escalated(
    running: Sequence[Running], snapshot: Snapshot, settings: Settings
) -> Iterator[Reading]:
    policies = read_stuck_policies(settings.stuck_policy)
    for run, policy in due(running, policies, now=snapshot.time):
        if policy.action == "escalate":
            said = (
                f"Job {run.job_id} ({run.type_name}) of {queue_of(run.list_name)} has been "
                f"running for {span(run.seconds)}; STUCK_POLICY escalates it after "
                f"{span(policy.after.total_seconds())}."
            )
            yield Reading(run.job_id, run.seconds, said)


def _running(job: Running, seconds: float, policies: StuckPolicies) -> Reading:
    since, policy = span(max(0.0, seconds)), policies.of(job.kind)
    after = f" after {span(policy.after.total_seconds())}" if policy.acts else ""
    said = (
        f"Job {job.job_id} of {job.queue} has been running for {since}; its STUCK_POLICY is "
        f"{policy.action}{after}."
    )
    return Reading(job.queue, seconds, said)
