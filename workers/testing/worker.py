"""The worker of production, run in the test's own process: one job a call, no loop and no fork."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import redis
from rq.job import Job, JobStatus
from rq.serializers import JSONSerializer
from rq.timeouts import BaseDeathPenalty
from typing_extensions import override

from workers import attempts, dead_letters, keys
from workers.clock import utc_now
from workers.engine.alarm import NoAlarm
from workers.engine.child import Child
from workers.engine.due import Due
from workers.engine.ends import salvaged
from workers.engine.page import Page
from workers.engine.step import Lease
from workers.engine.task import Task
from workers.engine.worker import MessageWorker
from workers.routing import queue_of
from workers.testing.faults import WorkHorseDied
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
        self._due = Due(self.lists, connection)
        self._child = InProcess(self)

    def promote(self) -> None:
        """Move everything that is due into its list."""
        while self._due.promote():
            pass

    def run_next(self) -> Run | None:
        """Take one job and run it.

        Returns:
            What came of it; None if no list holds a job.
        """
        lease = self._child.take()
        if lease is None:
            return None
        past = attempts.history(lease.job_id, connection=self.connection)
        run = Run(
            job_id=lease.job_id,
            message=readable(salvaged(lease.fields)),
            queue=queue_of(lease.list_name),
            attempt=attempts.next_attempt(past, now=utc_now()).number,
            at=utc_now(),
            outcome="completed",
        )
        self._child.run_one(lease)
        return self._with_outcome(run, past)

    @override
    def procline(self, message: str) -> None:
        """Leave the name of the test's process alone."""

    def _with_outcome(self, run: Run, past: Sequence[attempts.AttemptRecord]) -> Run:
        letter = dead_letters.find(run.job_id, connection=self.connection)
        if letter is not None:
            return replace(
                run,
                outcome="buried",
                error=letter.error,
                traceback=letter.traceback,
                why=letter.reason,
            )
        records = attempts.history(run.job_id, connection=self.connection)
        if records and records != past:
            return _unsuccessful(run, records[-1])
        status: Any = self.connection.hget(keys.job(run.job_id), "status")
        if status in _WAITING:  # it gave no reason, as the one before it was the same
            return replace(run, outcome="handed_back")
        job = Job(run.job_id, connection=self.connection, serializer=JSONSerializer)
        return replace(run, result=job.return_value())


class InProcess(Child):
    """A child that is no process of its own: it takes and runs one job when it is asked."""

    def __init__(self, worker: TestWorker) -> None:
        super().__init__(worker.name, worker.lane, Page(1), Task(), worker.settings, NoAlarm())

    def take(self) -> Lease | None:
        """The next job that may run; what may not is buried or held back on the way."""
        while leased := (step := self.step(1)).leased:
            job = self.lane.admit(leased[0], step)
            if job is not None:
                self._taken = (job, step.now)
                return leased[0]
        return None

    def run_one(self, lease: Lease) -> None:
        """Run it, and record how it ended.

        Args:
            lease: What `take` returned.
        """
        try:
            self.run(lease, *self._taken)
        except WorkHorseDied:
            self.lane.crashed(lease, _DEATH)
        self.step(0)


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
