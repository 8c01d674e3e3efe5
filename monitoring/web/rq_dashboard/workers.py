"""The workers of rq-dashboard in few round trips: what RQ does itself asks five times a worker."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import redis
from rq import Worker
from rq.executions import WORKER_EXECUTIONS_KEY_TEMPLATE, Execution
from rq.worker_registration import REDIS_WORKER_KEYS

from monitoring.answers import as_text, as_time
from monitoring.web.rq_dashboard.records import ShownJob

MOST_WORKERS = 1_000
"""Workers that are shown at most, by their names."""

_AT_ONCE = 250  # workers in one round trip; each has a record, and a job of up to 256 kB
_MOST_RUNS = 20  # of one worker, among which one is looked for that is not over
_FIELDS = (
    *("pid", "queues", "state", "last_heartbeat", "birth", "successful_job_count"),
    *("failed_job_count", "total_working_time", "version", "python_version"),
)


class Named(NamedTuple):
    """A list as rq-dashboard expects it."""

    name: str


@dataclass(frozen=True)
class ShownWorker:
    """A worker with what rq-dashboard asks of one.

    Args:
        name: Its name.
        pid: Its process; None if it does not tell.
        queues: The lists that it serves.
        state: RQ's word.
        last_heartbeat: When it last showed that it lives.
        birth_date: When it began.
        successful_job_count: Jobs that succeeded.
        failed_job_count: Jobs that failed.
        total_working_time: Seconds that all of them took.
        version: Of RQ.
        python_version: Of Python.
        job: One that it runs; None if it runs none, or that is not known yet.
    """

    name: str
    pid: int | None
    queues: Sequence[Named]
    state: str
    last_heartbeat: datetime | None
    birth_date: datetime | None
    successful_job_count: int
    failed_job_count: int
    total_working_time: float
    version: str
    python_version: str
    job: ShownJob | None

    def get_state(self) -> str:
        """As RQ's worker tells it."""
        return self.state

    def get_current_job(self) -> ShownJob | None:
        """As RQ's worker tells it, but nothing is read for it."""
        return self.job

    @classmethod
    def all(cls, connection: redis.Redis) -> list["ShownWorker"]:
        """The workers that there are, in 13 round trips at most; only reads.

        Args:
            connection: Where.

        Returns:
            At most `MOST_WORKERS`; those whose record is gone are left out.
        """
        stored: Any = connection.smembers(REDIS_WORKER_KEYS)
        found = sorted(as_text(key) for key in stored)[:MOST_WORKERS]
        parts = (found[begin : begin + _AT_ONCE] for begin in range(0, len(found), _AT_ONCE))
        return [worker for some in parts for worker in _read(some, connection)]


def _read(worker_keys: Sequence[str], connection: redis.Redis) -> Iterator[ShownWorker]:
    with connection.pipeline(transaction=False) as pipe:
        for key in worker_keys:
            pipe.hmget(key, _FIELDS)
            # RQ leaves entries of runs that are over: some are enough to find one that is not.
            pipe.srandmember(WORKER_EXECUTIONS_KEY_TEMPLATE.format(_name(key)), _MOST_RUNS)
        answers = pipe.execute()
    told = dict(zip(map(_name, worker_keys), answers[::2], strict=True))
    runs = {
        name: sorted(as_text(run) for run in found)
        for name, found in zip(told, answers[1::2], strict=True)
    }
    current = _first_living(runs, connection)
    jobs = {job.id: job for job in ShownJob.fetch_page([*current.values()], connection=connection)}
    for name, values in told.items():
        if any(values):
            job = jobs.get(current.get(name, ""))
            yield _worker(name, dict(zip(_FIELDS, values, strict=True)), job)


def _first_living(runs: Mapping[str, Sequence[str]], connection: redis.Redis) -> Mapping[str, str]:
    """By worker, the job of a run that is not over."""
    asked = [(name, run) for name, found in runs.items() for run in found]
    with connection.pipeline(transaction=False) as pipe:
        for _, run in asked:
            pipe.exists(Execution.from_composite_key(run, connection=connection).key)
        there = pipe.execute()
    living: dict[str, str] = {}
    for (name, run), is_there in zip(asked, there, strict=True):
        if is_there:
            living.setdefault(name, run.rpartition(":")[0])
    return living


def _worker(name: str, told: Mapping[str, bytes | None], job: ShownJob | None) -> ShownWorker:
    text = {field: as_text(value or b"") for field, value in told.items()}
    return ShownWorker(
        name=name,
        pid=int(_number(text["pid"])) or None,
        queues=[Named(each) for each in text["queues"].split(",") if each],
        state=text["state"] or "?",
        last_heartbeat=as_time(text["last_heartbeat"]),
        birth_date=as_time(text["birth"]),
        successful_job_count=int(_number(text["successful_job_count"])),
        failed_job_count=int(_number(text["failed_job_count"])),
        total_working_time=_number(text["total_working_time"]),
        version=text["version"],
        python_version=text["python_version"],
        job=job,
    )


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def _name(key: str) -> str:
    return key.removeprefix(Worker.redis_worker_namespace_prefix)
