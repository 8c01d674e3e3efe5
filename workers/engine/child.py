"""The process that runs jobs: leases some, runs them, commits them together with a later lease.

A child lives for many jobs. It tells its worker through the page what it runs and what is done, so
that nothing is lost or done twice when it dies. What has to do with time is the worker's.
"""

import gc
import os
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import redis
from rq.job import Job

from workers.engine.admission import Admission
from workers.engine.alarm import Alarm, NoAlarm
from workers.engine.away import Away
from workers.engine.ears import Ears
from workers.engine.idle import Idle
from workers.engine.leases import Leases
from workers.engine.order import Order
from workers.engine.pace import Pace
from workers.engine.page import Count, Page
from workers.engine.plain import Plain, plain
from workers.engine.run_message import Messages, Slot
from workers.engine.run_stock import Stock
from workers.engine.step import Lease, Step
from workers.engine.steps import Steps
from workers.engine.task import LEAVE, RECYCLE, Task
from workers.lines import JobLines
from workers.logger import get_logger
from workers.settings import Settings

if TYPE_CHECKING:
    from workers.engine.worker import MessageWorker

log = get_logger("postroom.worker")

SLOW = 0.1
"""Seconds after which a job lets go of the jobs that were leased with it."""

_COMMIT_AFTER = 0.05  # seconds that a finished run waits for its commit, within a batch
_WRITE_AFTER = 0.05  # seconds that log lines wait for others to be written with them


@dataclass
class Child:
    """One life of a child.

    Args:
        worker: The worker, for what RQ's own code does.
        leases: Those of this life.
        order: In which order the lists are served.
        page: What it shares with the worker.
        task: What it is to do.
        settings: Those of the worker.
        alarm: Interrupts jobs; None means by signals.
    """

    worker: "MessageWorker"
    leases: Leases
    order: Order
    page: Page
    task: Task
    settings: Settings
    alarm: "Alarm | NoAlarm | None" = None
    batches: ClassVar[int] = 2
    """In its hands at once: one that runs, and one that was leased meanwhile."""
    _count: int = field(default=0, init=False)
    _done: Count = field(default_factory=Count, init=False)

    def __post_init__(self) -> None:
        """Make the parts that last as long as the child."""
        settings, page, leases = self.settings, self.page, self.leases
        self.away = Away(self.worker.name)
        alarm = self.alarm or Alarm(SLOW, self._let_go)
        ahead = settings.batch_milliseconds / 1000 / self.batches
        self.pace = Pace(settings.batch_jobs, ahead)
        self.admission = Admission(leases, settings)
        self.lines = JobLines(settings)
        self.messages = Messages(leases, self.away, settings, self.lines)
        self.ears = Ears(page, alarm, leases, self.away)
        self._slot = Slot(alarm, page, self.ears.stop)
        self.stock = Stock(self.worker, leases, alarm)
        parts = (self.away, self.admission, self.stock, self._done)
        self.steps = Steps(leases, self.order, page, *parts)
        self.idle = Idle(leases.connection, self.order, page, self.task)
        self._rest: deque[Lease] = deque()
        self._was_alone = False

    def work(self) -> int:
        """Run jobs until the worker, the task or age says stop.

        Returns:
            `LEAVE` or `RECYCLE`.
        """
        gc.freeze()
        parent = os.getppid()
        self.ears.open()
        while (code := self._reason_to_go(parent)) is None:
            self.lines.flush_older(_WRITE_AFTER)
            step = self.steps.next(self._wanted)
            if step.leased:
                self.steps.send(step, self._wanted(len(step.leased)))
                self.run_batch(step)
                continue
            self.lines.flush()
            if self.idle.is_over(step):
                code = LEAVE
                break
            self.idle.wait(step)
        self._hand_back_rest()
        self.step(0)
        self.idle.close()
        self.page.leave(code)
        return code

    def step(self, wanted: int) -> Step:
        """Commit what is done and lease the next jobs.

        Args:
            wanted: How many.

        Returns:
            What came of it.
        """
        self.lines.flush_older(_WRITE_AFTER)
        step = self.steps.take(wanted)
        if not step.leased:
            self.lines.flush()
        return step

    def run_batch(self, step: Step) -> None:
        """Run what was leased, one after the other; hand the rest back if one takes long.

        Args:
            step: With the leases.
        """
        rest = self._rest = deque(step.leased)
        self.idle.begin()
        begin = first = time.monotonic()
        ran = 0
        if self.steps.ready and b"lost" in rest[0].fields:
            self.step(0)  # it runs alone, also among the leases
        while rest:
            if self.page.is_to_stop:
                self._hand_back_rest()
                break
            if self.ears.heard:
                self.ears.heard = False
                rest = self._rest = deque(self.ears.may_start(tuple(rest)))
                self.steps.keep_ahead(self.ears.may_start)
                continue
            lease = rest.popleft()
            job = self.admit(lease, step)
            if job is not None:
                self.run(lease, job, step.now)
            begin = time.monotonic()
            self._count += 1
            ran += 1
            if rest and self.steps.oldest + _COMMIT_AFTER < begin:
                self.page.end(0)
                self.step(0)
        self.page.end(0)
        self._learn(begin - first, ran)

    def _learn(self, seconds: float, ran: int) -> None:
        # What was leased with one that runs alone was leased in vain.
        if self._was_alone:
            self._was_alone = False
            self.pace.took(self.pace.ahead)
        elif ran:
            self.pace.took(seconds, ran)

    @staticmethod
    def admit_plain(lease: Lease, step: Step) -> Plain | None:
        """Look whether a job is a message that may run, without a question to Redis.

        Args:
            lease: The job.
            step: In which it was leased.

        Returns:
            The message; None if somebody must look closer.
        """
        job = plain(lease.fields, lease.list_name)
        if job is None or step.paused:
            return None
        return None if job.expires_at is not None and step.now > job.expires_at else job

    def admit(self, lease: Lease, step: Step) -> Plain | Job | None:
        """Look whether a job may run.

        Args:
            lease: The job.
            step: In which it was leased.

        Returns:
            A message that the engine runs itself, or a job for RQ's own code; None if it must not
            run, or not now, and is accounted for.
        """
        job = plain(lease.fields, lease.list_name)
        if job is None:
            self.page.end(0)
            return self.away.insist(lambda: self.admission.admit(lease))
        if step.paused and self.admission.is_held(lease, job.envelope(), step.paused):
            return None
        if job.expires_at is not None and step.now > job.expires_at:
            self.away.insist(lambda: self.admission.expire(lease, job.envelope(), job.meta))
            return None
        return job

    def run(self, lease: Lease, job: Plain | Job, now: float) -> None:
        """Run one job.

        Args:
            lease: The job.
            job: What `admit` returned.
            now: Redis' time when it was leased.
        """
        done = self._done
        if isinstance(job, Plain):
            self._show(lease, job.timeout)
            begin = time.monotonic()
            ended = self.messages.run(lease, job, self._slot, now=now)
            over = time.monotonic()
            done.seconds += over - begin
            if ended is not None:
                self.steps.keep(ended, over)
            else:
                done.failed += 1
                self.page.count(done)
        else:
            if self.steps.ready:  # it is not to wait for a job that may do anything
                self.step(0)
            self._hand_back_rest()
            self._show(lease, job.timeout or 0)
            self.page.mark_stock(0)
            self.stock.run(lease, job)
            self._was_alone = True
            done.others += 1
            self.page.count(done)

    def _show(self, lease: Lease, limit: float, slot: int = 0) -> None:
        name = f"{lease.list_name}\n{lease.job_id}\n{lease.execution}"
        self.page.start(slot, name.encode("utf-8", "surrogateescape"), limit)

    def _let_go(self) -> None:
        """Called in the middle of a slow job: nobody is to wait for it."""
        try:
            self.lines.flush()
            self.steps.commit_once()
            self._hand_back_rest()
        except redis.RedisError as error:
            log.warning("batch_not_handed_back", error=str(error))

    def _hand_back_rest(self) -> None:
        rest = [*self._rest, *self.steps.give_back()]
        self._rest.clear()
        self.admission.hand_back(rest)

    def _wanted(self, under_way: int = 0) -> int:
        begun = self._count + under_way
        wanted = self.pace.next()
        if self.task.max_jobs is not None:
            wanted = min(wanted, self.task.max_jobs - begun)
        return min(wanted, self.task.recycle_after - begun)

    def _reason_to_go(self, parent: int) -> int | None:
        if self.page.is_to_stop or os.getppid() != parent:
            return LEAVE
        if self.task.max_jobs is not None and self._count >= self.task.max_jobs:
            return LEAVE
        is_worn = self._count >= self.task.recycle_after or self.page.is_to_recycle
        return RECYCLE if is_worn else None
