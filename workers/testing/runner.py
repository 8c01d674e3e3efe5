"""Runs what is due, in order, and moves time from one due job to the next."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import redis
from rq.job import JobStatus

from messages import PostroomError
from workers import keys
from workers.clock import utc_now
from workers.errors import InvalidState
from workers.settings import load_settings
from workers.testing.clock import VirtualClock, at
from workers.testing.faults import Faults
from workers.testing.runs import Run, Sent
from workers.testing.worker import TestWorker


class EndlessWork(PostroomError):
    """The jobs of a test do not come to an end."""

    code = "endless_work"
    remedy_text = (
        "Look for a handler that sends its own type again, or raise limit if so many are right."
    )


@dataclass
class Runner:
    """The one worker of a test, and all that it ran.

    Args:
        connection: The server in memory.
        clock: The time of the test.
        faults: Knows which messages are to be delivered twice.
    """

    connection: redis.Redis
    clock: VirtualClock
    faults: Faults
    runs: list[Run] = field(default_factory=list)
    sent: Sent = field(init=False)
    _worker: TestWorker | None = None

    def __post_init__(self) -> None:
        """Start with an empty list of what was sent."""
        self.sent = Sent(self.connection)

    def drain(self, most: int) -> None:
        """Run what is due now, and what that leads to.

        Args:
            most: How many runs there may then have been in this test.

        Raises:
            EndlessWork: If there would be more.
        """
        self.sent.look()
        self._current_worker().promote()
        while (run := self._run_next(most)) is not None:
            self.runs.append(run)
            self.sent.look()
            self._deliver_if_planned(run)

    def advance(self, until: datetime, most: int) -> None:
        """Move time, and run everything that becomes due at its own time.

        Args:
            until: Where time ends.
            most: As in `drain`.

        Raises:
            EndlessWork: As `drain`.
        """
        self.drain(most)
        while (due := self._next_due(until)) is not None:
            self.clock.move_to(due)
            self.drain(most)
        self.clock.move_to(until)
        self._current_worker().run_maintenance_tasks()

    def deliver_again(self, job_id: str) -> None:
        """Put a job that has completed in front of its queue.

        Args:
            job_id: The job.

        Raises:
            InvalidState: If it has not completed, or its record is gone.
        """
        stored: Any = self.connection.hmget(keys.job(job_id), "status", "origin")
        status, origin = (value.decode() if value else "" for value in stored)
        if status != JobStatus.FINISHED:
            raise InvalidState(
                f"Job {job_id} is {status}, not finished."
                if status
                else f"There is no record of job {job_id}.",
                remedy="Deliver again what has completed and is kept; drain() or advance() first.",
            )
        self.connection.lpush(keys.queue(origin), job_id)

    def _run_next(self, most: int) -> Run | None:
        worker = self._current_worker()
        if len(self.runs) >= most and self._is_any_due():
            raise EndlessWork(f"{len(self.runs)} jobs ran, and more are due.", field="limit")
        return worker.run_next()

    def _current_worker(self) -> TestWorker:
        queues = self.sent.queues(load_settings().queues)
        if self._worker is None or list(queues) != self._worker.base_queues:
            self._worker = TestWorker(queues, self.connection)
        return self._worker

    def _deliver_if_planned(self, run: Run) -> None:
        if run.outcome != "completed" or run.message is None:
            return
        is_kept = bool(self.connection.exists(keys.job(run.job_id)))
        if is_kept and self.faults.takes_second_delivery(type(run.message)):
            self.deliver_again(run.job_id)

    def _is_any_due(self) -> bool:
        return any(self.connection.llen(keys.queue(name)) for name in self._lists())

    def _next_due(self, until: datetime) -> datetime | None:
        # What is due already was moved: whatever stays behind must not stop time.
        span = (f"({utc_now().timestamp()}", until.timestamp())
        found: list[Any] = [
            self.connection.zrangebyscore(keys.scheduled(name), *span, 0, 1, withscores=True)
            for name in self._lists()
        ]
        scores = [entry[0][1] for entry in found if entry]
        return at(min(scores)) if scores else None

    def _lists(self) -> Sequence[str]:
        return self._current_worker().queue_names()
