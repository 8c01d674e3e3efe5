"""The worker of production, run in the test's own process: one job a call, no loop and no fork."""

import math
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import redis
from rq import Queue
from rq.executions import Execution
from rq.job import Job, JobStatus
from rq.registry import StartedJobRegistry
from rq.timeouts import BaseDeathPenalty
from typing_extensions import override

from workers import attempts, dead_letters, keys
from workers.clock import utc_now
from workers.engine.worker import MessageWorker
from workers.jobs import envelope_of
from workers.routing import queue_of
from workers.testing.faults import FOR_THE_TEST, WorkHorseDied
from workers.testing.runs import OutcomeName, Run, readable

_OUTCOMES: dict[attempts.Outcome, OutcomeName] = {
    "retried": "retried",
    "handed_back": "handed_back",
    "crashed": "crashed",
    "dead": "buried",
}
_WAITING = {status.value.encode() for status in (JobStatus.QUEUED, JobStatus.SCHEDULED)}
_DEATH = "The work horse died, as crash_next() asked."


class _NoTimeout(BaseDeathPenalty):
    """RQ's timeouts are alarm signals, which the runner of the tests may need for itself."""

    @override
    def setup_death_penalty(self) -> None:
        """Do not interrupt."""

    @override
    def cancel_death_penalty(self) -> None:
        """Nothing was set up."""


class TestWorker(MessageWorker):
    """Runs jobs when asked.

    Args:
        queues: The queues, in the order in which they are served.
        connection: The server in memory.
    """

    __test__ = False
    death_penalty_class = _NoTimeout

    def __init__(self, queues: Sequence[str], connection: redis.Redis) -> None:
        super().__init__(queues, "test", connection=connection, prepare_for_work=False)
        self._promoted_at = math.inf  # the test says when: see promote()

    def promote(self) -> None:
        """Move everything that is due into its list."""
        while self._claimer.promote():
            pass

    def run_next(self) -> Run | None:
        """Take one job and run it.

        Returns:
            What came of it; None if no list holds a job.
        """
        found = self._take()
        if found is None:
            return None
        job, queue = found
        past = attempts.history(job.id, connection=self.connection)
        run = Run(
            job_id=job.id,
            message=readable(envelope_of(job)),
            queue=queue_of(job.origin),
            attempt=attempts.next_attempt(past, now=utc_now()).number,
            at=utc_now(),
            outcome="completed",
        )
        self.perform_job(job, queue, self.prepare_execution(job))
        return self._with_outcome(run, job, past)

    @override
    def handle_job_failure(
        self,
        job: Job,
        queue: Queue,
        started_job_registry: StartedJobRegistry | None = None,
        exc_string: str = "",
        execution: Execution | None = None,
    ) -> None:
        """As in production; what is meant for the test itself, such as Ctrl+C, goes on to it."""
        error = sys.exc_info()[1]
        if isinstance(error, WorkHorseDied):
            exc_string = _DEATH
        elif isinstance(error, FOR_THE_TEST):
            raise error
        super().handle_job_failure(job, queue, started_job_registry, exc_string, execution)

    @override
    def procline(self, message: str) -> None:
        """Leave the name of the test's process alone."""

    def _with_outcome(self, run: Run, job: Job, past: Sequence[attempts.AttemptRecord]) -> Run:
        letter = dead_letters.find(job.id, connection=self.connection)
        if letter is not None:
            return replace(
                run,
                outcome="buried",
                error=letter.error,
                traceback=letter.traceback,
                why=letter.reason,
            )
        records = attempts.history(job.id, connection=self.connection)
        if records and records != past:
            return _unsuccessful(run, records[-1])
        status: Any = self.connection.hget(keys.job(job.id), "status")
        if status in _WAITING:  # it gave no reason, as the one before it was the same
            return replace(run, outcome="handed_back")
        return replace(run, result=job.return_value())


def _unsuccessful(run: Run, record: attempts.AttemptRecord) -> Run:
    delay = record.delay_seconds
    return replace(
        run,
        outcome=_OUTCOMES[record.outcome],
        error=record.error,
        traceback=record.traceback,
        why=record.why,
        delay=None if delay is None else timedelta(seconds=delay),
    )
