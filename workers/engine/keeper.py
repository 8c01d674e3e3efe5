"""What a worker does on clocks of its own, however long its child's jobs take."""

import resource
import time
from typing import TYPE_CHECKING, Any

from rq.executions import Execution, ExecutionRegistry
from rq.worker import WorkerStatus

from workers import keys
from workers.engine.away import Away
from workers.engine.clocks import Clock, Clocks
from workers.engine.due import AT_ONCE, Due
from workers.engine.leases import Leases
from workers.engine.page import Count, Page, Running
from workers.engine.recovery import reap
from workers.engine.step import Lease
from workers.logger import get_logger
from workers.published import publish
from workers.release import code_version
from workers.settings import Settings

if TYPE_CHECKING:
    from workers.engine.horse import Horse
    from workers.engine.worker import MessageWorker

log = get_logger("postroom.worker")

SHOWN_AFTER = 0.5
"""Seconds after which a running job is shown to RQ's readers."""
_PUBLISH_EVERY = 300.0  # seconds
_SETTLED_AFTER = 2.0  # seconds from the start to what can wait: the first jobs cannot
_SHOWN_FOR = 90  # seconds, as RQ shows a run without a new sign of life


class Keeper:
    """The clocks of a worker. While Redis is away they stand still together.

    Args:
        worker: The worker.
        leases: What it takes over.
        settings: The intervals.
    """

    def __init__(self, worker: "MessageWorker", leases: Leases, settings: Settings) -> None:
        self._worker = worker
        self._leases = leases
        self._due = Due(worker.lists, leases.connection)
        self._version = code_version(settings.code_version)
        self._counted = Count()
        self._shown: dict[str, tuple[Running, float]] = {}
        self._was_suspended = False
        self.horse: Horse | None = None
        soon = time.monotonic() + min(_SETTLED_AFTER, settings.maintenance_seconds)
        clocks = [
            Clock(settings.heartbeat_seconds, self._heartbeat),
            Clock(settings.reap_seconds, self._reap),
            Clock(settings.promote_seconds, self._promote),
            Clock(settings.maintenance_seconds, self._maintain, soon),
            Clock(_PUBLISH_EVERY, self._publish, soon),
        ]
        self._clocks = Clocks(clocks, Away(worker.name))

    def turn(self) -> None:
        """Do what is due."""
        self._clocks.turn(self._show)

    def _heartbeat(self) -> bool:
        worker, horse = self._worker, self.horse
        others = [] if horse is None else [horse.holder]
        self._leases.keep(*others)
        with self._leases.connection.pipeline(transaction=False) as pipe:
            worker.heartbeat(pipeline=pipe)
            pipe.hset(worker.key, mapping=self._facts())
            done = self._counted if horse is None else horse.page.done
            self._add(done - self._counted, pipe)
            pipe.exists(keys.suspended())
            answers = pipe.execute()
        self._counted = done
        if answers[0]:  # the record had expired, and the heartbeat has made half of one
            worker.register_again()
        self._show_suspension(bool(answers[-1]))
        return False

    def _show_suspension(self, is_suspended: bool) -> None:  # noqa: FBT001 - what was read
        if is_suspended and not self._is_busy():
            self._leases.connection.hset(self._worker.key, "state", WorkerStatus.SUSPENDED)
        if is_suspended and not self._was_suspended:
            log.info(
                "worker_suspended",
                worker=self._worker.name,
                remedy="It starts no job until `rq resume -c worker_settings`.",
            )
        self._was_suspended = is_suspended

    def _facts(self) -> dict[Any, Any]:
        horse = self.horse
        usage = resource.getrusage(resource.RUSAGE_SELF)
        return {
            "state": WorkerStatus.BUSY if self._is_busy() else WorkerStatus.IDLE,
            "child_pid": 0 if horse is None else horse.pid,
            "child_cpu_seconds": 0 if horse is None else horse.cpu_seconds(),
            "child_memory_mb": 0 if horse is None else round(horse.memory_mb(), 1),
            "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 3),
        }

    def _is_busy(self) -> bool:
        return self.horse is not None and bool(self.horse.page.running())

    def count(self, page: Page) -> None:
        """Write down what a child has done that is gone now, and take out of sight what it ran.

        Args:
            page: Of the child.
        """
        done = page.done
        with self._leases.connection.pipeline(transaction=False) as pipe:
            self._add(done - self._counted, pipe)
            pipe.execute()
        self._counted = Count()
        shown = {running.execution: running for running, _ in self._shown.values()}
        for running in {**shown, **{each.execution: each for each in page.running()}}.values():
            self._hide(running)
        self._shown.clear()

    def _add(self, news: Count, pipe: Any) -> None:
        if news == Count():
            return
        self._worker.jobs_done += news.succeeded + news.failed + news.others
        key = self._worker.key
        pipe.hincrby(key, "successful_job_count", news.succeeded)
        pipe.hincrby(key, "failed_job_count", news.failed)
        pipe.hincrbyfloat(key, "total_working_time", news.seconds)

    def _reap(self) -> bool:
        reap(self._leases)
        return False

    def _promote(self) -> bool:
        return self._due.promote() >= AT_ONCE

    def _maintain(self) -> bool:
        return self._worker.run_maintenance_tasks()

    def _publish(self) -> bool:
        publish(self._version, connection=self._leases.connection)
        return False

    # --- what takes long ------------------------------------------------------------------------

    def _show(self) -> None:
        now, running = time.monotonic(), self._slow()
        for token, each in running.items():
            if now - self._shown.get(token, (each, 0.0))[1] > _SHOWN_FOR / 3:
                self._show_one(each)
                self._shown[token] = (each, now)
        for token in self._shown.keys() - running.keys():
            self._hide(self._shown.pop(token)[0])

    def _slow(self) -> dict[str, Running]:
        page: Page | None = None if self.horse is None else self.horse.page
        slow = [] if page is None else [r for r in page.running() if r.seconds > SHOWN_AFTER]
        return {f"{each.job_id}:{each.execution}": each for each in slow}

    def _show_one(self, running: Running) -> None:
        lease = Lease(running.job_id, running.list_name, running.execution, {})
        began = time.time() - running.seconds
        holder = self.horse.holder if self.horse is not None else ""
        self._leases.show(lease, holder=holder, started=began, ttl=_SHOWN_FOR)

    def _hide(self, running: Running) -> None:
        execution = Execution(
            running.execution, running.job_id, self._leases.connection, self._worker.name
        )
        with self._leases.connection.pipeline(transaction=False) as pipe:
            pipe.delete(execution.key)
            pipe.zrem(ExecutionRegistry(running.job_id, pipe).key, running.execution)
            pipe.srem(execution.worker_executions_key, execution.composite_key)
            pipe.execute()
