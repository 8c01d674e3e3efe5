"""Runs plain messages in a child, and ends each run: committed in a batch, or at once."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, NamedTuple, Protocol, assert_never

from rq.timeouts import BaseTimeoutException

from messages import Message
from workers.burial import bury_job
from workers.clock import utc_now
from workers.dependents import settle_dependents
from workers.dispatcher import Completed, Dead, Outcome, RetryAfter, judge
from workers.engine import ends
from workers.engine.away import Away
from workers.engine.leases import Leases
from workers.engine.plain import Plain
from workers.engine.step import Lease
from workers.engine.stops import end_stopped
from workers.errors import JobStopped
from workers.handling import (
    HandBack,
    Sayer,
    ahandle,
    death_of,
    handle,
    say_handed_back,
    say_retried,
)
from workers.logger import get_logger
from workers.registry import handler_for
from workers.retry import RetryPolicy
from workers.run_facts import Place
from workers.runs import Run, line_of
from workers.settings import Settings
from workers.stopping import Stop

log = get_logger("postroom.worker")


class Journal(Protocol):
    """Remembers runs that are not committed; see `page`."""

    def write(self, run: bytes) -> None:
        """Note a run."""


class Clock(Protocol):
    """Interrupts a job that takes too long; see `alarm`."""

    def set(self, limit: float) -> None:
        """A job starts that may take so many seconds."""

    def stop(self) -> None:
        """It is over."""


class NoClock:
    """Interrupts nothing: somebody else keeps the time."""

    def set(self, limit: float) -> None:
        """Nothing to do."""

    def stop(self) -> None:
        """Nothing to do."""


class NoJournal:
    """Notes nothing: somebody else does."""

    def write(self, run: bytes) -> None:
        """Nothing to do."""


NO_CLOCK, NO_JOURNAL = NoClock(), NoJournal()


class Slot(NamedTuple):
    """Where in a child a run happens.

    Args:
        clock: Interrupts it.
        journal: Where it is noted if it succeeded.
        stop: Tells whether it is to stop.
    """

    clock: Clock
    journal: Journal
    stop: Stop


class _Ending(NamedTuple):
    """What the end of a run needs to know."""

    lease: Lease
    run: Run
    job: Plain
    slot: Slot


class Done(NamedTuple):
    """A run that succeeded and is not committed yet.

    Args:
        lease: Its lease.
        began: When it started, in Unix seconds.
        result: What the handler returned.
        committed: What the step's script is told.
    """

    lease: Lease
    began: float
    result: Any
    committed: bytes

    @property
    def started_at(self) -> datetime:
        """When it started."""
        return datetime.fromtimestamp(self.began, UTC)


class Messages:
    """Runs messages.

    Args:
        leases: Whose jobs they are.
        away: Waits while Redis is away.
        settings: Those of the worker.
        say: Writes the lines of jobs that go well.
    """

    def __init__(self, leases: Leases, away: Away, settings: Settings, say: Sayer) -> None:
        self.leases = leases
        self._away = away
        self._place = Place(leases.worker, leases.connection, settings)
        self._say = say

    def run(self, lease: Lease, job: Plain, slot: Slot, *, now: float) -> Done | None:
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
        ending = _Ending(lease, run, job, slot)
        slot.clock.set(job.timeout)
        try:
            return handle(run, job.body, say=self._say, finish=partial(self._finish, ending))
        except BaseTimeoutException as error:  # the time was up before the handler was called
            return self._finish(ending, None, judge(error, run.attempt, RetryPolicy()))
        except JobStopped:
            self._end_stopped(ending)
            return None

    async def arun(self, lease: Lease, job: Plain, slot: Slot, *, now: float) -> Done | None:
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
        ending = _Ending(lease, run, job, slot)
        finish = partial(self._finish, ending)
        try:
            return await ahandle(run, job.body, say=self._say, finish=finish, limit=job.timeout)
        except JobStopped:
            await asyncio.to_thread(self._end_stopped, ending)
            return None

    def start(self, lease: Lease, job: Plain, stop: Stop, *, now: float) -> Run:
        """Begin a run.

        Args:
            lease: Its lease.
            job: What its record says.
            stop: Tells whether it is to stop.
            now: Redis' time when it was leased.
        """
        waited = now - job.enqueued_at
        return Run(lease.job_id, lease.list_name, job, self._place, max(waited, 0.0), stop)

    def judge_killed(self, lease: Lease, job: Plain, error: BaseException, *, now: float) -> None:
        """End a run whose process was killed because it did not keep to a limit.

        Args:
            lease: Its lease.
            job: What its record says.
            error: The limit, as an error of the handler.
            now: Redis' time.
        """
        run = self.start(lease, job, Stop(), now=now)
        message = ends.readable(job.body)
        policy = run.policy(handler_for(type(message))) if message else RetryPolicy()
        ending = _Ending(lease, run, job, Slot(NO_CLOCK, NO_JOURNAL, run.stop))
        self._finish(ending, message, judge(error, run.attempt, policy))

    def _finish(
        self, ending: "_Ending", message: Message | None, outcome: Outcome | HandBack
    ) -> Done | None:
        ending.slot.clock.stop()
        match outcome:
            case Completed():
                return self._succeed(ending, message, outcome.result)
            case RetryAfter():
                self._retry(ending, message, outcome)
            case HandBack():
                self._give_to_others(ending, outcome)
            case Dead():
                self._bury(ending, message, outcome)
            case _:
                assert_never(outcome)
        return None

    @staticmethod
    def _succeed(ending: "_Ending", message: Message | None, result: Any) -> Done:
        assert message is not None, "only a handler that was called can succeed"  # noqa: S101
        lease, run = ending.lease, ending.run
        made = ends.success(lease, run, ending.job, message, result)
        ending.slot.journal.write(made)
        return Done(lease, run.began, result, made)

    def _end_stopped(self, ending: "_Ending") -> None:
        ending.slot.clock.stop()
        end_stopped(self.leases, ending.lease, ending.run, ending.job, self._away)

    def _retry(self, ending: "_Ending", message: Message | None, outcome: RetryAfter) -> None:
        run = ending.run
        delay = say_retried(run, outcome)
        record = run.ended(
            "retried", outcome.error, delay=delay, tier=outcome.tier, why=outcome.why
        )
        end = ends.restart(
            run,
            delay,
            record,
            outcome="retried",
            kind=message.message_type if message else "unknown",
            tenant=ends.tenant_of(message),
        )
        self._again(ending.lease, end)

    def _give_to_others(self, ending: "_Ending", found: HandBack) -> None:
        kind = ends.type_of(ending.job.envelope())
        say_handed_back(ending.run, kind, found)
        first = found.record is not None
        end = ends.restart(
            ending.run, found.delay, found.record, outcome="handed_back", kind=kind, meta=first
        )
        self._again(ending.lease, end)

    def _again(self, lease: Lease, end: Sequence[str | float]) -> None:
        if not self._away.insist(lambda: self.leases.again(lease, end)):
            log.warning("lease_lost", job_id=lease.job_id)

    def _bury(self, ending: "_Ending", message: Message | None, outcome: Dead) -> None:
        lease, run, job = ending.lease, ending.run, ending.job
        if not self._away.insist(lambda: self.leases.holds(lease)):
            log.warning("lease_lost", job_id=lease.job_id)
            return
        envelope = job.envelope()
        death = death_of(run, outcome, envelope)
        kind = message.message_type if message else ends.type_of(envelope)
        record = run.ended("dead", outcome.error, why=outcome.why)
        tenant = ends.tenant_of(message)
        failed = ends.failure(lease, run, kind, tenant, job, record.fingerprint)
        self._away.insist(
            lambda: bury_job(
                death,
                meta=run.meta,
                now=utc_now(),
                connection=run.connection,
                past=(*run.past, record),
                ending=ends.ending(self.leases, death.traceback or line_of(outcome.error), failed),
            )
        )
        self._away.insist(lambda: settle_dependents(lease.job_id, connection=run.connection))
