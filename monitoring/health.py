"""Whether the system works, in the shape of requirement 004. Only reads."""

from collections.abc import Mapping
from typing import Any

import redis

from messages import PostroomError
from monitoring.doctor.letters import letter_findings
from monitoring.errors import unknown_queue
from monitoring.queues.held import shown_pause
from monitoring.queues.living import living_and_dead
from monitoring.queues.many_lists import oldest_waiting
from monitoring.queues.snapshot import (
    Counts,
    QueueSnapshot,
    Snapshot,
    queue_lists,
    take_snapshot,
)
from workers.connection import default_connection, storage_errors
from workers.errors import StorageRefused, StorageUnavailable
from workers.routing import Priority, list_name, queue_of
from workers.settings import load_settings

JsonDict = dict[str, Any]


def get_system_health(*, connection: redis.Redis | None = None) -> JsonDict:
    """Whether Redis answers, and how much there is to do. Never raises because of Redis.

    Args:
        connection: Where; None means the server that the settings name.

    Returns:
        `redis_connected`; `queue_stats`, which gives `queue_size`, `failed_jobs` and
        `scheduled_jobs` of each queue, its three lists together; `workers`, which gives their
        `count` and how many are `active`: running a job; the dead are none. Jobs that a pause holds
        back are part of the `queue_size`.
        Only when dead letters pile up, `dead_letters_spilled`, how many stand in the spill file
        only, and `warnings`, each with `code`, `severity`, `message` and `remedy`. Only when Redis
        cannot be read, `error` with `code`, `message` and `remedy`; without an answer it comes
        after REDIS_TIMEOUT.
    """
    try:
        with storage_errors():
            snapshot = _snapshot(connection or default_connection())
    except (StorageUnavailable, StorageRefused) as error:
        return _unhealthy(error)
    return {
        "redis_connected": True,
        "queue_stats": {name: _stats(queue.total) for name, queue in snapshot.queues.items()},
        "workers": {
            "count": len(snapshot.workers),
            "active": sum(worker.is_busy for worker in snapshot.workers),
        },
        **_of_letters(snapshot),
    }


def get_queue_health(queue: str, *, connection: redis.Redis | None = None) -> JsonDict:
    """One queue: how much waits, for how long, and for whom.

    Args:
        queue: Its name; the name of one of its three lists stands for the queue.
        connection: Where; None means the server that the settings name.

    Returns:
        `queue`, `queue_size`, `held_jobs` (of these, how many a pause of their type or tenant holds
        back), `failed_jobs`, `scheduled_jobs`, `deferred_jobs`, `taken_jobs` (on their way to a
        stock worker), `started_jobs` (in the hands of a worker: running, or about to),
        `oldest_waiting_seconds` (None if none waits; held ones do not count), `workers` that
        listen and live, `paused` (the whole queue), `pauses` that keep its jobs from starting, each
        with `kind`, `name`, `actor`, `reason`, `at` and `held`, `suspended` (all workers are told
        to start nothing), and `priorities`: for each of high, normal and low `queue_size`,
        `oldest_waiting_seconds` and `workers`.

    Raises:
        QueueNotFound: If the settings do not name it and it was never used.
        StorageUnavailable: If Redis does not answer.
    """
    connection = connection or default_connection()
    name = queue_of(queue)
    with storage_errors():
        snapshot = _snapshot(connection)
        if name not in snapshot.queues:
            raise unknown_queue(name, snapshot.queues)
        lists = queue_lists(name)
        ages = oldest_waiting(lists, time=snapshot.time, connection=connection)
    counts = snapshot.queues[name].total
    return {
        "queue": name,
        **_stats(counts),
        "held_jobs": counts.held,
        "deferred_jobs": counts.deferred,
        "taken_jobs": counts.taken,
        "started_jobs": counts.started,
        "oldest_waiting_seconds": _rounded(max(ages.values(), default=None)),
        "workers": len(snapshot.listening(*lists)),
        "paused": snapshot.is_paused(name),
        "pauses": [shown_pause(pause) for pause in snapshot.pauses_of(name)],
        "suspended": snapshot.suspended,
        "priorities": _split(snapshot.queues[name], snapshot, ages),
    }


def _snapshot(connection: redis.Redis) -> Snapshot:
    """What there is, with the workers that live."""
    settings = load_settings()
    found = take_snapshot(connection=connection, queues=settings.queues)
    living, _ = living_and_dead(found, silent_seconds=settings.lease_seconds, connection=connection)
    return living


def _stats(counts: Counts) -> JsonDict:
    # Exactly the keys of requirement 004.
    return {
        "queue_size": counts.waiting + counts.held,
        "failed_jobs": counts.failed,
        "scheduled_jobs": counts.scheduled,
    }


def _of_letters(snapshot: Snapshot) -> JsonDict:
    limit = load_settings().dead_letter_limit
    found = list(letter_findings(snapshot.letters, snapshot.spilled, limit=limit))
    if not found:
        return {}
    return {
        "dead_letters_spilled": snapshot.spilled,
        "warnings": [
            {
                "code": finding.code,
                "severity": finding.severity,
                "message": finding.what,
                "remedy": finding.remedy,
            }
            for finding in found
        ],
    }


def _split(queue: QueueSnapshot, snapshot: Snapshot, ages: Mapping[str, float]) -> JsonDict:
    return {
        priority.value: {
            "queue_size": queue.lists[priority].waiting + queue.lists[priority].held,
            "oldest_waiting_seconds": _rounded(ages.get(list_name(queue.name, priority))),
            "workers": len(snapshot.listening(list_name(queue.name, priority))),
        }
        for priority in Priority
    }


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)


def _unhealthy(error: PostroomError) -> JsonDict:
    return {
        "redis_connected": isinstance(error, StorageRefused),
        "queue_stats": {},
        "workers": {"count": 0, "active": 0},
        "error": {"code": error.code, "message": error.message, "remedy": error.remedy},
    }
