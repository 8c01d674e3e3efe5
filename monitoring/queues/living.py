"""Which workers live: Redis keeps the record of a killed one for eight minutes. Only reads."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import redis
from rq import Worker
from rq.defaults import DEFAULT_WORKER_TTL

from monitoring.queues.fleet import WorkerSnapshot
from monitoring.queues.snapshot import Snapshot

_KEPT = DEFAULT_WORKER_TTL + 60.0  # seconds that each sign of life keeps the record (rq/worker)


def living_and_dead(
    snapshot: Snapshot, *, silent_seconds: float, connection: redis.Redis
) -> tuple[Snapshot, Sequence[WorkerSnapshot]]:
    """Tell the workers of ours that were killed from those that live; in one round trip, or none.

    Args:
        snapshot: The workers.
        silent_seconds: For how long one shows no life that is dead.
        connection: Where they are.

    Returns:
        The snapshot without the dead, and the dead: those that are silent both by the time that
        they wrote, which is their clock's, and by how long Redis still keeps their record, which
        is not so where --worker-ttl is given. Stock workers live: an idle one shows life each
        405 s.
    """
    dead = dead_among(
        snapshot.workers, time=snapshot.time, silent_seconds=silent_seconds, connection=connection
    )
    if not dead:
        return snapshot, ()
    names = {worker.name for worker in dead}
    living = [worker for worker in snapshot.workers if worker.name not in names]
    return replace(snapshot, workers=living), dead


def dead_among(
    workers: Sequence[WorkerSnapshot],
    *,
    time: datetime,
    silent_seconds: float,
    connection: redis.Redis,
) -> Sequence[WorkerSnapshot]:
    """Those of some workers that were killed, as `living_and_dead` tells them.

    Args:
        workers: The workers.
        time: The server's.
        silent_seconds: For how long one shows no life that is dead.
        connection: Where they are.
    """
    suspects = [each for each in workers if _may_be_dead(each, time, silent_seconds)]
    if not suspects:
        return ()
    with connection.pipeline(transaction=False) as pipe:
        for worker in suspects:
            pipe.pttl(f"{Worker.redis_worker_namespace_prefix}{worker.name}")
        left = pipe.execute()
    return [
        worker
        for worker, milliseconds in zip(suspects, left, strict=True)
        if milliseconds / 1000 <= _KEPT - silent_seconds
    ]


def _may_be_dead(worker: WorkerSnapshot, time: datetime, seconds: float) -> bool:
    seen = worker.last_heartbeat
    if worker.worker_class is None or seen is None:
        return False
    return (time - seen).total_seconds() >= seconds
