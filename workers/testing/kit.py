"""`Postroom`: what the fixture of that name gives to a test."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar

import redis

from messages import Message
from workers.clock import utc_now
from workers.context import Progress
from workers.dead_letters import DeadLetter
from workers.dispatcher import Outcome
from workers.errors import InvalidState
from workers.options import Duration, whole
from workers.producer import enqueue
from workers.testing import assertions
from workers.testing.assertions import History, Wanted, Which, job_id_of
from workers.testing.clock import VirtualClock, span
from workers.testing.faults import Faults
from workers.testing.performing import Dispatcher, outside_the_loop
from workers.testing.runner import Runner
from workers.testing.runs import Run
from workers.testing.trouble import Trouble

M = TypeVar("M", bound=Message)

DEFAULT_LIMIT = 1_000
"""Runs after which `drain` and `advance` give up."""


class Postroom(Trouble):
    """Messages and handlers of an application, in memory and under a test's control.

    Nothing runs by itself: `drain` runs what is due, `advance` moves time.

    Args:
        connection: The server in memory.
        clock: The time of the test.
        faults: What is planned to go wrong.
        dispatcher: What calls the handlers.
    """

    def __init__(
        self,
        connection: redis.Redis,
        clock: VirtualClock,
        faults: Faults,
        dispatcher: Dispatcher,
    ) -> None:
        super().__init__(faults)
        self.connection = connection
        self.spread = 1.0
        """The share of each back-off that is waited, from 0 to 1, in place of random jitter."""
        self._clock = clock
        self._dispatcher = dispatcher
        self._runner = Runner(connection, clock, faults)

    @property
    def runs(self) -> list[Run]:
        """Everything that ran in this test, in order."""
        return self._runner.runs

    @property
    def now(self) -> datetime:
        """The time of the test, UTC."""
        return utc_now()

    # --- what was enqueued ----------------------------------------------------------------------

    def enqueued(self, kind: type[M]) -> list[M]:
        """The messages of one type that were stored in this test, whatever became of them.

        Args:
            kind: The message class.

        Returns:
            The messages, in the order of sending.
        """
        found = (entry.message for entry in self._runner.sent.messages())
        return [message for message in found if isinstance(message, kind)]

    def assert_enqueued(
        self,
        kind: type[M],
        *,
        where: Callable[[M], bool] | None = None,
        count: int | None = None,
        queue: str | None = None,
    ) -> list[M]:
        """Fail unless such messages were stored.

        Args:
            kind: The message class.
            where: Says of a message whether it counts; None means all.
            count: How many there must be; None means at least one.
            queue: The queue they must have gone to; None means any.

        Returns:
            The messages that count.
        """
        __tracebackhide__ = True
        return assertions.enqueued(self._runner.sent.messages(), Wanted(kind, where, queue), count)

    def assert_not_enqueued(
        self,
        kind: type[M],
        *,
        where: Callable[[M], bool] | None = None,
        queue: str | None = None,
    ) -> None:
        """Fail if such a message was stored; the arguments are those of `assert_enqueued`."""
        __tracebackhide__ = True
        assertions.enqueued(self._runner.sent.messages(), Wanted(kind, where, queue), 0)

    # --- running --------------------------------------------------------------------------------

    def run(self, message: Message) -> Any:
        """Send a message that is to succeed, and run what is due.

        Args:
            message: A message that was not sent before.

        Returns:
            What its handler returned, as JSON data; the test fails unless it completed.

        Raises:
            InvalidState: If it was sent before, as a queue does not take it twice.
        """
        __tracebackhide__ = True
        if not enqueue(message, connection=self.connection).is_new:
            raise InvalidState(
                f"Message {message.message_id} was sent before, so it does not run again.",
                remedy="Use postroom.deliver_again(message), or make a new message.",
            )
        self.drain()
        return self.assert_completed(message)

    def perform(self, message: Message, *, attempt: int = 1) -> Outcome:
        """Run a message's handler once, without a queue.

        Args:
            message: What to handle.
            attempt: Which attempt it is, from 1.

        Returns:
            What came of it: `Completed`, `RetryAfter` or `Dead`, with the handler's own error.

        Raises:
            HandlerNotFound: If the type has no handler.
            WorkHorseDied: If `crash_next` asked for it.
        """
        number = whole(attempt, field="attempt", least=1)
        return outside_the_loop(lambda: self._dispatcher.perform(message, number))

    def drain(self, limit: int = DEFAULT_LIMIT) -> list[Run]:
        """Run everything that is due now, and what that leads to, as one worker would.

        Queues are served in the order of QUEUES, others after them by name; within a queue the
        priorities take turns by QUEUE_WEIGHTS.

        Args:
            limit: The most runs, from 1.

        Returns:
            What ran, in order. A job that is buried before it starts is not among them.

        Raises:
            EndlessWork: If there would be more.
        """
        first = len(self.runs)
        most = first + whole(limit, field="limit", least=1)
        outside_the_loop(lambda: self._runner.drain(most))
        return self.runs[first:]

    def advance(self, duration: Duration | str, *, limit: int = DEFAULT_LIMIT) -> list[Run]:
        """Let time pass, and run everything that becomes due, each at its own time.

        Args:
            duration: `"24h"`, `"1h 30m"`, a timedelta, or seconds; from 0.
            limit: The most runs.

        Returns:
            What ran, in order.

        Raises:
            InvalidOption: If the duration cannot be understood.
            EndlessWork: If there would be more runs than the limit.
        """
        first, until = len(self.runs), self.now + span(duration)
        most = first + whole(limit, field="limit", least=1)
        outside_the_loop(lambda: self._runner.advance(until, most))
        return self.runs[first:]

    def idle(self, duration: Duration | str) -> None:
        """Let time pass while no worker runs, as when all are down.

        What became due meanwhile, or waited for too long, is met by the next `drain`.

        Args:
            duration: As for `advance`.

        Raises:
            InvalidOption: If the duration cannot be understood.
        """
        self._clock.move_to(self.now + span(duration))

    def deliver_again(self, job: Which) -> list[Run]:
        """Deliver a job that has completed once more, and run what is due.

        `duplicate_next` does so at once; this does it as late as the test likes.

        Args:
            job: Its message, its handle or its id.

        Returns:
            What ran, in order.

        Raises:
            InvalidState: If it has not completed, or its record is gone.
        """
        self._runner.deliver_again(job_id_of(job))
        return self.drain()

    # --- what came of it ------------------------------------------------------------------------

    def assert_completed(self, job: Which) -> Any:
        """Fail unless a job's last run succeeded.

        Args:
            job: Its message, its handle or its id.

        Returns:
            What the handler returned, as JSON data.
        """
        __tracebackhide__ = True
        return assertions.completed(self._history(job))

    def assert_retried(
        self,
        job: Which,
        *,
        times: int | None = None,
        delay: Duration | str | None = None,
        match: str | None = None,
    ) -> None:
        """Fail unless a job was, or will be, tried again.

        Args:
            job: Its message, its handle or its id.
            times: How often; None means at least once. Starts after a crash do not count.
            delay: The pause before its newest retry.
            match: A regular expression for the error of its newest retry, as `pytest.raises` has.
        """
        __tracebackhide__ = True
        pause = None if delay is None else span(delay)
        assertions.retried(self._history(job), times, pause, match)

    def assert_buried(
        self, job: Which, *, reason: str | None = None, match: str | None = None
    ) -> DeadLetter:
        """Fail unless a job has a dead letter.

        Args:
            job: Its message, its handle or its id.
            reason: The reason it must have, such as `exhausted`; None means any.
            match: A regular expression for its error, as `pytest.raises` has.

        Returns:
            The letter.
        """
        __tracebackhide__ = True
        return assertions.buried(self._history(job), reason, match)

    def progress(self, job: Which) -> Sequence[Progress]:
        """Everything that a job's handler reported with `context.progress`, in order.

        Args:
            job: Its message, its handle or its id.
        """
        return self._dispatcher.progress(job_id_of(job))

    def _history(self, job: Which) -> History:
        job_id = job_id_of(job)
        runs = [run for run in self.runs if run.job_id == job_id]
        return History(job_id, runs, self.connection)
