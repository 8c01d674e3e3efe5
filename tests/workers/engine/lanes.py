"""A queue, and a worker of one kind that serves it: what is asked of each kind is the same."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from redis import Redis
from rq import Queue, Worker
from rq.job import Job
from rq.serializers import JSONSerializer

from postroom.embedded import Server
from tests.faults.nursery import Nursery
from tests.processes import Started, StartedProcess, ask_until_true, own_keys
from tests.warm import WarmStarted
from tests.workers import stock_jobs

ROOT = Path(__file__).parents[3]

CLASSES = {"fork": "rq.Worker", "ours": "workers.MessageWorker", "simple": "rq.SimpleWorker"}
JSON = f"{JSONSerializer.__module__}.{JSONSerializer.__qualname__}"
ENDED = ("finished", "failed", "stopped", "canceled")
QUICK = {"HEARTBEAT_SECONDS": "0.3", "PROMOTE_SECONDS": "0.1"}
"""What a stock worker does at once or each second, ours does by the clock."""


def kinds(*names: str, differs: str = "", is_slow: bool = False) -> pytest.MarkDecorator:
    """Run a test under some kinds of workers.

    Args:
        names: The kinds, in the order of `CLASSES`, so that pytest groups the tests by kind.
        differs: Why ours is not like RQ's, if it is not.
        is_slow: Whether stock workers are only compared in the drills.
    """
    marks = {"ours": [pytest.mark.xfail(reason=differs)] if differs else []}
    # What these do is RQ's, and changes with RQ only.
    drilled = ("fork", "simple") if is_slow else ("simple",)
    marks |= {kind: [pytest.mark.drill] for kind in drilled}
    marked = [pytest.param(name, marks=marks.get(name, [])) for name in names]
    return pytest.mark.parametrize("lane", marked, indirect=True)


every_kind = kinds(*CLASSES)


@dataclass
class Lane:
    """A queue and the worker that serves it."""

    kind: str
    redis: Redis
    url: str
    started: Started
    mark: str = field(default_factory=lambda: uuid4().hex[:8])
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    @property
    def queue(self) -> Queue:
        return self.queue_named("work")

    @property
    def worker_name(self) -> str:
        return f"{self.kind}-{self.mark}"

    @property
    def worker_key(self) -> str:
        return f"{Worker.redis_worker_namespace_prefix}{self.worker_name}"

    def queue_named(self, name: str) -> Queue:
        full = f"{name}-{self.mark}"
        return Queue(full, connection=self.redis, serializer=JSONSerializer)

    def start(
        self, *options: str, queues: tuple[str, ...] = ("work",), name: str = "", **env: str
    ) -> StartedProcess:
        """Start a worker of this kind; waits until it listens."""
        process = self.launch(*options, queues=queues, name=name, **env)
        process.wait_for("Listening on", within=20)
        return process

    def launch(
        self, *options: str, queues: tuple[str, ...] = ("work",), name: str = "", **env: str
    ) -> StartedProcess:
        """Start a worker of this kind."""
        ours = self.kind == "ours"
        how = ("-c", "worker_settings") if ours else ("-u", self.url, "-S", JSON)
        scheduler = () if ours else ("--with-scheduler",)
        name = name or f"{self.worker_name}-{next(self._numbers)}"
        words = ("worker", "-w", CLASSES[self.kind], *how, *scheduler, "-n", name, *options)
        names = [self.queue_named(each).name for each in queues]
        return self.started.start("rq", *words, *names, cwd=ROOT, env=self.environment() | env)

    def environment(self) -> dict[str, str]:
        return {
            "HANDLER_PACKAGES": "tests.workers.app",
            "ALLOW_FOREIGN_JOBS": f"{stock_jobs.__name__},127.0.0.1",
            "TRACE": str(self.trace),
            "REDIS_URL": self.url,
            **QUICK,
        }

    @property
    def trace(self) -> Path:
        return self.started.folder / "trace"

    def notes(self, job: Job | str) -> list[str]:
        """What a job wrote down while it ran, line by line."""
        job_id = job if isinstance(job, str) else job.id
        lines = self.trace.read_text().splitlines() if self.trace.exists() else []
        return [line.partition(" ")[2] for line in lines if line.startswith(f"{job_id} ")]

    def enqueue(self, function: Callable[..., Any], *arguments: Any, **options: Any) -> Job:
        return self.queue.enqueue(function, *arguments, **options)

    def done(self, function: Callable[..., Any], *arguments: Any, **options: Any) -> Job:
        """Enqueue a job and wait for its end."""
        return self.ended(self.enqueue(function, *arguments, **options))

    def ended(self, job: Job, *, within: float = 15.0) -> Job:
        return self.becomes(job, *ENDED, within=within)

    def becomes(self, job: Job, *words: str, within: float = 15.0) -> Job:
        """Wait for one of some states; returns the job as it is then."""
        ask_until_true(lambda: job.get_status(refresh=True) in words, within=within)
        return Job.fetch(job.id, connection=self.redis, serializer=JSONSerializer)

    @contextmanager
    def busy(self) -> Iterator[Job]:
        """While this lasts the worker runs a job, so that the next ones wait."""
        gate = self.started.folder / f"gate-{next(self._numbers)}"
        job = self.enqueue(stock_jobs.wait_for, str(gate))
        try:
            ask_until_true(lambda: self.notes(job), within=15)
            yield job
        finally:
            gate.touch()


@pytest.fixture(scope="module")
def lane(
    request: pytest.FixtureRequest,
    redis_server: Server,
    warm_nursery: Nursery,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Lane]:
    """A lane of the kind that `every_kind` asks for; the tests of a module share its worker."""
    with lane_of(request.param, redis_server, tmp_path_factory, warm_nursery) as made:
        made.start(name=made.worker_name)
        yield made


@contextmanager
def lane_of(
    kind: str, server: Server, tmp_path_factory: pytest.TempPathFactory, nursery: Nursery
) -> Iterator[Lane]:
    """A lane without a worker."""
    started = WarmStarted(tmp_path_factory.mktemp(kind), nursery=nursery)
    with Redis.from_url(server.url) as client:
        if left := own_keys(client):
            client.unlink(*left)
        yield Lane(kind, client, server.url, started)
        started.end()
