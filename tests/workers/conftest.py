"""A worker for the tests of this folder: a real `rq worker` process with the test application."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from redis import Redis

from messages import TestData, TestMessage, TestPayload
from postroom.embedded import Server
from tests.faults.nursery import Nursery
from tests.fresh import fresh_settings
from tests.processes import StartedProcess, StartProcess
from tests.warm import WarmStarted
from workers import JobHandle, dead_letters, enqueue

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _fresh_settings() -> Iterator[None]:
    with fresh_settings():
        yield


def message(kind: str = "echo", **payload: str | float | bool) -> TestMessage:
    return TestMessage(data=TestData(test_type=kind, payload=TestPayload(**payload)))


@pytest.fixture
def send(redis: Redis) -> Callable[..., JobHandle]:
    """Enqueue a TEST message that asks for a behaviour: `send("plain", attempts=2)`."""

    def _send(
        kind: str = "echo", *, new_value: float | None = None, **options: object
    ) -> JobHandle:
        payload = {} if new_value is None else {"new_value": new_value}
        return enqueue(message(kind, **payload), connection=redis, **options)

    return _send


@dataclass
class Worker:
    """A worker process and the traces its handlers left."""

    process: StartedProcess
    trace: Path

    def traces(self, kind: str) -> list[list[str]]:
        if not self.trace.exists():
            return []
        lines = self.trace.read_text(encoding="utf-8").splitlines()
        begin = f"{kind}: "
        return [line.removeprefix(begin).split() for line in lines if line.startswith(begin)]

    def starts(self, kind: str) -> list[float]:
        """The times at which a behaviour's handler started."""
        return [float(words[1]) for words in self.traces(kind)]


def launch(start_process: StartProcess, trace: Path, *words: str, **env: str) -> Worker:
    trace.touch()
    env = {"HANDLER_PACKAGES": "tests.workers.app", "TRACE": str(trace), **env}
    return Worker(start_process("rq", *words, cwd=ROOT, env=env), trace)


@pytest.fixture(scope="module")
def _shared_worker(
    redis_server: Server, warm_nursery: Nursery, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Worker]:
    folder = tmp_path_factory.mktemp("worker")
    started = WarmStarted(folder, nursery=warm_nursery)
    words = ("worker", "-w", "workers.MessageWorker", "-c", "worker_settings", "default")
    shared = launch(started.start, folder / "trace", *words, REDIS_URL=redis_server.url)
    shared.process.wait_for("Listening on", within=20)
    yield shared
    started.end()


@pytest.fixture
def worker(redis: Redis, _shared_worker: Worker) -> Worker:
    """A worker that the tests of a module share: they neither end it nor need other settings."""
    _shared_worker.trace.write_text("", encoding="utf-8")
    return _shared_worker


@pytest.fixture
def start_worker(
    redis: Redis, redis_server: Server, start_warm: StartProcess, tmp_path: Path
) -> Callable[..., Worker]:
    """Start `rq worker` with the test application and wait until it listens."""

    def _start(
        *arguments: str,
        worker_class: str = "workers.MessageWorker",
        queues: tuple[str, ...] = ("default",),
        ready: str = "Listening on",
        env: dict[str, str] | None = None,
    ) -> Worker:
        words = arguments or ("worker", "-w", worker_class, "-c", "worker_settings")
        own = {"REDIS_URL": redis_server.url, "RQ_WORKER_CLASS": worker_class, **(env or {})}
        started = launch(start_warm, tmp_path / "trace", *words, *queues, **own)
        started.process.wait_for(ready, within=20)
        return started

    return _start


def settled(handle: JobHandle, *, within: float = 15.0) -> str:
    """Wait until a job is over; returns its status."""
    deadline = time.monotonic() + within
    while (status := handle.status()) not in {"finished", "failed", "canceled", "stopped"}:
        assert time.monotonic() < deadline, f"job is still {status} after {within} s"
        time.sleep(0.02)
    return status


def reason(redis, handle):
    """The reason of a job's dead letter."""
    letter = dead_letters.find(handle.id, connection=redis)
    assert letter is not None
    return letter.reason


@pytest.fixture
def rq(start_warm: StartProcess) -> Callable[..., str]:
    """Run a command line of `rq` until it ends well; returns what it wrote."""

    def _rq(*arguments: str) -> str:
        command = start_warm("rq", *arguments, env={"HANDLER_PACKAGES": "tests.workers.app"})
        assert command.popen.wait(30) == 0, command.output()
        return command.output()

    return _rq
