"""Keeps one child running for a worker: starts it, watches it, and tidies up after its death."""

import sys
import time
from typing import Protocol

from rq.timeouts import JobTimeoutException

from workers.engine.away import Away
from workers.engine.child import Child
from workers.engine.child_death import ChildDeath
from workers.engine.horse import Horse, fork
from workers.engine.page import Count, Page
from workers.engine.spawned import Plan, spawn
from workers.engine.stops import Stops
from workers.engine.task import LEAVE, Task
from workers.errors import JobStopped, MemoryLimitExceeded
from workers.logger import get_logger
from workers.settings import Settings

log = get_logger("postroom.worker")

KILL_AFTER = 5.0
"""Seconds beyond its timeout that a job has before its child is killed."""
_LOOK_EVERY = 0.1  # seconds


class Owner(Protocol):
    """The worker, as far as its child is concerned."""

    page: Page | None
    """Shared with the child; None before there is one."""
    kill_asked: bool
    """Whether the child is to be killed; taken back when that is done."""

    @property
    def name(self) -> str:
        """Of whom log lines speak."""

    @property
    def settings(self) -> Settings:
        """Limits and times."""

    @property
    def stops(self) -> Stops:
        """The runs that somebody asked to stop."""

    @property
    def is_to_stop(self) -> bool:
        """Whether somebody asked it to stop."""

    @property
    def grace_is_over(self) -> bool:
        """Whether its jobs had the time that they get after that."""

    def new_holder(self) -> str:
        """A name for one life of a child."""

    def child(self, task: Task, page: Page, holder: str) -> Child:
        """What a forked child is."""

    def plan(self, task: Task, holder: str) -> Plan:
        """What a spawned child has to know."""


class Keeps(Protocol):
    """What a worker does on clocks of its own."""

    horse: Horse | None

    def turn(self) -> None:
        """Do what is due."""

    def count(self, page: Page) -> None:
        """Write down what a child has done that is gone now."""


class Aftermath(Protocol):
    """What becomes of that which a child had when it died."""

    def settle(self, death: ChildDeath) -> None:
        """Commit, judge and hand back. Safe to repeat.

        Args:
            death: How the child ended.
        """


class Stable:
    """The one child of a worker.

    Args:
        worker: The worker.
        task: What its children are to do.
        keeper: What it does besides.
        aftermath: What it does when a child has died.
    """

    def __init__(self, worker: Owner, task: Task, keeper: Keeps, aftermath: Aftermath) -> None:
        self._worker = worker
        self._task = task
        self._keeper = keeper
        self._aftermath = aftermath
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
        holder = self._worker.new_holder()
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

    def _bury(self, horse: Horse, code: int) -> None:
        self._keeper.horse = None
        horse.page.count(_all_done(horse.page))
        death = ChildDeath(horse, code, self._killed_for)
        steps = (lambda: self._aftermath.settle(death), lambda: self._keeper.count(horse.page))
        for step in steps:
            self._away.insist(step, until=lambda: self._worker.grace_is_over)


def _all_done(page: Page) -> Count:
    """What a child has done: what it counted, and the runs that it did not come to commit."""
    done = page.done
    done.succeeded += len(page.journal())
    return done
