"""`Postroom`: what the fixture of that name gives to a test."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from datetime import datetime
from typing import Any, Literal, TypeVar

import redis

from messages import Message
from workers.clock import utc_now
from workers.context import Context, running
from workers.dead_letters import DeadLetter
from workers.dispatcher import Outcome
from workers.logger import get_logger
from workers.options import Duration, whole
from workers.registry import handler_for
from workers.retry import Attempt
from workers.routing import queue_for
from workers.settings import load_settings
from workers.testing import assertions
from workers.testing.assertions import History, Wanted, Which, job_id_of
from workers.testing.clock import VirtualClock, span
from workers.testing.faults import Faults, dispatch_or_die
from workers.testing.runner import Runner
from workers.testing.runs import Run

M = TypeVar("M", bound=Message)
R = TypeVar("R")

DEFAULT_LIMIT = 1_000
"""Runs after which `drain` and `advance` give up."""


class Postroom:
    """Messages and handlers of an application, in memory and under a test's control.

    Nothing runs by itself: `drain` runs what is due, `advance` moves time.

    Args:
        connection: The server in memory.
        clock: The time of the test.
        faults: What is planned to go wrong.
    """

    def __init__(self, connection: redis.Redis, clock: VirtualClock, faults: Faults) -> None:
        self.connection = connection
        self.spread = 1.0
        """The share of each back-off that is waited, from 0 to 1, in place of random jitter."""
        self._faults = faults
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
        return _outside_the_loop(lambda: _perform(message, number))

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
        _outside_the_loop(lambda: self._runner.drain(most))
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
        _outside_the_loop(lambda: self._runner.advance(until, most))
        return self.runs[first:]

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
        self, job: Which, *, times: int | None = None, delay: Duration | str | None = None
    ) -> None:
        """Fail unless a job was, or will be, tried again.

        Args:
            job: Its message, its handle or its id.
            times: How often; None means at least once. Starts after a crash do not count.
            delay: The pause before its newest retry.
        """
        __tracebackhide__ = True
        assertions.retried(self._history(job), times, None if delay is None else span(delay))

    def assert_buried(self, job: Which, *, reason: str | None = None) -> DeadLetter:
        """Fail unless a job has a dead letter.

        Args:
            job: Its message, its handle or its id.
            reason: The reason it must have, such as `exhausted`; None means any.

        Returns:
            The letter.
        """
        __tracebackhide__ = True
        return assertions.buried(self._history(job), reason)

    # --- what goes wrong ------------------------------------------------------------------------

    def fail_next(
        self, kind: type[Message], error: Exception | type[Exception], *, times: int = 1
    ) -> None:
        """Let the next calls of a type's handler raise an error instead of running.

        Args:
            kind: The message class.
            error: What is raised.
            times: How many calls, from 1.

        Raises:
            HandlerNotFound: If the type has no handler.
        """
        self._faults.fail(kind, error, whole(times, field="times", least=1))

    def crash_next(
        self,
        kind: type[Message],
        *,
        when: Literal["before", "after"] = "after",
        times: int = 1,
    ) -> None:
        """Let the process die in the next runs of a type: the hard test of an idempotent handler.

        Args:
            kind: The message class.
            when: `after` the handler's effect and before anybody knows of it, or `before` it.
            times: How many runs, from 1; the third crash of a job buries it as `crash_loop`.

        Raises:
            HandlerNotFound: If the type has no handler.
        """
        self._faults.crash(kind, when, whole(times, field="times", least=1))

    def duplicate_next(self, kind: type[Message], *, times: int = 1) -> None:
        """Deliver the next message of a type that succeeds a second time, as a queue may.

        Args:
            kind: The message class.
            times: How many messages, from 1.

        Raises:
            HandlerNotFound: If the type has no handler.
        """
        self._faults.duplicate(kind, whole(times, field="times", least=1))

    def _history(self, job: Which) -> History:
        job_id = job_id_of(job)
        runs = [run for run in self.runs if run.job_id == job_id]
        return History(job_id, runs, self.connection)


def _perform(message: Message, attempt: int) -> Outcome:
    context = Context(
        job_id=message.message_id,
        queue=queue_for(message, load_settings().queue_routes),
        attempt=attempt,
        max_attempts=handler_for(type(message)).retry.max_attempts,
        log=get_logger("postroom.handler"),
        report=lambda _: None,
    )
    with running(message, job_id=context.job_id, queue=context.queue, attempt=attempt):
        return dispatch_or_die(message, Attempt(number=attempt), context=context)


def _outside_the_loop(work: Callable[[], R]) -> R:
    # An `async def` test runs inside a loop, and an `async def` handler needs one of its own.
    if not _is_inside_a_loop():
        return work()
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(copy_context().run, work).result()


def _is_inside_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
