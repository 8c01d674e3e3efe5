"""All queues and workers at a glance. Only reads."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import redis

from monitoring.queues.fleet import DeathOfChild, WorkerSnapshot
from monitoring.queues.living import living_and_dead
from monitoring.queues.many_lists import oldest_waiting
from monitoring.queues.snapshot import (
    QueueSnapshot,
    Snapshot,
    queue_lists,
    take_snapshot,
)
from monitoring.queues.stats import figures
from workers.clock import shown_time
from workers.connection import default_connection, storage_errors
from workers.settings import load_settings

JsonDict = dict[str, Any]

DEAD = "dead"
"""The state of a worker that was killed; RQ goes on to tell what it last did."""

_SHOWN = 10  # jobs that a row names


def get_overview(*, connection: redis.Redis | None = None) -> JsonDict:
    """Queues with their counts, and workers.

    Args:
        connection: Where; None means the server that the settings name.

    Returns:
        `queues`, by name: the figures of `get_queue_stats`, `waitingByPriority`,
        `oldestWaitingSeconds` (None if none waits), `paused` (the whole queue) and `workers`, how
        many listen and live; `workers`, a list, the dead first, of `name`, `host`, `pid`, `state`
        (RQ's, or `dead`), `queues`, `currentJob` (the last one, of a dead worker),
        `secondsSinceHeartbeat`, `stock`, `startedAt` (ISO 8601), `codeVersion`, `cpuSeconds` since
        its start but for children that have ended, `memoryMb` of its child, and `childDeath`: when
        a child last died that was not to, `how`, and with how many `memoryMb` (None where a worker
        does not tell, such as a stock one, or none died), `slots` and `running` (how many jobs it
        can run, and runs; short ones are not seen), `jobs` (up to ten that it runs), and
        `pythonVersion`; `deadLetters` and `deadLettersSpilled`;
        `suspended`.

    Raises:
        StorageUnavailable: If Redis does not answer.
    """
    connection = connection or default_connection()
    settings = load_settings()
    with storage_errors():
        found = take_snapshot(connection=connection, queues=settings.queues)
        snapshot, dead = living_and_dead(
            found, silent_seconds=settings.lease_seconds, connection=connection
        )
        lists = [name for queue in snapshot.queues for name in queue_lists(queue)]
        ages = oldest_waiting(lists, time=snapshot.time, connection=connection)
    return {
        "queues": {name: _queue(queue, snapshot, ages) for name, queue in snapshot.queues.items()},
        "workers": [
            *(worker_row(worker, found.time) | {"state": DEAD} for worker in dead),
            *(worker_row(worker, found.time) for worker in snapshot.workers),
        ],
        "deadLetters": snapshot.letters,
        "deadLettersSpilled": snapshot.spilled,
        "suspended": snapshot.suspended,
    }


def _queue(queue: QueueSnapshot, snapshot: Snapshot, ages: Mapping[str, float]) -> JsonDict:
    lists = queue_lists(queue.name)
    oldest = max((ages[name] for name in lists if name in ages), default=None)
    return {
        **figures(queue.total),
        "waitingByPriority": {p.value: counts.waiting for p, counts in queue.lists.items()},
        "oldestWaitingSeconds": None if oldest is None else round(oldest, 3),
        "paused": snapshot.is_paused(queue.name),
        "workers": len(snapshot.listening(*lists)),
    }


def worker_row(worker: WorkerSnapshot, time: datetime) -> JsonDict:
    """One worker, as `get_overview` tells it.

    Args:
        worker: The worker.
        time: The server's.
    """
    return {
        "name": worker.name,
        "host": worker.hostname,
        "pid": worker.pid,
        "state": worker.state,
        "queues": list(worker.queues),
        "currentJob": worker.current_job,
        "secondsSinceHeartbeat": _since(worker.last_heartbeat, time),
        "stock": worker.is_stock,
        "startedAt": shown_time(worker.born) if worker.born else None,
        "codeVersion": worker.code_version,
        "cpuSeconds": worker.cpu_seconds,
        "memoryMb": worker.memory_mb,
        "childDeath": None if worker.child_death is None else _death(worker.child_death),
        "slots": worker.slots,
        "running": len(worker.running),
        "jobs": list(worker.running[:_SHOWN]),
        "pythonVersion": worker.python_version,
    }


def _death(death: DeathOfChild) -> JsonDict:
    return {"at": shown_time(death.at), "how": death.how, "memoryMb": death.memory_mb}


def _since(seen: datetime | None, time: datetime) -> float | None:
    # Never below zero: a worker's clock may be ahead of the server's.
    return round(max(0.0, (time - seen).total_seconds()), 3) if seen else None
