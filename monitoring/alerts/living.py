"""Which workers live: the record of one that was killed stays for eight minutes. Only reads."""

from dataclasses import replace

import redis
from rq import Worker
from rq.defaults import DEFAULT_WORKER_TTL

from monitoring.fleet import WorkerSnapshot
from monitoring.snapshot import Snapshot

_SILENT = 30.0  # seconds; ours show life every 4 s, and after 15 s lose their jobs to others
_KEPT = DEFAULT_WORKER_TTL + 60.0  # seconds that each sign of life keeps the record (rq/worker)


def with_living(snapshot: Snapshot, connection: redis.Redis) -> Snapshot:
    """The snapshot without workers of ours that were killed; in one round trip, or none.

    Args:
        snapshot: The workers.
        connection: Where they are.

    Returns:
        Without those that are silent both by the time that they wrote, which is their clock's, and
        by how long Redis still keeps their record, which is not so where --worker-ttl is given.
        Stock workers stay: an idle one shows life each 405 s.
    """
    suspects = [worker for worker in snapshot.workers if _may_be_dead(worker, snapshot)]
    if not suspects:
        return snapshot
    with connection.pipeline(transaction=False) as pipe:
        for worker in suspects:
            pipe.pttl(f"{Worker.redis_worker_namespace_prefix}{worker.name}")
        left = pipe.execute()
    dead = {
        worker.name
        for worker, milliseconds in zip(suspects, left, strict=True)
        if milliseconds / 1000 <= _KEPT - _SILENT
    }
    return replace(
        snapshot, workers=[worker for worker in snapshot.workers if worker.name not in dead]
    )


def _may_be_dead(worker: WorkerSnapshot, snapshot: Snapshot) -> bool:
    seen = worker.last_heartbeat
    if worker.worker_class is None or seen is None:
        return False
    return (snapshot.time - seen).total_seconds() >= _SILENT
