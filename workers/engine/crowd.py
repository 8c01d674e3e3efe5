"""A child that runs several jobs at once: threads for `def`, an event loop for `async def`.

For handlers that wait. One thread holds the loop and decides; Redis is asked in a thread of its
own, so that the loop never waits for it.
"""

import asyncio
import os
import time
from collections import deque
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from rq.job import Job
from typing_extensions import override

from workers.engine.child import Child
from workers.engine.ears import CrowdEars
from workers.engine.interrupts import TaskClock, ThreadClock, look_at
from workers.engine.lane import Message
from workers.engine.loops import has_async_handler, loop_factory
from workers.engine.slot import NO_JOURNAL, Done, Slot
from workers.engine.step import Lease, Step
from workers.engine.task import LEAVE
from workers.logger import get_logger
from workers.runs import line_of
from workers.tracing import flush_spans

log = get_logger("postroom.worker")

_LOOK_EVERY = 0.25  # seconds between two looks at clocks and at the worker's wishes
_COMMIT_AFTER = 0.005  # seconds that a finished run waits for others to be committed with it


@dataclass(frozen=True)
class _Waiting:
    lease: Lease
    step: Step


class Crowd(Child):
    """One life of such a child."""

    batches = 1  # it asks for more before the last one is begun

    @override
    def __post_init__(self) -> None:
        """As a child that runs one job after the other, with more places."""
        super().__post_init__()
        self._most = self.settings.concurrency
        self._free = deque(range(self._most))
        self._waiting: deque[_Waiting] = deque()
        self._running: set[asyncio.Task[None]] = set()
        self._clocks: set[ThreadClock] = set()
        self._ears = CrowdEars(self.page, self._most)
        self._errands: set[asyncio.Task[None]] = set()
        self._alone: asyncio.Task[None] | None = None
        self._kinds: dict[str, bool] = {}

    @override
    def work(self) -> int:
        """Run jobs until the worker, the task or age says stop.

        Returns:
            `LEAVE` or `RECYCLE`.
        """
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            return runner.run(self._work())

    # --- the loop -------------------------------------------------------------------------------

    async def _work(self) -> int:
        parent = os.getppid()
        self._changed = asyncio.Event()
        self._jobs = ThreadPoolExecutor(self._most, "job")
        self._redis = ThreadPoolExecutor(1, "redis")
        self._waker = ThreadPoolExecutor(1, "bell")
        self._ears.open(self._look_for_cancelled)
        bell: asyncio.Future[bool] | None = None
        code = None
        while code is None:
            step = await self._ask(self._room())
            self._start_waiting()
            if self._is_idle and not step.leased and self.idle.is_over(step):
                code = LEAVE
                break
            if not step.leased or not self._room():
                if bell is None and self._free:
                    bell = self._listen(step)
                bell = await self._pause(bell)
            code = self._reason_to_go(parent)
        return await self._end(code)

    async def _end(self, code: int) -> int:
        rest = [each.lease for each in self._waiting]
        self._waiting.clear()
        if rest:
            await self._in(self._redis, lambda: self.lane.hand_back(rest))
        while self._running:
            await self._pause(None)
            await self._ask(0)
        await asyncio.gather(*self._errands)
        await self._ask(0)
        self.idle.close()
        flush_spans(self.settings)
        self.page.leave(code)
        return code

    @property
    def _is_idle(self) -> bool:
        return not self._running and not self._waiting

    def _room(self) -> int:
        # Some wait here already, so that no place is empty while Redis is asked.
        ahead = min(self._most, int(self._most * self.pace.per_second * self.pace.ahead))
        return max(0, min(self._wanted_left(), len(self._free) + ahead - len(self._waiting)))

    def _wanted_left(self) -> int:
        under_way = len(self._running) + len(self._waiting)
        left = self.task.recycle_after - self._count - under_way
        if self.task.max_jobs is not None:
            left = min(left, self.task.max_jobs - self._count - under_way)
        return left

    async def _ask(self, wanted: int) -> Step:
        heard = self._ears.heard
        step: Step = await self._in(self._redis, lambda: self.step(wanted))
        for run in self.steps.ready:  # they were noted while the journal was emptied
            self.page.write(run.committed)
        leased = step.leased
        if leased and heard != self._ears.heard:
            leased = await self._insist(lambda: self.lane.may_start(step.leased))
        for lease in leased:
            self._waiting.append(_Waiting(lease, step))
        return step

    async def _pause(self, bell: "asyncio.Future[bool] | None") -> "asyncio.Future[bool] | None":
        """Wait until there is something to do for Redis."""
        while True:
            late = self.steps.oldest + _COMMIT_AFTER - time.monotonic()
            seconds = min(max(late, 0.0), _LOOK_EVERY)
            changed = asyncio.ensure_future(self._changed.wait())
            heard: set[asyncio.Future[Any]] = {changed} if bell is None else {changed, bell}
            await asyncio.wait(heard, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            changed.cancel()
            self._changed.clear()
            look_at(self._clocks)
            self.lines.flush_older(_LOOK_EVERY)
            self._start_waiting()
            if bell is not None and bell.done():
                with suppress(Exception):
                    bell.result()
                return None
            if self._is_due() or self.page.is_to_stop or self.page.is_to_recycle:
                return bell
            if self._is_idle and bell is None:
                return bell

    def _is_due(self) -> bool:
        enough = max(1, self._most // 2)
        ready, is_late = self.steps.ready, time.monotonic() >= self.steps.oldest + _COMMIT_AFTER
        return bool(ready) and (is_late or len(ready) >= enough)

    def _listen(self, step: Step) -> "asyncio.Future[bool]":
        return asyncio.get_running_loop().run_in_executor(
            self._waker, lambda: self.idle.ring(step, _LOOK_EVERY * 8)
        )

    @staticmethod
    def _in(pool: ThreadPoolExecutor, call: Callable[[], Any]) -> "asyncio.Future[Any]":
        return asyncio.get_running_loop().run_in_executor(pool, call)

    # --- jobs -------------------------------------------------------------------------------------

    def _start_waiting(self) -> None:
        while self._waiting and self._free and self._may_start(self._waiting[0]):
            waiting = self._waiting.popleft()
            slot = self._free.popleft()
            task = asyncio.create_task(self._run_one(waiting, slot))
            if waiting.lease.is_suspect:
                self._alone = task
            self._running.add(task)
            task.add_done_callback(partial(self._over, slot, waiting.lease))

    def _may_start(self, waiting: _Waiting) -> bool:
        # One that may have killed its worker runs without neighbours, who would die with it.
        return self._alone is None and not (waiting.lease.is_suspect and self._running)

    def _look_for_cancelled(self) -> None:
        if self._waiting:
            self._see_to(self._take_out_cancelled())

    def _see_to(self, what: Coroutine[Any, Any, Any]) -> None:
        errand = asyncio.create_task(what)
        self._errands.add(errand)
        errand.add_done_callback(self._errands.discard)

    async def _take_out_cancelled(self) -> None:
        leases = [each.lease for each in self._waiting]
        asked = await self._insist(lambda: self.lane.asked_for(leases))
        # Some have started meanwhile; of those that are taken out here none can.
        out = [each for each in self._waiting if each.lease in asked]
        for each in out:
            self._waiting.remove(each)
        left = await self._insist(lambda: self.lane.may_start([o.lease for o in out]))
        self._waiting.extendleft(each for each in reversed(out) if each.lease in left)
        self._changed.set()

    async def _insist(self, call: Callable[[], Any]) -> Any:
        return await self._in(self._redis, lambda: self.away.insist(call))

    def _over(self, slot: int, lease: Lease, task: "asyncio.Task[None]") -> None:
        self.page.end(slot)
        self._ears.end(slot)
        self._running.discard(task)
        self._free.append(slot)
        self._count += 1
        self.idle.begin()
        if task is self._alone:
            self._alone = None
        if not task.cancelled() and (error := task.exception()) is not None:
            # In a child that runs one job after the other it would have ended the process.
            log.error("run_failed", job_id=lease.job_id, exc_info=error)
            self._see_to(self._insist(partial(self.lane.crashed, lease, line_of(error))))
        self._start_waiting()
        if self._is_due() or self._is_idle or len(self._waiting) < len(self._free):
            self._changed.set()

    async def _run_one(self, waiting: _Waiting, slot: int) -> None:
        lease, step = waiting.lease, waiting.step
        begin = time.monotonic()
        job: Message | Job | None = self.lane.admit_plain(lease, step)
        if job is None:
            job = await self._in(self._jobs, lambda: self.lane.admit(lease, step))
        if job is not None and type(job) is not Job:
            self._show(lease, job.timeout, slot)
            done = await self._run_plain(lease, job, step.now, slot)
            self._done.seconds += time.monotonic() - begin
            if done is None:
                self._done.failed += 1
                self.page.count(self._done)
            else:
                self.page.write(done.committed)
                self.steps.keep(done, time.monotonic())
        elif job is not None:
            self._show(lease, job.timeout, slot)
            self.page.mark_stock(slot)
            await self._in(self._jobs, partial(self.lane.run_stock, lease, job))
            self._done.others += 1
            self.page.count(self._done)
        self.pace.took(time.monotonic() - begin)

    async def _run_plain(self, lease: Lease, job: Message, now: float, slot: int) -> Done | None:
        if self._is_async(lease):
            clock = TaskClock()
            place = Slot(clock, NO_JOURNAL, self._ears.begin(slot, clock))
            return await self.messages.arun(lease, job, place, now=now)
        done: Done | None = await self._in(
            self._jobs, partial(self._run_in_thread, lease, job, now, slot)
        )
        return done

    def _run_in_thread(self, lease: Lease, job: Message, now: float, slot: int) -> Done | None:
        clock = ThreadClock()
        place = Slot(clock, NO_JOURNAL, self._ears.begin(slot, clock))
        self._clocks.add(clock)
        try:
            # Its end is noted by the thread that decides.
            return self.messages.run(lease, job, place, now=now)
        finally:
            self._clocks.discard(clock)

    def _is_async(self, lease: Lease) -> bool:
        kind = self.lane.type_of(lease)
        known = self._kinds.get(kind)
        if known is None:
            known = self._kinds[kind] = has_async_handler(kind)
        return known
