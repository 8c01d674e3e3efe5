"""A worker with handlers that take long, for tests that end what it runs."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from redis import Redis
from rq.command import send_command
from rq.job import Job
from rq.serializers import JSONSerializer

from messages import NoteEnrichmentMessage
from postroom.embedded import Server
from tests.faults.nursery import Nursery
from tests.processes import ask_until_true
from tests.warm import WarmStarted
from tests.workers.conftest import Worker, launch, message
from workers import JobHandle, attempts, dead_letters, enqueue, enqueue_many, keys

GRACE = 0.4
"""Seconds that a handler gets after it was asked to end."""


@dataclass
class Place:
    """A worker with a queue of its own, and what its handlers said."""

    queue: str
    worker: Worker
    redis: Redis

    def send(self, kind: str, **payload: float) -> JobHandle:
        """Enqueue a message for a `def` handler."""
        return enqueue(message(kind, **payload), queue=self.queue, connection=self.redis)

    def send_all(self, *kinds: str, **payload: float) -> list[JobHandle]:
        """Enqueue several at once."""
        sent = [message(kind, **payload) for kind in kinds]
        ids = enqueue_many(sent, queue=self.queue, connection=self.redis)
        return [JobHandle(each, connection=self.redis) for each in ids]

    def send_async(self, kind: str) -> JobHandle:
        """Enqueue a message for an `async def` handler."""
        sent = NoteEnrichmentMessage.of(kind)
        return enqueue(sent, queue=self.queue, connection=self.redis)

    def said(self, kind: str) -> list[str]:
        return [" ".join(words) for words in self.worker.traces(kind)]

    def stop(self, handle: JobHandle, kind: str) -> None:
        """Stop a job once it runs; nobody is to wait until RQ's readers are shown that it does."""
        ask_until_true(lambda: self.said(kind))
        send_command(self.redis, self.queue, "stop-job", job_id=handle.id)

    def execution_of(self, handle: JobHandle) -> str:
        begin = f"{handle.id}:".encode()
        tokens = self.redis.zrange(keys.started(self.queue), 0, -1)
        return next(each for each in tokens if each.startswith(begin)).decode().split(":")[1]

    def lines_of(self, handle: JobHandle) -> list[str]:
        lines = self.worker.process.output().splitlines()
        return [json.loads(line)["message"] for line in lines if handle.id in line]

    def check_left(self, handle: JobHandle) -> None:
        """It is stopped as RQ has it, and nothing holds it any more."""
        job = Job.fetch(handle.id, connection=self.redis, serializer=JSONSerializer)
        result = job.latest_result()
        assert result is not None
        assert "Job stopped by user" in str(result.exc_string)
        assert self.redis.zscore(keys.failed(self.queue), handle.id) is not None
        assert dead_letters.find(handle.id, connection=self.redis) is None
        assert attempts.history(handle.id, connection=self.redis) == ()
        assert self.redis.zcard(keys.started(self.queue)) == 0
        assert self.redis.keys(keys.leases("*")) == []
        assert self.redis.llen(keys.queue(self.queue)) == 0


@contextmanager
def started(
    folder: Path, nursery: Nursery, server: Server, queue: str, places: str
) -> Iterator[Place]:
    own = WarmStarted(folder, nursery=nursery)
    words = ("worker", "-w", "workers.MessageWorker", "-c", "worker_settings", "-n", queue, queue)
    env = {"HANDLER_PACKAGES": "tests.workers.stop_app", "REDIS_URL": server.url}
    env |= {"CONCURRENCY": places, "STOP_GRACE": str(GRACE), "HEARTBEAT_SECONDS": "0.3"}
    made = launch(own.start, folder / "trace", *words, **env)
    made.process.wait_for("Listening on", within=20)
    with Redis.from_url(server.url) as client:
        yield Place(queue, made, client)
    own.end()
