"""Keeps the demo away from real work: its mail server would swallow real mails."""

import socket

import psutil
from redis import Redis
from rq import Queue
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.worker import BaseWorker, Worker

from postroom.demo.world import RUN
from postroom.embedded import Origin
from postroom.errors import DataInUse, ServerUnavailable
from workers.jobs import envelope_of

_LOOK_AT = 1_000  # waiting jobs of each queue


def refuse_neighbours(redis: Redis, *, origin: Origin) -> None:
    """Make sure that the demo's messages and those of others do not mix.

    Args:
        redis: The server.
        origin: Where it comes from. What waits on a server of our own may be worked off.

    Raises:
        ServerUnavailable: If others use a server that was given.
        DataInUse: If another demo, or `run dev`, runs on the same data.
    """
    workers = sum(_lives(worker) for worker in Worker.all(connection=redis))
    if origin == "joined" and workers:
        raise DataInUse(
            f"`run demo` or `run dev` runs here already, with {workers} workers; a second demo "
            "would get in its way.",
            field="DATA_DIR",
            remedy="Look at that one, end it, or set DATA_DIR to another folder for this one.",
        )
    queues = Queue.all(connection=redis, serializer=JSONSerializer) if origin == "given" else ()
    jobs = sum(map(_foreign_jobs, queues))
    if origin == "given" and (workers or jobs):
        raise ServerUnavailable(
            f"Others use the Redis in REDIS_URL: {workers} workers, {jobs} waiting jobs. Their "
            "messages and the demo's would mix, and the demo's mail server swallows mails.",
            field="REDIS_URL",
            remedy="Name another database (such as /5), set RQ_KEY_PREFIX, or unset REDIS_URL.",
        )


def _foreign_jobs(queue: Queue) -> int:
    # What an earlier demo left waiting is its own business, and comes to its end in this one.
    return sum(not _is_of_a_demo(job) for job in queue.get_jobs(0, _LOOK_AT))


def _is_of_a_demo(job: Job) -> bool:
    envelope = envelope_of(job)
    metadata = envelope.get("metadata") if isinstance(envelope, dict) else None
    return isinstance(metadata, dict) and RUN in metadata


def _lives(worker: BaseWorker) -> bool:
    # A worker that was killed stays in the list for minutes; of those on this machine we can tell.
    return worker.hostname != socket.gethostname() or psutil.pid_exists(worker.pid or 0)
