"""The process that runs jobs: leases some, runs them, commits them together with a later lease.

A child lives for many jobs. It tells its worker through the page what it runs and what is done, so
that nothing is lost or done twice when it dies. What has to do with time is the worker's.
"""

import gc
import os
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import redis
from rq.job import Job

from workers.engine.alarm import Alarm, NoAlarm
from workers.engine.away import Away
from workers.engine.ears import Ears
from workers.engine.lane import Lane, MakeLane, Message, Tools
from workers.engine.pace import Pace
from workers.engine.page import Count, Page
from workers.engine.slot import Slot
from workers.engine.step import Lease, Step
from workers.engine.task import LEAVE, RECYCLE, Task
from workers.lines import JobLines
from workers.logger import get_logger
from workers.settings import Settings
from workers.tracing import flush_spans

log = get_logger("postroom.worker")

SLOW = 0.1
"""Seconds after which a job lets go of the jobs that were leased with it."""

_COMMIT_AFTER = 0.05  # seconds that a finished run waits for its commit, within a batch
_WRITE_AFTER = 0.05  # seconds that log lines wait for others to be written with them


@dataclass
class Child:
    """One life of a child.

    Args:
        name: Of whom the log lines speak.
        make_lane: Makes what it leases from.
        page: What it shares with the worker.
        task: What it is to do.
        settings: Those of the worker.
        alarm: Interrupts jobs; None means by signals.
    """

    name: str
    make_lane: MakeLane
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
        settings, page = self.settings, self.page
        self.away = Away(self.name)
        alarm = self.alarm or Alarm(SLOW, self._let_go)
        self.pace = Pace(settings.batch_jobs, settings.batch_milliseconds / 1000 / self.batches)
        self.lines = JobLines(settings)
        self.ears = Ears(page, alarm)
        self._slot = Slot(alarm, page, self.ears.stop)
        tools = Tools(page, self.task, settings, alarm, self.away, self.lines, self._done)
        self.lane: Lane = self.make_lane(tools)
        self.steps, self.idle, self.messages = self.lane.steps, self.lane.idle, self.lane.messages
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
                if not step.leased[0].is_suspect:
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
        flush_spans(self.settings)
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
        while rest:
            if self.page.is_to_stop:
                self._hand_back_rest()
                break
            if self.steps.ready and rest[0].is_suspect:
                self.page.end(0)
                self.step(0)  # it runs alone, also among the runs that are not committed
            if self.ears.heard:
                self.ears.heard = False
                rest = self._rest = deque(self._without_cancelled(tuple(rest)))
                self.steps.keep_ahead(self._without_cancelled)
                continue
            lease = rest.popleft()
            job = self.lane.admit(lease, step)
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

    def run(self, lease: Lease, job: Message | Job, now: float) -> None:
        """Run one job.

        Args:
            lease: The job.
            job: What the lane's `admit` returned.
            now: Redis' time when it was leased.
        """
        done = self._done
        if type(job) is not Job:
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
            self._show(lease, job.timeout)
            self.page.mark_stock(0)
            self.lane.run_stock(lease, job)
            self._was_alone = True
            done.others += 1
            self.page.count(done)

    def _show(self, lease: Lease, limit: float | None, slot: int = 0) -> None:
        name = f"{lease.list_name}\n{lease.job_id}\n{lease.execution}"
        self.page.start(slot, name.encode("utf-8", "surrogateescape"), limit or 0)

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
        self.lane.hand_back(rest)

    def _without_cancelled(self, rest: Sequence[Lease]) -> Sequence[Lease]:
        return self.away.insist(lambda: self.lane.may_start(rest))

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
