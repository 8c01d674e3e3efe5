"""The loops that are compared: each drains the queue once and returns.

All run the same handler on the same messages, and write the same two log lines a job.
"""

import time
from collections.abc import Sequence
from typing import Any

import redis
from rq import Queue, SimpleWorker, Worker
from rq.registry import FinishedJobRegistry
from rq.serializers import JSONSerializer
from rq.worker import BaseWorker

from benchmarks.message import QUEUE, sample_messages
from benchmarks.plan import WorkerKind
from messages.union import read_message
from workers import MessageWorker, enqueue_many
from workers.context import running
from workers.logger import get_logger
from workers.registry import handler_for

log = get_logger("postroom.jobs")

RAW_LIST = "bench:raw"

WORKERS: dict[WorkerKind, type[BaseWorker]] = {
    "simple": SimpleWorker,
    "fork": Worker,
    "ours": MessageWorker,
}


def fill(kind: WorkerKind, jobs: int, connection: redis.Redis) -> None:
    """Store messages: for a worker as `enqueue_many` does it, for the raw loop as bare JSON.

    Args:
        kind: Who will handle them.
        jobs: How many.
        connection: Where.
    """
    messages = sample_messages(jobs)
    if kind != "raw":
        enqueue_many(messages, connection=connection)
    elif jobs:
        connection.rpush(RAW_LIST, *(message.to_json() for message in messages))


def drain(kind: WorkerKind, jobs: int, connection: redis.Redis) -> float:
    """Handle what is stored. A worker starts and ends, too; an empty drain costs that alone.

    Args:
        kind: Which loop.
        jobs: How many are stored; only the raw loop must be told.
        connection: Where.

    Returns:
        Seconds until the loop was left. What follows is not in them: RQ then waits for a thread
        of its own, by chance up to a second.
    """
    began = time.perf_counter()
    if kind == "raw":
        _raw_loop(jobs, connection)
        return time.perf_counter() - began
    queue = Queue(QUEUE, connection=connection, serializer=JSONSerializer)
    worker = WORKERS[kind]([queue], connection=connection, serializer=JSONSerializer)
    ended = _end_of_loop(worker)
    worker.work(burst=True)
    return next(iter(ended), time.perf_counter()) - began


def handled(kind: WorkerKind, jobs: int, connection: redis.Redis) -> int:
    """How many of the stored messages were handled with success.

    Args:
        kind: Which loop ran.
        jobs: How many were stored, at most 10,000.
        connection: Where.
    """
    if kind == "raw":
        return jobs - int(connection.llen(RAW_LIST))
    return FinishedJobRegistry(QUEUE, connection=connection).get_job_count(cleanup=False)


def _end_of_loop(worker: BaseWorker) -> Sequence[float]:
    ended: list[float] = []
    say_goodbye = worker.teardown

    def teardown() -> None:
        ended.append(time.perf_counter())
        say_goodbye()  # type: ignore[no-untyped-call]  # rq is typed in part

    worker.teardown = teardown  # type: ignore[method-assign]  # of this worker only
    return ended


def _raw_loop(jobs: int, connection: redis.Redis) -> None:
    connection.ping()  # so that an empty drain connects, too
    for _ in range(jobs):
        taken: Any = connection.blpop([RAW_LIST])
        message = read_message(taken[1]).message
        with running(message, job_id=message.message_id, queue=RAW_LIST, attempt=1):
            log.info("job_started")
            began = time.monotonic()
            handler_for(type(message)).function(message)
            log.info("job_completed", duration_ms=round((time.monotonic() - began) * 1000, 1))
