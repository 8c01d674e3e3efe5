"""Runs jobs by RQ's own code: those that use what the engine does not speed up.

The job is leased like any other. RQ's end of a run takes the lease away in its own transaction; the
check that the lease still holds comes just before, with the lease as new as it can be.
"""

from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

import redis
from rq import Queue
from rq.executions import Execution
from rq.job import Job, JobStatus
from rq.serializers import JSONSerializer

from workers import keys
from workers.clock import utc_now
from workers.engine.crashes import crashed
from workers.engine.leases import Leases
from workers.engine.step import Lease
from workers.logger import get_logger

if TYPE_CHECKING:
    from workers.engine.worker import MessageWorker

log = get_logger("postroom.worker")

_SHOWN_SECONDS = 90


class Takes(Protocol):
    """What RQ's timeouts let go of."""

    def install(self) -> None:
        """Take the signal again."""


class Stock:
    """The jobs that a child runs as RQ does.

    Args:
        worker: Whose methods run them.
        leases: Whose jobs they are.
        alarm: Takes its signal again afterwards.
    """

    def __init__(self, worker: "MessageWorker", leases: Leases, alarm: Takes) -> None:
        self._worker = worker
        self._leases = leases
        self._alarm = alarm

    def run(self, lease: Lease, job: Job) -> None:
        """Run a job, and end its run.

        Args:
            lease: Its lease.
            job: As RQ knows it.
        """
        self._leases.show(lease, started=utc_now().timestamp(), ttl=_SHOWN_SECONDS)
        execution = self._execution(lease)
        self._worker.execution = execution
        try:
            self._worker.perform_job(job, self._queue(lease), execution)
        finally:
            self._worker.executions.pop(execution.id, None)
            self._alarm.install()
        if self._leases.holds(lease):  # RQ could not write how it ended
            crashed(self._leases, lease, "RQ could not record how it ended")

    def finish(self, lease: Lease, started: datetime, result: Any) -> None:
        """End a run that succeeded, and start the jobs that wait for it.

        Args:
            lease: Its lease.
            started: When it started.
            result: What its handler returned.
        """
        fields: Any = self._leases.connection.hgetall(keys.job(lease.job_id))
        if not fields:
            self._leases.drop(lease)
            return
        job = Job(lease.job_id, connection=self._leases.connection, serializer=JSONSerializer)
        job.restore(fields)
        job.started_at = started
        job.ended_at = utc_now()
        job.worker_name = self._worker.name
        job._status = JobStatus.FINISHED  # noqa: SLF001 - as rq's perform_job leaves it
        job._result = result  # noqa: SLF001 - as rq's perform_job leaves it
        queue = self._queue(lease)
        self._worker.handle_job_success(
            job, queue, queue.started_job_registry, self._execution(lease)
        )

    def _execution(self, lease: Lease) -> Execution:
        return Execution(lease.execution, lease.job_id, self._leases.connection, self._worker.name)

    def _queue(self, lease: Lease) -> Queue:
        connection: redis.Redis = self._leases.connection
        return Queue(lease.list_name, connection=connection, serializer=JSONSerializer)
