"""How jobs end that RQ's own code runs: as RQ has it, and with what our jobs need besides.

Those are foreign jobs, jobs with features of RQ that the engine does not speed up, and what RQ's
clean-up finds where stock workers left it.
"""

from typing import Any

from rq import Queue, Worker
from rq.exceptions import DeserializationError
from rq.executions import Execution
from rq.job import Job, Retry
from rq.registry import StartedJobRegistry
from typing_extensions import override

from workers import dead_letters, keys
from workers.attempts import MAX_TEXT
from workers.clock import utc_now
from workers.dependents import settle_dependents
from workers.engine.leases import Leases
from workers.foreign import is_ours
from workers.logger import get_logger
from workers.lost import give_another_chance
from workers.outcomes import Outcome, announce
from workers.redaction import redacted
from workers.retention import trim_after

log = get_logger("postroom.worker")


class RqEnds(Worker):
    """RQ's worker, whose runs end with a look at their lease.

    Args:
        leases: Those of this process.
    """

    leases: Leases

    @override
    def prepare_job_execution(self, job: Job, remove_from_intermediate_queue: bool = False) -> None:
        """As RQ does; the job stands in no list of taken jobs."""
        del remove_from_intermediate_queue
        super().prepare_job_execution(job, remove_from_intermediate_queue=False)

    @override
    def procline(self, message: str) -> None:
        """Leave the name of the process alone: it takes longer than a job."""

    @override
    def cleanup_execution(
        self, job: Job, pipeline: Any, execution: Execution | None = None
    ) -> None:
        """As RQ does, and give up the lease in the same transaction."""
        super().cleanup_execution(job, pipeline, execution)
        if execution is not None:
            pipeline.zrem(keys.leases(self.leases.holder), execution.composite_key)
            pipeline.zrem(keys.started(job.origin), execution.composite_key)
            pipeline.hincrby(self.key, "stock_job_count", 1)  # ended by RQ's code, not by a step

    @override
    def handle_job_success(
        self, job: Job, queue: Queue, started_job_registry: StartedJobRegistry, execution: Execution
    ) -> None:
        """As RQ does, then tell who waits and keep the history short."""
        if self._has_lost(job, execution):
            return
        super().handle_job_success(job, queue, started_job_registry, execution)
        announce(job, "finished", connection=self.connection)
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
        """As RQ does for what is buried or stopped."""
        if self._has_lost(job, execution):
            return
        if not self.connection.hexists(job.key, "data"):  # deleted while it ran: so it stays
            with self.connection.pipeline() as pipe:
                self.cleanup_execution(job, pipeline=pipe, execution=execution)
                pipe.unlink(job.key)  # RQ's last heartbeat has made half a record of it
                pipe.execute()
            return
        if not self.is_horse and self._is_lost(job):
            give_another_chance(
                job, error=exc_string[-MAX_TEXT:].strip(), worker=self.name, now=utc_now()
            )
        exc_string = redacted(exc_string)  # rq-dashboard shows it to anybody
        was_stopped = self._stopped_job_id == job.id
        will_run_again = job.should_retry and not was_stopped
        status: Outcome = "stopped" if was_stopped else "failed"
        super().handle_job_failure(job, queue, started_job_registry, exc_string, execution)
        if not will_run_again:
            announce(job, status, connection=self.connection)
            settle_dependents(job.id, connection=self.connection)
            trim_after(job, succeeded=False, connection=self.connection)

    @override
    def handle_job_retry(
        self,
        job: Job,
        queue: Queue,
        retry: Retry,
        started_job_registry: StartedJobRegistry,
        execution: Execution,
    ) -> None:
        """As RQ does for a job that asks to run again."""
        if not self._has_lost(job, execution):
            super().handle_job_retry(job, queue, retry, started_job_registry, execution)

    def _has_lost(self, job: Job, execution: Execution | None) -> bool:
        # RQ's own code knows no lease. Between this look and its transaction there is no other
        # way in than the lease's end, and a sign of life has just moved that away.
        if execution is None:
            return False
        self.leases.keep()
        if self.leases.holds_token(execution.composite_key):
            return False
        log.warning("lease_lost", job_id=job.id)
        self.executions.pop(execution.id, None)
        return True

    def _is_lost(self, job: Job) -> bool:
        # RQ's clean-up found it where a stock worker had left it. It may be buried already.
        if self._stopped_job_id == job.id:
            return False
        job.get_meta(refresh=True)
        return not job.meta.get(dead_letters.BURIED) and _is_message(job)


def handle_abandoned(job: Job, *exc_info: Any) -> bool:
    """Give a job another chance that a stock worker had when it vanished.

    Args:
        job: The job that RQ's clean-up is about to fail.
        exc_info: What RQ says of it.

    Returns:
        True: RQ is to ask the other handlers, too.
    """
    if getattr(exc_info[0], "__name__", "") == "AbandonedJobError" and _is_message(job):
        give_another_chance(
            job, error="its worker vanished", worker=job.worker_name or "", now=utc_now()
        )
    return True


def _is_message(job: Job) -> bool:
    try:
        return is_ours(job)
    except DeserializationError:
        return False
