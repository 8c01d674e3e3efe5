"""The process that runs jobs: leases some, runs them, commits them together with the next lease.

A child lives for many jobs. It tells its worker through the page what it runs and what is done, so
that nothing is lost or done twice when it dies. What has to do with time is the worker's.
"""

import gc
import os
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import redis
from rq.job import Job

from workers import keys
from workers.engine.admission import Admission
from workers.engine.alarm import Alarm, NoAlarm
from workers.engine.away import Away
from workers.engine.bell import Bell
from workers.engine.ears import Ears
from workers.engine.horse import Woken, waken
from workers.engine.leases import Leases
from workers.engine.order import Order
from workers.engine.pace import Pace
from workers.engine.page import Count, Page
from workers.engine.plain import Plain, plain
from workers.engine.run_message import Done, Messages, Slot
from workers.engine.run_stock import Stock
from workers.engine.step import Lease, Step
from workers.engine.task import LEAVE, RECYCLE, Task
from workers.lines import JobLines
from workers.logger import get_logger
from workers.settings import Settings

if TYPE_CHECKING:
    from workers.engine.worker import MessageWorker

log = get_logger("postroom.worker")

SLOW = 0.1
"""Seconds after which a job lets go of the jobs that were leased with it."""

_LONGEST_WAIT = 5.0  # seconds between two looks at empty queues that nobody rang for
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
    _count: int = field(default=0, init=False)
    _done: Count = field(default_factory=Count, init=False)

    def __post_init__(self) -> None:
        """Make the parts that last as long as the child."""
        client: redis.Redis = self.leases.connection
        self.away = Away(self.worker.name)
        alarm = self.alarm or Alarm(SLOW, self._let_go)
        self.pace = Pace(self.settings.batch_jobs, self.settings.batch_milliseconds / 1000)
        self.admission = Admission(self.leases, self.settings)
        self.lines = JobLines(self.settings)
        self.messages = Messages(self.leases, self.away, self.settings, self.lines)
        self.ears = Ears(self.page, alarm, self.leases, self.away)
        self._slot = Slot(alarm, self.page, self.ears.stop)
        self.stock = Stock(self.worker, self.leases, alarm)
        self._ready: list[Done] = []
        self._oldest = float("inf")
        self.bell = Bell(client)
        self._rest: deque[Lease] = deque()
        self._was_alone = False
        self._idle_since = time.monotonic()

    def work(self) -> int:
        """Run jobs until the worker, the task or age says stop.

        Returns:
            `LEAVE` or `RECYCLE`.
        """
        gc.freeze()
        parent = os.getppid()
        self.ears.open()
        while (code := self._reason_to_go(parent)) is None:
            step = self.step(self._wanted())
            if step.leased:
                self.run_batch(step)
            elif self._is_done(step):
                code = LEAVE
                break
            else:
                self._wait(step)
        self.step(0)
        self.bell.close()
        self.page.leave(code)
        return code

    def step(self, wanted: int) -> Step:
        """Commit what is done and lease the next jobs.

        Args:
            wanted: How many.

        Returns:
            What came of it.
        """
        number, turns = self.leases.next_number(), self.order.next(wanted)
        runs, self._ready, self._oldest = self._ready, [], float("inf")
        self.lines.flush_older(_WRITE_AFTER)
        step = self.away.insist(
            lambda: self.leases.step(number, wanted, [run.committed for run in runs], turns),
            until=lambda: not runs and self.page.is_to_stop,
        )
        self._committed(len(runs))
        for place in step.awaited:
            done = runs[place]
            self.stock.finish(done.lease, done.started_at, done.result)
        if step.broken or step.strange:
            broken = [runs[place].lease for place in step.broken]
            self.away.insist(lambda: self.admission.quarantine(broken, step.strange))
        for place in step.refused:
            log.warning("lease_lost", job_id=runs[place].lease.job_id)
        if not step.leased:
            self.lines.flush()
        return step

    def _committed(self, count: int) -> None:
        self.page.clear()
        self._done.succeeded += count
        self.page.count(self._done)

    def run_batch(self, step: Step) -> None:
        """Run what was leased, one after the other; hand the rest back if one takes long.

        Args:
            step: With the leases.
        """
        rest = self._rest = deque(step.leased)
        begin = self._idle_since = time.monotonic()
        first, ran = begin, 0
        while rest:
            if self.page.is_to_stop:
                self._hand_back_rest()
                break
            if self.ears.heard:
                rest = self._rest = deque(self.ears.may_start(tuple(rest)))
                continue
            lease = rest.popleft()
            job = self.admit(lease, step)
            if job is not None:
                self.run(lease, job, step.now)
            begin = time.monotonic()
            self.order.served(lease.list_name)
            self._count += 1
            ran += 1
            if rest and self._oldest + _COMMIT_AFTER < begin:
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
                self._keep(ended, over)
            else:
                done.failed += 1
                self.page.count(done)
        else:
            if self._ready:  # it is not to wait for a job that may do anything
                self.step(0)
            self._hand_back_rest()
            self._show(lease, job.timeout or 0)
            self.page.mark_stock(0)
            self.stock.run(lease, job)
            self._was_alone = True
            done.others += 1
            self.page.count(done)

    def _keep(self, done: Done, now: float) -> None:
        if not self._ready:
            self._oldest = now
        self._ready.append(done)

    def _show(self, lease: Lease, limit: float, slot: int = 0) -> None:
        name = f"{lease.list_name}\n{lease.job_id}\n{lease.execution}"
        self.page.start(slot, name.encode("utf-8", "surrogateescape"), limit)

    def _let_go(self) -> None:
        """Called in the middle of a slow job: nobody is to wait for it."""
        try:
            self.lines.flush()
            if self._ready:
                self._commit_once()
            self._hand_back_rest()
        except redis.RedisError as error:
            log.warning("batch_not_handed_back", error=str(error))

    def _commit_once(self) -> None:
        runs = self._ready
        step = self.leases.step(self.leases.next_number(), 0, [run.committed for run in runs], ())
        self._ready = [runs[place] for place in step.awaited]
        self._oldest = time.monotonic() if self._ready else float("inf")
        self._committed(len(runs) - len(self._ready))

    def _hand_back_rest(self) -> None:
        rest = list(self._rest)
        self._rest.clear()
        if rest:
            self.leases.hand_back(rest)

    def _wanted(self) -> int:
        wanted = self.pace.next()
        if self.task.max_jobs is not None:
            wanted = min(wanted, self.task.max_jobs - self._count)
        return min(wanted, self.task.recycle_after - self._count)

    def _reason_to_go(self, parent: int) -> int | None:
        if self.page.is_to_stop or os.getppid() != parent:
            return LEAVE
        if self.task.max_jobs is not None and self._count >= self.task.max_jobs:
            return LEAVE
        is_worn = self._count >= self.task.recycle_after or self.page.is_to_recycle
        return RECYCLE if is_worn else None

    def _is_done(self, step: Step) -> bool:
        if step.state == "repeated":
            return False
        idle = time.monotonic() - self._idle_since
        return self.task.burst or (self.task.max_idle is not None and idle >= self.task.max_idle)

    def _wait(self, step: Step) -> None:
        seconds = _LONGEST_WAIT
        if self.task.max_idle is not None:
            idle = time.monotonic() - self._idle_since
            seconds = min(seconds, max(0.0, self.task.max_idle - idle))
        try:
            waken(sure=True)
            if not self.page.is_to_stop:
                self._ring(step, seconds)
            waken(sure=False)
        except Woken:
            waken(sure=False)

    def _ring(self, step: Step, seconds: float) -> bool:
        names = () if step.state == "suspended" else self.order.open_lists(step.paused)
        lists = [keys.queue(name) for name in names]
        return self.bell.wait(lists, also=(keys.pauses(), keys.suspended()), seconds=seconds)
