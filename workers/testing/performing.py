"""Runs handlers for a test: one without a queue, and any of them outside the test's own loop."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field, replace
from typing import TypeVar

from messages import Message
from workers.context import Context, Progress, running
from workers.dispatcher import Outcome
from workers.logger import get_logger
from workers.registry import handler_for
from workers.retry import Attempt, RetryPolicy
from workers.routing import queue_for
from workers.settings import load_settings
from workers.testing.faults import dispatch_or_die

R = TypeVar("R")


@dataclass
class Dispatcher:
    """Dispatches as a worker does, and notes how far the handlers said they were."""

    _reports: defaultdict[str, list[Progress]] = field(default_factory=lambda: defaultdict(list))

    def progress(self, job_id: str) -> Sequence[Progress]:
        """Everything that the runs of a job reported, in order.

        Args:
            job_id: The job.
        """
        return tuple(self._reports.get(job_id, ()))

    def dispatch(
        self,
        message: Message,
        attempt: Attempt,
        *,
        context: Context | None,
        policy: RetryPolicy | None = None,
    ) -> Outcome:
        """As `dispatch_or_die`; what the handler reports is noted and passed on."""
        noting = None if context is None else self._noting(context)
        return dispatch_or_die(message, attempt, context=noting, policy=policy)

    def _noting(self, context: Context) -> Context:
        def report(progress: Progress) -> None:
            self._reports[context.job_id].append(progress)
            context.report(progress)

        return replace(context, report=report)

    def perform(self, message: Message, attempt: int) -> Outcome:
        """Run the handler of a message that is in no queue.

        Args:
            message: The message.
            attempt: Which attempt it is, from 1.
        """
        context = Context(
            job_id=message.message_id,
            queue=queue_for(message, load_settings().queue_routes),
            attempt=attempt,
            max_attempts=handler_for(type(message)).retry.max_attempts,
            make_log=lambda: get_logger("postroom.handler"),
            report=lambda _: None,
        )
        with running(message, job_id=context.job_id, queue=context.queue, attempt=attempt):
            return self.dispatch(message, Attempt(number=attempt), context=context)


def outside_the_loop(work: Callable[[], R]) -> R:
    """Do work that may start an event loop, also where one is running already.

    An `async def` test runs inside a loop, and an `async def` handler needs one of its own.

    Args:
        work: What to do.

    Returns:
        What it returned.
    """
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
