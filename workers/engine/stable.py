"""Keeps one child running for a worker: starts it, watches it, and tidies up after its death."""

import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import redis
from rq import Queue
from rq.executions import Execution
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.timeouts import JobTimeoutException

from workers.engine.alarm import NoAlarm
from workers.engine.away import Away
from workers.engine.crashes import crashed
from workers.engine.ends import success_from
from workers.engine.horse import Horse, fork
from workers.engine.keeper import Keeper
from workers.engine.leases import new_holder
from workers.engine.page import Count, Page, Running
from workers.engine.plain import plain
from workers.engine.recovery import fresh, is_that, settle_lost, uncommitted
from workers.engine.run_message import Messages
from workers.engine.run_stock import Stock
from workers.engine.spawned import spawn
from workers.engine.step import Lease
from workers.engine.task import LEAVE, Task
from workers.errors import JobStopped, MemoryLimitExceeded
from workers.handling import Silent
from workers.logger import get_logger
from workers.redaction import redacted

if TYPE_CHECKING:
    from workers.engine.worker import MessageWorker

log = get_logger("postroom.worker")

KILL_AFTER = 5.0
"""Seconds beyond its timeout that a job has before its child is killed."""
_LOOK_EVERY = 0.1  # seconds


class Stable:
    """The one child of a worker.

    Args:
        worker: The worker.
        task: What its children are to do.
        keeper: What it does besides.
    """

    def __init__(self, worker: "MessageWorker", task: Task, keeper: Keeper) -> None:
        self._worker = worker
        self._task = task
        self._keeper = keeper
        self._away = Away(worker.name)
        self._killed_for: BaseException | None = None
        self._quick_deaths = 0

    def run(self) -> None:
        """Have jobs run until there is nothing left to do."""
        while not self._worker.is_to_stop:
            horse = self._start()
            code = self._look_after(horse)
            self._bury(horse, code)
            has_left = horse.page.has_left(code)
            if (has_left and code == LEAVE) or self._worker.is_to_stop:
                return
            if not has_left:
                self._breathe(horse)

    def _start(self) -> Horse:
        holder = new_holder()
        if self._spawns:
            pid, page = spawn(self._worker.plan(self._task, holder))
        else:
            page = Page(self._worker.settings.concurrency)
            pid = fork(lambda: self._worker.child(self._task, page, holder).work())
        horse = Horse(pid, holder, page)
        self._worker.page = page
        self._keeper.horse = horse
        self._killed_for = None
        return horse

    @property
    def _spawns(self) -> bool:
        return self._worker.settings.isolation == "spawn" or sys.platform == "darwin"

    def _look_after(self, horse: Horse) -> int:
        while (code := horse.wait(_LOOK_EVERY)) is None:
            if self._worker.is_to_stop:
                horse.page.ask_to_stop()
                horse.wake()
                if self._worker.grace_is_over:
                    horse.kill()
            self._keep_to_limits(horse)
            self._keeper.turn()
        return code

    def _keep_to_limits(self, horse: Horse) -> None:
        if self._worker.kill_asked:
            self._worker.kill_asked = False
            horse.kill()
        if self._worker.stops.tell(horse):
            self._killed_for = JobStopped()
            horse.kill()
        for running in horse.page.running():
            if 0 < running.limit < running.seconds - KILL_AFTER:
                message = f"The job took longer than its {running.limit:g} s, and did not stop."
                self._kill(horse, JobTimeoutException(message))
        self._keep_to_memory(horse)

    def _keep_to_memory(self, horse: Horse) -> None:
        settings = self._worker.settings
        used = horse.memory_mb()
        most, enough = settings.job_memory_limit_mb, settings.memory_limit_mb
        if most is not None and used > most:
            message = f"The job used {used:.0f} MB; JOB_MEMORY_LIMIT_MB is {most}."
            self._kill(horse, MemoryLimitExceeded(message))
        elif horse.age > settings.child_seconds or (enough is not None and used > enough):
            horse.page.ask_to_recycle()
            horse.wake()

    def _kill(self, horse: Horse, reason: BaseException) -> None:
        if self._killed_for is None:
            self._killed_for = reason
            log.warning("child_killed", pid=horse.pid, reason=str(reason))
            horse.kill()

    def _breathe(self, horse: Horse) -> None:
        # One that dies at once will die again: do not spend the machine on its births.
        self._quick_deaths = self._quick_deaths + 1 if horse.age < 1 else 0
        until = time.monotonic() + min(5.0, 0.1 * 2 ** min(self._quick_deaths, 6) - 0.1)
        while time.monotonic() < until and not self._worker.is_to_stop:
            self._keeper.turn()
            time.sleep(0.05)

    # --- after its death --------------------------------------------------------------------------

    def _bury(self, horse: Horse, code: int) -> None:
        self._keeper.horse = None
        horse.page.count(_all_done(horse.page))
        for step in (lambda: self._settle(horse, code), lambda: self._keeper.count(horse.page)):
            self._away.insist(step, until=lambda: self._worker.grace_is_over)

    def _settle(self, horse: Horse, code: int) -> None:
        self._commit_journal(horse)
        found = self._worker.leases.take_over(horse.holder)
        taken = [] if found is None else [each for each in found[1] if each.list_name]
        running = horse.page.running()
        mine = [each for each in taken if any(is_that(each, one) for one in running)]
        stopped = [each for each in mine if self._worker.stops.is_asked(each)]
        blamed = [each for each in mine if each not in stopped and self._is_to_blame(each, running)]
        ended = (*stopped, *blamed)
        self._worker.leases.hand_back([each for each in taken if each not in ended])
        for lease in stopped:
            self._stop(fresh(lease, self._worker.connection))
        if len(blamed) > 1 and self._killed_for is None:
            settle_lost(self._worker.leases, blamed, error=_words(code))
            return
        for lease in blamed:
            self._judge(lease, code)

    def _is_to_blame(self, lease: Lease, running: Sequence[Running]) -> bool:
        if isinstance(self._killed_for, JobStopped):
            return False
        if self._killed_for is None:
            return not self._worker.is_to_stop
        if not isinstance(self._killed_for, JobTimeoutException):
            return True
        late = [one for one in running if 0 < one.limit < one.seconds]
        return any(is_that(lease, one) for one in late)

    def _commit_journal(self, horse: Horse) -> None:
        leases = self._worker.leases_of(horse.holder)
        runs = uncommitted(leases, horse.page.journal())
        if not runs:
            return
        step = leases.step("journal", 0, runs, ())
        for place in step.awaited:
            stock = Stock(self._worker, leases, NoAlarm())
            before, self._worker.leases = self._worker.leases, leases
            try:
                stock.finish(*success_from(runs[place]))
            finally:
                self._worker.leases = before
        horse.page.clear()

    def _judge(self, lease: Lease, code: int) -> None:
        leases = self._worker.leases
        known = fresh(lease, leases.connection)
        job = plain({**known.fields, b"status": b"queued"}, lease.list_name)
        if self._killed_for is None or job is None:
            crashed(leases, lease, _words(code))
            return
        messages = Messages(leases, self._away, self._worker.settings, Silent())
        messages.judge_killed(known, job, self._killed_for, now=time.time())

    def _stop(self, lease: Lease) -> None:
        connection: redis.Redis = self._worker.connection
        job = Job(lease.job_id, connection=connection, serializer=JSONSerializer)
        job.restore(dict(lease.fields))
        queue = Queue(lease.list_name, connection=connection, serializer=JSONSerializer)
        execution = Execution(lease.execution, lease.job_id, connection, self._worker.name)
        self._worker.end_stopped(job, queue, execution)


def _all_done(page: Page) -> Count:
    """What a child has done: what it counted, and the runs that it did not come to commit."""
    done = page.done
    done.succeeded += len(page.journal())
    return done


def _words(code: int) -> str:
    if code < 0:
        return redacted(f"its process was ended by signal {-code}")
    return f"its process ended with exit code {code}"
