"""Runs messages in a child, and has each run ended: committed in a batch, or at once."""

import asyncio
from functools import partial
from typing import Generic, NamedTuple, Protocol, TypeVar, assert_never

from rq.timeouts import BaseTimeoutException

from messages import InvalidMessage, Message
from workers.dispatcher import Completed, Dead, Outcome, RetryAfter, judge
from workers.engine.runnable import Runnable
from workers.engine.slot import NO_CLOCK, NO_JOURNAL, Done, Slot
from workers.engine.step import Lease
from workers.errors import JobStopped, JobStuck
from workers.handling import HandBack, ahandle, handle
from workers.registry import handler_for
from workers.retry import RetryPolicy
from workers.run_facts import Place
from workers.runs import Run
from workers.sayer import Sayer
from workers.stopping import Stop

J = TypeVar("J", bound=Runnable)
"""What the records of a lane say."""


class Ending(NamedTuple, Generic[J]):
    """What the end of a run needs to know.

    Args:
        lease: Its lease.
        run: The run.
        job: What its record says.
    """

    lease: Lease
    run: Run
    job: J


class Endings(Protocol[J]):
    """How runs end; every one of them asks whether the lease still holds."""

    def succeed(self, ending: Ending[J], message: Message, result: object) -> Done:
        """Make what is to be committed with the next step."""

    def retry(self, ending: Ending[J], message: Message | None, outcome: RetryAfter) -> None:
        """Let the message run again."""

    def give_to_others(self, ending: Ending[J], found: HandBack) -> None:
        """Let somebody else run it, who knows its type."""

    def bury(self, ending: Ending[J], message: Message | None, outcome: Dead) -> None:
        """Make it a dead letter."""

    def stop(self, ending: Ending[J]) -> None:
        """End a run that somebody stopped."""


class Messages(Generic[J]):
    """Runs messages.

    Args:
        place: Where.
        endings: How their runs end.
        say: Writes the lines of messages that go well.
    """

    def __init__(self, place: Place, endings: Endings[J], say: Sayer) -> None:
        self._place = place
        self._endings = endings
        self._say = say

    def run(self, lease: Lease, job: J, slot: Slot, *, now: float) -> Done | None:
        """Run a message, and end its run unless it succeeded: that waits for the next step.

        Args:
            lease: Its lease.
            job: What its record says.
            slot: Where it happens.
            now: Redis' time when it was leased.

        Returns:
            What is to be committed, if it succeeded.
        """
        run = self.start(lease, job, slot.stop, now=now)
        ending = Ending(lease, run, job)
        slot.clock.set(job.timeout)
        try:
            return handle(run, job.read, say=self._say, finish=partial(self._finish, ending, slot))
        except BaseTimeoutException as error:  # the time was up before the handler was called
            return self._finish(ending, slot, None, judge(error, run.attempt, RetryPolicy()))
        except JobStopped:
            self._stop(ending, slot)
            return None

    async def arun(self, lease: Lease, job: J, slot: Slot, *, now: float) -> Done | None:
        """As `run`, for an `async def` handler, in the running event loop, which keeps the time.

        Args:
            lease: Its lease.
            job: What its record says.
            slot: Where it happens.
            now: Redis' time when it was leased.

        Returns:
            As `run`.
        """
        run = self.start(lease, job, slot.stop, now=now)
        ending = Ending(lease, run, job)
        finish = partial(self._finish, ending, slot)
        try:
            return await ahandle(run, job.read, say=self._say, finish=finish, limit=job.timeout)
        except JobStopped:
            await asyncio.to_thread(self._stop, ending, slot)
            return None

    def start(self, lease: Lease, job: J, stop: Stop, *, now: float) -> Run:
        """Begin a run.

        Args:
            lease: Its lease.
            job: What its record says.
            stop: Tells whether it is to stop.
            now: Redis' time when it was leased.
        """
        waited = now - job.enqueued_at
        return Run(lease.job_id, lease.list_name, job, self._place, max(waited, 0.0), stop)

    def judge_killed(self, lease: Lease, job: J, error: BaseException, *, now: float) -> None:
        """End a run whose process was killed because it did not keep to a limit.

        Args:
            lease: Its lease.
            job: What its record says.
            error: The limit, as an error of the handler.
            now: Redis' time.
        """
        run = self.start(lease, job, Stop(), now=now)
        slot = Slot(NO_CLOCK, NO_JOURNAL, run.stop)
        finish = partial(self._finish, Ending(lease, run, job), slot)
        message, outcome = _judged(run, job, error)
        tracer = self._place.tracer
        if tracer is None or message is None:
            finish(message, outcome)
            return
        with tracer.processing(run, message) as attempt:  # its process took its own span with it
            attempt.ending(finish)(message, outcome)

    def _finish(
        self, ending: Ending[J], slot: Slot, message: Message | None, outcome: Outcome | HandBack
    ) -> Done | None:
        slot.clock.stop()
        match outcome:
            case Completed():
                assert message is not None, "only a handler that was called can succeed"  # noqa: S101
                done = self._endings.succeed(ending, message, outcome.result)
                slot.journal.write(done.committed)
                return done
            case RetryAfter():
                self._endings.retry(ending, message, outcome)
            case HandBack():
                self._endings.give_to_others(ending, outcome)
            case Dead():
                self._endings.bury(ending, message, outcome)
            case _:
                assert_never(outcome)
        return None

    def _stop(self, ending: Ending[J], slot: Slot) -> None:
        slot.clock.stop()
        if slot.stop.runs_again():
            found = _judged(ending.run, ending.job, JobStuck(ending.run.seconds))
            self._finish(ending, slot, *found)
        else:
            self._endings.stop(ending)


def _judged(
    run: Run, job: Runnable, error: BaseException
) -> tuple[Message | None, RetryAfter | Dead]:
    """The message of a run that was ended from outside, and what that means for it."""
    message = _readable(job)
    policy = run.policy(handler_for(type(message))) if message else RetryPolicy()
    return message, judge(error, run.attempt, policy)


def _readable(job: Runnable) -> Message | None:
    try:
        return job.read().message
    except InvalidMessage:
        return None
