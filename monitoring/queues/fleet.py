"""The workers, as they told Redis. Only reads."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rq import Worker
from rq.executions import WORKER_EXECUTIONS_KEY_TEMPLATE

from monitoring.answers import as_text, as_time
from workers.routing import queue_of

_FIELDS = (
    "state",
    "death",
    "last_heartbeat",
    "queues",
    "hostname",
    "pid",
    "version",
    "python_version",
    "worker_class",
    "code_version",
    "birth",
    "cpu_seconds",
    "child_cpu_seconds",
    "child_memory_mb",
    "child_died_at",
    "child_died_of",
    "child_died_with_mb",
    "child_died_in",
    "slots",
)


@dataclass(frozen=True)
class DeathOfChild:
    """How a child of a worker died.

    Args:
        at: When, by the worker's clock.
        how: Such as `signal 9`, or why its worker killed it.
        memory_mb: What it had shortly before; 0 where the system does not tell.
        queues: Whose jobs it ran; empty if it ran none, or nobody knows.
    """

    at: datetime
    how: str
    memory_mb: float
    queues: Sequence[str] = ()


@dataclass(frozen=True)
class WorkerSnapshot:
    """One worker, as it told Redis.

    Args:
        name: Its name.
        lists: The names of the Redis lists it takes jobs from.
        state: RQ's word: `starting`, `idle`, `busy` or `suspended`.
        hostname: Its machine.
        pid: Its process.
        current_job: The job it runs, or one of them; of ours once it has run for half a second.
        running: All that it runs, likewise.
        last_heartbeat: When it last showed that it lives, by its own clock.
        version: Of RQ.
        python_version: Of Python, without the compiler.
        worker_class: What a worker of ours tells; None for a stock one.
        code_version: Of the application; None if it does not tell.
        born: When it started, by its own clock.
        cpu_seconds: Of it and of its present child, when it last told; None if it does not.
        memory_mb: Of its child, in megabytes, when it last told; None if it does not.
        child_death: How a child of its died last, while it was not to end; None if none did.
        slots: How many jobs it runs at the same time; None if it does not tell.
    """

    name: str
    lists: Sequence[str] = ()
    state: str = "?"
    hostname: str = "?"
    pid: str = "?"
    current_job: str | None = None
    running: Sequence[str] = ()
    last_heartbeat: datetime | None = None
    version: str | None = None
    python_version: str | None = None
    worker_class: str | None = None
    code_version: str | None = None
    born: datetime | None = None
    cpu_seconds: float | None = None
    memory_mb: float | None = None
    child_death: DeathOfChild | None = None
    slots: int | None = None

    @property
    def is_busy(self) -> bool:
        """Whether it runs a job."""
        return self.state == "busy"

    @property
    def is_stock(self) -> bool:
        """Whether it is none of ours; unknown ones, whose record is not whole, do not count."""
        return self.worker_class is None and self.version is not None

    @property
    def queues(self) -> Sequence[str]:
        """The queues whose lists it serves, in its order."""
        return tuple(dict.fromkeys(queue_of(name) for name in self.lists))


def ask_workers(pipe: Any, worker_keys: Iterable[str]) -> None:
    """Ask for each worker's record, and what it runs.

    Args:
        pipe: The pipeline to ask in.
        worker_keys: The keys of their records.
    """
    for key in worker_keys:
        pipe.hmget(key, _FIELDS)
        pipe.smembers(WORKER_EXECUTIONS_KEY_TEMPLATE.format(_name(key)))


def read_workers(worker_keys: Iterable[str], answers: Iterator[Any]) -> Iterator[WorkerSnapshot]:
    """Make workers of the answers.

    Args:
        worker_keys: The keys that were asked for.
        answers: What came for them, in their order; no more is taken.

    Yields:
        Those that live. The key of one that was killed expires after some minutes.
    """
    for key in worker_keys:
        values, runs = next(answers), next(answers)
        told = dict(zip(_FIELDS, values, strict=True))
        if any(told.values()) and not told["death"]:
            yield _worker(key, told, sorted(as_text(run) for run in runs))


def _worker(key: str, told: Mapping[str, bytes | None], runs: Sequence[str]) -> WorkerSnapshot:
    text = {name: as_text(value) if value else None for name, value in told.items()}
    running = tuple(run.partition(":")[0] for run in runs)
    slots = _number(text["slots"])
    return WorkerSnapshot(
        name=_name(key),
        lists=tuple(filter(None, (text["queues"] or "").split(","))),
        state=text["state"] or "?",
        hostname=text["hostname"] or "?",
        pid=text["pid"] or "?",
        current_job=running[0] if running else None,
        running=running,
        last_heartbeat=as_time(told["last_heartbeat"]),
        version=text["version"],
        python_version=(text["python_version"] or "").partition(" ")[0] or None,
        worker_class=text["worker_class"],
        code_version=text["code_version"],
        born=as_time(told["birth"]),
        cpu_seconds=_sum(text["cpu_seconds"], text["child_cpu_seconds"]),
        memory_mb=_number(text["child_memory_mb"]),
        child_death=_death(text),
        slots=None if slots is None else int(slots),
    )


def _death(text: Mapping[str, str | None]) -> DeathOfChild | None:
    at = as_time(text["child_died_at"])
    if at is None:
        return None
    memory_mb = _number(text["child_died_with_mb"]) or 0
    queues = tuple(filter(None, (text["child_died_in"] or "").split(",")))
    return DeathOfChild(at, text["child_died_of"] or "?", memory_mb, queues)


def _sum(*texts: str | None) -> float | None:
    found = [number for number in map(_number, texts) if number is not None]
    return round(sum(found), 3) if found else None


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None


def _name(key: str) -> str:
    return key.removeprefix(Worker.redis_worker_namespace_prefix)
