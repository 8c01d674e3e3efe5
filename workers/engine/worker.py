"""The worker of the RQ lane: `rq worker -w workers.MessageWorker -c worker_settings`.

It keeps RQ's loop, its work horses and its records, and changes what a message needs: three lists
a queue, no job in no list, refusal of foreign functions, and a burial for whatever is lost.
"""

import time
from collections.abc import Sequence
from typing import Any

import redis
from rq import Queue, Worker
from rq.exceptions import DeserializationError
from rq.executions import Execution
from rq.job import Job
from rq.registry import StartedJobRegistry
from rq.serializers import JSONSerializer
from rq.worker import WorkerStatus
from typing_extensions import override

from messages import PostroomError
from workers import dead_letters
from workers.attempts import MAX_TEXT
from workers.clock import utc_now
from workers.dependents import settle_dependents
from workers.engine.admission import Admission
from workers.engine.claims import Claimer
from workers.engine.parent import die_with_parent
from workers.engine.startup import prepare
from workers.foreign import is_ours
from workers.logger import get_logger
from workers.lost import give_another_chance
from workers.outcomes import announce
from workers.reconcile import reconcile, remove_old_letters
from workers.redaction import redacted
from workers.registry import run_hooks
from workers.retention import trim_after
from workers.routing import queue_of
from workers.settings import load_settings

log = get_logger("postroom.worker")

_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.02, 0.25  # seconds between two looks at empty queues
_RECONNECT_PAUSE = 1.0
_PROMOTE_EVERY = 0.5  # seconds between two looks for jobs that are due
_LOOK_UP_EVERY = 15  # seconds after which an idle worker shows it is alive and does maintenance


class MessageWorker(Worker):
    """Runs messages. Takes the queues' names; each name stands for its three lists."""

    def __init__(
        self,
        queues: Sequence[str | Queue],
        name: str | None = None,
        *,
        connection: redis.Redis | None = None,
        **options: Any,
    ) -> None:
        self.settings = load_settings()
        # RQ's command line passes its own serializer: whatever it says, nothing is unpickled.
        options["serializer"] = JSONSerializer
        options["queue_class"] = Queue
        client = connection or _connection_of(queues)
        self.base_queues = _base_names(queues)
        self._claimer = Claimer(self.base_queues, client, self.settings.queue_weights)
        self._promoted_at = 0.0
        self._shown_at = time.monotonic()
        super().__init__(list(self._claimer.lists), name, connection=client, **options)
        self._admission = Admission(self._claimer, self.settings, self.name)
        self.push_exc_handler(self._handle_abandoned)  # type: ignore[no-untyped-call]  # rq is typed in part

    @override
    def serialize(self) -> dict[str, Any]:
        """What RQ tells of a worker, and which class it is: stock workers have no such field."""
        kind = type(self)
        own = {"worker_class": f"{kind.__module__}.{kind.__qualname__}"}
        return {**super().serialize(), **own}

    # --- the loop -----------------------------------------------------------------------------

    @override
    def work(self, *args: Any, **options: Any) -> bool:
        """Load the application, then work as RQ does.

        RQ's own scheduler is not started: this worker moves due jobs itself.

        Raises:
            SystemExit: With a sentence, if the application cannot be loaded or lacks a handler.
        """
        try:
            prepare(self.base_queues, self.settings)
        except PostroomError as error:  # RQ would bury the sentence in its own traceback
            raise SystemExit(f"Worker {self.name} does not start: {error}") from error
        options["with_scheduler"] = False
        strategy = options.pop("dequeue_strategy", None)
        self._claimer.strategy = strategy or "default"
        run_hooks("worker_started", self.name)
        try:
            return bool(super().work(*args, **options))
        finally:
            run_hooks("worker_stopped", self.name)

    @property
    @override
    def dequeue_timeout(self) -> int:
        """Seconds an idle worker waits before it shows that it is alive."""
        return _LOOK_UP_EVERY

    @property
    @override
    def connection_timeout(self) -> int:
        """Seconds to wait for an answer; no command of ours blocks."""
        return max(_LOOK_UP_EVERY, int(self.settings.redis_timeout))

    @override
    def dequeue_job_and_maintain_ttl(
        self, timeout: int | None, max_idle_time: int | None = None
    ) -> tuple[Job, Queue] | None:
        """Take the next job that may run.

        Args:
            timeout: Seconds between two signs of life; None means burst mode: do not wait.
            max_idle_time: Give up after this many seconds without a job.

        Returns:
            The job and its queue; None if there is nothing to do any more.
        """
        self.set_state(WorkerStatus.IDLE)
        idle_since = time.monotonic()
        while True:
            self._show_life()
            idle_left = _left(max_idle_time, idle_since)
            found = self._wait_for_job(min(timeout or 0, idle_left))
            if found is not None:
                return found
            if timeout is None or _left(max_idle_time, idle_since) <= 0:
                return None

    def _wait_for_job(self, timeout: float) -> tuple[Job, Queue] | None:
        pause, until = _SHORTEST_PAUSE, time.monotonic() + timeout
        while True:
            try:
                found = self._take()
            except (redis.ConnectionError, redis.TimeoutError) as error:
                log.warning("redis_unreachable", worker=self.name, error=str(error))
                time.sleep(_RECONNECT_PAUSE)
                found = None
            if found is not None or time.monotonic() >= until:
                return found
            time.sleep(pause)
            pause = min(pause * 1.5, _LONGEST_PAUSE)

    def _take(self) -> tuple[Job, Queue] | None:
        if time.monotonic() - self._promoted_at >= _PROMOTE_EVERY:
            self._claimer.promote()
            self._promoted_at = time.monotonic()
        while (claim := self._claimer.claim()) is not None:
            job = self._admission.admit(claim)
            if job is not None:
                return job, Queue(
                    claim.queue, connection=self.connection, serializer=JSONSerializer
                )
            # Thousands may have to be held back or buried before one may run.
            if time.monotonic() - self._shown_at >= _LOOK_UP_EVERY:
                self._show_life()
        return None

    def _show_life(self) -> None:
        self._shown_at = time.monotonic()
        try:
            self.heartbeat()
            if self.should_run_maintenance_tasks:
                self.run_maintenance_tasks()
        except (redis.ConnectionError, redis.TimeoutError) as error:
            log.warning("redis_unreachable", worker=self.name, error=str(error))
            time.sleep(_RECONNECT_PAUSE)

    # --- how a job runs -------------------------------------------------------------------------

    @override
    def setup_work_horse_signals(self) -> None:
        """As RQ does, and do not outlive the worker."""
        die_with_parent()
        super().setup_work_horse_signals()  # type: ignore[no-untyped-call]  # rq is typed in part

    # --- how a job ends -------------------------------------------------------------------------

    @override
    def prepare_job_execution(
        self,
        job: Job,
        remove_from_intermediate_queue: bool = False,
    ) -> None:
        """As RQ does, and leave the list of taken jobs, however many queues there are."""
        del remove_from_intermediate_queue
        super().prepare_job_execution(job, remove_from_intermediate_queue=True)

    @override
    def handle_job_success(
        self, job: Job, queue: Queue, started_job_registry: StartedJobRegistry, execution: Execution
    ) -> None:
        """As RQ does, then tell who waits and keep the history short."""
        super().handle_job_success(job, queue, started_job_registry, execution)
        announce(job.id, "finished", connection=self.connection)
        trim_after(job, succeeded=True, connection=self.connection)

    @override
    def handle_job_failure(
        self,
        job: Job,
        queue: Queue,
        started_job_registry: StartedJobRegistry | None = None,
        exc_string: str = "",
        execution: Execution | None = None,
    ) -> None:
        """As RQ does for what is buried or stopped; a job that lost its process may run again."""
        if not self.connection.hexists(job.key, "data"):  # deleted while it ran: so it stays
            with self.connection.pipeline() as pipe:
                self.cleanup_execution(job, pipeline=pipe, execution=execution)
                pipe.unlink(job.key)  # RQ's last heartbeat has made half a record of it
                pipe.execute()
            return
        if not self.is_horse and self._is_lost(job):  # a horse that still speaks is not lost
            give_another_chance(
                job, error=exc_string[-MAX_TEXT:].strip(), worker=self.name, now=utc_now()
            )
        exc_string = redacted(exc_string)  # rq-dashboard shows it to anybody
        will_run_again = job.should_retry and self._stopped_job_id != job.id
        super().handle_job_failure(job, queue, started_job_registry, exc_string, execution)
        if not will_run_again:
            announce(job.id, "failed", connection=self.connection)
            settle_dependents(job.id, connection=self.connection)
            trim_after(job, succeeded=False, connection=self.connection)

    @override
    def run_maintenance_tasks(self) -> None:
        """As RQ does, then bury, settle and trim what it leaves behind."""
        super().run_maintenance_tasks()  # type: ignore[no-untyped-call]  # rq is typed in part
        now = utc_now()
        for name in self._claimer.lists:
            reconcile(name, settings=self.settings, now=now, connection=self.connection)
        remove_old_letters(settings=self.settings, now=now, connection=self.connection)

    def _is_lost(self, job: Job) -> bool:
        if self._stopped_job_id == job.id:
            return False
        job.get_meta(refresh=True)  # the horse may have buried it before it died
        return not job.meta.get(dead_letters.BURIED) and _ours(job)

    def _handle_abandoned(self, job: Job, *exc_info: Any) -> bool:
        # RQ's clean-up asks before it fails a job whose worker vanished (rq/registry.py).
        if getattr(exc_info[0], "__name__", "") == "AbandonedJobError" and self._is_lost(job):
            give_another_chance(
                job, error="its worker vanished", worker=job.worker_name or "", now=utc_now()
            )
        return True


def _ours(job: Job) -> bool:
    try:
        return is_ours(job)
    except DeserializationError:
        return False


def _left(limit: int | None, since: float) -> float:
    return float("inf") if limit is None else limit - (time.monotonic() - since)


def _base_names(queues: Sequence[str | Queue]) -> list[str]:
    names = (queue if isinstance(queue, str) else queue.name for queue in queues)
    return list(dict.fromkeys(queue_of(name) for name in names))


def _connection_of(queues: Sequence[str | Queue]) -> redis.Redis:
    for queue in queues:
        if isinstance(queue, Queue):
            return queue.connection
    message = "MessageWorker needs connection=, or rq.Queue objects that have one."
    raise TypeError(message)
